"""The projections against float64, in both forms; and that a lane has the same results whoever is beside it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import Matrix, norm_linear, norm_swiglu, residual_linear

EPS = 1e-6
LAUNCH = Launcher()
GUARD = 7.0

# What a result may be off by, as a share of itself and of the usual size of its kind, by the coarsest dtype that it is rounded to:
# half a unit in the last place of the output, and of the operand of tensor cores. Sums in float32 are off by some 1e-7 of the sum
# of all absolute products, which here is up to 40 times as large as a result.
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}

# Triton's interpreter makes garbage of `tl.dot` in bfloat16.
DTYPES = {False: (torch.float32, torch.float16, torch.bfloat16), True: (torch.float32, torch.float16)}
NAMES = {False: "matvec", True: "matmul"}


def forms(*shapes: tuple[int, int, int], wide: tuple[tuple[int, int, int], ...] = ()) -> pytest.MarkDecorator:
    """Both forms in all their dtypes, over shapes (lanes, inputs, outputs), and the wide one over more."""
    return pytest.mark.parametrize(
        ("wide", "dtype", "lanes", "inputs", "outputs"),
        [
            pytest.param(form, dtype, *shape, id="-".join(map(str, (NAMES[form], str(dtype)[6:], *shape))))
            for form, dtypes in DTYPES.items()
            for dtype in dtypes
            for shape in (shapes + wide if form else shapes)
        ],
    )


@dataclass(frozen=True)
class Case:
    """One projection's tensors. x and out: views of rows that lie further apart; around: out's memory, with GUARD in its gaps."""

    x: Tensor
    norm: Tensor
    weight: Matrix
    bias: Tensor
    out: Tensor
    around: Tensor

    @property
    def normed(self) -> Tensor:
        """RMSNorm(x) in float64."""
        x = self.x.double()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * self.norm.double()

    def check(self, expected: Tensor, tolerance: float) -> None:
        """Assert that out is `expected` (float64), and that nothing beside it was written."""
        torch.testing.assert_close(
            self.out.double(), expected, rtol=tolerance, atol=tolerance * float(expected.square().mean().sqrt())
        )
        gaps = torch.ones_like(self.around, dtype=torch.bool)
        gaps[1:-1, 2 : 2 + self.out.shape[1]] = False
        assert (self.around[gaps] == GUARD).all()


def make(
    lanes: int, inputs: int, outputs: int, rows: int, dtype: torch.dtype, kind: torch.dtype | None = None, quantize: bool = False
) -> Case:
    """A case with `rows` rows of weights. kind: of out, the same dtype if None."""
    wide_x = torch.full((lanes, inputs + 8), torch.nan, dtype=dtype)
    wide_x[:, 4 : 4 + inputs] = torch.randn(lanes, inputs)
    around = torch.full((lanes + 2, outputs + 5), GUARD, dtype=kind or dtype)
    weight = Matrix((torch.randn(rows, inputs) / inputs**0.5).to(dtype))
    if quantize:
        weight = Matrix(weight.values.float().mul(100).to(torch.float8_e4m3fn), torch.rand(rows) / 50)
    return Case(
        x=wide_x[:, 4 : 4 + inputs],
        norm=1 + torch.randn(inputs).mul(0.2).to(dtype),
        weight=weight,
        bias=torch.randn(outputs).to(dtype),
        out=around[1:-1, 2 : 2 + outputs],
        around=around,
    )


@forms((1, 1024, 1), (2, 48, 64), (3, 513, 20), (9, 100, 5), wide=((9, 100, 130), (17, 1537, 33)))
def test_norm_and_projection(wide, dtype, lanes, inputs, outputs):
    case = make(lanes, inputs, outputs, outputs, dtype)
    norm_linear(LAUNCH, case.x, case.norm, EPS, case.weight, case.out, wide=wide)
    case.check(case.normed @ case.weight.wide(torch.float64).T, TOLERANCES[dtype])


@forms((1, 100, 77))
def test_bias_and_results_in_float32(wide, dtype, lanes, inputs, outputs):
    case = make(lanes, inputs, outputs, outputs, dtype, torch.float32)
    norm_linear(LAUNCH, case.x, case.norm, EPS, case.weight, case.out, case.bias, wide=wide)
    # Only tensor cores round here, their operand.
    tolerance = TOLERANCES[dtype if wide else torch.float32]
    case.check(case.normed @ case.weight.wide(torch.float64).T + case.bias.double(), tolerance)


@forms((1, 64, 40), (3, 1100, 6), (8, 513, 3), wide=((7, 513, 96), (33, 80, 20)))
def test_norm_gates_and_ups(wide, dtype, lanes, inputs, outputs):
    case = make(lanes, inputs, outputs, 2 * outputs, dtype)
    norm_swiglu(LAUNCH, case.x, case.norm, EPS, case.weight, case.out, wide=wide)
    gate, up = (case.normed @ case.weight.wide(torch.float64).T).chunk(2, dim=-1)
    case.check(gate * torch.sigmoid(gate) * up, TOLERANCES[dtype])


@forms((1, 100, 64), (4, 2050, 5), (16, 64, 2), wide=((16, 64, 130), (65, 48, 18)))
def test_projection_onto_the_residual(wide, dtype, lanes, inputs, outputs):
    case = make(lanes, inputs, outputs, outputs, dtype)
    case.out[:] = torch.randn(lanes, outputs)
    expected = case.out.double() + case.x.double() @ case.weight.wide(torch.float64).T
    residual_linear(LAUNCH, case.x, case.weight, case.out, wide=wide)
    case.check(expected, TOLERANCES[dtype])


@pytest.mark.parametrize("wide", NAMES, ids=NAMES.get)
@pytest.mark.parametrize("gated", [False, True], ids=["linear", "gated"])
def test_float8_weights_times_their_scales(wide, gated):
    case = make(3, 1100, 6, 12 if gated else 6, torch.float16, torch.float32, quantize=True)
    expected = case.normed @ case.weight.wide(torch.float64).T
    if gated:
        norm_swiglu(LAUNCH, case.x, case.norm, EPS, case.weight, case.out, wide=wide)
        gate, up = expected.chunk(2, dim=-1)
        expected = gate * torch.sigmoid(gate) * up
    else:
        norm_linear(LAUNCH, case.x, case.norm, EPS, case.weight, case.out, wide=wide)
    case.check(expected, TOLERANCES[torch.float16 if wide else torch.float32])


def results(case: Case, lanes: list[int], projection: str, wide: bool) -> Tensor:
    """What a projection makes of some of a case's lanes, in this order."""
    x, residual = case.x[lanes], case.out[lanes]
    if projection == "linear":
        norm_linear(LAUNCH, x, case.norm, EPS, case.weight, residual, wide=wide)
    elif projection == "swiglu":
        residual = residual[:, : residual.shape[1] // 2].contiguous()
        norm_swiglu(LAUNCH, x, case.norm, EPS, case.weight, residual, wide=wide)
    else:
        residual_linear(LAUNCH, x, case.weight, residual, wide=wide)
    return residual


@pytest.mark.parametrize("projection", ["linear", "swiglu", "residual"])
@pytest.mark.parametrize(("wide", "sizes"), [(False, (1, 2, 3, 5, 9)), (True, (1, 2, 16, 17, 33, 65))], ids=NAMES.values())
def test_a_lane_has_the_same_results_in_any_place_of_any_batch(projection, wide, sizes):
    case = make(max(sizes), 1100, 6, 6, torch.float16, torch.float32)
    case.out[:] = torch.randn(max(sizes), 6)
    everyone = results(case, list(range(max(sizes))), projection, wide)
    for size in sizes:
        some = torch.randperm(max(sizes))[:size]
        assert torch.equal(results(case, some.tolist(), projection, wide), everyone[some])


def test_tensors_that_do_not_fit_are_named():
    case = make(2, 64, 32, 32, torch.float32)
    with pytest.raises(ValueError, match=r"x \(2, 64\), weights \(32, 64\) and out \(2, 31\)"):
        residual_linear(LAUNCH, case.x, case.weight, case.out[:, 1:], wide=False)
    with pytest.raises(ValueError, match="have gaps"):
        residual_linear(LAUNCH, torch.randn(64, 2).T, case.weight, case.out, wide=False)
