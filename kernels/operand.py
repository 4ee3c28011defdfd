"""What a projection multiplies its weights with and what becomes of its sums, in place of launches of their own.

RMSNorm is fused in all but the factor 1 / rms. All elements of a row share it, so it is put on the sums afterwards, and one pass
over the row gives both the sums and the mean square.
"""

from __future__ import annotations

from qwen3tts.kernels.language import jit, tl


@jit
def load_inside(pointer, inside):
    """Load, with 0 outside; `inside` None is everywhere, and leaves the load unmasked and wide."""
    if inside is None:
        return tl.load(pointer)
    else:
        return tl.load(pointer, mask=inside, other=0.0)


@jit
def load_weights(weight, norm, output, k, N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr, EVEN_K: tl.constexpr):
    """Weights of some outputs and inputs, those of their gated halves, and the norm's, to be loaded before the wait.

    weight: (N, K), or (2 * N, K) if gated. norm: (K,), or None for 1. output: (BLOCK_N,); past the last one, the last again. k:
    (BLOCK_K,), all inside if EVEN_K: then nothing masks the loads, and they are wide.
    """
    inside = None if EVEN_K else k < K
    inside_rows = None if EVEN_K else inside[None, :]
    row = weight + (tl.minimum(output, N - 1).to(tl.int64) * K)[:, None] + k[None, :]
    tile = load_inside(row, inside_rows)
    up = load_inside(row + N * K, inside_rows) if GATED else tile
    factor = 1.0 if norm is None else load_inside(norm + k, inside).to(tl.float32)
    return tile, up, factor


@jit
def load_constants(scales, bias, output, N: tl.constexpr, GATED: tl.constexpr):
    """What an output has beside its weights, to be loaded before the wait: its scale, that of its gated half, its bias.

    scales: float32 (N,), or (2 * N,) if gated; None for 1. bias: (N,); None for 0.
    """
    inside = output < N
    scale = 1.0 if scales is None else tl.load(scales + output, mask=inside, other=0.0)
    up_scale = tl.load(scales + N + output, mask=inside, other=0.0) if GATED and scales is not None else 1.0
    shift = 0.0 if bias is None else tl.load(bias + output, mask=inside, other=0.0).to(tl.float32)
    return scale, up_scale, shift


@jit
def vector_sums(x, VECTOR: tl.constexpr):
    """Sums over each VECTOR elements of the last dimension, which one thread has loaded at once."""
    return tl.sum(tl.reshape(x, x.shape[:-1] + [x.shape[-1] // VECTOR, VECTOR]), len(x.shape))


@jit
def finish(first, second, mean_square, eps, constants, added, NORMED: tl.constexpr, GATED: tl.constexpr):
    """From sums to results: the norm's factor, the weights' scales, the bias, silu(first) * second, and at last what is `added`.

    first, second: sums, of outputs and of their gated halves. mean_square: of the lanes. constants: see `load_constants`.
    """
    scale, up_scale, shift = constants
    if NORMED:
        factor = tl.rsqrt(mean_square + eps)
        first *= factor
        second *= factor
    first = first * scale + shift
    if GATED:
        first = first / (1.0 + tl.exp(-first)) * (second * up_scale)
    return first + added
