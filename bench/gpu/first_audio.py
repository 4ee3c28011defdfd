"""Time to first audio in process, one stream at a time, from the text to the first chunk of PCM on the host."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

from qwen3tts.engine.engine import Engine
from qwen3tts.types import SamplingParams

from ..report import Result, percentiles
from ..workload import TEXTS
from .record import Record, number
from .scope import Scope
from .subject import Subject

SHORT_FRAMES, LONG_FRAMES = 4, 50
LONG_REQUESTS = 6


@dataclass(frozen=True)
class Timing:
    """One request, in seconds: until its first chunk, between the chunks after it, and until its last one."""

    first_audio: float
    gaps: tuple[float, ...]
    whole: float


def run(scope: Scope, record: Record) -> None:
    """Many short requests for first audio, a few long ones for the real-time factor, of every size."""
    rows = []
    for size in scope.sizes:
        if scope.over:
            record.remark(f"the time was up before first audio of {size}")
            break
        subject = Subject.draw(size, scope.device, scope.dtype, scope.kv_positions)
        engine = subject.engine(scope.few_rows)
        for i in range(len(TEXTS) if scope.on_gpu else 1):
            _time(engine, subject, i, SHORT_FRAMES)
        rows.append(measure(engine, subject, size, scope, record))
    headings = ("size", "requests", "first audio ms, p50", "p95", "p99", "frame with codec ms, p50", "codec ms", "real-time factor")
    record.table("First audio, one stream", headings, rows)


def measure(engine: Engine, subject: Subject, size: str, scope: Scope, record: Record) -> list[str]:
    """First audio, frames and the codec of an engine that has spoken before; returns a row of the table."""
    short = []
    for i in range(scope.requests):
        if scope.over:
            record.remark(f"the time was up after {i} of {scope.requests} requests to {size}")
            break
        short.append(_time(engine, subject, i, SHORT_FRAMES if scope.on_gpu else 1).first_audio)
    calls, seconds = engine.clock.calls["codec"], engine.clock.seconds["codec"]
    frames = LONG_FRAMES if scope.on_gpu else 2
    long = [_time(engine, subject, i, frames) for i in range(LONG_REQUESTS if scope.on_gpu else 1)]
    codec = (engine.clock.seconds["codec"] - seconds) / (engine.clock.calls["codec"] - calls) * 1e3
    audio = len(long) * frames * subject.checkpoint.codec_config.frame_seconds
    factor = sum(timing.whole for timing in long) / audio
    first = percentiles(f"{size}.first_audio_ms", short, (50, 95, 99), f"of {len(short)} requests")
    gaps = percentiles(f"{size}.frame_ms", [gap for timing in long for gap in timing.gaps], (50, 95), "with the codec")
    record.add(
        *first,
        *gaps,
        Result(f"{size}.codec_ms", codec, "ms", note="a frame of one stream"),
        Result(f"{size}.real_time_factor", factor, "", note=f"of {audio:.0f} s of audio, with the codec"),
    )
    return [size, str(len(short)), *(number(result.value) for result in (*first, gaps[0])), number(codec), number(factor)]


def _time(engine: Engine, subject: Subject, i: int, frames: int) -> Timing:
    """Speak the i-th text; a chunk is a frame, and its PCM is on the host when it is there."""
    language, text = TEXTS[i % len(TEXTS)]
    arrivals = []
    start = time.perf_counter()
    utterance = subject.utterance(text, language, frames, sampling=SamplingParams(seed=i))
    engine.submit([utterance])
    while not utterance.done:
        engine.step()
        while utterance.chunks:
            if len(utterance.chunks.popleft().codes):
                arrivals.append(time.perf_counter() - start)
    gaps = tuple(after - before for before, after in pairwise(arrivals))
    return Timing(arrivals[0], gaps, time.perf_counter() - start)
