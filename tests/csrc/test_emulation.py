"""The emulated GPU, on which kernels are tested where there is no other: it computes what a GPU does, and notices what it must."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
EMULATION = Path(__file__).parent / "emulation"


class Kernels:
    """The functions of emulated_kernels.cu, by name without `run_`. Each returns what went wrong, or None."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def __call__(self, name: str, *arguments: Tensor | int) -> str | None:
        function = getattr(self.library, f"run_{name}")
        function.restype = ctypes.c_char_p
        pointers = (ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else a for a in arguments)
        error = function(*pointers)
        return None if error is None else error.decode()


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    library = tmp_path_factory.mktemp("emulation") / "kernels.so"
    flags = ["-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{EMULATION}", f"-I{ROOT / 'csrc'}"]
    subprocess.run(
        ["g++", *flags, "-x", "c++", str(Path(__file__).with_name("emulated_kernels.cu")), "-o", str(library)], check=True
    )
    return Kernels(library)


@pytest.fixture(params=["forward", "reverse"])
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both orders in which the threads of a block may run."""
    monkeypatch.setenv("QWEN3TTS_EMULATION", request.param)
    return request.param


def test_every_thread_of_every_block_runs(kernels: Kernels, order: str) -> None:
    y = torch.full((13, 96), -1, dtype=torch.int32)
    assert kernels("places", y) is None
    assert torch.equal(y[:12], torch.arange(12, dtype=torch.int32)[:, None] * 1000 + torch.arange(96, dtype=torch.int32))
    assert (y[12] == -1).all()


def test_shared_memory_lasts_over_a_barrier(kernels: Kernels, order: str) -> None:
    x, y = torch.randn(96), torch.empty(96)
    assert kernels("reversed", x, y, 96, True) is None
    assert torch.equal(y, x.flip(0))


def test_a_race_shows(kernels: Kernels, order: str) -> None:
    x, y = torch.randn(96), torch.empty(96)
    assert kernels("reversed", x, y, 96, False) is None
    late = y.isnan()
    assert late.sum() == 48 and late[:48].all() == (order == "forward")


@pytest.mark.parametrize("with_barrier", [True, False])
def test_a_warp_goes_as_far_as_it_can(kernels: Kernels, order: str, with_barrier: bool) -> None:
    """Before the other has read what it writes over: one of two warps sees it, by the order which."""
    y = torch.empty(2, 32)
    assert kernels("reused", y, with_barrier) is None
    overtaken = torch.zeros(2) if with_barrier else torch.tensor([1, 0] if order == "forward" else [0, 1])
    assert torch.equal(y, (1 + overtaken)[:, None].expand(2, 32))


def test_shuffles(kernels: Kernels, order: str) -> None:
    x, y = torch.randint(-9, 9, (32,)).float(), torch.empty(32)
    assert kernels("shuffles", x, y) is None
    assert torch.equal(y, x.sum() + x[3] + torch.cat((x[1:], x[-1:])))


def test_a_barrier_that_a_thread_never_reaches(kernels: Kernels, order: str) -> None:
    assert kernels("missing", 1, 64, 0, False) is None
    assert "emulated_kernels.cu" in (kernels("missing", 1, 64, 0, True) or "")
    assert kernels("missing", 1, 64, 0, False) is None


def test_barriers_mixed_up(kernels: Kernels, order: str) -> None:
    assert (kernels("mixed") or "").count("emulated_kernels.cu") == 2


@pytest.mark.parametrize(
    ("blocks", "threads", "shared"), [(-1, 32, 0), (1, 0, 0), (1, 33, 0), (1, 1056, 0), (1, 32, (99 << 10) + 1)]
)
def test_launches_that_a_gpu_refuses(kernels: Kernels, blocks: int, threads: int, shared: int) -> None:
    assert kernels("missing", blocks, threads, shared, False)


def test_an_empty_grid_is_no_launch(kernels: Kernels) -> None:
    assert kernels("missing", 0, 32, 0, False) is None


def tf32(x: Tensor) -> Tensor:
    """The nearest number with 10 bits of mantissa, halves away from zero."""
    mantissa, exponent = torch.frexp(x.double())
    return torch.ldexp((mantissa.abs() * 2**11 + 0.5).floor() * mantissa.sign(), exponent - 11)


@pytest.mark.parametrize("rounded", [True, False])
def test_tensor_cores(kernels: Kernels, order: str, rounded: bool) -> None:
    """What is not rounded to TF32 before is cut off by the hardware."""
    x, w, y = torch.randn(16, 8), torch.randn(8, 8), torch.empty(16, 8)
    x[0, 0], x[1, 1] = 1 + 2**-11, -(2 + 3 * 2**-11)  # halves: rounded up, cut down
    assert kernels("product", x, w, y, rounded) is None
    read = tf32 if rounded else lambda v: (v.view(torch.int32) & ~0x1FFF).view(torch.float32).double()
    assert torch.equal(y, (read(x) @ read(w)).float())
    assert not torch.equal(y.double(), x.double() @ w.double())


@pytest.mark.parametrize("pending", [0, 1, 2])
def test_copies_come_when_they_are_waited_for(kernels: Kernels, pending: int) -> None:
    x, y = torch.randn(32, 4), torch.zeros(32, 8)
    source = torch.cat((x, torch.zeros(32, 4)), dim=1)
    assert kernels("copies", source[:, :4].contiguous(), y, pending) is None
    arrived = torch.tensor([pending < 2] * 4 + [pending < 1] * 4)
    assert torch.equal(y[:, arrived], source[:, arrived]) and y[:, ~arrived].isnan().all()


def test_a_copy_that_is_not_aligned(kernels: Kernels) -> None:
    assert kernels("copies", torch.randn(129)[1:], torch.zeros(32, 8), 0) == "a copy is not aligned"
