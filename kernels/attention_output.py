"""The end of attention over a long context: its chunks put together, the output projection, and the residual, in one launch.

`paged_attention` leaves a result for each chunk of a row's context, so that one stream fills the GPU. A program reads its rows of
the projection while attention still runs, and keeps them in registers for all lanes: each weight is read once. But each program
reads all of a lane's chunks from the L2 cache, 4 KB a chunk at 16 heads of 128. Hence one program for each multiprocessor: half a
MB a chunk and lane, beside 8 MB of weights. A launch of its own would save that and cost more, for one or two lanes.

Chunks of a dtype as wide as that of the weights come in the very registers where their weights are; float32 chunks beside bfloat16
weights do not, and the weights move through shared memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.linear import MATVEC_LANES, Matrix
from qwen3tts.kernels.operand import finish, load_constants, load_inside, vector_sums

WARPS = 8
CHUNKS_AT_ONCE = 4
"""Loads on their way at a time; few utterances have more chunks."""


@dataclass(frozen=True)
class Chunks:
    """Attention in chunks, as `paged_attention` leaves it.

    partials: (lanes, most_chunks, heads, head_dim). lse: float32 (lanes, most_chunks, heads). rows: int32 (lanes,), the
    row of each lane; positions: int64 (rows,), the newest position of each row. chunk: positions in a chunk.
    """

    partials: Tensor
    lse: Tensor
    rows: Tensor
    positions: Tensor
    chunk: int


@jit
def _combine(
    partials, lse, chunks, HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, BLOCK_HEADS: tl.constexpr, BLOCK_DIM: tl.constexpr,
    AT_ONCE: tl.constexpr,
):  # fmt: skip
    """One lane's attention (BLOCK_HEADS, BLOCK_DIM), 0 in the padding. What is summed up is scaled to the largest sum so far."""
    head, dim = tl.arange(0, BLOCK_HEADS), tl.arange(0, BLOCK_DIM)
    inside_heads = (head < HEADS)[:, None] & (dim < HEAD_DIM)[None, :]
    lse += tl.minimum(head, HEADS - 1)
    partials += head[:, None] * HEAD_DIM + dim[None, :]
    top = tl.full((BLOCK_HEADS,), float("-inf"), tl.float32)
    total = tl.zeros((BLOCK_HEADS,), tl.float32)
    mixed = tl.zeros((BLOCK_HEADS, BLOCK_DIM), tl.float32)
    for first in range(0, chunks, AT_ONCE):
        scores, values, best = (), (), top
        for i in tl.static_range(AT_ONCE):
            chunk = first + i + 0 * head
            score = tl.load(lse + chunk * HEADS, mask=chunk < chunks, other=float("-inf"))
            place, inside = partials + (chunk * (HEADS * HEAD_DIM))[:, None], inside_heads & (chunk < chunks)[:, None]
            scores = scores + (score,)
            values = values + (tl.load(place, mask=inside, other=0.0).to(tl.float32),)
            best = tl.maximum(best, score)
        shrink = tl.exp(top - best)
        total *= shrink
        mixed *= shrink[:, None]
        for i in tl.static_range(AT_ONCE):
            weight = tl.exp(scores[i] - best)
            total += weight
            mixed += weight[:, None] * values[i]
        top = best
    return mixed / total[:, None]


@jit
def attention_output_kernel(
    partials, lse, positions, rows, most_chunks, weight, scales, residual, residual_stride, lanes,
    N: tl.constexpr, HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, CHUNK: tl.constexpr, AT_ONCE: tl.constexpr, LANES: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_HEADS: tl.constexpr, BLOCK_DIM: tl.constexpr, VECTOR: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes, one lane after another."""
    K: tl.constexpr = HEADS * HEAD_DIM
    BLOCK_K: tl.constexpr = BLOCK_HEADS * BLOCK_DIM
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    head, dim = tl.arange(0, BLOCK_K) // BLOCK_DIM, tl.arange(0, BLOCK_K) % BLOCK_DIM
    inside = None if BLOCK_K == K else ((head < HEADS) & (dim < HEAD_DIM))[None, :]
    row = (tl.minimum(output, N - 1).to(tl.int64) * K)[:, None]
    tile = load_inside(weight + row + (head * HEAD_DIM + dim)[None, :], inside)
    constants = load_constants(scales, None, output, N, False)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    for i in range(LANES):
        lane = tl.minimum(tl.program_id(1) * LANES + i, lanes - 1)
        place = residual + lane * residual_stride + output
        keep = (output < N) & (tl.program_id(1) * LANES + i + 0 * output < lanes)
        added = tl.load(place, mask=keep, other=0.0).to(tl.float32)
        chunks = tl.load(positions + tl.load(rows + lane)).to(tl.int32) // CHUNK + 1
        slot = lane.to(tl.int64) * most_chunks
        value = _combine(partials + slot * K, lse + slot * HEADS, chunks, HEADS, HEAD_DIM, BLOCK_HEADS, BLOCK_DIM, AT_ONCE)
        sums = tl.sum(vector_sums(tile.to(tl.float32) * tl.reshape(value, (1, BLOCK_K)), VECTOR), 1)
        result = finish(sums, 0.0, 0.0, 0.0, constants, added, False, False)
        tl.store(place, result.to(residual.dtype.element_ty), mask=keep)


def attention_output(launch: Launcher, chunks: Chunks, weight: Matrix, residual: Tensor) -> None:
    """residual += attention Wᵀ, with attention put together. weight: (out, heads * head_dim). residual: (lanes, out)."""
    lanes, most_chunks, heads, head_dim = chunks.partials.shape
    n, k = weight.values.shape
    if chunks.lse.shape != (lanes, most_chunks, heads) or k != heads * head_dim or residual.shape != (lanes, n):
        raise ValueError(
            f"chunks {tuple(chunks.partials.shape)}, weights {tuple(weight.values.shape)} and residual {tuple(residual.shape)} "
            "do not fit"
        )
    block_heads, block_dim = next_power_of_2(heads), next_power_of_2(head_dim)
    block_n = 8 if 1024 <= n < 2048 else 16
    group = min(lanes, MATVEC_LANES)
    launch(
        attention_output_kernel,
        (-(-n // block_n), -(-lanes // group)),
        *(chunks.partials, chunks.lse, chunks.positions, chunks.rows, most_chunks),
        *(weight.values, weight.scales, residual, residual.stride(0), lanes),
        work=Work(bytes_of(weight.values, weight.scales), 2 * bytes_of(residual), 2 * lanes * weight.values.numel()),
        warps=WARPS,
        N=n,
        HEADS=heads,
        HEAD_DIM=head_dim,
        CHUNK=chunks.chunk,
        AT_ONCE=CHUNKS_AT_ONCE,
        LANES=group,
        BLOCK_N=block_n,
        BLOCK_HEADS=block_heads,
        BLOCK_DIM=block_dim,
        VECTOR=16 // weight.values.element_size(),
    )
