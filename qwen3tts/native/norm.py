"""The codec's norms: RMSNorm, and the head of a ConvNeXt block, a depthwise convolution with LayerNorm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.native import dispatch
from qwen3tts.native.dispatch import array
from qwen3tts.native.past import Past, arrays_of, join


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension. x: (..., channels). weight: (channels,)."""
    path = dispatch.path_of(x)
    if path == "reference":
        return rms_norm_reference(x, weight, eps)
    y = torch.empty_like(x)
    channels = x.shape[-1]
    dispatch.run("rms_norm", path, x, array(x), array(weight), array(y), x.numel() // channels, channels, eps)
    return y


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`rms_norm` in plain torch."""
    return weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps))


def depthwise_norm(x: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float, past: Past | None) -> Tensor:
    """LayerNorm of the causal depthwise convolution of x (B, T, C) -> (B, T, C).

    weight: (taps, C). bias: of the convolution. scale, shift: of the norm; (C,) each. past: history of taps - 1 rows; None is
    zeros. Source: the official `ConvNeXtBlock`; arXiv 2201.03545.
    """
    path = dispatch.path_of(x)
    if path == "reference":
        return depthwise_norm_reference(x, weight, bias, scale, shift, eps, past)
    y = torch.empty_like(x)
    arrays = (array(x), array(weight), array(bias), array(scale), array(shift), array(y))
    dispatch.run("depthwise_norm", path, x, *arrays, *x.shape, len(weight), eps, arrays_of(past))
    return y


def depthwise_norm_reference(
    x: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float, past: Past | None
) -> Tensor:
    """`depthwise_norm` in plain torch."""
    joined = join(x, past, len(weight) - 1)
    hidden = F.conv1d(joined.mT, weight.T[:, None], bias, groups=x.shape[2]).mT
    return F.layer_norm(hidden, x.shape[2:], scale, shift, eps)
