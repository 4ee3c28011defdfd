"""Latency of one stream at a time, in process: `python -m bench.latency --model DIR`.

Time zero is the call. First audio is the first chunk with a frame in it. The time of a frame is the wall time between two chunks
over the frames of the second. A request that failed never ended, and counts so in the percentiles; warm-up requests do not count.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import torch
from rich.console import Console
from rich.progress import track

from qwen3tts.engine.stages import StageClock
from qwen3tts.errors import Qwen3TTSError
from qwen3tts.tts import TTS
from qwen3tts.types import SamplingParams

from .command import Parser, run_bench, whole_number
from .machine import MIB, peak_memory_mib, read_bandwidth
from .report import Result, percentiles
from .workload import TEXTS, request_options


@dataclass(frozen=True)
class Timing:
    """One request, in seconds.

    first_audio: until the first chunk with a frame in it, infinite if none came. frames: of each frame after that chunk.
    elapsed: until the end, good or bad. audio: how much came. error: why it failed, or None.
    """

    first_audio: float
    frames: tuple[float, ...]
    elapsed: float
    audio: float
    error: Exception | None

    @property
    def whole(self) -> float:
        """Until the last chunk; infinite for a request that failed."""
        return self.elapsed if self.error is None else math.inf


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("latency", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Load the model, speak the requests one after another, and sum up: settings and results.

    Raises the errors of `qwen3tts.errors`, also that of a warm-up request.
    """
    start = time.perf_counter()
    tts = TTS.load(options.model, device=options.device, dtype=options.dtype)
    load_ms = (time.perf_counter() - start) * 1e3
    timings, clock = speak(tts, options)
    # Taken here because the block that measures the bandwidth is not the engine's memory.
    memory = _memory(tts.device)
    read, bandwidth = frame_bytes(tts), read_bandwidth(tts.device)
    bandwidth_note = f"sum of 1 GiB; a frame's floor is {read / 1e9:.3g} GB of talker and predictor weights over it"
    return _settings(tts, options), [
        *latencies(timings, tts.frame_seconds, read / bandwidth),
        Result("read_bandwidth", bandwidth / 1e9, "GB/s", note=bandwidth_note),
        Result("load_ms", load_ms, "ms"),
        *memory,
        *_stages(clock, timings, tts.device),
    ]


def speak(tts: TTS, options: argparse.Namespace) -> tuple[list[Timing], StageClock]:
    """Speak `options.warmup` and then `options.requests` texts; returns the timings of the latter and the time of their stages.

    Raises the error of a warm-up request that fails.
    """
    common = {**request_options(tts), "max_frames": options.max_frames, "chunk_ms": options.chunk_ms}

    def say(i: int) -> Timing:
        language, text = TEXTS[i % len(TEXTS)]
        return time_request(tts, text, language=language, sampling=SamplingParams(seed=options.seed + i), **common)

    numbers = _progress(options.warmup + options.requests)
    for i in islice(numbers, options.warmup):
        error = say(i).error
        if error is not None:
            raise error
    before = copy.deepcopy(tts.engine.clock)
    timings = [say(i) for i in numbers]
    return timings, _difference(tts.engine.clock, before)


def time_request(tts: TTS, text: str, **options: Any) -> Timing:
    """Stream one text and time its chunks. `options` are those of `TTS.stream`.

    A bad argument raises as `TTS.stream` does; what fails after that (memory, say) is in the timing.
    """
    arrivals: list[tuple[float, int]] = []
    error = None
    start = time.perf_counter()
    with tts.stream(text, **options) as stream:
        try:
            for chunk in stream:
                # The last chunk has no frame where the model ended the utterance.
                if len(chunk.codes):
                    arrivals.append((time.perf_counter() - start, len(chunk.codes)))
        except (Qwen3TTSError, RuntimeError) as caught:
            error = caught
    return Timing(
        first_audio=arrivals[0][0] if arrivals else math.inf,
        frames=tuple((now - before) / frames for (before, _), (now, frames) in pairwise(arrivals)),
        elapsed=time.perf_counter() - start,
        audio=sum(frames for _, frames in arrivals) * tts.frame_seconds,
        error=error,
    )


