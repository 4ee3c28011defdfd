"""Root-mean-square normalisation (Zhang and Sennrich, 2019, arXiv:1910.07467); official module `Qwen3TTSRMSNorm`.

Bytes per row: read and write `width` once, 4 KB at most of each. It is hardly ever worth a launch of its own: it belongs in front
of the projection that reads it (kernels/linear.py). What is left for a launch is a norm that no projection follows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of


@jit
def rms_norm_kernel(
    x, x_stride, weight, eps, out, out_stride, WIDTH: tl.constexpr, BLOCK: tl.constexpr, DEPENDENT: tl.constexpr
):  # fmt: skip
    """One row. The weight is loaded before the wait."""
    column = tl.arange(0, BLOCK)
    inside = column < WIDTH
    scale = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    row = tl.program_id(0).to(tl.int64)
    wide = tl.load(x + row * x_stride + column, mask=inside, other=0.0).to(tl.float32)
    normalised = wide * tl.rsqrt(tl.sum(wide * wide) / WIDTH + eps)
    tl.store(out + row * out_stride + column, (normalised * scale).to(out.dtype.element_ty), mask=inside)


def rms_norm(launch: Launcher, x: Tensor, weight: Tensor, eps: float, out: Tensor) -> None:
    """out = x / rms(x) * weight, in float32 and rounded once. x, out: (n, width), rows may lie apart. weight: (width,)."""
    n, width = x.shape
    if out.shape != x.shape or weight.shape != (width,) or x.stride(1) != 1 or out.stride(1) != 1 or not weight.is_contiguous():
        raise ValueError(f"x {tuple(x.shape)}, weight {tuple(weight.shape)} and out {tuple(out.shape)} do not fit, or have gaps")
    block = next_power_of_2(width)
    launch(
        rms_norm_kernel, (n,), x, x.stride(0), weight, eps, out, out.stride(0),
        work=Work(bytes_of(weight), bytes_of(x, out), 4 * x.numel()),
        warps=min(8, max(1, block // 256)),
        WIDTH=width, BLOCK=block,
    )  # fmt: skip


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / rms(x) * weight over the last dimension, in float32 at least, returned in the dtype of `x`.

    x: (..., width). weight: (width,).
    """
    wide = x if x.dtype == torch.float64 else x.float()
    normalised = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * normalised.to(x.dtype)
