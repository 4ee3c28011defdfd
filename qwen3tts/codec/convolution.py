"""The codec's convolutions: plain functions of weights and carried state, and the references of the kernels that replace them.

Signals are float32 (B, channels, time). `slots` int64 (B,) names the row of the carried state that belongs to each signal; the
functions read that row and leave there what the next call needs, so a signal cut anywhere gives what it gives whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.state import extend


@dataclass(frozen=True)
class Affine:
    """A weight with its bias: of a linear layer (out, in), of a convolution (out, in / groups, kernel), of a transposed one
    (in, out, kernel), of a norm (channels,)."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Affine:
        """Take `name`.weight and `name`.bias."""
        return cls(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


@dataclass(frozen=True)
class Snake:
    """Frequency and amplitude of each channel's ripple, both (channels, 1)."""

    frequency: Tensor
    amplitude: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Snake:
        """Take `name`.alpha and `name`.beta, which are logarithms."""
        alpha, beta = tensors[f"{name}.alpha"], tensors[f"{name}.beta"]
        return cls(alpha.exp()[:, None], (1.0 / (beta.exp() + 1e-9))[:, None])


@dataclass(frozen=True)
class ConvNeXt:
    """Depthwise convolution, norm, and a linear layer to four times the width and back."""

    depthwise: Affine
    norm: Affine
    widen: Affine
    narrow: Affine
    scale: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> ConvNeXt:
        """Take the tensors below `name`."""
        parts = (Affine.read(tensors, f"{name}.{part}") for part in ("dwconv.conv", "norm", "pwconv1", "pwconv2"))
        return cls(*parts, scale=tensors[f"{name}.gamma"])


@dataclass(frozen=True)
class ResidualUnit:
    """Snake, dilated convolution, Snake, pointwise convolution."""

    first_snake: Snake
    dilated: Affine
    second_snake: Snake
    pointwise: Affine

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> ResidualUnit:
        """Take the tensors below `name`."""
        return cls(
            Snake.read(tensors, f"{name}.act1"),
            Affine.read(tensors, f"{name}.conv1.conv"),
            Snake.read(tensors, f"{name}.act2"),
            Affine.read(tensors, f"{name}.conv2.conv"),
        )


def causal_convolution(x: Tensor, convolution: Affine, history: Tensor, slots: Tensor, dilation: int = 1) -> Tensor:
    """Convolve x (B, C, T) with its past -> (B, C_out, T); one group, or one per channel, as the weight's shape says.

    history: (slots, C, (kernel - 1) * dilation), the inputs before x; zeros at the start. Source: `CausalConvNet`.
    """
    groups = x.shape[1] // convolution.weight.shape[1]
    return F.conv1d(extend(history, slots, x), convolution.weight, convolution.bias, dilation=dilation, groups=groups)


def transposed_convolution(x: Tensor, convolution: Affine, overlap: Tensor, slots: Tensor) -> Tensor:
    """Upsample x (B, C, T) by half the kernel -> (B, C_out, T * kernel / 2).

    Each input makes `kernel` outputs, and the second half of them falls on the next input's first half.
    overlap: (slots, 1, C_out, kernel / 2), the second half made by the input before x. Source: `CausalTransConvNet`.
    """
    now, later = _spread(x, convolution).chunk(2, dim=-1)
    before = extend(overlap, slots, later, dim=1)[:, :-1]
    return _interleave(now + before, convolution.bias)


def repeat_convolution(x: Tensor, convolution: Affine) -> Tensor:
    """Upsample x (B, C, T) by the kernel -> (B, C_out, T * kernel): the stride is the kernel, so nothing overlaps.

    Source: `CausalTransConvNet`.
    """
    return _interleave(_spread(x, convolution), convolution.bias)


def _spread(x: Tensor, convolution: Affine) -> Tensor:
    """What each input adds to the outputs that it reaches: (B, C, T) -> (B, T, C_out, kernel).

    One matrix product that reads the weight in place; on a CPU the library's transposed convolution takes four times as long for
    the few inputs of a frame.
    """
    return (x.transpose(1, 2) @ convolution.weight.flatten(1)).unflatten(2, convolution.weight.shape[1:])


def _interleave(x: Tensor, bias: Tensor) -> Tensor:
    """(B, T, C, stride) + bias (C,) -> (B, C, T * stride)."""
    return (x + bias[:, None]).transpose(1, 2).flatten(2)


def snake(x: Tensor, weights: Snake) -> Tensor:
    """x + amplitude * sin(frequency * x)^2 for x (B, C, T). Source: `SnakeBeta`; arXiv 2006.08195."""
    ripple = (x * weights.frequency).sin_().square_()
    return torch.addcmul(x, ripple, weights.amplitude)


def residual_unit(x: Tensor, weights: ResidualUnit, history: Tensor, slots: Tensor, dilation: int) -> Tensor:
    """x (B, C, T) -> (B, C, T). history: of the dilated convolution. Source: `DecoderDecoderResidualUnit`."""
    hidden = causal_convolution(snake(x, weights.first_snake), weights.dilated, history, slots, dilation)
    return x + F.conv1d(snake(hidden, weights.second_snake), weights.pointwise.weight, weights.pointwise.bias)


def convnext(x: Tensor, weights: ConvNeXt, history: Tensor, slots: Tensor) -> Tensor:
    """x (B, C, T) -> (B, C, T). history: of the depthwise convolution. Source: `ConvNeXtBlock`; arXiv 2201.03545."""
    hidden = causal_convolution(x, weights.depthwise, history, slots).transpose(1, 2)
    hidden = F.layer_norm(hidden, x.shape[1:2], weights.norm.weight, weights.norm.bias, eps=1e-6)
    hidden = F.gelu(F.linear(hidden, weights.widen.weight, weights.widen.bias))
    hidden = F.linear(hidden, weights.narrow.weight, weights.narrow.bias)
    return x + (weights.scale * hidden).transpose(1, 2)
