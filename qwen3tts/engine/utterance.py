"""An utterance in the engine: what was asked for, what it holds, what it has said. Torch-free."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qwen3tts.engine.guards import LoopGuard, SilenceGuard
from qwen3tts.types import AudioChunk, FinishReason, Prompt, Sampling

if TYPE_CHECKING:
    import numpy as np


@dataclass(eq=False)
class Utterance:
    """One request on its way through the engine.

    speaker_embedding: float32 (width,) or None. reference_codes: int64 (frames, num_code_groups) or None.
    max_frames: its frame limit. chunk_frames: frames in a chunk of PCM. row, pages: what it holds while it runs.
    launched: its frames that are run or on their way. codes: those that are known, int64 (num_code_groups,) each. spoken: how many
    of them are PCM already.
    abandoned: nobody will read it any more. failure: what went wrong in the engine while it ran.
    """

    prompt: Prompt
    sampling: Sampling
    speaker_embedding: np.ndarray | None
    reference_codes: np.ndarray | None
    max_frames: int
    chunk_frames: int
    loop_guard: LoopGuard | None
    silence_guard: SilenceGuard | None
    row: int = -1
    pages: list[int] = field(default_factory=list)
    launched: int = 0
    codes: list[np.ndarray] = field(default_factory=list)
    spoken: int = 0
    finish_reason: FinishReason | None = None
    cancelled: bool = False
    abandoned: bool = False
    failure: BaseException | None = None
    chunks: deque[AudioChunk] = field(default_factory=deque)

    @property
    def positions(self) -> int:
        """The worst case that its pages have to hold."""
        return len(self.prompt) + self.max_frames

    @property
    def pending(self) -> int:
        """Frames that are not PCM yet."""
        return len(self.codes) - self.spoken

    @property
    def done(self) -> bool:
        """Whether nothing more will come, apart from `chunks`."""
        return self.cancelled or self.failure is not None or (self.finish_reason is not None and self.row < 0)
