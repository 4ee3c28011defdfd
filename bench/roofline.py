"""What a frame has to cost on a GPU, from its launches: `python -m bench.roofline --size 1.7B --gpu H200`. Needs no GPU.

The launches are those that the engine makes, planned on shapes without numbers. The floor is the bytes of a frame over the GPU's
bandwidth. The prediction adds up the launches: each takes as long as its bytes or its operations, whichever take longer, and a cost
of its own. What a kernel waits for inside (loads on their way, threads that meet) is in the codec's alone, which has small launches
and whole numbers of blocks: the rest of the prediction is an optimist's.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qwen3tts.backend import FP8_CAPABILITY
from qwen3tts.checkpoint import model_tensors
from qwen3tts.config import CodecConfig, ModelConfig
from qwen3tts.engine.frame import is_wide
from qwen3tts.engine.graphs import frame_buckets
from qwen3tts.engine.plan import frame_plan, prefill_plan
from qwen3tts.errors import InputError
from qwen3tts.kernels.launch import DEPENDENT_CAPABILITY, Launch
from qwen3tts.kernels.paged_attention import TYPICAL_CONTEXT

from .command import Parser, run_bench, whole_number
from .releases import RELEASED, SIZES, read_configs
from .report import Result
from .roofline_codec import frame_launches
from .roofline_model import GPU, GPUS, Cost, Planned

LAUNCH_US = 1.3
"""Measured for a launch in a CUDA graph on an H100 (Spector et al., "Look Ma, No Bubbles!", Hazy Research, 2025). Assumed of every
other GPU, and of dependent launch too: that should cost less, and how much is not measured."""

ATTENTION_KERNELS = frozenset({"paged_attention", "whole_paged_attention"})
PREFILL_TOKENS = (32, 128, 512)
BYTES = 2
"""Of a bfloat16."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("roofline", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Plan a frame and the prefills, and add up what they cost: settings and results.

    Raises InputError for what the GPU cannot run or hold.
    """
    gpu, (config, codec_config) = options.gpu, released_configs(options.size)
    quantize = None if options.quantize == "none" else options.quantize
    if quantize == "fp8" and gpu.capability < FP8_CAPABILITY:
        needed, found = (".".join(map(str, capability)) for capability in (FP8_CAPABILITY, gpu.capability))
        raise InputError(f"--quantize fp8 needs compute capability {needed} or later, and --gpu {gpu.name} has {found}: give none")
    memory = _memory(config, gpu, options, quantize)
    dependent, launch_seconds = gpu.capability >= DEPENDENT_CAPABILITY, options.launch_us * 1e-6
    talker, predictor = planned_frame(config, options.batch, options.context, dependent, quantize)
    lanes = frame_buckets(options.batch)[-1]
    codec_launches = frame_launches(codec_config.decoder_config, lanes)
    if options.list:
        _print_launches(gpu, launch_seconds, talker=talker, predictor=predictor, codec=codec_launches)
    frame, codec = (Cost.of(launches, gpu, launch_seconds) for launches in (talker + predictor, codec_launches))
    prefills = {
        n: Cost.of(prefill_plan(config, n, dependent=dependent, quantize=quantize), gpu, launch_seconds) for n in PREFILL_TOKENS
    }
    settings = {name: getattr(options, name) for name in ("size", "batch", "quantize", "context", "launch_us")}
    return {**settings, "gpu": gpu.name, "lanes": lanes, "dependent": dependent}, [
        *Cost.of(talker, gpu, launch_seconds).results("talker"),
        *Cost.of(predictor, gpu, launch_seconds).results("predictor"),
        *frame.results("frame"),
        *codec.results("codec"),
        *_rates(frame, codec, codec_config.frame_seconds),
        *(prefill.prediction(f"prefill_{n}") for n, prefill in prefills.items()),
        _first_audio(prefills[PREFILL_TOKENS[0]], frame, codec),
        *memory,
    ]


def planned_frame(
    config: ModelConfig, batch: int, context: int, dependent: bool, quantize: str | None
) -> tuple[list[Launch], list[Launch]]:
    """The launches of a frame of an engine for `batch` utterances of `context` positions each: the talker's, the predictor's.

    The draw of code 0 is the talker's last. Lanes that pad the batch to its bucket have no context.
    """
    lanes = frame_buckets(batch)[-1]
    plan = frame_plan(config, lanes, wide=is_wide(batch), dependent=dependent, quantize=quantize)
    grown = [_at_context(launch, batch * context / (lanes * TYPICAL_CONTEXT)) for launch in plan]
    predictor = 1 + next(i for i, launch in enumerate(grown) if launch.name == "draw")
    return grown[:predictor], grown[predictor:]


def released_configs(size: str) -> tuple[ModelConfig, CodecConfig]:
    """The configurations of a release, a key of `SIZES`; its kinds differ in nothing that a frame depends on."""
    return read_configs(RELEASED / f"{SIZES[size]}-custom_voice.config.json", RELEASED / "speech_tokenizer.config.json")


def _at_context(launch: Launch, growth: float) -> Launch:
    """Attention is planned for TYPICAL_CONTEXT; its work is in proportion, but for a few KB of new queries, keys and values."""
    if launch.name not in ATTENTION_KERNELS:
        return launch
    work = launch.work
    grown = replace(work, state_bytes=round(work.state_bytes * growth), operations=round(work.operations * growth))
    return replace(launch, work=grown)


def _rates(frame: Cost, codec: Cost, frame_seconds: float) -> list[Result]:
    """Of each stream, by the prediction. frame_seconds: audio in a frame."""
    predicted, floor = (frame.predicted + codec.predicted) / frame_seconds, (frame.floor + codec.floor) / frame_seconds
    return [
        Result("frames_per_second", 1 / frame.predicted, "frames/s", note="predicted for each stream, beside the codec"),
        Result("real_time_factor", predicted, "", floor, "predicted, frame and codec one after the other"),
    ]


def _first_audio(prefill: Cost, frame: Cost, codec: Cost) -> Result:
    parts = (prefill, frame, codec)
    predicted, floor = (sum(getattr(part, what) for part in parts) * 1e3 for what in ("predicted", "floor"))
    return Result("first_audio_predicted_ms", predicted, "ms", floor, f"a prompt of {PREFILL_TOKENS[0]} tokens, a frame, its codec")


def _memory(config: ModelConfig, gpu: GPU, options: argparse.Namespace, quantize: str | None) -> list[Result]:
    """What is held while a batch speaks. Raises InputError for more than there is."""
    talker = config.talker_config
    weights = sum(
        math.prod(shape) * (1 if quantize == "fp8" and ".layers." in name and len(shape) == 2 else BYTES)
        for name, shape in model_tensors(config).items()
        if name.startswith("talker.")
    )
    cache = 2 * talker.num_hidden_layers * talker.key_value_size * BYTES * options.batch * options.context
    if weights + cache > gpu.memory:
        raise InputError(
            f"--gpu {gpu.name} has {gpu.memory / 1e9:.0f} GB, and the weights with {options.batch} x {options.context} positions "
            f"take {(weights + cache) / 1e9:.0f}: give a smaller --batch or --context"
        )
    return [
        Result("model_bytes", weights, "B", note=f"talker and predictor, of {gpu.memory / 1e9:.0f} GB of memory"),
        Result("kv_bytes", cache, "B", note=f"{options.batch} x {options.context} positions"),
    ]


def _print_launches(gpu: GPU, launch_seconds: float, **parts: Sequence[Planned]) -> None:
    row = "{:<10}{:<24}{:<16}{:>6}{:>12}{:>12}{:>12}{:>9}".format
    print(row("part", "kernel", "grid", "warps", "weight KB", "other KB", "10^6 ops", "us"))
    for part, launches in parts.items():
        for launch in launches:
            work = launch.work
            sizes = (f"{size:,.1f}" for size in (work.weight_bytes / 1e3, work.state_bytes / 1e3, work.operations / 1e6))
            grid, seconds = " x ".join(map(str, launch.grid)), launch_seconds + gpu.predict(launch)
            print(row(part, launch.name, grid, launch.warps, *sizes, f"{seconds * 1e6:.2f}"))


def _gpu(text: str) -> GPU:
    """An option's type: a GPU by its name, in any case and with any spaces."""
    name = text.upper().replace(" ", "").replace("-", "")
    if name not in GPUS:
        raise argparse.ArgumentTypeError(f"{text!r} is unknown: give {', '.join(GPUS)}")
    return GPUS[name]


def _microseconds(text: str) -> float:
    """An option's type: a duration."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: give microseconds from 0")
    return number


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.roofline", description="What a frame has to cost on a GPU, from its launches.")
    parser.add_argument("--size", required=True, choices=SIZES, help="of the release")
    parser.add_argument("--gpu", required=True, type=_gpu, metavar="|".join(GPUS))
    parser.add_argument("--batch", type=whole_number(1), default=1, metavar="N", help="utterances at a time (1)")
    parser.add_argument("--quantize", choices=("none", "fp8"), default="none", help="format of the weights (none)")
    parser.add_argument(
        "--context",
        type=whole_number(1),
        default=TYPICAL_CONTEXT,
        metavar="N",
        help=f"positions of an utterance ({TYPICAL_CONTEXT})",
    )
    parser.add_argument(
        "--launch-us", type=_microseconds, default=LAUNCH_US, metavar="X", help=f"assumed cost of a launch ({LAUNCH_US})"
    )
    parser.add_argument("--list", action="store_true", help="print the launches, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
