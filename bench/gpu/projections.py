"""Checks of the projections, in the shapes of the models and in awkward ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from qwen3tts.config import ModelConfig, StackConfig
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import (
    Matrix,
    norm_linear,
    norm_linear_reference,
    norm_swiglu,
    norm_swiglu_reference,
    residual_linear,
)
from qwen3tts.model.packed import quantize_rows

from .cases import ROUNDING, Case, Numbers, check_all, relative_error
from .record import Record
from .scope import Scope
from .subject import SMALL, configs

EPS = 1e-6
LANES = {False: (1, 8), True: (9, 64)}
AWKWARD_LANES = {False: (3, 11), True: (17, 130)}
"""By the form of the kernel, False for matrix-vector products: neither a power of two nor a divisor of any tile."""
AWKWARD = ((20, 48), (130, 100))


def run(scope: Scope, record: Record) -> None:
    """Check them all."""
    check_all(cases(scope, scope.device), scope, record)


def cases(scope: Scope, device: torch.device) -> Iterator[Case]:
    """All cases; on the meta device they can be planned."""
    for dtype in scope.dtypes:
        numbers, fp8 = Numbers(device, dtype), scope.fp8 and dtype == scope.dtype
        most = 2 if scope.on_gpu else 1
        for n, k in AWKWARD[:most]:
            for wide, lanes in _forms(AWKWARD_LANES, most):
                yield from _of_shape(numbers, lanes, n, k, wide, fp8)
        for size in scope.sizes:
            if size != SMALL:
                yield from _released(numbers, configs(size)[0], fp8)


def _forms(lanes: dict[bool, tuple[int, ...]], most: int) -> list[tuple[bool, int]]:
    return [(wide, choice) for wide, choices in lanes.items() for choice in choices[:most]]


def _released(numbers: Numbers, config: ModelConfig, fp8: bool) -> Iterator[Case]:
    talker = config.talker_config
    predictor = talker.code_predictor_config
    for wide, lanes in _forms(LANES, 2):
        for stack in (talker, predictor):
            for quantize in (False, True) if fp8 else (False,):
                yield from _layer(numbers, stack, lanes, wide, quantize)
            yield _norm_linear(numbers, lanes, stack.vocab_size, stack.hidden_size, wide, logits=True)
        if talker.hidden_size != predictor.hidden_size:
            yield _norm_linear(numbers, lanes, predictor.hidden_size, talker.hidden_size, wide, bias=True)


def _layer(numbers: Numbers, stack: StackConfig, lanes: int, wide: bool, quantize: bool) -> Iterator[Case]:
    hidden, inner = stack.hidden_size, stack.intermediate_size
    yield _norm_linear(numbers, lanes, stack.query_size + 2 * stack.key_value_size, hidden, wide, quantize)
    yield _residual_linear(numbers, lanes, hidden, stack.query_size, wide, quantize)
    yield _norm_swiglu(numbers, lanes, inner, hidden, wide, quantize)
    yield _residual_linear(numbers, lanes, hidden, inner, wide, quantize)


def _of_shape(numbers: Numbers, lanes: int, n: int, k: int, wide: bool, fp8: bool) -> Iterator[Case]:
    for quantize in (False, True) if fp8 else (False,):
        yield _norm_linear(numbers, lanes, n, k, wide, quantize, bias=True)
        yield _residual_linear(numbers, lanes, n, k, wide, quantize)
        yield _norm_swiglu(numbers, lanes, n, k, wide, quantize)
    yield _norm_linear(numbers, lanes, n, k, wide, logits=True)


def _norm_linear(
    numbers: Numbers, lanes: int, n: int, k: int, wide: bool, quantize: bool = False, *, bias: bool = False, logits: bool = False
) -> Case:
    """x is every other row of a larger tensor. logits: float32 results."""
    weight = _weight(numbers, n, k, quantize)
    x, norm = numbers.normal(2 * lanes, k)[::2], numbers.around_one(k)
    offset = numbers.normal(n) if bias else None

    def run(launch: Launcher) -> tuple[Tensor]:
        out = numbers.poison(lanes, n, dtype=torch.float32 if logits else None)
        norm_linear(launch, x, norm, EPS, weight, out, offset, wide=wide)
        return (out,)

    def exact() -> tuple[Tensor]:
        wide_offset = None if offset is None else offset.double()
        return (norm_linear_reference(x.double(), norm.double(), EPS, _exact(weight), wide_offset),)

    case = _case("norm_linear", numbers, (lanes, n, k), wide, quantize, run, exact)
    # Matrix-vector products round nothing but their results, tensor cores their operands, too.
    return replace(case, tolerance=ROUNDING[torch.float32] * 8) if logits and not wide else case


def _norm_swiglu(numbers: Numbers, lanes: int, n: int, k: int, wide: bool, quantize: bool) -> Case:
    weight = _weight(numbers, 2 * n, k, quantize)
    x, norm = numbers.normal(lanes, k), numbers.around_one(k)

    def run(launch: Launcher) -> tuple[Tensor]:
        out = numbers.poison(lanes, n)
        norm_swiglu(launch, x, norm, EPS, weight, out, wide=wide)
        return (out,)

    def exact() -> tuple[Tensor]:
        return (norm_swiglu_reference(x.double(), norm.double(), EPS, _exact(weight)),)

    return _case("norm_swiglu", numbers, (lanes, n, k), wide, quantize, run, exact)


def _residual_linear(numbers: Numbers, lanes: int, n: int, k: int, wide: bool, quantize: bool) -> Case:
    weight = _weight(numbers, n, k, quantize)
    x, residual = numbers.normal(lanes, k), numbers.normal(lanes, n)

    def run(launch: Launcher) -> tuple[Tensor]:
        out = residual.clone()
        residual_linear(launch, x, weight, out, wide=wide)
        return (out,)

    def exact() -> tuple[Tensor]:
        return (residual.double() + x.double() @ _exact(weight).T,)

    return _case("residual_linear", numbers, (lanes, n, k), wide, quantize, run, exact)


def _weight(numbers: Numbers, n: int, k: int, quantize: bool) -> Matrix:
    values = numbers.normal(n, k, scale=k**-0.5)
    return quantize_rows(values) if quantize else Matrix(values)


def _exact(weight: Matrix) -> Tensor:
    """The weights that the values stand for, in float64."""
    values = weight.values.float().double()
    return values if weight.scales is None else values * weight.scales.double()[:, None]


def _case(
    kernel: str,
    numbers: Numbers,
    shape: tuple[int, ...],
    wide: bool,
    quantize: bool,
    run: Callable[[Launcher], tuple[Tensor]],
    exact: Callable[[], tuple[Tensor]],
) -> Case:
    form, weights = "wide" if wide else "matvec", ".fp8" if quantize else ""
    name = "x".join(map(str, shape))
    return Case(numbers.dtype, f"{kernel}.{form}{weights}", name, run, relative_error(exact), numbers.tolerance)
