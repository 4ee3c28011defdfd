"""The generated code is that of the proto file. Compared is what depends on it: generated code also tells the tool's version."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from qwen3tts.server.rpc import tts_pb2

ROOT = Path(__file__).parents[2]
PROTO = "qwen3tts/server/rpc/tts.proto"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the installed tool makes of the proto file."""
    folder = tmp_path_factory.mktemp("generated")
    outputs = [f"--{kind}={folder}" for kind in ("pyi_out", "grpc_python_out")]
    assert protoc.main(["", f"-I{ROOT}", *outputs, f"--descriptor_set_out={folder / 'set'}", PROTO]) == 0
    return folder


def test_messages(generated: Path) -> None:
    (file,) = FileDescriptorSet.FromString((generated / "set").read_bytes()).file
    for message in file.message_type:
        for field in message.field:
            field.ClearField("json_name")
    assert file.SerializeToString(deterministic=True) == tts_pb2.DESCRIPTOR.serialized_pb


@pytest.mark.parametrize("name", ["tts_pb2.pyi", "tts_pb2_grpc.py"])
def test_types_and_methods(generated: Path, name: str) -> None:
    committed = (ROOT / PROTO).with_name(name)
    assert definitions(generated / "qwen3tts/server/rpc" / name) == definitions(committed)


def definitions(path: Path) -> list[str]:
    """What stands in the classes and functions of a file, but the order of slots, and how it says that a bool may be left out."""
    tree = ast.parse(path.read_text().replace("_Optional[bool]", "bool"))
    parts = [part for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) for part in node.body]
    return [text for text in map(ast.unparse, parts) if not text.startswith("__slots__")]
