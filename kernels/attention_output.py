"""The end of attention over a long context: its chunks put together, the output projection, and the residual, in one launch.

`paged_attention` leaves a result for each chunk of a row's context, so that one stream fills the GPU. A program reads its rows of
the projection while attention still runs, and keeps them in registers for all lanes: each weight is read once. Each program reads
all of a lane's chunks, 8 KB a chunk at 16 heads of 128, from the L2 cache; a launch of its own would save that and cost more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.linear import WARPS, Matrix, matvec_tile
from qwen3tts.kernels.matvec import load_weights
from qwen3tts.kernels.operand import finish, load_inside

CHUNKS_AT_ONCE = 4
"""Loads in flight; most utterances have no more chunks."""


@dataclass(frozen=True)
class Chunks:
    """Attention in chunks, as `paged_attention` leaves it.

    partials: float32 (lanes, most_chunks, heads, head_dim). lse: float32 (lanes, most_chunks, heads). rows: int32 (lanes,), the
    row of each lane; positions: int64 (rows,), the newest position of each row. chunk: positions in a chunk.
    """

    partials: Tensor
    lse: Tensor
    rows: Tensor
    positions: Tensor
    chunk: int


@jit
def _combine(partials, lse, chunks, k, head, inside, HEADS: tl.constexpr, K: tl.constexpr, AT_ONCE: tl.constexpr):
    """Elements k (m, VECTOR) of one lane's attention. head: (m, 1), that of each vector."""
    lse += tl.minimum(head, HEADS - 1)
    top = tl.load(lse)
    for chunk in range(1, chunks):
        top = tl.maximum(top, tl.load(lse + chunk * HEADS))
    total = tl.zeros_like(top)
    mixed = tl.zeros(k.shape, tl.float32)
    for first in range(0, chunks, AT_ONCE):
        for i in tl.static_range(AT_ONCE):
            # Past the last chunk: the last again, with no weight.
            chunk = tl.minimum(first + i, chunks - 1)
            weight = tl.where(first + i < chunks, tl.exp(tl.load(lse + chunk * HEADS) - top), 0.0)
            total += weight
            mixed += weight * load_inside(partials + chunk * K + k, inside)
    return mixed / total


@jit
def attention_output_kernel(
    partials, lse, positions, rows, most_chunks, weight, scales, residual, residual_stride, lanes,
    N: tl.constexpr, K: tl.constexpr, HEAD_DIM: tl.constexpr, CHUNK: tl.constexpr, AT_ONCE: tl.constexpr, LANES: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, VECTOR: tl.constexpr, EARLY: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes, one lane after another. EARLY: tiles of weights to load before the wait."""
    EVEN_K: tl.constexpr = K % BLOCK_K == 0
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K // VECTOR)[:, None] * VECTOR + tl.arange(0, VECTOR)[None, :]
    vector = tl.arange(0, BLOCK_K // VECTOR)[:, None] * VECTOR
    tiles = ()
    for step in tl.static_range(EARLY):
        tiles = tiles + (load_weights(weight, output, step * BLOCK_K + k, N, K, False, EVEN_K)[0],)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    first_lane = tl.program_id(1) * LANES
    for lane in range(first_lane, tl.minimum(first_lane + LANES, lanes)):
        chunks = tl.load(positions + tl.load(rows + lane)).to(tl.int32) // CHUNK + 1
        slot = lane.to(tl.int64) * most_chunks
        sums = tl.zeros((BLOCK_N, BLOCK_K // VECTOR), tl.float32)
        for step in tl.static_range((K + BLOCK_K - 1) // BLOCK_K):
            at = step * BLOCK_K + k
            head = (step * BLOCK_K + vector) // HEAD_DIM
            inside = None if EVEN_K else at < K
            value = _combine(
                partials + slot * K, lse + slot * (K // HEAD_DIM), chunks, at, head, inside, K // HEAD_DIM, K, AT_ONCE
            )
            tile = tiles[step] if step < EARLY else load_weights(weight, output, at, N, K, False, EVEN_K)[0]
            sums += tl.sum(tile.to(tl.float32) * value[None, :, :], 2)
        finish(
            tl.sum(sums, 1), 0.0, 0.0, 0.0, scales, None, residual, residual, residual_stride, lane, output, output < N,
            N, "plain", False,
        )  # fmt: skip


def attention_output(launch: Launcher, chunks: Chunks, weight: Matrix, residual: Tensor) -> None:
    """residual += attention Wᵀ, with attention put together from its chunks. weight: (out, heads * head_dim). residual: (lanes, out)."""
    lanes, most_chunks, heads, head_dim = chunks.partials.shape
    n, k = weight.values.shape
    if chunks.lse.shape != (lanes, most_chunks, heads) or k != heads * head_dim or residual.shape != (lanes, n):
        raise ValueError(
            f"chunks {tuple(chunks.partials.shape)}, weights {tuple(weight.values.shape)} and residual {tuple(residual.shape)} "
            "do not fit"
        )
    tile = matvec_tile(lanes, n, weight.values)
    # What one thread loads at once is of one head.
    tile["VECTOR"] = math.gcd(tile["VECTOR"], head_dim)
    launch(
        attention_output_kernel,
        (-(-n // tile["BLOCK_N"]), -(-lanes // tile["LANES"])),
        *(chunks.partials, chunks.lse, chunks.positions, chunks.rows, most_chunks),
        *(weight.values, weight.scales, residual, residual.stride(0), lanes),
        work=Work(bytes_of(weight.values, weight.scales), 2 * bytes_of(residual), 2 * lanes * weight.values.numel()),
        warps=WARPS,
        N=n,
        K=k,
        HEAD_DIM=head_dim,
        CHUNK=chunks.chunk,
        AT_ONCE=CHUNKS_AT_ONCE,
        **tile,
    )
