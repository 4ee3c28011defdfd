"""Operations on each instruction set, and cut into calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from qwen3tts import _C
from qwen3tts.native import Past, dispatch

Operation = Callable[[Tensor, Past | None], tuple[Tensor | None, ...]]
Stream = Callable[..., tuple[Tensor, ...]]

SLOTS = 5


@pytest.fixture(params=_C.cpu_features())
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each instruction set in turn, for layers packed for it and for all operations that have no layers."""

    def run(name: str, path: str, x: Tensor, *arguments: Any) -> None:
        isa = () if name in ("convolution", "residual_unit") else (request.param,)
        getattr(_C, name)(*arguments, _C.available_threads(), *isa)

    monkeypatch.setattr(dispatch, "run", run)
    return request.param


@pytest.fixture
def stream() -> Stream:
    """Run an operation with a past of `rows` over x (B, T, C) in pieces of `cuts` steps, in slots full of garbage.

    Whatever does not belong to the call's slots has to stay as it was.
    """

    def run(operation: Operation, x: Tensor, rows: int, cuts: Iterable[int], slots: Iterable[int]) -> tuple[Tensor, ...]:
        history = torch.full((2, SLOTS, rows, x.shape[2]), torch.nan, dtype=x.dtype)
        past = Past(history, torch.tensor(slots), torch.tensor([[0, call] for call in range(SLOTS)]))
        others = [slot for slot in range(SLOTS) if slot not in slots]
        pieces = []
        for piece in x.split(list(cuts), dim=1):
            pieces.append([part for part in operation(piece.contiguous(), past) if part is not None])
            past.progress[past.slots] += torch.tensor([piece.shape[1], 1])
        assert history[:, others].isnan().all()
        return tuple(torch.cat(parts, dim=1) for parts in zip(*pieces, strict=True))

    return run


@pytest.fixture
def check_stream(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Callable[[Operation, Tensor, int, int], None]:
    """However x (3, T, C) is cut, beside whom and by how many threads: the same bits as the whole. Cuts are multiples of stride."""

    def same(actual: Iterable[Tensor | None], expected: Iterable[Tensor]) -> None:
        parts = [part for part in actual if part is not None]
        assert all(torch.equal(part, other) for part, other in zip(parts, expected, strict=True))

    def check(operation: Operation, x: Tensor, rows: int, stride: int = 1) -> None:
        whole = [part for part in operation(x, None) if part is not None]
        steps = x.shape[1] // stride
        for threads in ("1", "2", "5"):
            monkeypatch.setenv("OMP_NUM_THREADS", threads)
            same(operation(x, None), whole)
            for cuts in ([steps], [1] * steps, [2, 5, 1, steps - 8]):
                same(stream(operation, x, rows, [cut * stride for cut in cuts], [4, 0, 3]), whole)
        alone = stream(operation, x[1:2].contiguous(), rows, [3 * stride, (steps - 3) * stride], [2])
        same(alone, [part[1:2] for part in whole])

    return check
