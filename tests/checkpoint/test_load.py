"""Loading a release folder: what is checked, what is mapped, and what each damage is called."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from qwen3tts.checkpoint import load_checkpoint
from qwen3tts.config import GenerationConfig
from qwen3tts.errors import CheckpointError, ConfigError

SMALL = Path(__file__).parents[1] / "data" / "small"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be damaged."""
    return Path(shutil.copytree(SMALL / "base", tmp_path / "model", ignore=shutil.ignore_patterns("golden")))


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def complaint(folder: Path, error: type[CheckpointError] = CheckpointError) -> str:
    with pytest.raises(error) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["base", "custom_voice", "voice_design"])
def test_tensors_are_those_of_the_files(kind: str) -> None:
    checkpoint = load_checkpoint(SMALL / kind)
    assert checkpoint.folder == SMALL / kind
    assert checkpoint.config.kind == kind
    assert checkpoint.generation.max_new_tokens == 8192
    for tensors, path in ((checkpoint.model, "model.safetensors"), (checkpoint.codec, "speech_tokenizer/model.safetensors")):
        expected = load_file(SMALL / kind / path)
        assert set(tensors) == set(expected)
        assert all(torch.equal(tensors[name], expected[name]) for name in expected)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_tensors_are_views_of_the_mapped_files() -> None:
    checkpoint = load_checkpoint(SMALL / "base")
    for tensors, name in (
        (checkpoint.model, "base/model.safetensors"),
        (checkpoint.codec, "base/speech_tokenizer/model.safetensors"),
    ):
        lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(name)]
        ranges = [tuple(int(end, 16) for end in line[0].split("-")) for line in lines]
        for tensor in tensors.values():
            start = tensor.data_ptr()
            assert any(low <= start and start + tensor.nbytes <= high for low, high in ranges)


def test_the_codec_is_read_as_it_is_mapped_into_memory_of_its_own(folder: Path) -> None:
    path = folder / "speech_tokenizer" / "model.safetensors"
    tensors = load_file(path)
    for name, dtype in zip(sorted(tensors), (torch.bfloat16, torch.float16), strict=False):
        tensors[name] = tensors[name].to(dtype)
    save_file(tensors, path, {"format": "pt"})
    read = load_checkpoint(folder).read_codec()
    assert set(read) == set(tensors) and "nothing" not in read
    for name, tensor in tensors.items():
        once, again = read[name], read[name]
        assert once.dtype is tensor.dtype and torch.equal(once, tensor)
        assert once.data_ptr() != again.data_ptr()


def test_generation_config_may_be_absent(folder: Path) -> None:
    (folder / "generation_config.json").unlink()
    assert load_checkpoint(folder).generation == GenerationConfig()


def test_shards(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:20], "model-00002-of-00002.safetensors": names[20:]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    index = {name: file for file, part in parts.items() for name in part}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    loaded = load_checkpoint(folder).model
    assert all(torch.equal(loaded[name], tensors[name]) for name in names)

    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "lacks model-00002-of-00002.safetensors" in complaint(folder)


@pytest.mark.parametrize("index", [{}, {"weight_map": {"a": 1}}, {"weight_map": {"a": "../elsewhere.safetensors"}}])
def test_broken_shard_index(folder: Path, index: dict) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "has no weight_map" in complaint(folder)


def test_no_folder(tmp_path: Path) -> None:
    assert "is not a folder" in complaint(tmp_path / "nothing")


def test_every_missing_file_is_named(folder: Path) -> None:
    missing = ["config.json", "merges.txt", "speech_tokenizer/config.json", "speech_tokenizer/model.safetensors"]
    for name in missing:
        (folder / name).unlink()
    message = complaint(folder)
    assert all(name in message for name in missing)
    assert "vocab.json" not in message


def test_tokenizer_json_stands_for_vocabulary_and_merges(folder: Path) -> None:
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    (folder / "tokenizer.json").write_text("{}")
    assert load_checkpoint(folder).config.kind == "base"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n "a": 1,\n "b" 2}', "line 3, column 6: not JSON"),
        (b"", "line 1, column 1: not JSON"),
        (b"[1]", "not a JSON object but list"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "speech_tokenizer/config.json"])
