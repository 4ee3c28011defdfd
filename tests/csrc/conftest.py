"""The extension takes addresses; its tests take tensors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from qwen3tts import _C

Linear = Callable[..., Tensor]
Snake = Callable[..., Tensor]


@pytest.fixture(params=_C.cpu_features())
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set of this machine in turn."""
    return request.param


@pytest.fixture
def linear() -> Linear:
    """`_C.linear` of contiguous tensors."""

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None, threads: int = 1, isa: str = "auto") -> Tensor:
        (m, k), n = x.shape, weight.shape[0]
        y = torch.full((m, n), torch.nan)
        bias_ptr = 0 if bias is None else bias.data_ptr()
        dtype = str(weight.dtype).removeprefix("torch.")
        _C.linear(x.data_ptr(), weight.data_ptr(), bias_ptr, y.data_ptr(), m, k, n, dtype, threads, isa)
        return y

    return run


@pytest.fixture
def snake() -> Snake:
    """`_C.snake` of contiguous tensors."""

    def run(x: Tensor, alpha: Tensor, inv_beta: Tensor, threads: int = 1, isa: str = "auto") -> Tensor:
        y = torch.full_like(x, torch.nan)
        _C.snake(x.data_ptr(), alpha.data_ptr(), inv_beta.data_ptr(), y.data_ptr(), *x.shape, threads, isa)
        return y

    return run
