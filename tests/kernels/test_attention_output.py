"""The end of attention against float64: softmax over the whole context, whatever chunks it was cut in."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qwen3tts.kernels.attention_output import Chunks, attention_output
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import Matrix

LAUNCH = Launcher()
CHUNK = 4
ROWS = 16

# Share of a result's size: half a unit in the last place of the chunks and of the output, and what sums in float32 lose.
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}

SHAPES = {"released": (4, 128), "small": (2, 16), "three heads": (3, 32), "uneven": (5, 24)}
"""(heads, head_dim)."""


def attend(lengths: list[int], heads: int, head_dim: int, dtype: torch.dtype) -> tuple[Chunks, Tensor]:
    """Attention over contexts of these lengths: in chunks, with NaN behind the last, and whole, (lanes, heads, head_dim)."""
    lanes, most = len(lengths), -(-max(lengths) // CHUNK) + 1
    partials = torch.full((lanes, most, heads, head_dim), torch.nan, dtype=dtype)
    lse = torch.full((lanes, most, heads), torch.nan)
    rows = torch.randperm(ROWS)[:lanes].to(torch.int32)
    positions = torch.full((ROWS,), 10**6)
    positions[rows.long()] = torch.tensor(lengths) - 1
    whole = torch.empty(lanes, heads, head_dim, dtype=torch.float64)
    for lane, length in enumerate(lengths):
        scores, values = 4 * torch.randn(length, heads).double(), torch.randn(length, heads, head_dim).double()
        whole[lane] = (scores.softmax(0)[:, :, None] * values).sum(0)
        for chunk, part in enumerate(torch.arange(length).split(CHUNK)):
            partials[lane, chunk] = (scores[part].softmax(0)[:, :, None] * values[part]).sum(0)
            lse[lane, chunk] = scores[part].logsumexp(0)
    return Chunks(partials, lse, rows, positions, CHUNK), whole


@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("heads, head_dim", SHAPES.values(), ids=SHAPES)
def test_chunks_together_are_the_whole(dtype, heads, head_dim):
    lengths = [1, 4, 5, 8, 20, 33, 13, 17, 36]
    chunks, whole = attend(lengths, heads, head_dim, dtype)
    width = heads * head_dim
    weight = Matrix((torch.randn(10, width) / width**0.5).to(dtype))
    memory = torch.full((len(lengths) + 1, 16), 7.0, dtype=dtype)
    residual = memory[:-1, 3:13]
    residual[:] = torch.randn(residual.shape)
    expected = residual.double() + whole.flatten(1) @ weight.values.double().T
    attention_output(LAUNCH, chunks, weight, residual)
    tolerance = TOLERANCES[dtype]
    torch.testing.assert_close(residual.double(), expected, rtol=tolerance, atol=tolerance)
    assert (memory[-1] == 7).all()
    assert (memory[:, :3] == 7).all()
    assert (memory[:, 13:] == 7).all()


def test_float8_weights_times_their_scales():
    chunks, whole = attend([9, 3], 3, 16, torch.float32)
    weight = Matrix(torch.randn(20, 48).mul(50).to(torch.float8_e4m3fn), torch.rand(20) / 50)
    residual = torch.zeros(2, 20)
    attention_output(LAUNCH, chunks, weight, residual)
    expected = whole.flatten(1) @ weight.wide(torch.float64).T
    torch.testing.assert_close(residual.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_a_lane_has_the_same_results_in_any_place_of_any_batch(dtype):
    chunks, _ = attend([1, 30, 4, 5, 17, 8, 20, 36, 12], 3, 32, dtype)
    weight, residual = Matrix(torch.randn(12, 96).to(dtype)), torch.randn(9, 12).to(dtype)

    def results(lanes: list[int]) -> Tensor:
        some, out = torch.tensor(lanes), residual[lanes]
        attention_output(
            LAUNCH, Chunks(chunks.partials[some], chunks.lse[some], chunks.rows[some], chunks.positions, CHUNK), weight, out
        )
        return out

    everyone = results(list(range(9)))
    for lanes in ([1], [8, 1], [3, 2, 1, 0, 7], [7, 6, 5, 4, 3, 2, 1, 0]):
        assert torch.equal(results(lanes), everyone[lanes])


def test_tensors_that_do_not_fit_are_named():
    chunks, _ = attend([2], 2, 16, torch.float32)
    with pytest.raises(ValueError, match=r"weights \(8, 48\) and residual \(1, 8\) do not fit"):
        attention_output(LAUNCH, chunks, Matrix(torch.zeros(8, 48)), torch.zeros(1, 8))