def frame_bytes(tts: TTS) -> int:
    """Weight bytes that the talker and the code predictor have to read for a frame, whatever the batch."""

    def size(*weights: object) -> int:
        return sum(tensor.nbytes for part in weights for tensor in vars(part).values())

    talker, predictor = tts.engine.frames.talker, tts.engine.frames.predictor
    projection = 0 if predictor.input_proj is None else predictor.input_proj.nbytes
    heads = sum(head.nbytes for head in predictor.heads)
    return size(*talker.layers) + talker.codec_head.nbytes + len(predictor.heads) * (size(*predictor.layers) + projection) + heads


def latencies(timings: Sequence[Timing], frame_seconds: float, floor: float) -> list[Result]:
    """First audio, frames, wholes, real-time factor and failures of at least one request.

    frame_seconds: audio in a frame. floor: seconds that a frame takes at least.
    """
    gaps = [gap for timing in timings for gap in timing.frames]
    audio = sum(timing.audio for timing in timings)
    real_time_factor = sum(timing.elapsed for timing in timings) / audio if audio else math.inf
    errors = [str(t.error) for t in timings if t.error is not None]
    of_requests = f"of {len(timings)} requests"
    return [
        *percentiles("first_audio_ms", [t.first_audio for t in timings], (50, 95, 99), of_requests),
        *percentiles("frame_ms", gaps, (50, 95), f"of {len(gaps)} chunks", floor * 1e3),
        *percentiles("whole_ms", [t.whole for t in timings], (50, 95, 99), of_requests),
        Result("real_time_factor", real_time_factor, "", floor / frame_seconds, f"of {audio:.1f} s of audio"),
        Result("failed", len(errors), "requests", note=errors[0] if errors else of_requests),
    ]


def _memory(device: torch.device) -> list[Result]:
    results = [Result("peak_memory_mib", peak_memory_mib(), "MiB", note="resident, with mapped weights")]
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / MIB
        results.append(Result("peak_device_memory_mib", peak, "MiB", note="allocated by torch"))
    return results


def _stages(clock: StageClock, timings: list[Timing], device: torch.device) -> list[Result]:
    """Time per call of each stage, and its share of all requests' time."""
    elapsed = sum(timing.elapsed for timing in timings)
    whose = "; of the host, which waits for the GPU where it reads a result" if device.type == "cuda" else ""
    results = []
    for stage, seconds in clock.seconds.items():
        calls = clock.calls[stage]
        results.append(Result(f"{stage}_ms", seconds / calls * 1e3, "ms", note=f"mean of {calls} calls{whose}"))
        results.append(Result(f"{stage}_share", seconds / elapsed * 100, "%"))
    rest = elapsed - sum(clock.seconds.values())
    return [*results, Result("other_share", rest / elapsed * 100, "%", note="scheduling, handing out")]


def _difference(after: StageClock, before: StageClock) -> StageClock:
    return StageClock(
        {stage: seconds - before.seconds.get(stage, 0.0) for stage, seconds in after.seconds.items()},
        {stage: calls - before.calls.get(stage, 0) for stage, calls in after.calls.items()},
    )


def _progress(count: int) -> Iterator[int]:
    """Count requests on a terminal's standard error, silent in a pipe; drawn between requests only, never while one is timed."""
    console = Console(stderr=True)
    bar = track(range(count), "requests", console=console, transient=True, auto_refresh=False, disable=not console.is_terminal)
    return iter(bar)


def _settings(tts: TTS, options: argparse.Namespace) -> dict[str, Any]:
    config = tts.checkpoint.config
    return {
        "model": tts.checkpoint.folder.name,
        "kind": config.kind,
        "size": f"{config.tts_model_size.replace('b', '.')}B",
        "device": str(tts.device),
        "dtype": str(tts.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "requests": options.requests,
        "warmup": options.warmup,
        "max_frames": options.max_frames,
        "chunk_ms": options.chunk_ms,
        "seed": options.seed,
    }


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.latency", description="Latency of one stream at a time.")
    parser.add_argument("--model", metavar="DIR|REPO", help="default: $QWEN3TTS_MODEL, else the embedded checkpoint")
    parser.add_argument("--requests", type=whole_number(1), default=12, metavar="N", help="to measure (12)")
    parser.add_argument("--warmup", type=whole_number(0), default=1, metavar="N", help="requests before them (1)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda[:N] (auto)")
    parser.add_argument("--dtype", help="of the weights: float32, bfloat16 or float16")
    parser.add_argument("--max-frames", type=whole_number(1), metavar="N", help="frame limit of a request; default: by its text")
    parser.add_argument("--chunk-ms", type=float, default=80.0, metavar="MS", help="audio in a chunk (80: one frame)")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of the first request, the next takes N + 1 (0)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
