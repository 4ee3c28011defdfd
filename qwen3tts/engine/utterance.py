"""An utterance in the engine: what was asked for, what it holds, what it has said. Torch-free."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qwen3tts.engine.guards import LoopGuard, SilenceGuard
from qwen3tts.types import AudioChunk, FinishReason, Priority, Prompt, Sampling

if TYPE_CHECKING:
    import numpy as np

Deliver = Callable[["AudioChunk | BaseException"], None]
"""Takes each chunk, on the engine's thread, or what went wrong in the engine; the final chunk or the error is the last."""


@dataclass(eq=False)
class Utterance:
    """One request on its way through the engine. Times are seconds by the engine's clock, infinite for never.

    speaker_embedding: float32 (width,) or None. reference_codes: int64 (frames, num_code_groups) or None. max_frames: its frame
    limit. chunk_frames: frames in a chunk of PCM; None leaves it to the engine's profile. listening: somebody hears the chunks as
    they come. text_open: more of the text is to come, and a frame that needs it waits. begun: it continues a text that is being
    heard. deadline: when the first audio, timeout: when all of it has to be there.

    arrived, admitted: when it, or the text that it is a part of, came into the line, and when it left it. row, pages: what it holds
    while it runs. launched: its frames that are run or on their way. codes: those that are known, int64 (num_code_groups,) each.
    spoken: how many of them are PCM already.
    dry_at: when a listener who plays each chunk as it comes has heard all there is; None before the first. failure: what went wrong
    in the engine while it ran. chunks: what was delivered, where nobody else takes it.
    """

    prompt: Prompt
    sampling: Sampling
    speaker_embedding: np.ndarray | None
    reference_codes: np.ndarray | None
    max_frames: int
    chunk_frames: int | None
    loop_guard: LoopGuard | None
    silence_guard: SilenceGuard | None
    priority: Priority = "normal"
    listening: bool = True
    text_open: bool = False
    begun: bool = False
    deadline: float = math.inf
    timeout: float = math.inf
    arrived: float = math.inf
    admitted: float = math.inf
    row: int = -1
    pages: list[int] = field(default_factory=list)
    launched: int = 0
    codes: list[np.ndarray] = field(default_factory=list)
    spoken: int = 0
    dry_at: float | None = None
    finish_reason: FinishReason | None = None
    cancelled: bool = False
    failure: BaseException | None = None
    chunks: deque[AudioChunk | BaseException] = field(default_factory=deque)
    deliver: Deliver = field(init=False)

    def __post_init__(self) -> None:
        self.deliver = self.chunks.append

    @property
    def positions(self) -> int:
        """The worst case that its pages have to hold."""
        return len(self.prompt) + self.max_frames

    @property
    def pending(self) -> int:
        """Frames that are not PCM yet."""
        return len(self.codes) - self.spoken

    @property
    def launchable(self) -> bool:
        """Whether its next frame can be run: there is one, and its text is there. The first frame's text is in the prompt."""
        return self.launched < self.max_frames and not (self.text_open and self.launched > len(self.prompt.trailing_text_ids))

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.cancelled or self.failure is not None or (self.finish_reason is not None and self.row < 0)
