"""The machine code of the extension's CUDA kernels, for GPUs that need not be here; what it computes is tested by emulation."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from qwen3tts import _C

STATIC_SHARED_LIMIT = 48 * 1024  # bytes of a block, on every GPU


@dataclass(frozen=True)
class Kernel:
    """One kernel as compiled for one architecture. resources: what a thread or a block of it takes, by cuobjdump's names."""

    architecture: str
    name: str
    resources: dict[str, int]
    code: str


def find_cuobjdump() -> str | None:
    """The CUDA toolkit's, or the one that comes with Triton."""
    triton = find_spec("triton")
    bundled = triton and triton.origin and Path(triton.origin).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    return shutil.which("cuobjdump") or (str(bundled) if bundled and bundled.exists() else None)


def dump(cuobjdump: str, option: str) -> list[tuple[str, str, str]]:
    """(architecture, kernel, text) for every kernel of the extension."""
    text = subprocess.check_output([cuobjdump, option, _C.__file__], text=True)
    found = []
    for section in re.split(r"^Fatbin elf code:$", text, flags=re.MULTILINE)[1:]:
        architecture = re.search(r"^arch = (\w+)$", section, re.MULTILINE)
        assert architecture
        functions = re.split(r"^\s*Function\s*:?\s+(\w+):?$", section, flags=re.MULTILINE)[1:]
        found += [(architecture[1], *function) for function in zip(functions[::2], functions[1::2], strict=True)]
    return found


@pytest.fixture(scope="module")
def kernels() -> list[Kernel]:
    if not _C.build_info()["cuda"]:
        pytest.skip("the extension is built without CUDA")
    cuobjdump = find_cuobjdump()
    if cuobjdump is None:
        pytest.skip("there is no cuobjdump")
    code = {(architecture, name): text for architecture, name, text in dump(cuobjdump, "-sass")}
    return [
        Kernel(architecture, name, {what: int(size) for what, size in re.findall(r"(\w+):(\d+)", text)}, code[architecture, name])
        for architecture, name, text in dump(cuobjdump, "--dump-resource-usage")
    ]


def test_every_architecture_has_every_kernel(kernels: list[Kernel]) -> None:
    names = {
        kernel.architecture: {other.name for other in kernels if other.architecture == kernel.architecture} for kernel in kernels
    }
    assert len({frozenset(each) for each in names.values()}) == 1
    assert {"sm_80", "sm_89", "sm_90"} <= names.keys()  # sm_120 takes CUDA 12.8


def test_nothing_spills(kernels: list[Kernel]) -> None:
    """Neither registers nor arrays lie in local memory, and blocks fit."""
    for kernel in kernels:
        assert kernel.resources["STACK"] == kernel.resources["LOCAL"] == 0, kernel
        assert not re.search(r"\b(LDL|STL)\b", kernel.code), kernel
        assert kernel.resources["SHARED"] <= STATIC_SHARED_LIMIT, kernel


def test_convolutions_run_on_tensor_cores(kernels: list[Kernel]) -> None:
    products = [kernel for kernel in kernels if "convolve" in kernel.name]
    assert products
    for kernel in products:
        assert re.search(r"\bHMMA\.1688\.F32\.TF32\b", kernel.code), kernel
        assert re.search(r"\bLDGSTS\.E\.BYPASS\.128\b", kernel.code), kernel  # weights and rows go past the registers
