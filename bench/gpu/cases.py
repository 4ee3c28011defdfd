"""Kernels by themselves against float64: what a case is, how wrong a result may be, and the loop over all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.kernels.launch import Launcher

from .record import Record, number, one_line
from .scope import Scope

ROUNDING = {torch.bfloat16: 2.0**-9, torch.float16: 2.0**-12, torch.float32: 2.0**-22}
"""Root mean square of what rounding a number to 8, 11 or 24 bits changes, relative to the number: 2^-9.3, 2^-12.3, 2^-25.3. Sums of
thousands of float32 products err by some 8 times their rounding."""

ROUNDINGS = 3
"""A result is rounded once; what is multiplied and what is cached before it may be rounded, too, and SiLU and softmax at most
double what they are given. Errors of independent roundings add up by their squares."""


@dataclass(frozen=True)
class Case:
    """One call of a kernel on numbers of a dtype.

    group: of the cases that are reported together. run: makes the launches, on buffers of its own that are NaN where nothing is
    written, and returns what they wrote. error: how wrong that is. tolerance: how wrong it may be. chains: whether its launches are
    the launcher's, which may chain them.
    """

    dtype: torch.dtype
    group: str
    name: str
    run: Callable[[Launcher], Sequence[Tensor]]
    error: Callable[[Sequence[Tensor]], float]
    tolerance: float
    chains: bool = True


@dataclass(frozen=True)
class Numbers:
    """Random tensors for cases; on the meta device without numbers."""

    device: torch.device
    dtype: torch.dtype

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Gaussian numbers of this deviation."""
        return torch.empty(shape, device=self.device).normal_().mul_(scale).to(self.dtype)

    def around_one(self, *shape: int) -> Tensor:
        """Weights of a norm."""
        return torch.empty(shape, device=self.device).normal_(1.0, 0.1).to(self.dtype)

    def poison(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """NaN, for results."""
        return torch.full(shape, torch.nan, device=self.device, dtype=dtype or self.dtype)

    def integers(self, values: Sequence[int], dtype: torch.dtype = torch.int64) -> Tensor:
        """Given integers."""
        return torch.tensor(values, dtype=dtype, device=self.device)

    @property
    def tolerance(self) -> float:
        """Of a result that is rounded to the dtype."""
        return ROUNDINGS * ROUNDING[self.dtype]


def relative_error(expected: Callable[[], Sequence[Tensor]]) -> Callable[[Sequence[Tensor]], float]:
    """The largest relative error among some results, each taken as a whole: the norm of the difference over that of the result."""

    def error(results: Sequence[Tensor]) -> float:
        pairs = [(result.double(), exact.double()) for result, exact in zip(results, expected(), strict=True)]
        return max(((result - exact).norm() / exact.norm()).item() for result, exact in pairs)

    return error


def check_all(cases: Iterable[Case], scope: Scope, record: Record) -> None:
    """Run every case in every launch mode, and keep the worst error of each group. A case that raises fails."""
    worst: defaultdict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for case in cases:
        if scope.over:
            record.remark("the time was up before all cases were run")
            break
        for dependent in modes(case, scope):
            group = f"{case.group}.{str(case.dtype).removeprefix('torch.')}{'.chained' if dependent else ''}"
            try:
                error = case.error(case.run(Launcher(dependent)))
                worst[group].append((error, case.tolerance, case.name))
            except Exception as failure:  # whatever it is, the other cases say something, too
                record.fail(f"{group} {case.name}: {one_line(failure)}")
        if not _works(scope):
            record.remark("the GPU takes no more work from this process: the cases after that are left out")
            break
    _report(worst, record)


def modes(case: Case, scope: Scope) -> tuple[bool, ...]:
    """How a case is launched: in every way in the models' dtype, and as the engine launches in the others."""
    if not case.chains:
        return (False,)
    return scope.launch_modes if case.dtype == scope.dtype else scope.launch_modes[-1:]


def _works(scope: Scope) -> bool:
    """Whether the device goes on after an error."""
    try:
        torch.zeros(1, device=scope.device).item()
    except RuntimeError:
        return False
    return True


def _report(worst: dict[str, list[tuple[float, float, str]]], record: Record) -> None:
    rows = []
    for group, errors in worst.items():
        # One that fails before one that passes; NaN fails.
        error, tolerance, name = max(errors, key=lambda item: (not item[0] <= item[1], item[0]))
        record.check(group, error, tolerance, f"worst of {len(errors)}: {name}")
        rows.append((group, str(len(errors)), number(error), number(tolerance), "passed" if error <= tolerance else "FAILED"))
    record.table("Kernels against float64", ("kernel", "cases", "worst error", "tolerance", ""), rows)
