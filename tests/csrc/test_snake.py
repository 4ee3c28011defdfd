"""Snake on the CPU and the GPU against float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from qwen3tts import _C

# Relative to |x| + inv_beta, the largest that y can be. sin^2 is off by 1e-7 at most, and the sum rounds once more.
TOLERANCE = 2e-7


def snake_reference(x: Tensor, alpha: Tensor, inv_beta: Tensor) -> Tensor:
    """float64 (rows, channels), of a phase rounded to float32 as torch and the official decoder round it."""
    phase = (alpha * x).double()
    return x.double() + inv_beta.double() * phase.sin().square()


def check(y: Tensor, x: Tensor, alpha: Tensor, inv_beta: Tensor) -> None:
    error = (y - snake_reference(x, alpha, inv_beta)).abs() / (x.double().abs() + inv_beta)
    assert error.max() <= TOLERANCE


@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e3, 5e3, 1e6, 1e30])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (7, 16), (3, 63), (1920, 4), (9, 192)])
def test_equals_float64(snake: Callable[..., Tensor], isa: str, shape: tuple[int, int], largest: float) -> None:
    x = torch.empty(shape).uniform_(-largest, largest)
    alpha, inv_beta = torch.empty(shape[-1]).uniform_(0.1, 4), torch.empty(shape[-1]).uniform_(0.1, 4)
    check(snake(x, alpha, inv_beta, isa=isa), x, alpha, inv_beta)


def test_next_to_every_zero_of_the_sine(snake: Callable[..., Tensor], isa: str) -> None:
    x = (torch.arange(-1300, 1301).double() * torch.pi / 2).float()
    x = torch.stack([x, x.nextafter(torch.tensor(torch.inf)), x.nextafter(torch.tensor(-torch.inf))])
    one = torch.ones(x.shape[1])
    sine = snake(x, one, one * 2**24, isa=isa).double() - x.double()
    expected = x.double().sin().square() * 2**24
    assert (sine - expected).abs().max() <= 2**24 * 2e-7


def test_threads_give_the_same(snake: Callable[..., Tensor], isa: str) -> None:
    x, alpha, inv_beta = torch.randn(2002, 33), torch.rand(33) + 0.1, torch.rand(33)
    alone = snake(x, alpha, inv_beta, 1, isa)
    assert all(torch.equal(snake(x, alpha, inv_beta, threads, isa), alone) for threads in (2, 3, 8))


def test_a_sample_does_not_depend_on_its_neighbours(snake: Callable[..., Tensor], isa: str) -> None:
    x = torch.randn(40, 33) * 10 ** torch.empty(40, 33).uniform_(0, 6)
    alpha, inv_beta = torch.rand(33) + 0.1, torch.rand(33)
    whole = snake(x, alpha, inv_beta, 2, isa)
    assert torch.equal(torch.cat([snake(row[None], alpha, inv_beta, 1, isa) for row in x]), whole)
    columns = [snake(x[:, c : c + 1].contiguous(), alpha[c : c + 1], inv_beta[c : c + 1], 1, isa) for c in range(33)]
    assert torch.equal(torch.cat(columns, dim=1), whole)


def test_in_place(snake: Callable[..., Tensor], isa: str) -> None:
    x, alpha, inv_beta = torch.randn(100, 3), torch.rand(3) + 0.1, torch.rand(3)
    expected = snake(x, alpha, inv_beta, isa=isa)
    _C.snake(x.data_ptr(), alpha.data_ptr(), inv_beta.data_ptr(), x.data_ptr(), *x.shape, 1, isa)
    assert torch.equal(x, expected)


def test_nothing_is_written_beyond_a_row(isa: str) -> None:
    x, one, y = torch.randn(13), torch.ones(13), torch.full((32,), 7.0)
    _C.snake(x.data_ptr(), one.data_ptr(), one.data_ptr(), y.data_ptr(), 1, 13, 1, isa)
    assert (y[13:] == 7.0).all() and (y[:13] != 7.0).all()


def test_what_is_no_number_stays_so(snake: Callable[..., Tensor], isa: str) -> None:
    x, one = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf, 2.0]).reshape(1, 5), torch.ones(5)
    y = snake(x, one, one, isa=isa)[0]
    assert y.isnan().tolist() == [False, True, True, True, False]
    torch.testing.assert_close(y[[0, 4]].double(), snake_reference(x, one, one)[0, [0, 4]], rtol=TOLERANCE, atol=0)


@pytest.mark.skipif(
    not (_C.build_info()["cuda"] and torch.cuda.is_available()), reason="needs a GPU and an extension built with nvcc"
)
@pytest.mark.parametrize("largest", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("shape", [(1, 1), (10, 3), (8, 1536), (1920, 96), (4004, 768)])
def test_cuda_equals_float64(shape: tuple[int, int], largest: float) -> None:
    x = torch.empty(shape).uniform_(-largest, largest)
    alpha, inv_beta = torch.empty(shape[-1]).uniform_(0.1, 4), torch.empty(shape[-1]).uniform_(0.1, 4)
    on_gpu = [tensor.cuda() for tensor in (x, alpha, inv_beta)]
    y = torch.empty_like(on_gpu[0])
    addresses = [tensor.data_ptr() for tensor in (*on_gpu, y)]
    _C.snake_cuda(*addresses, *shape, torch.cuda.current_stream().cuda_stream)
    check(y.cpu(), x, alpha, inv_beta)
