"""What the engine asks of whoever runs its frames: torch (torch_runner.py) or our kernels (triton_runner.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from qwen3tts.engine.utterance import Utterance

Codes = Callable[[], np.ndarray]
"""Waits for a frame: int64 (n, num_code_groups), a row for each that was launched. After a stop code only code 0 means anything."""


class Runner(Protocol):
    """Runs prompts and frames of the rows of the batch."""

    @property
    def ahead(self) -> int:
        """Frames to launch before the oldest is waited for: 1 where the device works while the host goes on, else 0."""

    def admit(self, utterances: Sequence[Utterance]) -> None:
        """Start utterances in their rows: all positions of a prompt but the last go through the layers now.

        The last does so with the first frame, as every frame's input does.
        """

    def extend(self, utterance: Utterance, start: int, text_ids: Sequence[int]) -> None:
        """Add to the text that a row is fed, a token a frame, from position `start` on. Its pages hold the worst case."""

    def launch(self, rows: Sequence[int]) -> Codes:
        """Run the next frame of some rows, at least one."""
