"""Runs the codec over the slots of the batch: codes to PCM, each frame decoded once, from carried state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.engine.stages import StageClock

REFERENCE_FRAMES_AT_ONCE = 25
"""A reference is decoded in pieces: the last layers hold about 5 MB a frame."""


@dataclass(frozen=True)
class CodecRunner:
    """The codec's weights, and its state of one slot for each row of the batch."""

    config: CodecDecoderConfig
    weights: DecoderWeights
    state: DecoderState
    clock: StageClock

    def admit(self, slot: int, reference_codes: np.ndarray | None) -> None:
        """Start an utterance in `slot`, after the frames of its reference, whose PCM nobody hears.

        reference_codes: int64 (frames, num_code_groups) or None.
        """
        self.state.reset(slot)
        if reference_codes is not None:
            for start in range(0, len(reference_codes), REFERENCE_FRAMES_AT_ONCE):
                self.run([reference_codes[start : start + REFERENCE_FRAMES_AT_ONCE]], [slot])

    def run(self, codes: Sequence[np.ndarray], slots: Sequence[int]) -> np.ndarray:
        """Decode the same number of frames of each of n slots: int64 n x (frames, num_code_groups) -> float32 (n, samples)."""
        device = self.state.positions.device
        with self.clock.time("codec"):
            batch = torch.from_numpy(np.stack(codes)).to(device)
            return decode(self.weights, self.config, batch, self.state, torch.tensor(slots, device=device)).cpu().numpy()
