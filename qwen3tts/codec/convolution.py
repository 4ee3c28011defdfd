"""The codec's convolutions: plain functions of weights and carried state, and the references of the kernels that replace them.

Signals are (B, time, channels): what a convolution reads for one output is then a few contiguous rows, and a convolution is a
matrix product with them. `slots` int64 (B,) names the row of the carried state that belongs to each signal; the functions read
that row and leave there what the next call needs. Every output is summed in one order wherever a call begins or ends: a signal
cut anywhere gives what it gives whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.state import extend
from qwen3tts.native import linear, snake


@dataclass(frozen=True)
class Affine:
    """A weight with its bias (out,); the weight's shape is the reader's."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Affine:
        """Take `name`.weight and `name`.bias as they are."""
        return cls(tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    @classmethod
    def read_convolution(cls, tensors: Mapping[str, Tensor], name: str) -> Affine:
        """Take a convolution (out, in, kernel) as the matrix (out, kernel * in) that its windows are multiplied with."""
        read = cls.read(tensors, name)
        return cls(read.weight.transpose(1, 2).flatten(1).contiguous(), read.bias)

    @classmethod
    def read_transposed(cls, tensors: Mapping[str, Tensor], name: str) -> Affine:
        """Take a transposed convolution (in, out, kernel) as the matrix (kernel * out, in) of what an input adds to its outputs."""
        read = cls.read(tensors, name)
        return cls(read.weight.permute(2, 1, 0).flatten(0, 1).contiguous(), read.bias)

    @classmethod
    def read_depthwise(cls, tensors: Mapping[str, Tensor], name: str) -> Affine:
        """Take a depthwise convolution (channels, 1, kernel) as (kernel, channels)."""
        read = cls.read(tensors, name)
        return cls(read.weight.squeeze(1).T.contiguous(), read.bias)


@dataclass(frozen=True)
class Snake:
    """Frequency and amplitude of each channel's ripple, both (channels,)."""

    frequency: Tensor
    amplitude: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Snake:
        """Take `name`.alpha and `name`.beta, which are logarithms."""
        return cls(tensors[f"{name}.alpha"].exp(), 1.0 / (tensors[f"{name}.beta"].exp() + 1e-9))


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
        norm, widen, narrow = (Affine.read(tensors, f"{name}.{part}") for part in ("norm", "pwconv1", "pwconv2"))
        return cls(Affine.read_depthwise(tensors, f"{name}.dwconv.conv"), norm, widen, narrow, tensors[f"{name}.gamma"])


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
            Affine.read_convolution(tensors, f"{name}.conv1.conv"),
            Snake.read(tensors, f"{name}.act2"),
            Affine.read_convolution(tensors, f"{name}.conv2.conv"),
        )


def causal_convolution(x: Tensor, convolution: Affine, history: Tensor, slots: Tensor, dilation: int = 1) -> Tensor:
    """Convolve x (B, T, C) with its past -> (B, T, C_out).

    history: (slots, (kernel - 1) * dilation, C), the inputs before x; zeros at the start. Source: `CausalConvNet`.
    """
    joined = extend(history, slots, x)
    batch, steps, channels = x.shape
    kernel = convolution.weight.shape[1] // channels
    stride = joined.stride()
    windows = joined.as_strided((batch, steps, kernel, channels), (stride[0], stride[1], dilation * stride[1], stride[2]))
    return linear(windows.flatten(2), convolution.weight, convolution.bias)


def transposed_convolution(x: Tensor, convolution: Affine, overlap: Tensor, slots: Tensor) -> Tensor:
    """Upsample x (B, T, C) by half the kernel -> (B, T * kernel / 2, C_out).

    Each input makes `kernel` outputs, and the second half of them falls on the next input's first half.
    overlap: (slots, 1, kernel / 2, C_out), the second half made by the input before x. Source: `CausalTransConvNet`.
    """
    now, later = linear(x, convolution.weight).unflatten(2, (-1, len(convolution.bias))).chunk(2, dim=2)
    before = extend(overlap, slots, later)[:, :-1]
    return (now + before + convolution.bias).flatten(1, 2)


def repeat_convolution(x: Tensor, convolution: Affine) -> Tensor:
    """Upsample x (B, T, C) by the kernel -> (B, T * kernel, C_out): the stride is the kernel, so nothing overlaps.

    Source: `CausalTransConvNet`.
    """
    return (linear(x, convolution.weight).unflatten(2, (-1, len(convolution.bias))) + convolution.bias).flatten(1, 2)


def residual_unit(x: Tensor, weights: ResidualUnit, history: Tensor, slots: Tensor, dilation: int) -> Tensor:
    """x (B, T, C) -> (B, T, C). history: of the dilated convolution. Source: `DecoderDecoderResidualUnit`."""
    hidden = snake(x, weights.first_snake.frequency, weights.first_snake.amplitude)
    hidden = causal_convolution(hidden, weights.dilated, history, slots, dilation)
    hidden = snake(hidden, weights.second_snake.frequency, weights.second_snake.amplitude)
    return x + linear(hidden, weights.pointwise.weight, weights.pointwise.bias)


def convnext(x: Tensor, weights: ConvNeXt, history: Tensor, slots: Tensor) -> Tensor:
    """x (B, T, C) -> (B, T, C). history: of the depthwise convolution. Source: `ConvNeXtBlock`; arXiv 2201.03545."""
    joined, steps = extend(history, slots, x), x.shape[1]
    hidden = weights.depthwise.bias
    for i, tap in enumerate(weights.depthwise.weight):
        hidden = hidden + joined[:, i : i + steps] * tap
    hidden = F.layer_norm(hidden, x.shape[2:], weights.norm.weight, weights.norm.bias, eps=1e-6)
    hidden = gelu(linear(hidden, weights.widen.weight, weights.widen.bias))
    return x + weights.scale * linear(hidden, weights.narrow.weight, weights.narrow.bias)


def gelu(x: Tensor) -> Tensor:
    """The exact GELU. Written with erf, since torch's own rounds the last elements of a buffer differently on a CPU."""
    return 0.5 * x * (1 + torch.erf(x * 0.5**0.5))
