"""What the decoder remembers between frames, one row per slot."""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.config import CodecDecoderConfig

PRE_KERNEL = 3
"""Kernel of the convolution before the transformer. This and the next two are constants of the official decoder."""

KERNEL = 7
"""Kernel of every other causal convolution."""

DILATIONS = (1, 3, 9)
"""Dilations of the residual units of one upsampling block."""


def extend(history: Tensor, slots: Tensor, x: Tensor) -> Tensor:
    """Put what the slots remember before x in time, and remember the end of the result.

    history: (slots, past, ...), updated in place. slots: int64 (B,), distinct. x: (B, time, ...). Returns (B, past + time, ...).
    """
    joined = torch.cat((history[slots], x), dim=1)
    history[slots] = joined[:, joined.shape[1] - history.shape[1] :]
    return joined


class DecoderState:
    """Preallocated state of `slots` utterances; a slot is at rest until its first frame, and again after `reset`.

    All tensors are on `device`, of `dtype` (float32; float64 tells an error from a rounding), with the slots first but for `keys`
    and `values`, which have the layer before them. One slot of the released decoder takes 5.1 MB, nearly all of it keys and
    values.
    """

    def __init__(
        self, config: CodecDecoderConfig, slots: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device, dtype=dtype)

        def history(channels: int, kernel: int = KERNEL, dilation: int = 1) -> Tensor:
            return zeros(slots, (kernel - 1) * dilation, channels)

        widths = [config.decoder_dim // 2 ** (i + 1) for i in range(len(config.upsample_rates))]
        past = (config.num_hidden_layers, slots, config.sliding_window - 1, config.num_key_value_heads, config.head_dim)

        self.slots = slots
        self.positions = torch.zeros(slots, dtype=torch.int64, device=device)
        self.pre_convolution = history(config.codebook_dim, PRE_KERNEL)
        self.keys = zeros(*past)
        self.values = zeros(*past)
        self.upsamplers = tuple(history(config.latent_dim) for _ in config.upsampling_ratios)
        self.first_convolution = history(config.latent_dim)
        self.overlaps = tuple(zeros(slots, 1, rate, width) for width, rate in zip(widths, config.upsample_rates, strict=True))
        self.units = tuple(tuple(history(width, dilation=d) for d in DILATIONS) for width in widths)
        self.last_convolution = history(widths[-1])

    def reset(self, slot: int) -> None:
        """Forget what `slot` has decoded: its next frame is the first of an utterance."""
        self.positions[slot] = 0
        self.keys[:, slot] = 0
        self.values[:, slot] = 0
        convolutions = (self.pre_convolution, *self.upsamplers, self.first_convolution, self.last_convolution)
        for rows in (*convolutions, *self.overlaps, *(history for block in self.units for history in block)):
            rows[slot] = 0
