"""What the decoder remembers between frames, one row per slot."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from qwen3tts.config import CodecDecoderConfig
from qwen3tts.errors import CodesError

PRE_KERNEL = 3
"""Kernel of the convolution before the transformer. This and the next two are constants of the official decoder."""

KERNEL = 7
"""Kernel of every other causal convolution."""

DILATIONS = (1, 3, 9)
"""Dilations of the residual units of one upsampling block."""


class DecoderState:
    """Preallocated state of `slots` utterances; a slot is at rest until its first frame, and again after `reset`.

    progress: int64 (slots, 2), frames that a slot has had since its reset, and calls since ever. keys, values: (layers, slots,
    window, kv_heads, head_dim), rings, keys rotated. The rest are histories (2, slots, rows, channels), the inputs that a
    convolution still reaches: a call reads the half calls % 2, and writes the other. A slot without frames has a past of zeros
    whatever lies there, so a reset is one number. All on `device`, of `dtype` (float32; float64 tells an error from a rounding).
    One slot of the released decoder takes 5.8 MB, most of it keys and values.
    """

    def __init__(
        self, config: CodecDecoderConfig, slots: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device, dtype=dtype)

        def history(channels: int, kernel: int = KERNEL, dilation: int = 1) -> Tensor:
            return zeros(2, slots, (kernel - 1) * dilation, channels)

        widths = [config.decoder_dim // 2**i for i in range(len(config.upsample_rates) + 1)]
        ring = (config.num_hidden_layers, slots, config.sliding_window, config.num_key_value_heads, config.head_dim)

        self.slots = slots
        self.progress = torch.zeros(slots, 2, dtype=torch.int64, device=device)
        self.pre_convolution = history(config.codebook_dim, PRE_KERNEL)
        self.keys = zeros(*ring)
        self.values = zeros(*ring)
        self.upsamplers = tuple(history(config.latent_dim) for _ in config.upsampling_ratios)
        self.first_convolution = history(config.latent_dim)
        self.transposed = tuple(history(width, kernel=2) for width in widths[:-1])
        self.units = tuple(tuple(history(width, dilation=d) for d in DILATIONS) for width in widths[1:])
        self.last_convolution = history(widths[-1])
        self._claims: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def device(self) -> torch.device:
        """Where all of it is."""
        return self.progress.device

    def advance(self, slots: Tensor, frames: int) -> None:
        """Count one more call, of so many frames, for each of `slots`; the device does it, and nothing waits."""
        ones = torch.ones_like(slots)
        self.progress[:, 0].index_add_(0, slots, ones, alpha=frames)
        self.progress[:, 1].index_add_(0, slots, ones)

    def reset(self, slot: int) -> None:
        """Forget what `slot` has decoded: its next frame begins an utterance. Raises CodesError, also while it is in use."""
        check_slots([slot], self)
        with self.claim([slot]):
            self.progress[slot, 0] = 0

    @contextmanager
    def claim(self, slots: Sequence[int]) -> Iterator[None]:
        """Keep other threads away from `slots` within the block. Raises CodesError where one has them already."""
        me = threading.get_ident()
        with self._lock:
            if taken := [slot for slot in slots if self._claims.get(slot, me) != me]:
                raise CodesError(f"slots has {taken[0]}, which is in use by another call: wait for it, or give another slot")
            new = {slot for slot in slots if slot not in self._claims}
            self._claims.update(dict.fromkeys(new, me))
        try:
            yield
        finally:
            with self._lock:
                for slot in new:
                    del self._claims[slot]


def check_slots(slots: Sequence[int], state: DecoderState) -> Tensor:
    """The slots of one call, distinct rows of `state` -> int64 (B,) on the host. Raises CodesError."""
    for slot in slots:
        if isinstance(slot, bool) or not isinstance(slot, (int, np.integer)):
            raise CodesError(f"slots has {slot!r}: give whole numbers")
        if not 0 <= slot < state.slots:
            raise CodesError(f"slots has {slot}: the state has the slots 0 to {state.slots - 1}")
    if not len(slots) or len(set(slots)) != len(slots):
        raise CodesError(f"slots has {list(slots)}: give each slot once, and at least one")
    return torch.tensor(slots, dtype=torch.int64)
