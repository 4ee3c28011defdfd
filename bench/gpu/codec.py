"""The codec's decoder on its runner: what must not change a sample, how far off samples are, and how long frames take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.stages import StageClock

from ..codec import torch_alone
from ..random_weights import draw_codec
from ..report import Result, percentile
from ..roofline import LAUNCH_US
from ..roofline_codec import frame_launches
from ..roofline_model import Cost, moved
from .frames import known_gpu
from .record import Record, number
from .scope import Scope
from .subject import configs
from .timing import copy_bandwidth, seconds_of

BATCHES = (1, 8, 32, 64)
CHECKED_FRAMES = 12
ERROR_RATIO = {"cpu": 2.0, "cuda": 2.0 * 2**13}
"""Samples may err so much more than torch's in float32, by device: TF32 has 13 bits fewer. Random decoders amplify single
roundings, so the luck of these counts, too; samples of a state that went wrong err by 100,000 times as much."""


@dataclass(frozen=True)
class Codec:
    """A decoder of random weights on a device."""

    config: CodecDecoderConfig
    tensors: Mapping[str, Tensor]
    weights: DecoderWeights
    device: torch.device

    @classmethod
    def draw(cls, scope: Scope) -> Codec:
        """That of the first size; all releases have the same."""
        config = configs(scope.sizes[0])[1]
        tensors = draw_codec(config, torch.Generator(scope.device).manual_seed(0))
        return cls(config.decoder_config, tensors, DecoderWeights.read(tensors, config.decoder_config), scope.device)

    def runner(self, buckets: Sequence[int], slots: int) -> CodecRunner:
        """A runner of so many slots; on a GPU its buckets are captured. Without buckets it decodes as it is called."""
        state = DecoderState(self.config, slots + 1, self.device)
        on_gpu = self.device.type == "cuda"
        stream = torch.cuda.Stream(self.device) if on_gpu else None
        runner = CodecRunner(self.config, self.weights, state, StageClock(), stream, tuple(buckets))
        if on_gpu:
            # What was made in the default stream is read in the runner's.
            torch.cuda.synchronize(self.device)
            if buckets:
                runner.capture(None)
        return runner

    def codes(self, slots: int, frames: int) -> np.ndarray:
        """Random codes int64 (slots, frames, codebooks)."""
        return torch.randint(self.config.codebook_size, (slots, frames, self.config.num_quantizers)).numpy()


def run(scope: Scope, record: Record) -> None:
    """Check the decoder, then time it."""
    codec = Codec.draw(scope)
    check_runner(codec, scope, record)
    check_error(codec, record)
    measure(codec, scope, record)


def check_runner(codec: Codec, scope: Scope, record: Record) -> None:
    """Samples of graphs, of a frame at a time, of slots alone, and of slots that come in late, against those of one call."""
    slots, frames = max(scope.batches) + 1, CHECKED_FRAMES if scope.on_gpu else 3
    codes = codec.codes(slots, frames)
    whole = spoken(codec.runner((), slots), codes, frames)
    eager, replayed = codec.runner((), slots), codec.runner((*scope.batches, slots), slots)
    record.check("codec.streamed_equals_whole", differing(spoken(eager, codes, 1), whole), 0)
    record.check("codec.replay_equals_eager", differing(spoken(replayed, codes, 1), whole), 0, f"{slots} slots")
    record.check("codec.reset_forgets", differing(spoken(replayed, codes, 1), whole), 0)
    alone = spoken(replayed, codes[:1], 1)
    record.check("codec.batch_equals_alone", differing(alone, whole[:1]), 0)
    record.check("codec.late_slots_change_nothing", differing(joined(replayed, codes), whole), 0)


def spoken(runner: CodecRunner, codes: np.ndarray, frames: int) -> np.ndarray:
    """Samples float32 (slots, n) of codes in the first slots, reset before, so many frames at a time."""
    slots = list(range(len(codes)))
    for slot in slots:
        runner.admit(slot, None)
    pieces = [list(codes[:, begin : begin + frames]) for begin in range(0, codes.shape[1], frames)]
    return np.concatenate([runner.run(piece, slots).samples.numpy() for piece in pieces], axis=1)


def joined(runner: CodecRunner, codes: np.ndarray) -> np.ndarray:
    """The same, where slot s comes in s frames late and the slots of a call are in reverse."""
    slots, frames = codes.shape[:2]
    samples: list[list[np.ndarray]] = [[] for _ in range(slots)]
    for step in range(slots + frames - 1):
        speaking = [slot for slot in reversed(range(slots)) if 0 <= step - slot < frames]
        if step < slots:
            runner.admit(step, None)
        sound = runner.run([codes[slot, step - slot][None] for slot in speaking], speaking)
        for slot, part in zip(speaking, sound.samples.numpy(), strict=True):
            samples[slot].append(part)
    return np.stack([np.concatenate(parts) for parts in samples])


def differing(samples: np.ndarray, others: np.ndarray) -> float:
    """The share of samples that are not the same to the bit."""
    return float((samples != others).mean())


def check_error(codec: Codec, record: Record) -> None:
    """Samples against float64, beside those of torch in float32."""
    codes = torch.from_numpy(codec.codes(1, CHECKED_FRAMES)).to(codec.device)
    ours = _decoded(codec, codec.weights, codes, torch.float32)
    with torch_alone(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        exact, theirs = (
            _decoded(codec, DecoderWeights.read(codec.tensors, codec.config, dtype, "plain"), codes, dtype)
            for dtype in (torch.float64, torch.float32)
        )
    error, torch_error = (((samples - exact).norm() / exact.norm()).item() for samples in (ours, theirs))
    ratio, allowed = error / torch_error, ERROR_RATIO[codec.device.type]
    record.check("codec.error_over_torch", ratio, allowed, f"{error:.3g} over {torch_error:.3g}, relative")


def _decoded(codec: Codec, weights: DecoderWeights, codes: Tensor, dtype: torch.dtype) -> Tensor:
    state = DecoderState(codec.config, 1, codec.device, dtype)
    slots = torch.zeros(1, dtype=torch.int64, device=codec.device)
    return decode(weights, codec.config, codes, state, slots).samples.double()


def measure(codec: Codec, scope: Scope, record: Record) -> None:
    """Frames of some numbers of slots: the graph alone, and as the engine has it, from codes to PCM on the host."""
    batches = [batch for batch in scope.batches if batch in BATCHES]
    runner, bandwidth = codec.runner(batches, max(batches)), copy_bandwidth(scope.device)
    # A whole window of frames lies behind every slot; whatever is in it costs the same.
    runner.state.progress[:, 0] = codec.config.sliding_window
    rows = []
    for batch in batches:
        codes, slots = list(codec.codes(batch, 1)), range(batch)
        runner.run(codes, slots)
        frame = runner.graphs[batch].replay if scope.on_gpu else partial(runner.run_lanes, batch)
        replays = seconds_of(frame, scope.device, scope.repeats)
        whole = [_clocked(runner, codes, slots) for _ in range(scope.repeats)]
        launches = frame_launches(codec.config, batch)
        floor = sum(map(moved, launches)) / bandwidth * 1e3
        gpu = known_gpu() if scope.on_gpu else None
        predicted = None if gpu is None else Cost.of(launches, gpu, LAUNCH_US * 1e-6).predicted * 1e3
        note = "" if predicted is None else f"bench.roofline predicts {predicted:.3f} ms"
        figures = [statistics.median(replays) * 1e3, percentile(replays, 95) * 1e3, statistics.median(whole) * 1e3]
        record.add(
            Result(f"codec.b{batch}.frame_ms_p50", figures[0], "ms", floor, note),
            Result(f"codec.b{batch}.frame_ms_p95", figures[1], "ms", floor, f"of {len(replays)} replays"),
            Result(f"codec.b{batch}.run_ms_p50", figures[2], "ms", note="from codes to PCM, both on the host"),
        )
        expected = "-" if predicted is None else number(predicted)
        rows.append([f"b{batch}", *map(number, (*figures, floor)), expected, f"{figures[0] / floor:.2f}x"])
    headings = ("slots", "ms", "p95", "from codes to PCM ms", "floor ms", "predicted ms", "over the floor")
    record.table("A frame of the codec, medians", headings, rows)


def _clocked(runner: CodecRunner, codes: Sequence[np.ndarray], slots: Sequence[int]) -> float:
    start = time.perf_counter()
    runner.run(codes, slots)
    return time.perf_counter() - start
