"""What launches cost on a GPU, by its data sheet and what was measured of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qwen3tts.kernels.launch import Work

from .report import Result

BANDWIDTH_SHARE = 4.3 / 4.8
TENSOR_SHARE = 788 / 989
"""Measured on an H200, over its data sheet: a copy, and a matrix product in bfloat16. Assumed of every other GPU."""

TF32_SHARE = 0.4
"""Of the tensor cores' rate in TF32, what the codec's convolutions are assumed to reach while they wait for nothing. mma.sync has
0.63 of Hopper's at best (Luo et al., "Benchmarking and Dissecting the Nvidia Hopper GPU Architecture", 2024), without loads."""

WAIT_SECONDS = 0.8e-6
"""Assumed of a trip to memory that a block of the codec waits for, with the barrier after it."""

BFLOAT16_KERNELS = frozenset({"matmul", "prefill_attention"})
TF32_KERNELS = frozenset({"convolution"})

BLOCK_SHARED = 1024
"""Bytes of shared memory that CUDA itself takes of a block."""


class Planned(Protocol):
    """A launch that is planned: of `kernels` or of `csrc/codec/cuda`."""

    @property
    def name(self) -> str: ...
    @property
    def grid(self) -> tuple[int, ...]: ...
    @property
    def warps(self) -> int: ...
    @property
    def work(self) -> Work: ...


@dataclass(frozen=True)
class CodecLaunch:
    """A launch of `csrc/codec/cuda`.

    waits: trips to memory that a block makes one after another; some that are on their way at once count as one. shared: bytes of
    shared memory of a block. resident: blocks that a multiprocessor has registers for. operations: of a block, with those on rows
    and columns that nobody wants.
    """

    name: str
    grid: tuple[int, ...]
    warps: int
    work: Work
    waits: float
    shared: int
    resident: int
    operations: float

    @property
    def blocks(self) -> int:
        """Of the grid."""
        return math.prod(self.grid)


def moved(launch: Planned) -> int:
    """Bytes that a launch moves."""
    return launch.work.weight_bytes + launch.work.state_bytes


@dataclass(frozen=True)
class GPU:
    """A GPU by its data sheet.

    bandwidth: bytes a second. tensor, float32: operations a second of the tensor cores (bfloat16, no sparsity, sums in float32; in
    TF32 they make half as many) and of the other units. memory: bytes. capability: compute capability. processors: its
    multiprocessors. shared: bytes of shared memory in each of them.
    """

    name: str
    bandwidth: float
    tensor: float
    float32: float
    memory: float
    capability: tuple[int, int]
    processors: int
    shared: int

    def seconds(self, moved: int) -> float:
        """How long so many bytes take."""
        return moved / (self.bandwidth * BANDWIDTH_SHARE)

    def predict(self, launch: Planned) -> float:
        """Seconds that a launch takes, without its own cost."""
        computing = launch.work.operations / self._peak(launch.name)
        if isinstance(launch, CodecLaunch):
            # The multiprocessor with the most blocks ends last.
            computing = -(-launch.blocks // self.processors) * self.processors * launch.operations / self._peak(launch.name)
            computing = max(computing, self._rounds(launch) * launch.waits * WAIT_SECONDS)
        return max(self.seconds(moved(launch)), computing)

    def _peak(self, kernel: str) -> float:
        if kernel in BFLOAT16_KERNELS:
            return self.tensor * TENSOR_SHARE
        return self.tensor / 2 * TF32_SHARE if kernel in TF32_KERNELS else self.float32

    def _rounds(self, launch: CodecLaunch) -> int:
        """How often the multiprocessors are filled with blocks."""
        resident = min(launch.resident, self.shared // (launch.shared + BLOCK_SHARED))
        return -(-launch.blocks // (self.processors * resident))


GPUS = {
    gpu.name: gpu
    for gpu in (
        GPU("H200", 4.8e12, 989e12, 67e12, 141e9, (9, 0), 132, 228 * 1024),  # SXM, as are the next two
        GPU("H100", 3.35e12, 989e12, 67e12, 80e9, (9, 0), 132, 228 * 1024),
        GPU("A100", 2.039e12, 312e12, 19.5e12, 80e9, (8, 0), 108, 164 * 1024),
        GPU("L4", 0.3e12, 121e12, 30.3e12, 24e9, (8, 9), 58, 100 * 1024),
        GPU("L40S", 0.864e12, 362e12, 91.6e12, 48e9, (8, 9), 142, 100 * 1024),
        GPU("RTX4090", 1.008e12, 165e12, 82.6e12, 24e9, (8, 9), 128, 100 * 1024),
        GPU("RTX5090", 1.792e12, 209.5e12, 104.8e12, 32e9, (12, 0), 170, 100 * 1024),
    )
}


@dataclass(frozen=True)
class Cost:
    """What some launches cost: their number, the bytes that they move, and seconds: the floor, the prediction, and how much of the
    latter is the cost of launching."""

    launches: int
    moved: int
    floor: float
    predicted: float
    launching: float

    @classmethod
    def of(cls, launches: Sequence[Planned], gpu: GPU, launch_seconds: float) -> Cost:
        """Add up launches."""
        total, launching = sum(map(moved, launches)), len(launches) * launch_seconds
        return cls(len(launches), total, gpu.seconds(total), launching + sum(map(gpu.predict, launches)), launching)

    def results(self, name: str) -> list[Result]:
        """Launches, bytes, floor and prediction of `name`."""
        return [
            Result(f"{name}_launches", self.launches, "launches"),
            Result(f"{name}_bytes", self.moved, "B"),
            Result(f"{name}_floor_ms", self.floor * 1e3, "ms", note="bytes over bandwidth"),
            self.prediction(name),
        ]

    def prediction(self, name: str) -> Result:
        """The prediction alone, over its floor."""
        note = f"{self.launching / self.predicted:.0%} is launching, by an assumed cost"
        return Result(f"{name}_predicted_ms", self.predicted * 1e3, "ms", self.floor * 1e3, note)
