"""Load on a GPU that is not there: `python -m bench.simulate --rps 20 --profile latency`.

The scheduler and the engine's step are those of the product; the stages beneath them take the time that `bench.roofline` predicts
or `bench.gpu` has measured, on a virtual clock. Time zero is a request's arrival at the engine: text, network and the server's own
layers are not in it. The host costs a fixed time a step and a chunk. Requests arrive as a Poisson process, and are all alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.engine.build import most_kv_positions
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.guards import default_frame_limit
from qwen3tts.engine.profile import PROFILES, Profile, load_profile
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import BusyError
from qwen3tts.output import OutputFile
from qwen3tts.types import AudioChunk, Prompt, Sampling

from .arrivals import arrivals, loads_of, not_negative, positive
from .command import Parser, run_bench, whole_number
from .playback import Load, Outcome, Playback, results_of
from .plot import plot_loads, require_matplotlib
from .releases import SIZES
from .report import Result, percentiles
from .roofline import released_configs
from .roofline_model import GPUS
from .simulated import SHARINGS, STOP_CODE, Clock, Device, Sharing, SimulatedCodec, SimulatedFrames
from .stage_times import StageTimes, measured, predicted

STEP_US, CHUNK_US = 300.0, 30.0
"""Assumed. The engine's own lines take about 100 and 15 on a CPU; the rest is for launches, copies and the way to the callers."""

TOKEN_FRAMES = 4
"""Of speech, for a token of text: a third of a second."""

SAMPLING = Sampling(0, 1.0, 0, 1.0, 1.0, 1.0, 0, 1.0)


@dataclass(frozen=True)
class Host:
    """What the host costs, in seconds: a step, before anything is launched, and a chunk, as it is handed out."""

    step: float
    chunk: float


@dataclass(frozen=True)
class Speech:
    """What each request asks for. prompt: tokens. frames: until it stops by itself. limit: that it is given pages for."""

    prompt: int
    frames: int
    limit: int


@dataclass
class Request:
    """arrived: at the engine, by its clock. playback: its time zero is the arrival. utterance: None where it was refused."""

    arrived: float
    playback: Playback
    utterance: Utterance | None = None


