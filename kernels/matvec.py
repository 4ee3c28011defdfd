"""Matrix-vector products for one to eight lanes: y = W x, bound by the bytes of W.

A program owns a few outputs and walks their whole rows of W, so each weight is read once for all lanes and no sum is shared. The
first tiles of W do not depend on the kernel before this one: they are asked for before the wait, and arrive while it ends; from
there on as many are always on their way. A thread adds up the products of the 16 bytes that it loads, its warps lie side by side
along a row, and threads meet once, at the end.

Bytes: W once. In the time that a weight of 2 bytes takes to come from memory an H200 has 14 issue slots for it. It costs 4 to 6
instructions at one lane, 12 to 16 at four and 20 to 35 at eight (counted in the machine code). The order of a sum depends on
BLOCK_K and VECTOR alone, so a lane has the same results whoever is beside it.
"""

from __future__ import annotations

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, tl
from qwen3tts.kernels.operand import finish, load_constants, load_inside, load_weights, vector_sums


@jit
def _add_tile(sums, weights, rows, k, inside, VECTOR: tl.constexpr, NORMED: tl.constexpr, GATED: tl.constexpr):
    """Add a tile's products to the sums of each lane: of outputs, of their gated halves, of squares. rows: the lanes' inputs."""
    tile, up, factor = weights
    tile, up = tile.to(tl.float32), up.to(tl.float32)
    added = ()
    for i in tl.static_range(len(rows)):
        first, second, squares = sums[i]
        value = load_inside(rows[i] + k, inside).to(tl.float32)
        if NORMED:
            squares += vector_sums(value * value, VECTOR)
            value *= factor
        first += vector_sums(tile * value[None, :], VECTOR)
        if GATED:
            second += vector_sums(up * value[None, :], VECTOR)
        added = added + ((first, second, squares),)
    return added


@jit(do_not_specialize=["lanes"])
def matvec_kernel(
    x, x_stride, norm, eps, weight, scales, bias, residual, out, out_stride, lanes,
    N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr, LANES: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, VECTOR: tl.constexpr, EARLY: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK_N outputs of LANES lanes; `kernels.linear` tells the arguments. EARLY: tiles to load before the wait."""
    NORMED: tl.constexpr = norm is not None
    EVEN_K: tl.constexpr = K % BLOCK_K == 0
    STEPS: tl.constexpr = (K + BLOCK_K - 1) // BLOCK_K
    output = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    constants = load_constants(scales, bias, output, N, GATED)
    tiles = ()
    for step in tl.static_range(EARLY):
        tiles = tiles + (load_weights(weight, norm, output, step * BLOCK_K + k, N, K, GATED, EVEN_K),)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    zero = tl.zeros((BLOCK_N, BLOCK_K // VECTOR), tl.float32)
    rows, places, sums = (), (), ()
    for i in tl.static_range(LANES):
        # Past the last lane: the last again, with the same results.
        lane = tl.minimum(tl.program_id(1) * LANES + i, lanes - 1)
        rows = rows + (x + lane * x_stride,)
        places = places + (lane * out_stride + output,)
        sums = sums + ((zero, zero, tl.zeros((BLOCK_K // VECTOR,), tl.float32)),)
    for step in tl.static_range(STEPS):
        at = step * BLOCK_K + k
        sums = _add_tile(sums, tiles[step], rows, at, None if EVEN_K else at < K, VECTOR, NORMED, GATED)
        if step + EARLY < STEPS:
            tiles = tiles + (load_weights(weight, norm, output, (step + EARLY) * BLOCK_K + k, N, K, GATED, EVEN_K),)
    added = ()
    for i in tl.static_range(LANES):
        # All before the first store: lanes may be one and the same.
        added = added + (0.0 if residual is None else tl.load(residual + places[i], mask=output < N, other=0.0).to(tl.float32),)
    for i in tl.static_range(LANES):
        first, second, squares = sums[i]
        first, second = tl.sum(first, 1), tl.sum(second, 1) if GATED else 0.0
        result = finish(first, second, tl.sum(squares, 0) / K, eps, constants, added[i], NORMED, GATED)
        tl.store(out + places[i], result.to(out.dtype.element_ty), mask=output < N)
