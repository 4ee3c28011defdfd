"""Streams as their listeners have them, and what a load of them comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .report import Result, percentiles

FRAME_SECONDS = 0.08
PERCENTS = (50, 95, 99)


@dataclass
class Playback:
    """A player without a buffer: it begins with the first frame, and goes on at the pace of the sound.

    sample_rate: in Hz. began: when the first frame was there whole, in seconds since time zero; infinite until then. samples: that
    have come. underruns: chunks that came after their playback time. stalled: by how much the latest of them did, in seconds; a
    player that waits for each late chunk is silent for so long in all.
    """

    sample_rate: int
    began: float = math.inf
    samples: int = 0
    underruns: int = 0
    stalled: float = 0.0

    def arrive(self, now: float, samples: int) -> None:
        """A chunk is there. now: seconds since time zero. samples: how long it is; one of none is no chunk."""
        if not samples:
            return
        before, self.samples = self.samples, self.samples + samples
        if self.began == math.inf:
            if self.seconds >= FRAME_SECONDS:
                self.began = now
            return
        late = now - self.began - before / self.sample_rate
        if late > 0:
            self.underruns += 1
            self.stalled = max(self.stalled, late)

    @property
    def seconds(self) -> float:
        """Of sound that have come."""
        return self.samples / self.sample_rate


@dataclass(frozen=True)
class Outcome:
    """What became of a request. rejected: refused for want of room. error: why it failed otherwise, in a line, or None."""

    playback: Playback
    rejected: bool = False
    error: str | None = None

    @property
    def first_audio(self) -> float:
        """Seconds until it; infinite for what failed, also if it did so later."""
        return self.playback.began if self.error is None else math.inf


@dataclass(frozen=True)
class Load:
    """A run. rps: requests a second. outcomes: of all requests, at least one. seconds: from the start to the last one's end.

    more: results that only this kind of run has.
    """

    rps: float
    outcomes: Sequence[Outcome]
    seconds: float
    more: Sequence[Result] = field(default=())

    @property
    def first_audio(self) -> list[float]:
        """Seconds until it, of all requests."""
        return [outcome.first_audio for outcome in self.outcomes]

    @property
    def streams_with_underruns(self) -> int:
        """Streams that a listener heard pause."""
        return sum(outcome.playback.underruns > 0 for outcome in self.outcomes)

    def results(self) -> list[Result]:
        """All figures; a request that failed or was refused counts in percentiles as one whose sound never came."""
        heard = [outcome.playback for outcome in self.outcomes]
        came = [seconds for seconds in self.first_audio if math.isfinite(seconds)]
        underruns = sum(playback.underruns for playback in heard)
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        audio = sum(playback.seconds for playback in heard)
        at, until = f"of {len(heard)} requests, {self.rps:g} a second", f"over {self.seconds:.1f} s, until the last stream ended"
        return [
            *percentiles("first_audio_ms", self.first_audio, PERCENTS, at),
            *percentiles("heard_first_audio_ms", came, PERCENTS[1:2], f"of the {len(came)} that were heard"),
            Result("underruns", underruns, "chunks", note="that came too late for a player without a buffer"),
            Result("streams_with_underruns", self.streams_with_underruns, "requests"),
            *percentiles("stall_ms", [playback.stalled for playback in heard], PERCENTS[-1:], "that a listener waited in all"),
            Result("requests", len(heard), "requests", note="warm-up apart"),
            Result("failed", len(errors), "requests", note=errors[0] if errors else ""),
            Result("rejected", sum(outcome.rejected for outcome in self.outcomes), "requests", note="refused for want of room"),
            Result("audio_seconds", audio, "s"),
            Result("audio_seconds_per_second", audio / self.seconds, "", note=until),
            Result("real_time_factor", self.seconds / audio if audio else math.inf, "", note="of all streams together"),
            *self.more,
        ]


def results_of(loads: Sequence[Load]) -> list[Result]:
    """The results of all runs, of several with their load behind the name."""
    if len(loads) == 1:
        return loads[0].results()
    return [replace(result, name=f"{result.name}_rps{load.rps:g}") for load in loads for result in load.results()]
