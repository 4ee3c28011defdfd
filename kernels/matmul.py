"""Matrix products on tensor cores, for batches and prompts: Y = X Wᵀ.

The weights are the left operand (16 or 32 outputs), the lanes the right one (16, 32 or 64), so that one tile of W serves all lanes
of a batch and W is read once. The products are the 16 x 8 x 16 instruction of every architecture from sm_80 on, summed over K from
the first element to the last in one accumulator: the tile's shape changes no sum, and a lane has the same results in a batch of 1
as of 64. Prompts have more lanes than a tile: their further tiles find W in the L2 cache.

Bytes: W once, and X once a program: 32 outputs a program keep that below the bytes of W up to 32 lanes.
"""

from __future__ import annotations

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, tl
from qwen3tts.kernels.operand import finish, load_constants, load_inside, load_weights


@jit
def _add_tile(
    sums, up_sums, squares, weights, x, k, K: tl.constexpr, EVEN_K: tl.constexpr, GATED: tl.constexpr, NORMED: tl.constexpr
):  # fmt: skip
    """Add one tile's products. x: rows (LANES, 1). The operand is rounded to the dtype of x, and narrower weights widened to it."""
    tile, up, factor = weights
    dtype: tl.constexpr = x.dtype.element_ty
    value = load_inside(x + k[None, :], None if EVEN_K else (k < K)[None, :])
    if NORMED:
        wide = value.to(tl.float32)
        squares += tl.sum(wide * wide, 1)
        value = (wide * factor[None, :]).to(dtype)
    right = tl.trans(value)
    sums = tl.dot(tile.to(dtype), right, sums, input_precision="ieee")
    if GATED:
        up_sums = tl.dot(up.to(dtype), right, up_sums, input_precision="ieee")
    return sums, up_sums, squares


@jit(do_not_specialize=["lanes"])
def matmul_kernel(
    x, x_stride, norm, eps, weight, scales, bias, residual, out, out_stride, lanes,
    N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr,
    LANES: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, STAGES: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes; `kernels.linear` tells the arguments. The first tile is loaded before the wait."""
    NORMED: tl.constexpr = norm is not None
    EVEN_K: tl.constexpr = K % BLOCK_K == 0
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    lane = tl.program_id(1) * LANES + tl.arange(0, LANES)
    k = tl.arange(0, BLOCK_K)
    constants = load_constants(scales, bias, output[:, None], N, GATED)
    early = load_weights(weight, norm, output, k, N, K, GATED, EVEN_K)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    # Past the last lane: the last again, and not stored.
    rows = x + (tl.minimum(lane, lanes - 1) * x_stride)[:, None]
    sums = tl.zeros((BLOCK_N, LANES), tl.float32)
    up_sums = sums
    squares = tl.zeros((LANES,), tl.float32)
    sums, up_sums, squares = _add_tile(sums, up_sums, squares, early, rows, k, K, EVEN_K, GATED, NORMED)
    for start in tl.range(BLOCK_K, K, BLOCK_K, num_stages=STAGES):
        at = start + k
        weights = load_weights(weight, norm, output, at, N, K, GATED, EVEN_K)
        sums, up_sums, squares = _add_tile(sums, up_sums, squares, weights, rows, at, K, EVEN_K, GATED, NORMED)
    place = lane[None, :] * out_stride + output[:, None]
    keep = (lane < lanes)[None, :] & (output < N)[:, None]
    added = 0.0 if residual is None else tl.load(residual + place, mask=keep, other=0.0).to(tl.float32)
    result = finish(sums, up_sums, (squares / K)[None, :], eps, constants, added, NORMED, GATED)
    tl.store(out + place, result.to(out.dtype.element_ty), mask=keep)
