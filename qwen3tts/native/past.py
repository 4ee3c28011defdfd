"""What an operation carries from call to call: the rows before its signal."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.native.dispatch import Array, array


class Past(NamedTuple):
    """Rows that come before a signal, for each slot, and the slots that a call goes on with.

    history: (2, count, rows, channels). A call reads the half of the slot's calls & 1, as zeros where the slot has had no frame,
    and writes the other. slots: int64 (B,), distinct. progress: int64 (count, 2), frames and calls that each slot has had; whoever
    makes a frame of several operations moves it on, after all of them.
    """

    history: Tensor
    slots: Tensor
    progress: Tensor


def arrays_of(past: Past | None) -> tuple[Array, Array, Array] | None:
    """A past as the extension takes it."""
    return past and (array(past.history), array(past.slots, torch.int64), array(past.progress, torch.int64))


def join(x: Tensor, past: Past | None, rows: int) -> Tensor:
    """The rows before x (B, T, C), then x -> (B, rows + T, C); the last `rows` of both are kept for the next call.

    Without a past the rows before x are zeros, and nothing is kept.
    """
    if past is None or rows == 0:
        return F.pad(x, (0, 0, rows, 0))
    frames, calls = past.progress[past.slots].unbind(1)
    half = calls & 1
    before = past.history[half, past.slots].masked_fill((frames == 0)[:, None, None], 0)
    joined = torch.cat([before, x], dim=1)
    past.history[1 - half, past.slots] = joined[:, -rows:]
    return joined
