"""Layouts of a layer's weights: what a kernel reads one after another lies one after another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FRAGMENT_CHANNELS, FRAGMENT_COLUMNS = 32, 8


def panels(weight: Tensor, width: int) -> Tensor:
    """A weight (columns, taps, channels) for a CPU -> (panels, taps * channels, width), columns filled up with zeros.

    A kernel keeps the sums of a panel's columns in registers and reads a row of `width` weights for each input. Copied once, from
    whatever strides the weight has: the largest takes 76 MB.
    """
    whole, rest = divmod(len(weight), width)
    packed = weight.new_zeros(whole + (rest > 0), *weight.shape[1:], width)
    packed[:whole] = weight[: whole * width].unflatten(0, (whole, width)).movedim(1, -1)
    packed[whole:, ..., :rest] = weight[whole * width :].movedim(0, -1)
    return packed.flatten(1, 2)


def fragments(weight: Tensor) -> Tensor:
    """A weight (columns, taps, channels) for tensor cores -> (chunks, taps, 2, column blocks, 32 lanes, 4), rounded to TF32.

    A chunk is 32 channels and has two halves of 16; a block is 8 columns; both are filled up with zeros. The four values of a lane
    are the operand of two `mma.m16n8k8`, one after another: of column lane / 4, channels lane % 4 + (0, 4, 8, 12) of the half. So a
    warp loads 512 contiguous bytes, 16 a lane, for two products.
    """
    columns, _, channels = weight.shape
    filled = F.pad(weight, (0, -channels % FRAGMENT_CHANNELS, 0, 0, 0, -columns % FRAGMENT_COLUMNS))
    blocks = filled.unflatten(0, (-1, FRAGMENT_COLUMNS)).unflatten(3, (-1, 2, 2, 2, 4))
    return round_to_tf32(blocks.permute(3, 2, 4, 0, 1, 7, 5, 6).flatten(6).flatten(4, 5).contiguous())


def round_to_tf32(x: Tensor) -> Tensor:
    """float32 to the nearest with 10 bits of mantissa, ties away from zero, as cvt.rna.tf32.f32 does."""
    return ((x.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)
