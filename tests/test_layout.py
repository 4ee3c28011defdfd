"""The house rules that can be read from the files: who imports whom, and how long things are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"qwen3tts": "qwen3tts", "kernels": "qwen3tts.kernels", "cli": "qwen3tts.cli", "bench": "qwen3tts.bench"}
UNPACKAGED = ("tests", "deploy", "examples")
PYTHON_FILES = [ROOT / "setup.py", *sorted(path for folder in (*FOLDERS, *UNPACKAGED) for path in (ROOT / folder).rglob("*.py"))]
CPP_FILES = sorted(path for path in (ROOT / "csrc").rglob("*") if path.suffix in {".h", ".cpp", ".inc", ".cuh", ".cu"})

EVERYONE = {"qwen3tts.errors", "qwen3tts.types", "qwen3tts.config"}

# Besides the standard library, EVERYONE and itself, this is all that a part may import.
ONLY = {
    "qwen3tts.kernels": {"torch", "triton"},
    "qwen3tts.text": {"emoji", "num2words", "pymorphy3", "rutextnorm", "tokenizers"},
    "qwen3tts.cache.pages": set(),
    "qwen3tts.engine.profile": {"yaml"},
    "qwen3tts.engine.scheduler": {"qwen3tts.cache.pages", "qwen3tts.engine.profile", "qwen3tts.engine.utterance"},
    "qwen3tts.native": {"torch", "qwen3tts._C"},
    "qwen3tts.model": {"torch", "flash_attn", "qwen3tts.kernels", "qwen3tts.native"},
    "qwen3tts.codec": {"torch", "numpy", "qwen3tts.kernels", "qwen3tts.native"},
}

NEVER = {
    "qwen3tts": {"transformers", "qwen_tts", "librosa", "tests", "kernels", "cli", "bench"},
    "qwen3tts.kernels": EVERYONE,
    "qwen3tts.engine": {"qwen3tts.text", "qwen3tts.server", "qwen3tts.cli"},
    "qwen3tts.server": {"qwen3tts.model", "qwen3tts.kernels", "qwen3tts.cache"},
    "qwen3tts.cli": {"qwen3tts.model", "qwen3tts.kernels", "qwen3tts.cache"},
}

TORCH_FREE = [
    "qwen3tts",
    "qwen3tts.backend",
    "qwen3tts.device",
    "qwen3tts.text",
    "qwen3tts.cache.pages",
    "qwen3tts.engine.profile",
    "qwen3tts.engine.scheduler",
]

MOST_FILE_LINES, MOST_FUNCTION_LINES, MOST_COLUMNS = 300, 60, 132  # the columns of Python are ruff's affair


def module_name(path: Path) -> str:
    """The name that a file of the package is imported under."""
    folder, *parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([FOLDERS[folder], *(part for part in parts if part != "__init__")])


MODULES = {module_name(path): path for path in PYTHON_FILES if path.relative_to(ROOT).parts[0] in FOLDERS}


def nodes_that_run(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from nodes_that_run(child)


def imports(name: str) -> set[str]:
    """The modules that a module of the package imports, at any level, by full name."""
    path, found = MODULES[name], set()
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in nodes_that_run(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*parts, *([node.module] if node.module else [])])
            members = {f"{source}.{alias.name}" for alias in node.names}
            found |= {member if member in MODULES or member == "qwen3tts._C" else source for member in members}
    return found


def within(name: str, parents: set[str]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


@pytest.mark.parametrize("part", ONLY)
def test_a_part_imports_only_what_it_may(part: str) -> None:
    allowed = ONLY[part] | {part} | EVERYONE | set(sys.stdlib_module_names)
    names = [name for name in MODULES if within(name, {part})]
    assert names
    assert {name: wrong for name in names if (wrong := {other for other in imports(name) if not within(other, allowed)})} == {}


@pytest.mark.parametrize("part", NEVER)
def test_a_part_never_imports_what_it_must_not(part: str) -> None:
    names = [name for name in MODULES if within(name, {part})]
    assert {name: wrong for name in names if (wrong := {other for other in imports(name) if within(other, NEVER[part])})} == {}


@pytest.mark.parametrize("name", TORCH_FREE)
def test_imports_without_torch(name: str) -> None:
    program = f"import sys, {name}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file, with their number of lines."""
    lines = path.read_text().splitlines()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.name, node.end_lineno - node.lineno + 1
        return
    for end, line in enumerate(lines):
        if closing := re.fullmatch(r"( {0,2})}", line):
            # A body is indented deeper than its signature, and so is a signature's second line.
            start = next(i for i in range(end - 1, -1, -1) if re.match(closing[1] + r"[\w\[~]", lines[i]))
            yield lines[start].strip(), end - start + 1


@pytest.mark.parametrize("path", [*PYTHON_FILES, *CPP_FILES], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= MOST_FILE_LINES
    assert {name: length for name, length in functions(path) if length > MOST_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", CPP_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_cpp_lines_are_short(path: Path) -> None:
    assert max(map(len, path.read_text().splitlines())) <= MOST_COLUMNS