@dataclass
class Simulation:
    """An engine on a virtual clock, and the requests that it was given."""

    clock: Clock
    device: Device
    frames: SimulatedFrames
    engine: Engine
    host: Host
    speech: Speech
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def build(
        cls, speech: Speech, times: StageTimes, profile: Profile, queue: int, positions: int, host: Host, sharing: Sharing
    ) -> Simulation:
        """An engine that nobody has asked yet. positions: of the KV cache."""
        config, codec_config = released_configs(times.size)
        clock = Clock()
        device = Device(clock, sharing)
        frames = SimulatedFrames(device, times, config.talker_config.num_code_groups, speech.prompt, speech.frames)
        pages = PageAllocator(1 + pages_for(positions))
        engine = Engine(
            scheduler=Scheduler(times.max_batch, pages, profile, codec_config.frame_seconds, queue),
            frames=frames,
            codec=cast(CodecRunner, SimulatedCodec(device, times, codec_config.decoder_config)),
            stop_code=STOP_CODE,
            sample_rate=codec_config.output_sample_rate,
            clock=StageClock(),
            now=clock,
        )
        return cls(clock, device, frames, engine, host, speech)

    def run(self, times: Sequence[float]) -> None:
        """Speak until the last one has ended. times: of arrivals, ascending. Raises CapacityError for speech that can never fit."""
        left, step = 0, self.engine.step
        while True:
            while left < len(times) and times[left] <= self.clock.now:
                self._arrive(times[left])
                left += 1
            before = self.clock.now
            self.clock.now += self.host.step
            if step():
                continue
            if left == len(times):
                return
            self.clock.now = max(before, times[left])

    def _arrive(self, time: float) -> None:
        """Put a request in the line, as `EngineLoop.submit` would."""
        request = Request(time, Playback(self.engine.sample_rate))
        self.requests.append(request)
        tokens = (0,) * self.speech.prompt
        utterance = Utterance(Prompt(tokens, tokens, None, 0, ()), SAMPLING, None, None, self.speech.limit, None, None, None)
        utterance.deliver = partial(self._deliver, request)
        self.engine.scheduler.check(utterance)
        try:
            self.engine.scheduler.check_room(1)
        except BusyError:
            return
        request.utterance = utterance
        self.engine.submit([utterance])

    def _deliver(self, request: Request, chunk: AudioChunk | BaseException) -> None:
        assert isinstance(chunk, AudioChunk)  # a step that fails has raised what it failed with
        self.clock.now += self.host.chunk
        request.playback.arrive(self.clock.now - request.arrived, len(chunk.samples))

    def load(self, rps: float) -> Load:
        """What the run came to."""
        waits = [r.utterance.admitted - r.arrived for r in self.requests if r.utterance is not None]
        batches, seconds = self.frames.batches, self.clock.now
        return Load(
            rps,
            [Outcome(request.playback, rejected=request.utterance is None) for request in self.requests],
            seconds,
            [
                *percentiles("queue_ms", waits, (50, 95, 99), "from the arrival to a place in the batch, of those that got one"),
                Result("batch_mean", statistics.fmean(batches), "utterances", note=f"of {len(batches):,} frames of everybody"),
                Result("batch_max", max(batches), "utterances"),
                Result("device_share", self.device.busy / seconds * 100, "%", note="of the time that the GPU works"),
            ],
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("simulate", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Simulate each load by itself, and draw where that is asked for: settings and results. Raises InputError, ConfigError."""
    if options.plot is not None:
        require_matplotlib()
    profile = load_profile(options.profile)
    if options.stages is None:
        times = predicted(options.size, GPUS[options.gpu], options.max_batch)
    else:
        times = measured(options.stages, options.size, options.max_batch)
    positions = options.kv_positions or most_kv_positions(options.max_batch)
    host = Host(options.host_us * 1e-6, options.chunk_us * 1e-6)
    frame_seconds = released_configs(options.size)[1].frame_seconds
    frames = max(1, round(options.speech_seconds / frame_seconds))
    limit = default_frame_limit(-(-frames // TOKEN_FRAMES)) if options.frame_limit is None else options.frame_limit
    speech = Speech(options.prompt_tokens, min(frames, limit), limit)
    planned = [(rps, arrivals(rps, options.seconds, options.seed)) for rps in options.rps]
    with nullcontext() if options.plot is None else OutputFile(options.plot) as plot:
        loads = []
        for rps, arriving in planned:
            simulation = Simulation.build(speech, times, profile, options.queue, positions, host, options.sharing)
            simulation.run(arriving)
            loads.append(simulation.load(rps))
        if plot is not None:
            plot_loads(plot, loads, f"simulated, {times.source}, profile {options.profile}")
    names = ("size", "gpu", "profile", "max_batch", "queue", "seconds", "speech_seconds", "prompt_tokens")
    settings = {name: getattr(options, name) for name in (*names, "host_us", "chunk_us", "sharing", "seed")}
    about = {"kv_positions": positions, "frame_limit": limit, "stages": times.source, "rps": list(options.rps)}
    return settings | about, [*results_of(loads), *_stages(times, speech)]


def _stages(times: StageTimes, speech: Speech) -> list[Result]:
    """What one request alone has to wait for."""
    parts = {"prefill": times.prefill(speech.prompt - 1), "frame": times.frame(1, speech.prompt), "codec": times.sound(1, 1)}
    return [
        Result(f"{name}_stage_ms", seconds * 1e3, "ms", note=f"of one request alone, {times.source}")
        for name, seconds in parts.items()
    ]


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.simulate", description="Load on a GPU that is not there.")
    parser.add_argument("--rps", required=True, type=loads_of, metavar="X[,X]", help="requests a second, one run each")
    parser.add_argument("--profile", default="latency", metavar="NAME|FILE", help=f"{', '.join(PROFILES)} or a YAML file (latency)")
    parser.add_argument("--size", default="1.7B", choices=SIZES, help="of the release (1.7B)")
    parser.add_argument("--gpu", default="H200", choices=GPUS, help="to predict (H200)")
    parser.add_argument("--stages", type=Path, metavar="FILE", help="gpu.json of python -m bench.gpu, instead of predictions")
    parser.add_argument("--seconds", type=positive, default=60.0, metavar="N", help="in which requests arrive (60)")
    parser.add_argument("--speech-seconds", type=positive, default=5.0, metavar="N", help="of each request (5)")
    parser.add_argument("--prompt-tokens", type=whole_number(2), default=60, metavar="N", help="of each request (60)")
    parser.add_argument("--frame-limit", type=whole_number(1), metavar="N", help="of each request; default: by its text")
    parser.add_argument("--max-batch", type=whole_number(1), default=64, metavar="N", help="utterances in the batch (64)")
    parser.add_argument(
        "--kv-positions", type=whole_number(1), metavar="N", help="of the cache (as an engine of that batch has them)"
    )
    parser.add_argument("--queue", type=whole_number(0), default=64, metavar="N", help="utterances that may wait for a place (64)")
    parser.add_argument("--host-us", type=not_negative, default=STEP_US, metavar="X", help=f"of the host, a step ({STEP_US:g})")
    parser.add_argument("--chunk-us", type=not_negative, default=CHUNK_US, metavar="X", help=f"of the host, a chunk ({CHUNK_US:g})")
    parser.add_argument("--sharing", default="halves", choices=SHARINGS, help="how the codec and the frames share the GPU (halves)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of arrivals (0)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw first audio against load there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
