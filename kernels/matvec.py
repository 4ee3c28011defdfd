"""Matrix-vector products for one to eight lanes: y = W x, bound by the bytes of W.

A program owns a few outputs and walks their whole rows of W, so each weight is read once for all lanes and no sum is shared. The
first tiles of W do not depend on the kernel before this one: they are asked for before the wait, and arrive while it ends. A thread
adds up the products of the 16 bytes that it loads, and threads meet once, at the end.

Bytes: W once. At 8 lanes a weight of 2 bytes costs 8 multiply-adds, about what the float32 units of an H200 keep up with; beyond
that the tensor cores take over (kernels/matmul.py). The tile does not depend on the number of lanes, so a lane's sums are in one
order whoever is beside it.
"""

from __future__ import annotations

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, tl
from qwen3tts.kernels.operand import finish, load_inside, operand


@jit
def load_weights(weight, output, k, N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr, EVEN_K: tl.constexpr):
    """Weights (BLOCK_N, BLOCK_K / VECTOR, VECTOR) of some outputs, and of their gated halves. Past the last output: the last again."""
    inside = None if EVEN_K else (k < K)[None, :, :]
    row = (tl.minimum(output, N - 1).to(tl.int64) * K)[:, None, None] + k[None, :, :]
    tile = load_inside(weight + row, inside)
    up = load_inside(weight + N * K + row, inside) if GATED else tile
    return tile, up


@jit
def matvec_kernel(
    x, x_stride, norm, eps, weight, scales, bias, residual, out, out_stride, lanes,
    N: tl.constexpr, K: tl.constexpr, KIND: tl.constexpr, GATED: tl.constexpr, LANES: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, VECTOR: tl.constexpr, EARLY: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes; `kernels.linear` tells the arguments. EARLY: tiles to load before the wait."""
    EVEN_K: tl.constexpr = K % BLOCK_K == 0
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K // VECTOR)[:, None] * VECTOR + tl.arange(0, VECTOR)[None, :]
    tiles = ()
    for step in tl.static_range(EARLY):
        tiles = tiles + (load_weights(weight, output, step * BLOCK_K + k, N, K, GATED, EVEN_K),)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    sums = ()
    for _ in tl.static_range(LANES):
        zero = tl.zeros((BLOCK_N, BLOCK_K // VECTOR), tl.float32)
        sums = sums + ((zero, zero, tl.zeros((BLOCK_K // VECTOR,), tl.float32)),)
    for step in tl.static_range((K + BLOCK_K - 1) // BLOCK_K):
        at = step * BLOCK_K + k
        tile, up = tiles[step] if step < EARLY else load_weights(weight, output, at, N, K, GATED, EVEN_K)
        tile = tile.to(tl.float32)
        up = up.to(tl.float32)
        added = ()
        for i in tl.static_range(LANES):
            lane = tl.minimum(tl.program_id(1) * LANES + i, lanes - 1)
            value, square = operand(x, x_stride, norm, lane, at, None if EVEN_K else at < K, K, KIND)
            first = sums[i][0] + tl.sum(tile * value[None, :, :], 2)
            second = sums[i][1] + tl.sum(up * value[None, :, :], 2) if GATED else sums[i][1]
            added = added + ((first, second, sums[i][2] + tl.sum(square, 1)),)
        sums = added
    for i in tl.static_range(LANES):
        lane = tl.program_id(1) * LANES + i
        second = tl.sum(sums[i][1], 1) if GATED else 0.0
        mean_square = tl.sum(sums[i][2], 0) / K
        keep = (output < N) & (lane + 0 * output < lanes)
        finish(
            tl.sum(sums[i][0], 1), second, mean_square, eps, scales, bias, residual, out, out_stride, lane, output, keep,
            N, KIND, GATED,
        )  # fmt: skip