def test_broken_json(folder: Path, name: str, content: bytes, message: str) -> None:
    (folder / name).write_bytes(content)
    text = complaint(folder, ConfigError)
    assert str(folder / name) in text and message in text


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config.json", "model_type", "qwen3"),
        ("config.json", "tokenizer_type", "qwen3_tts_tokenizer_25hz"),
        ("config.json", "tts_model_type", "singing"),
        ("speech_tokenizer/config.json", "model_type", "qwen3_tts_tokenizer_25hz"),
    ],
)
def test_another_family(folder: Path, name: str, key: str, value: str) -> None:
    edit(folder / name, **{key: value}, a_key_of_that_family=1)
    message = complaint(folder, ConfigError)
    assert f"{key} is '{value}'" in message and "only the Qwen3-TTS 12 Hz models are supported" in message


def test_codec_of_another_release(folder: Path) -> None:
    path = folder / "speech_tokenizer" / "config.json"
    decoder = json.loads(path.read_text())["decoder_config"]
    edit(path, decoder_config=decoder | {"num_quantizers": 8})
    assert "num_code_groups and the decoder's num_quantizers differ, 16 and 8" in complaint(folder, ConfigError)
    edit(path, decoder_config=decoder | {"codebook_size": 64})
    assert "codebook_size differ, 128 and 64" in complaint(folder, ConfigError)


def test_speaker_embedding_of_another_width(folder: Path) -> None:
    encoder = json.loads((folder / "config.json").read_text())["speaker_encoder_config"]
    edit(folder / "config.json", speaker_encoder_config=encoder | {"enc_dim": 63})
    assert "enc_dim is 63 and the talker's hidden_size 64" in complaint(folder, ConfigError)


def test_every_wrong_tensor_is_named(folder: Path) -> None:
    def damage(tensors: dict[str, Tensor]) -> None:
        del tensors["talker.model.norm.weight"], tensors["talker.codec_head.weight"]
        tensors["talker.extra.weight"] = torch.zeros(3)
        tensors["talker.model.text_embedding.weight"] = torch.zeros(2, 3)
        tensors["speaker_encoder.fc.bias"] = torch.zeros(64, dtype=torch.int64)

    rewrite(folder / "model.safetensors", damage)
    message = complaint(folder)
    assert str(folder / "model.safetensors") in message
    assert "2 missing: talker.codec_head.weight, talker.model.norm.weight;" in message
    assert "1 unexpected: talker.extra.weight;" in message
    assert "1 of another shape: talker.model.text_embedding.weight is (2, 3), expected (615, 48);" in message
    assert "1 of another dtype: speaker_encoder.fc.bias is I64, expected BF16 or F16 or F32:" in message


def test_every_missing_tensor_is_named(folder: Path) -> None:
    gone: list[str] = []

    def drop(tensors: dict[str, Tensor]) -> None:
        gone.extend(list(tensors)[:100])
        for name in gone:
            del tensors[name]

    rewrite(folder / "speech_tokenizer" / "model.safetensors", drop)
    message = complaint(folder)
    assert "100 missing: " in message
    assert all(name in message for name in gone)


@pytest.mark.parametrize("name", ["model.safetensors", "speech_tokenizer/model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64, b"\x00" * 64])
def test_foreign_file(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert f"{folder / name} is not a whole safetensors file" in complaint(folder)


@pytest.mark.parametrize("left", [4, 1000, -1])
def test_truncated_file(folder: Path, left: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    assert "is not a whole safetensors file" in complaint(folder)


MEASURE = """
import sys
from pathlib import Path
import torch
from qwen3tts.checkpoint import load_checkpoint

def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

started = memory("VmRSS")
checkpoint = load_checkpoint(Path(sys.argv[1]))
mapped = memory("VmRSS")
for tensor in (*checkpoint.model.values(), *checkpoint.codec.values()):
    tensor.sum()
print(mapped - started, memory("VmHWM"))
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_full_size_checkpoint(tmp_path: Path) -> None:
    """Mapping 2.5 GB reads next to nothing; reading every weight once peaks below the files and a quarter."""
    folder = tmp_path / "full"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "bench.weights", "0.6B", str(folder)], check=True, cwd=root)
    files = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    done = subprocess.run([sys.executable, "-c", MEASURE, str(folder)], check=True, capture_output=True, text=True, cwd=root)
    mapped, peak = map(int, done.stdout.split())
    assert mapped < 0.05 * files
    assert peak < 1.25 * files
