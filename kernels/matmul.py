"""Matrix products on tensor cores, for batches and prompts: Y = X Wᵀ.

The weights are the left operand (16 or 32 outputs), the lanes the right one (16, 32 or 64), so that one tile of W serves all lanes
of a batch and W is read once. The products are the 16 x 8 x 16 instruction of every architecture from sm_80 on, summed over K from
the first element to the last in one accumulator: the tile's shape changes no sum, and a lane has the same results in a batch of 1
as of 64. Prompts have more lanes than a tile: their further tiles find W in the L2 cache.

Bytes: W once, and X once a program: 32 outputs a program keep that below the bytes of W up to 32 lanes.
"""

from __future__ import annotations

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, tl
from qwen3tts.kernels.operand import finish, load_inside, operand


@jit
def _weights(weight, output, k, N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr, EVEN_K: tl.constexpr):
    """Weights (BLOCK_N, BLOCK_K) of some outputs, and of their gated halves. Past the last output: the last again."""
    inside = None if EVEN_K else (k < K)[None, :]
    row = (tl.minimum(output, N - 1).to(tl.int64) * K)[:, None] + k[None, :]
    tile = load_inside(weight + row, inside)
    up = load_inside(weight + N * K + row, inside) if GATED else tile
    return tile, up


@jit
def _add_tile(
    sums, up_sums, squares, tile, up, x, x_stride, norm, lane, k, lanes,
    K: tl.constexpr, KIND: tl.constexpr, GATED: tl.constexpr,
):  # fmt: skip
    """Add one tile's products. The operand is rounded to the dtype of x, and narrower weights are widened to it."""
    dtype: tl.constexpr = x.dtype.element_ty
    value, square = operand(x, x_stride, norm, lane, k[None, :], (lane < lanes) & (k < K)[None, :], K, KIND)
    right = tl.trans(value.to(dtype))
    sums = tl.dot(tile.to(dtype), right, sums, input_precision="ieee")
    if GATED:
        up_sums = tl.dot(up.to(dtype), right, up_sums, input_precision="ieee")
    return sums, up_sums, squares + tl.sum(square, 1)


@jit
def matmul_kernel(
    x, x_stride, norm, eps, weight, scales, bias, residual, out, out_stride, lanes,
    N: tl.constexpr, K: tl.constexpr, KIND: tl.constexpr, GATED: tl.constexpr,
    LANES: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, STAGES: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes; `kernels.linear` tells the arguments. The first tile is loaded before the wait."""
    EVEN_K: tl.constexpr = K % BLOCK_K == 0
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    lane = (tl.program_id(1) * LANES + tl.arange(0, LANES))[:, None]
    k = tl.arange(0, BLOCK_K)
    tile, up = _weights(weight, output, k, N, K, GATED, EVEN_K)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    sums = tl.zeros((BLOCK_N, LANES), tl.float32)
    up_sums = sums
    squares = tl.zeros((LANES,), tl.float32)
    sums, up_sums, squares = _add_tile(sums, up_sums, squares, tile, up, x, x_stride, norm, lane, k, lanes, K, KIND, GATED)
    for start in tl.range(BLOCK_K, K, BLOCK_K, num_stages=STAGES):
        at = start + k
        tile, up = _weights(weight, output, at, N, K, GATED, EVEN_K)
        sums, up_sums, squares = _add_tile(sums, up_sums, squares, tile, up, x, x_stride, norm, lane, at, lanes, K, KIND, GATED)
    keep = (output < N)[:, None] & (lane < lanes).trans()
    finish(
        sums, up_sums, (squares / K)[None, :], eps, scales, bias, residual, out, out_stride, lane.trans(), output[:, None], keep,
        N, KIND, GATED,
    )  # fmt: skip
