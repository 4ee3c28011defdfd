"""Guards against utterances that never stop: about one in 300 sampled ones would go on for ever. Torch-free.

They watch sampled runs only: a greedy run repeats itself by nature, and its result has to be the official one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FRAMES_OF_SLACK = 75
FRAMES_PER_TOKEN = 13
"""A token is a syllable or a short word: slow speech takes 6 frames for it, and twice that is a run that will not stop."""


def default_frame_limit(text_tokens: int) -> int:
    """Frames that no honest reading of so many tokens needs."""
    return FRAMES_OF_SLACK + FRAMES_PER_TOKEN * text_tokens


@dataclass
class LoopGuard:
    """Sees code 0 of each frame; fires when the last `window` of them repeat with a period of at most `longest_period` frames.

    window: 100 frames are 8 s. longest_period: 25 frames are 2 s. agreement: share of frames equal to those a period before.
    """

    window: int = 100
    longest_period: int = 25
    agreement: float = 0.9
    history: list[int] = field(default_factory=list)

    def fires(self, code0: int) -> bool:
        """Add a frame's code 0; whether the run is in a loop. Looks only every `longest_period` frames: a loop stays one."""
        self.history.append(code0)
        if len(self.history) < self.window or len(self.history) % self.longest_period:
            return False
        recent = self.history[-self.window :]
        return any(_agreement(recent, period) >= self.agreement for period in range(1, self.longest_period + 1))


def _agreement(codes: Sequence[int], period: int) -> float:
    same = sum(a == b for a, b in zip(codes, codes[period:], strict=False))
    return same / (len(codes) - period)


@dataclass
class SilenceGuard:
    """Sees the peak of each frame; fires when `seconds` of speech in a row stay below `threshold`.

    threshold: 0.001 is -60 dBFS. No pause of a reader lasts 8 s.
    """

    seconds: float = 8.0
    threshold: float = 1e-3
    silent: float = 0.0

    def fires(self, peak: float, seconds: float) -> bool:
        """Add a frame of `seconds` whose largest sample is `peak`; whether the silence has become too long."""
        self.silent = 0.0 if peak >= self.threshold else self.silent + seconds
        return self.silent >= self.seconds
