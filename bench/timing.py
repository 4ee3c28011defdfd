"""One request on a clock.

Time zero is the call, and every time ends with PCM on the host, so that a GPU has done its part.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qwen3tts.errors import Qwen3TTSError
from qwen3tts.types import AudioChunk

if TYPE_CHECKING:
    from qwen3tts.tts import TTS

WINDOW_SECONDS = 0.02
AUDIBLE = 10 ** (-45 / 20)
"""Root mean square of a window that is heard: -45 dBFS."""


@dataclass(frozen=True)
class Timing:
    """One request, in seconds.

    first_audio: until the first chunk with a frame in it, infinite if none came. first_audible: see the function. frames: of each
    frame after that chunk: the time between two chunks over the frames of the second. elapsed: until the end, good or bad.
    audio: how much came. error: why it failed, or None.
    """

    first_audio: float
    first_audible: float
    frames: tuple[float, ...]
    elapsed: float
    audio: float
    error: Exception | None

    @property
    def whole(self) -> float:
        """Until the last chunk; infinite for a request that failed."""
        return self.elapsed if self.error is None else math.inf


def time_request(tts: TTS, text: str, **options: Any) -> Timing:
    """Stream one text and time its chunks. `options` are those of `TTS.stream`.

    A bad argument raises as `TTS.stream` does; what fails after that (memory, say) is in the timing.
    """
    arrivals: list[tuple[float, AudioChunk]] = []
    error = None
    start = time.perf_counter()
    with tts.stream(text, **options) as stream:
        try:
            for chunk in stream:
                # The last chunk has no frame where the model ended the utterance.
                if len(chunk.codes):
                    arrivals.append((time.perf_counter() - start, chunk))
        except (Qwen3TTSError, RuntimeError) as caught:
            error = caught
    return Timing(
        first_audio=arrivals[0][0] if arrivals else math.inf,
        first_audible=first_audible(arrivals),
        frames=tuple((now - before) / len(chunk.codes) for (before, _), (now, chunk) in pairwise(arrivals)),
        elapsed=time.perf_counter() - start,
        audio=sum(len(chunk.codes) for _, chunk in arrivals) * tts.frame_seconds,
        error=error,
    )


def first_audible(arrivals: Sequence[tuple[float, AudioChunk]]) -> float:
    """When a listener hears the first window of 20 ms above -45 dBFS, in seconds; infinite if never.

    arrivals: when each chunk came, and the chunk. The listener plays each as soon as it is there and the one before has ended.
    """
    heard = 0.0
    for arrival, chunk in arrivals:
        heard = max(heard, arrival)
        window = round(WINDOW_SECONDS * chunk.sample_rate)
        windows = chunk.samples[: len(chunk.samples) // window * window].reshape(-1, window)
        loud = np.flatnonzero(np.sqrt(np.square(windows).mean(axis=1)) > AUDIBLE)
        if len(loud):
            return heard + float(loud[0]) * WINDOW_SECONDS
        heard += len(chunk.samples) / chunk.sample_rate
    return math.inf
