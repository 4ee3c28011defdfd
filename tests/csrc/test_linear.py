"""The CPU linear layer against float64, and bit against bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

DTYPES = [torch.float32, torch.bfloat16, torch.float16]

# Around each vector width and tile: one short, whole, one over.
SHAPES = [
    (1, 1, 1),
    (1, 4099, 3),
    (2, 3, 4),
    (3, 15, 5),
    (4, 16, 16),
    (5, 17, 31),
    (6, 127, 33),
    (7, 128, 64),
    (8, 129, 7),
    (13, 64, 130),
    (33, 1024, 17),
]

# Relative to sum |x * w|. Rounding errors of opposite signs mostly cancel: 4099 terms come within 8e-8, where a wrong or lost term
# of them would show as 2e-4.
TOLERANCE = 4e-7


def unaligned(tensor: Tensor, offset: int) -> Tensor:
    """The same values `offset` elements after an aligned address."""
    storage = torch.empty(tensor.numel() + offset, dtype=tensor.dtype)
    moved = storage[offset:].view(tensor.shape)
    return moved.copy_(tensor)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
def test_equals_float64(linear: Callable[..., Tensor], isa: str, m: int, k: int, n: int, dtype: torch.dtype, biased: bool) -> None:
    x, weight = torch.randn(m, k), torch.randn(n, k).to(dtype)
    bias = torch.randn(n) if biased else None
    wide = weight.double()
    expected = x.double() @ wide.T + (0 if bias is None else bias.double())
    scale = x.double().abs() @ wide.abs().T + (0 if bias is None else bias.double().abs())
    error = (linear(x, weight, bias, isa=isa) - expected).abs() / scale
    assert error.max() <= TOLERANCE


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_widens_every_half_exactly(linear: Callable[..., Tensor], isa: str, dtype: torch.dtype) -> None:
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(dtype)
    widened = linear(torch.ones(1, 1), every[:, None], isa=isa)[0]
    # k = 5 goes through the whole vectors of the narrowest instruction set, k = 1 through the partial ones.
    spread = torch.zeros(2**16, 5, dtype=dtype)
    spread[:, 2] = every
    within = linear(torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]]), spread, isa=isa)[0]
    torch.testing.assert_close(widened, every.float(), rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(within, every.float(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [5, 64, 1027])
def test_a_row_is_the_same_in_any_batch(linear: Callable[..., Tensor], isa: str, k: int, dtype: torch.dtype) -> None:
    x, weight, bias = torch.randn(23, k), torch.randn(531, k).to(dtype), torch.randn(531)
    alone = torch.cat([linear(row[None], weight, bias, isa=isa) for row in x])
    for m in (2, 3, 6, 7, 23):
        for threads in (1, 2, 5):
            assert torch.equal(linear(x[:m], weight, bias, threads, isa), alone[:m])
            assert torch.equal(linear(x[-m:], weight, bias, threads, isa), alone[-m:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [1, 3, 7])
def test_any_alignment_gives_the_same(linear: Callable[..., Tensor], isa: str, dtype: torch.dtype, offset: int) -> None:
    x, weight, bias = torch.randn(7, 77), torch.randn(13, 77).to(dtype), torch.randn(13)
    moved = linear(unaligned(x, offset), unaligned(weight, offset), unaligned(bias, offset), isa=isa)
    assert torch.equal(moved, linear(x, weight, bias, isa=isa))


def test_infinities_and_nans_come_through(linear: Callable[..., Tensor], isa: str) -> None:
    x, weight = torch.ones(1, 20), torch.zeros(4, 20)
    weight[0, 3], weight[1, 19], weight[2, 0] = torch.inf, -torch.inf, torch.nan
    y = linear(x, weight, isa=isa)[0]
    assert y[0] == torch.inf and y[1] == -torch.inf and y[2].isnan() and y[3] == 0


def test_without_terms_the_bias_is_left(linear: Callable[..., Tensor], isa: str) -> None:
    bias = torch.randn(9)
    assert torch.equal(linear(torch.empty(2, 0), torch.empty(9, 0), bias, isa=isa), bias.expand(2, 9))
    assert torch.equal(linear(torch.empty(2, 0), torch.empty(9, 0), isa=isa), torch.zeros(2, 9))


@pytest.mark.parametrize(("m", "n"), [(0, 5), (5, 0), (0, 0)])
def test_an_empty_result_is_no_error(linear: Callable[..., Tensor], m: int, n: int) -> None:
    assert linear(torch.empty(m, 8), torch.empty(n, 8)).shape == (m, n)
