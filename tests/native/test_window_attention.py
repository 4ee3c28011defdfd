"""Window attention on the CPU against the textbook in float64, and bit against bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qwen3tts.native import window_attention, window_attention_reference

# Cosines and sines are float32, off by 6e-8, in scores of size 5 and weighted sums of values of size 3.
TOLERANCE = dict(rtol=0, atol=5e-6)

SLOTS = [4, 0, 3]
SHAPES = [(1, 1, 2, 1), (4, 2, 6, 5), (6, 2, 34, 7), (3, 3, 64, 72)]  # heads, kv_heads, head_dim, window


def textbook(qkv: Tensor, frequencies: Tensor, heads: int, kv_heads: int, window: int) -> Tensor:
    """One utterance from its start, (n, heads + 2 kv_heads, head_dim) in float64 -> (n, heads, head_dim), step by step."""
    angles = torch.arange(len(qkv)).float()[:, None] * frequencies
    turn = torch.polar(torch.ones_like(angles), angles).to(torch.complex128)[:, None]
    first, second = qkv[:, : heads + kv_heads].chunk(2, dim=-1)
    turned = torch.complex(first, second) * turn
    query, key = torch.cat([turned.real, turned.imag], dim=-1).split((heads, kv_heads), dim=1)
    value = qkv[:, heads + kv_heads :]
    rows = []
    for step in range(len(qkv)):
        seen = slice(max(0, step - window + 1), step + 1)
        for head in range(heads):
            group = head * kv_heads // heads
            weights = (key[seen, group] @ query[step, head] / qkv.shape[2] ** 0.5).softmax(0)
            rows.append(weights @ value[seen, group])
    return torch.stack(rows).view(len(qkv), heads, -1)


class Rings:
    """Keys and values of five slots, all garbage."""

    def __init__(self, kv_heads: int, head_dim: int, window: int, dtype: torch.dtype = torch.float32) -> None:
        self.keys = torch.full((5, window, kv_heads, head_dim), torch.nan, dtype=dtype)
        self.values = self.keys.clone()
        self.progress = torch.zeros(5, 2, dtype=torch.int64)

    def __call__(self, qkv: Tensor, frequencies: Tensor, slots: list[int], operation=window_attention) -> Tensor:
        places = torch.tensor(slots)
        y = operation(qkv.contiguous(), self.keys, self.values, frequencies, places, self.progress)
        self.progress[places] += torch.tensor([qkv.shape[1], 1])
        return y


def signal(heads: int, kv_heads: int, head_dim: int) -> tuple[Tensor, Tensor]:
    return torch.randn(3, 83, (heads + 2 * kv_heads) * head_dim), torch.rand(head_dim // 2)


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim", "window"), SHAPES)
def test_reference_is_the_textbook(heads: int, kv_heads: int, head_dim: int, window: int) -> None:
    qkv, frequencies = signal(heads, kv_heads, head_dim)
    qkv, rings = qkv.double(), Rings(kv_heads, head_dim, window, torch.float64)
    pieces = [rings(piece, frequencies, SLOTS, window_attention_reference) for piece in qkv.split([1, 5, 2, 75], dim=1)]
    expected = [textbook(row.unflatten(1, (-1, head_dim)), frequencies, heads, kv_heads, window) for row in qkv]
    torch.testing.assert_close(torch.cat(pieces, dim=1), torch.stack(expected).flatten(2), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim", "window"), SHAPES)
def test_equals_float64(isa: str, heads: int, kv_heads: int, head_dim: int, window: int) -> None:
    qkv, frequencies = signal(heads, kv_heads, head_dim)
    rings, wide = Rings(kv_heads, head_dim, window), Rings(kv_heads, head_dim, window, torch.float64)
    for piece in qkv.split([1, 5, 2, 75], dim=1):
        actual = rings(piece, frequencies, SLOTS)
        expected = wide(piece.double(), frequencies, SLOTS, window_attention_reference)
        torch.testing.assert_close(actual.double(), expected, **TOLERANCE)
    for ring, wide_ring in ((rings.keys, wide.keys), (rings.values, wide.values)):
        torch.testing.assert_close(ring.double(), wide_ring, **TOLERANCE, equal_nan=True)


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim", "window"), SHAPES)
def test_any_cut_gives_the_same(
    isa: str, heads: int, kv_heads: int, head_dim: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    qkv, frequencies = signal(heads, kv_heads, head_dim)
    whole = Rings(kv_heads, head_dim, window)(qkv, frequencies, SLOTS)
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        for cuts in ([83], [1] * 83, [2, 70, 11]):
            rings = Rings(kv_heads, head_dim, window)
            pieces = [rings(piece, frequencies, SLOTS) for piece in qkv.split(cuts, dim=1)]
            assert torch.equal(torch.cat(pieces, dim=1), whole)
            assert rings.keys[[1, 2]].isnan().all() and rings.values[[1, 2]].isnan().all()
    assert torch.equal(Rings(kv_heads, head_dim, window)(qkv[1:2], frequencies, [2]), whole[1:2])


def test_positions_far_from_the_start(isa: str) -> None:
    """The angle is rounded to float32 before its cosine, as in the official decoder: here to a multiple of 0.06."""
    qkv, frequencies = signal(2, 2, 8)
    rings, wide = Rings(2, 8, 5), Rings(2, 8, 5, torch.float64)
    for state in (rings, wide):
        state.keys.zero_(), state.values.zero_()
        state.progress[:, 0] = 1_000_003
    actual = rings(qkv, frequencies, SLOTS)
    expected = wide(qkv.double(), frequencies, SLOTS, window_attention_reference)
    torch.testing.assert_close(actual.double(), expected, **TOLERANCE)
