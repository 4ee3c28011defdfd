"""The last convolution: from channels to sound."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.native import dispatch
from qwen3tts.native.dispatch import array
from qwen3tts.native.past import Past, arrays_of, join


class Sound(NamedTuple):
    """The same sound twice. samples: (B, T), in [-1, 1]. pcm: int16 (B, T), full scale 32768."""

    samples: Tensor
    pcm: Tensor


def waveform(x: Tensor, weight: Tensor, bias: Tensor, past: Past | None) -> Sound:
    """The causal convolution of x (B, T, C) to one channel, clamped.

    weight: (taps, C). bias: (1,). past: history of taps - 1 rows; None is zeros. Raises ValueError naming a bad argument.
    """
    path = dispatch.path_of(x)
    if path == "reference":
        return waveform_reference(x, weight, bias, past)
    samples = x.new_empty(x.shape[:2])
    pcm = torch.empty_like(samples, dtype=torch.int16)
    arrays = (array(x), array(weight), array(bias), array(samples), array(pcm, torch.int16))
    dispatch.run("waveform", path, x, *arrays, *x.shape, len(weight), arrays_of(past))
    return Sound(samples, pcm)


def waveform_reference(x: Tensor, weight: Tensor, bias: Tensor, past: Past | None) -> Sound:
    """`waveform` in plain torch."""
    joined = join(x, past, len(weight) - 1)
    samples = F.conv1d(joined.mT, weight.T[None], bias).squeeze(1).clamp(-1, 1)
    return Sound(samples, (samples * 32768).round().clamp(-32768, 32767).to(torch.int16))
