"""How long each stage of the engine takes on a GPU: predicted by `bench.roofline`, or as `bench.gpu` measured it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qwen3tts.engine.codec_runner import FRAMES_AT_ONCE, MOST_REPLAYS
from qwen3tts.engine.frame import is_wide
from qwen3tts.engine.graphs import PREFILL_BUCKETS, bucket_for, frame_buckets
from qwen3tts.engine.plan import frame_plan, prefill_plan
from qwen3tts.errors import InputError
from qwen3tts.kernels.launch import DEPENDENT_CAPABILITY
from qwen3tts.kernels.paged_attention import TYPICAL_CONTEXT

from .roofline import ATTENTION_KERNELS, LAUNCH_US, released_configs
from .roofline_codec import frame_launches
from .roofline_model import GPU, Cost

EAGER_US = 20.0
"""Assumed of a launch of the codec without a graph, as several frames at once are made: the host's way through torch to a kernel.
An operation of the smallest codec takes 15 on a CPU, arithmetic included."""

CONTEXTS = (128, 1024)
"""Of those that `bench.gpu` measures, the shortest and the longest."""

Curve = Mapping[int, float]
"""Sizes -> seconds. In between it is a straight line, and beyond the largest one proportional."""


def at(curve: Curve, size: int) -> float:
    """Seconds of a size that is at least the curve's smallest, or costs as much as that."""
    sizes = sorted(curve)
    return curve[sizes[-1]] * size / sizes[-1] if size > sizes[-1] else float(np.interp(size, sizes, [curve[s] for s in sizes]))


@dataclass(frozen=True)
class StageTimes:
    """Seconds of the stages of an engine for up to `max_batch` utterances and a model of `size`, by what there is to do.

    frames: of the talker and the predictor, by lanes, without what lies in the KV cache. position: more for each position of
    context. prefills: by tokens. codec: a frame of so many slots, or as many frames in all. eager: seconds that the host takes at
    least for a piece of the codec's work without a graph. source: where they are from.
    """

    size: str
    max_batch: int
    frames: Curve
    position: float
    prefills: Curve
    codec: Curve
    eager: float
    source: str

    def frame(self, utterances: int, positions: int) -> float:
        """A frame of so many utterances, which have so many positions of context in all."""
        return at(self.frames, self._lanes(utterances)) + self.position * positions

    def prefill(self, tokens: int) -> float:
        """Packed prompts of so many tokens."""
        return at(self.prefills, bucket_for(PREFILL_BUCKETS, tokens) or tokens)

    def sound(self, slots: int, frames: int) -> float:
        """A call of the codec: so many frames of each of so many slots, cut as `CodecRunner` cuts them: a graph has one frame."""
        piece = max(1, FRAMES_AT_ONCE["cuda"] // slots)
        if piece == 1 or frames <= MOST_REPLAYS:
            return frames * at(self.codec, self._lanes(slots))
        whole, rest = divmod(frames, piece)
        return sum(max(self.eager, at(self.codec, slots * n)) for n in (*[piece] * whole, *[rest] * bool(rest)))

    def _lanes(self, utterances: int) -> int:
        return bucket_for(frame_buckets(self.max_batch), utterances) or utterances


def predicted(size: str, gpu: GPU, max_batch: int) -> StageTimes:
    """By the launches of each bucket of an engine. size: of a release."""
    config, codec_config = released_configs(size)
    dependent, seconds = gpu.capability >= DEPENDENT_CAPABILITY, LAUNCH_US * 1e-6
    frames = {}
    for lanes in frame_buckets(max_batch):
        plan = frame_plan(config, lanes, wide=is_wide(max_batch), dependent=dependent)
        attention = Cost.of([launch for launch in plan if launch.name in ATTENTION_KERNELS], gpu, seconds)
        # Attention is planned for TYPICAL_CONTEXT, and but for its launches its cost is in proportion to that.
        position = (attention.predicted - attention.launching) / (lanes * TYPICAL_CONTEXT)
        frames[lanes] = Cost.of(plan, gpu, seconds).predicted - position * lanes * TYPICAL_CONTEXT
    launches = {
        lanes: frame_launches(codec_config.decoder_config, lanes) for lanes in frame_buckets(max(max_batch, FRAMES_AT_ONCE["cuda"]))
    }
    return StageTimes(
        size=size,
        max_batch=max_batch,
        frames=frames,
        position=position,
        prefills={n: Cost.of(prefill_plan(config, n, dependent=dependent), gpu, seconds).predicted for n in PREFILL_BUCKETS},
        codec={lanes: Cost.of(of_lanes, gpu, seconds).predicted for lanes, of_lanes in launches.items()},
        eager=max(map(len, launches.values())) * EAGER_US * 1e-6,
        source=f"predicted stage times of {size} on {gpu.name}",
    )


def measured(file: Path, size: str, max_batch: int) -> StageTimes:
    """From the JSON of `bench.gpu`. Raises InputError for a file that is none, or lacks a stage of this size and form."""
    values, form = _values(file), "wide" if is_wide(max_batch) else "matvec"

    def curve(pattern: str) -> dict[int, float]:
        found = {int(match[1]): ms * 1e-3 for name, ms in values.items() if (match := re.fullmatch(pattern, name))}
        if not found:
            readable = pattern.replace(r"(\d+)", "N").replace("\\", "")
            raise InputError(f"--stages {file} has no {readable}: measure with python -m bench.gpu --sizes {size}")
        return found

    prefix = rf"{re.escape(size)}\.{form}\.b(\d+)\."
    whole = curve(rf"{prefix}frame_ms_p50")
    short, long = (curve(rf"{prefix}frame_ms_at_{context}") for context in CONTEXTS)
    lanes = max(short.keys() & long.keys())
    position = max(0.0, (long[lanes] - short[lanes]) / (lanes * (CONTEXTS[1] - CONTEXTS[0])))
    codec = curve(r"codec\.b(\d+)\.run_ms_p50")
    return StageTimes(
        size=size,
        max_batch=max_batch,
        frames={n: seconds - position * n * TYPICAL_CONTEXT for n, seconds in whole.items()},
        position=position,
        prefills=curve(rf"{re.escape(size)}\.prefill_ms_(\d+)"),
        codec=codec,
        eager=0.0,
        source=f"measured stage times of {size} in {file.name}",
    )


def _values(file: Path) -> dict[str, float]:
    """Name -> value of a bench's results, without those that have none."""
    try:
        results: list[dict[str, Any]] = json.loads(file.read_bytes())["results"]
        return {result["name"]: float(result["value"]) for result in results if result["value"] is not None}
    except OSError as error:
        raise InputError(f"--stages {file} cannot be read ({error.strerror}): give the gpu.json of python -m bench.gpu") from None
    except (ValueError, LookupError, TypeError):
        raise InputError(f"--stages {file} is no report of a bench: give the gpu.json of python -m bench.gpu") from None
