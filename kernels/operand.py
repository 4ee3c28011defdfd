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
def operand(x, stride, norm, lane, k, inside, K: tl.constexpr, KIND: tl.constexpr):
    """Elements k of a lane's activations in float32, of the shape that lane and k broadcast to, and their squares before the norm.

    x: (lanes, K), rows `stride` apart. norm: (K,). inside: where there are elements, None for all.
    """
    value = load_inside(x + lane * stride + k, inside).to(tl.float32)
    square = value * value
    if KIND == "norm":
        value *= load_inside(norm + k, None if inside is None else k < K).to(tl.float32)
    return value, square


@jit
def finish(
    first, second, mean_square, eps, scales, bias, residual, out, out_stride, lane, output, keep,
    N: tl.constexpr, KIND: tl.constexpr, GATED: tl.constexpr,
):  # fmt: skip
    """From sums to results, stored where `keep`: the norm's factor, the weights' scales, bias, silu(first) * second, residual.

    first, second: sums of the shape that lane and output broadcast to. scales: one an output, of both halves if gated. bias: one an
    output. residual, out: (lanes, N), rows `out_stride` apart; may be one and the same. Each of scales, bias, residual may be None.
    """
    if scales is not None:
        first *= tl.load(scales + output, mask=output < N, other=0.0)
        if GATED:
            second *= tl.load(scales + N + output, mask=output < N, other=0.0)
    if KIND == "norm":
        factor = tl.rsqrt(mean_square + eps)
        first *= factor
        second *= factor
    if bias is not None:
        first += tl.load(bias + output, mask=output < N, other=0.0).to(tl.float32)
    if GATED:
        first = first / (1.0 + tl.exp(-first)) * second
    at = lane * out_stride + output
    if residual is not None:
        first += tl.load(residual + at, mask=keep, other=0.0).to(tl.float32)
    tl.store(out + at, first.to(out.dtype.element_ty), mask=keep)
