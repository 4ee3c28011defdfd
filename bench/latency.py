"""Latency of one stream at a time, in process: `python -m bench.latency --model DIR`.

`bench.timing` says what is timed. A request that failed never ended, and counts so in the percentiles; a warm-up request does not
count.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from rich.console import Console
from rich.progress import track

from qwen3tts.backend import Machine, require_graphs, resolve_backend, uses_graphs
from qwen3tts.cli.loading import loading_progress
from qwen3tts.device import resolve_device, resolve_dtype
from qwen3tts.engine.plan import frame_plan
from qwen3tts.engine.stages import StageClock
from qwen3tts.output import OutputFile
from qwen3tts.tts import TTS
from qwen3tts.types import SamplingParams

from .command import Parser, run_bench, whole_number
from .machine import MIB, describe_machine, peak_memory_mib, read_bandwidth
from .plot import plot_first_audio, require_matplotlib
from .report import Result, percentiles
from .timing import Timing, time_request
from .workload import TEXTS, request_options

REQUESTS = {"cpu": 12, "cuda": 200}
WARMUP = {"cpu": 1, "cuda": 20}
"""By the type of the device: a GPU has to get going, and then says in a second what takes a CPU a minute."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("latency", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Load the model, speak the requests one after another, sum up, and draw where that is asked for: settings and results.

    Raises the errors of `qwen3tts.errors`, also that of a warm-up request.
    """
    if options.plot is not None:
        require_matplotlib()
    with nullcontext() if options.plot is None else OutputFile(options.plot) as plot:
        start = time.perf_counter()
        tts, settings = _load(options)
        load_ms = (time.perf_counter() - start) * 1e3
        timings, clock = speak(tts, options, settings["warmup"], settings["requests"])
        # Taken here because the block that measures the bandwidth is not the engine's memory.
        memory = _memory(tts.device)
        if plot is not None:
            plot_first_audio(plot, [timing.first_audio for timing in timings], _about(settings))
    read, bandwidth = frame_bytes(tts, options.quantize), read_bandwidth(tts.device)
    bandwidth_note = f"sum of 1 GiB; a frame's floor is {read / 1e9:.3g} GB of talker and predictor weights over it"
    return settings, [
        *latencies(timings, tts.frame_seconds, read / bandwidth),
        Result("read_bandwidth", bandwidth / 1e9, "GB/s", note=bandwidth_note),
        Result("load_ms", load_ms, "ms"),
        *memory,
        *_stages(clock, timings, tts.device),
    ]


def speak(tts: TTS, options: argparse.Namespace, warmup: int, requests: int) -> tuple[list[Timing], StageClock]:
    """Speak `warmup` and then `requests` texts; returns the timings of the latter and the time of their stages.

    Raises the error of a warm-up request that fails.
    """
    common = {**request_options(tts), "max_frames": options.max_frames, "chunk_ms": options.chunk_ms}

    def say(i: int) -> Timing:
        language, text = TEXTS[i % len(TEXTS)]
        return time_request(tts, text, language=language, sampling=SamplingParams(seed=options.seed + i), **common)

    numbers = _progress(warmup + requests)
    for i in islice(numbers, warmup):
        error = say(i).error
        if error is not None:
            raise error
    before = copy.deepcopy(tts.engine.clock)
    timings = [say(i) for i in numbers]
    return timings, _difference(tts.engine.clock, before)


def frame_bytes(tts: TTS, quantize: str) -> int:
    """Weight bytes that the talker and the code predictor have to read for a frame, whatever the batch and the backend.

    They are those of the planned launches, in the dtype that the weights are held in. quantize: their format.
    """
    held = tts.engine.frames.talker.codec_embedding.dtype
    layers = None if quantize == "none" else quantize
    plan = frame_plan(tts.checkpoint.config, 1, wide=False, dependent=False, dtype=held, quantize=layers)
    return sum(launch.work.weight_bytes for launch in plan)


def latencies(timings: Sequence[Timing], frame_seconds: float, floor: float) -> list[Result]:
    """First audio, frames, wholes, real-time factor and failures of at least one request.

    frame_seconds: audio in a frame. floor: seconds that a frame takes at least.
    """
    gaps = [gap for timing in timings for gap in timing.frames]
    audio, elapsed = (sum(getattr(timing, name) for timing in timings) for name in ("audio", "elapsed"))
    errors = [str(t.error) for t in timings if t.error is not None]
    of_requests, of_audio = f"of {len(timings)} requests", f"of {audio:.1f} s of audio"
    return [
        *percentiles("first_audio_ms", [t.first_audio for t in timings], (50, 95, 99), of_requests),
        *percentiles("first_audible_ms", [t.first_audible for t in timings], (50, 95), of_requests),
        *percentiles("frame_ms", gaps, (50, 95), f"of {len(gaps)} chunks", floor * 1e3),
        *percentiles("whole_ms", [t.whole for t in timings], (50, 95, 99), of_requests),
        Result("real_time_factor", elapsed / audio if audio else math.inf, "", floor / frame_seconds, of_audio),
        Result("frames_per_second", audio / frame_seconds / elapsed, "frames/s", note=of_audio),
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


def _load(options: argparse.Namespace) -> tuple[TTS, dict[str, Any]]:
    """The model, and all that was set or left to the device. Raises DeviceError for graphs that are asked for and cannot be."""
    if options.cuda_graphs:
        require_graphs(options.device, options.dtype, options.backend)
    device = resolve_device(options.device)
    machine = Machine.of(device, flash=options.backend == "flash")
    backend = resolve_backend(options.backend, machine, resolve_dtype(options.dtype, device))
    cuda_graphs = uses_graphs(options.cuda_graphs is not False, machine, backend)
    with loading_progress() as show:
        tts = TTS.load(
            options.model,
            options.device,
            options.dtype,
            cuda_graphs=cuda_graphs,
            quantize=options.quantize,
            max_batch=options.max_batch,
            backend=backend.name,
            on_progress=show,
        )
    config = tts.checkpoint.config
    return tts, {
        "model": tts.checkpoint.folder.name,
        "kind": config.kind,
        "size": f"{config.tts_model_size.replace('b', '.')}B",
        "device": str(device),
        "dtype": str(tts.dtype).removeprefix("torch."),
        "backend": backend.name,
        "cuda_graphs": cuda_graphs,
        "quantize": options.quantize,
        "max_batch": options.max_batch,
        "threads": torch.get_num_threads(),
        "requests": REQUESTS[device.type] if options.requests is None else options.requests,
        "warmup": WARMUP[device.type] if options.warmup is None else options.warmup,
        "max_frames": options.max_frames,
        "chunk_ms": options.chunk_ms,
        "seed": options.seed,
    }


def _about(settings: dict[str, Any]) -> str:
    """What ran where, in a line."""
    machine = describe_machine()
    where = machine["cpu"] if settings["device"] == "cpu" else machine["gpu"]
    graphs = "CUDA graphs" if settings["cuda_graphs"] else "no CUDA graphs"
    return f"{settings['model']} ({settings['size']}) in {settings['dtype']}, backend {settings['backend']}, {graphs}; {where}"


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.latency", description="Latency of one stream at a time.")
    parser.add_argument("--model", metavar="DIR|REPO", help="default: $QWEN3TTS_MODEL, else the embedded checkpoint")
    parser.add_argument("--requests", type=whole_number(1), metavar="N", help="to measure (12; on a GPU 200)")
    parser.add_argument("--warmup", type=whole_number(0), metavar="N", help="requests before them (1; on a GPU 20)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda[:N] (auto)")
    parser.add_argument("--dtype", help="of the weights: float32, bfloat16 or float16")
    parser.add_argument("--backend", help="torch, triton, sdpa or flash; default: triton on an NVIDIA GPU, else torch")
    parser.add_argument("--cuda-graphs", action=argparse.BooleanOptionalAction, help="default: where there can be any")
    parser.add_argument("--quantize", default="none", help="format of the weights: none or fp8 (none)")
    parser.add_argument(
        "--max-batch", type=whole_number(1), default=8, metavar="N", help="utterances that the engine has room for (8)"
    )
    parser.add_argument("--max-frames", type=whole_number(1), metavar="N", help="frame limit of a request; default: by its text")
    parser.add_argument("--chunk-ms", type=float, default=80.0, metavar="MS", help="audio in a chunk (80: one frame)")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of the first request, the next takes N + 1 (0)"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw the distribution of first audio there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
