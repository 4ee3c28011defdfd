"""Runs the codec over the slots of the batch: codes to PCM, each frame decoded once, from carried state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qwen3tts.codec import DecoderState, DecoderWeights, check_slots, decode
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.engine.stages import StageClock

FRAMES_AT_ONCE = 2
"""What two frames need stays in the cache of a core, and two share each weight that is read. On two Zen 4 cores a frame of the
released codec takes 57 ms alone, 52 ms in pairs and 110 ms among 25, and any cut gives the same samples."""


@dataclass(frozen=True)
class CodecRunner:
    """The codec's weights, and its state of one slot for each row of the batch.

    stream: of a GPU, its own, so that a frame becomes sound while the next one is made; None is the current one.
    """

    config: CodecDecoderConfig
    weights: DecoderWeights
    state: DecoderState
    clock: StageClock
    stream: torch.cuda.Stream | None = None

    def admit(self, slot: int, reference_codes: np.ndarray | None) -> None:
        """Start an utterance in `slot`, after the frames of its reference, whose PCM nobody hears.

        reference_codes: int64 (frames, num_code_groups) or None.
        """
        with torch.cuda.stream(self.stream):
            self.state.reset(slot)
        if reference_codes is not None:
            self.run([reference_codes], [slot])

    def run(self, codes: Sequence[np.ndarray], slots: Sequence[int]) -> np.ndarray:
        """Decode the same number of frames of each of n slots: int64 n x (frames, num_code_groups) -> float32 (n, samples)."""
        device = self.state.positions.device
        with self.clock.time("codec"), torch.cuda.stream(self.stream):
            pieces = torch.from_numpy(np.stack(codes)).to(device).split(FRAMES_AT_ONCE, dim=1)
            rows = check_slots(slots, self.state)
            return torch.cat([decode(self.weights, self.config, piece, self.state, rows) for piece in pieces], dim=1).cpu().numpy()
