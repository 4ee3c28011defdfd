"""How kernels are started: one launcher for running them and for planning what would run.

Every wrapper takes a launcher first. It decides whether launches are chained (programmatic dependent launch: a kernel starts while
its predecessor ends, loads weights, and waits with `gdc_wait` before it touches anything that the predecessor writes), and it can
write the launches down instead of running them: that list is what `bench.roofline` counts and what the compile tests compile.

A chained kernel has to wait in every program and on every path: a program that ended without waiting would let the kernel after it
pass its own wait while the kernel before it still runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

DEPENDENT_CAPABILITY = (9, 0)
"""The compute capability from which on launches can be chained."""


@dataclass(frozen=True)
class Work:
    """What a launch has to do at least. weight_bytes, state_bytes: moved to or from memory (weights; everything else).
    operations: multiplications and additions."""

    weight_bytes: int
    state_bytes: int
    operations: int


@dataclass(frozen=True)
class Launch:
    """One planned launch: a kernel, its grid, its arguments, its constants and options, and its work."""

    kernel: Any
    grid: tuple[int, ...]
    arguments: tuple[Any, ...]
    constants: dict[str, Any]
    warps: int
    stages: int
    work: Work

    @property
    def name(self) -> str:
        """The kernel's name, without underscores around it."""
        return self.kernel.__name__.strip("_").removesuffix("_kernel")


@dataclass(frozen=True)
class Launcher:
    """Starts kernels on the current device and stream.

    dependent: chain the launches (DEPENDENT_CAPABILITY and later). plan: a list that takes the launches instead of the device.
    """

    dependent: bool = False
    plan: list[Launch] | None = None

    def __call__(
        self, kernel: Any, grid: tuple[int, ...], *arguments: Any, work: Work, warps: int, stages: int = 1, **constants: Any
    ) -> None:
        """Start `kernel[grid](*arguments, **constants)`; its last constant is always DEPENDENT."""
        constants["DEPENDENT"] = self.dependent
        if self.plan is not None:
            self.plan.append(Launch(kernel, grid, arguments, constants, warps, stages, work))
            return
        options = {"launch_pdl": True} if self.dependent else {}
        kernel[grid](*arguments, **constants, num_warps=warps, num_stages=stages, enable_fp_fusion=True, **options)


def bytes_of(*tensors: torch.Tensor | None) -> int:
    """Bytes of tensors that are read or written once."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)
