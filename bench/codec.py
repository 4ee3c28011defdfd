"""The codec's decoder by itself: `python -m bench.codec`, at full size with random weights, or with those of a model.

Each round finds the peak, times every case once, and then torch: what else the machine does slows all of them alike. Figures are
medians over the rounds. A case is one call: so many frames of so many slots, which have had a whole window of frames before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from qwen3tts import _C
from qwen3tts.checkpoint import load_checkpoint, locate
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig
from qwen3tts.config.files import read_json
from qwen3tts.device import resolve_device
from qwen3tts.native import dispatch, one_torch_thread

from .command import Parser, batches_of, run_bench, whole_number
from .gpu.timing import repeatable, seconds_of
from .machine import MIB, peak_memory_mib, read_bandwidth
from .random_weights import draw_codec
from .releases import RELEASED
from .report import Result
from .roofline_operations import frame_flops, frame_operations, weight_bytes

FRAMES = (1, 2, 4, 8, 16, 32)
BATCHES = (1, 2, 4, 8)
REPEATS = 20
COMPARED = 4
"""Frames of the call that is held against the peak and against torch. It is always measured."""

MATRIX = 8192
"""Of the product that finds a GPU's peak: 1.1 TFLOP on 0.8 GB."""


@dataclass(frozen=True)
class Case:
    """A call that is timed, and the frames of each slot and the slots that it decodes. seconds: of each round."""

    call: Callable[[], None]
    frames: int
    slots: int
    seconds: list[float] = field(default_factory=list)

    def time(self, device: torch.device) -> None:
        """Call it once more."""
        self.seconds.extend(seconds_of(self.call, device, 1))

    @property
    def frame_seconds(self) -> float:
        """Of one frame of one slot, the median."""
        return statistics.median(self.seconds) / (self.frames * self.slots)


@dataclass(frozen=True)
class Timings:
    """What the rounds came to.

    frames: by the end of the figure's name. first: of a slot that was reset. reference: the compared case in torch. peaks: FLOP/s.
    memory: MiB that had been held at most before torch's copy of the weights. state: bytes of a slot.
    """

    frames: dict[str, Case]
    first: Case
    reference: Case
    peaks: list[float]
    memory: float
    state: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("codec", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Draw or map the weights, time the rounds, and sum up: settings and results. Raises the errors of `qwen3tts.errors`."""
    device = resolve_device(options.device)
    folder = None if options.model is None else locate(options.model)
    with _threads(options.threads) as threads, torch.inference_mode():
        if folder is None:
            config = CodecConfig.read(read_json(RELEASED / "speech_tokenizer.config.json"), "the released codec")
            tensors: Mapping[str, Tensor] = draw_codec(config, torch.Generator(device).manual_seed(options.seed))
        else:
            checkpoint = load_checkpoint(folder)
            config, tensors = checkpoint.codec_config, checkpoint.read_codec()
        timings = time_rounds(tensors, config.decoder_config, device, options)
        bandwidth = read_bandwidth(device)
    settings = {name: getattr(options, name) for name in ("frames", "batch", "repeats", "seed")}
    about = {"model": None if folder is None else folder.name, "device": str(device), "threads": threads}
    return about | settings, results_of(timings, config.decoder_config, device, bandwidth)


def time_rounds(
    tensors: Mapping[str, Tensor], config: CodecDecoderConfig, device: torch.device, options: argparse.Namespace
) -> Timings:
    """Time all cases and, beside them, the peak and torch. The first round, which warms up, does not count."""
    slots = max(options.batch)
    state = _state(config, slots, device)
    weights = DecoderWeights.read(tensors, config, device=device)

    def case(frames: int, slots: int, *, fresh: bool = False) -> Case:
        call = _decoding(weights, config, state, frames, slots, fresh)
        return Case(repeatable(call, device), frames, slots)

    frames = {f"n{n}": case(n, 1) for n in sorted({COMPARED, *options.frames})}
    frames |= {f"b{n}": case(1, n) for n in sorted(set(options.batch))}
    ours = (case(1, 1, fresh=True), *frames.values())
    _time(ours, device)
    memory = peak_memory_mib() if device.type == "cpu" else torch.cuda.max_memory_allocated(device) / MIB
    plain = DecoderWeights.read(tensors, config, layout="plain", device=device)
    reference = Case(_decoding(plain, config, _state(config, 1, device), COMPARED, 1), COMPARED, 1)
    peaks = []
    for _ in range(1 + options.repeats):
        peaks.append(peak_rate(device))
        _time(ours, device)
        with torch_alone():
            reference.time(device)
    for of_rounds in (peaks, *(timed.seconds for timed in (reference, *ours))):
        del of_rounds[: -options.repeats]
    return Timings(frames, ours[0], reference, peaks, memory, _bytes(*vars(state).values()) // slots)


@contextmanager
def torch_alone() -> Iterator[None]:
    """Keep to the references of all operations, also in float32; layers have to be packed "plain"."""
    with patch.object(dispatch, "path_of", lambda _: "reference"):
        yield


def peak_rate(device: torch.device) -> float:
    """Multiplications and additions a second that the device does at best.

    On a CPU in float32, of all threads, with all operands in registers; on a GPU in TF32, in a large matrix product of torch's.
    """
    if device.type == "cpu":
        return _C.fma_rate(_C.available_threads())
    matrix, product = (torch.ones(MATRIX, MATRIX, device=device) for _ in range(2))

    def multiply() -> None:
        torch.mm(matrix, matrix, out=product)

    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        return 2 * MATRIX**3 / seconds_of(multiply, device, 1)[0]
    finally:
        torch.set_float32_matmul_precision(precision)


def results_of(timings: Timings, config: CodecDecoderConfig, device: torch.device, bandwidth: float) -> list[Result]:
    """All figures. bandwidth: bytes a second."""
    operations, on_gpu = frame_operations(config), device.type == "cuda"
    flops, weights = frame_flops(operations), weight_bytes(operations)
    peak, compared, reference = statistics.median(timings.peaks), timings.frames[f"n{COMPARED}"], timings.reference
    rounds = f"median of {len(timings.peaks)}"

    def frame_ms(name: str, case: Case, note: str) -> Result:
        floor = max(flops / peak, weights / bandwidth / (case.frames * case.slots))
        return Result(name, case.frame_seconds * 1e3, "ms", floor * 1e3, f"{rounds}; {note}")

    ratio = reference.frame_seconds / compared.frame_seconds
    torch_note = f"{'ours' if ratio > 1 else 'torch'} is faster: torch takes {reference.frame_seconds * 1e3:.3g} ms a frame"
    peak_name, peak_note = ("tf32_peak", "a matrix product of torch's") if on_gpu else ("fma_peak", "operands in registers")
    share = flops / compared.frame_seconds / peak * 100
    memory_name = "peak_device_memory_mib" if on_gpu else "peak_memory_mib"
    return [
        *(frame_ms(f"codec_frame_ms_{end}", case, _call(case)) for end, case in timings.frames.items()),
        frame_ms("codec_first_frame_ms", timings.first, "of a slot that was reset before"),
        Result(peak_name, peak / 1e9, "GFLOP/s", note=f"{rounds}; {peak_note}"),
        Result(f"{peak_name}_share_n{COMPARED}", share, "%", note=f"of {flops / 1e9:.3g} GFLOP a frame"),
        Result(f"torch_ratio_n{COMPARED}", ratio, "", note=torch_note),
        Result("read_bandwidth", bandwidth / 1e9, "GB/s", note=f"sum of 1 GiB; a call reads {weights / 1e6:.3g} MB of weights"),
        Result("codec_state_bytes", timings.state, "B", note="of a slot"),
        Result(memory_name, timings.memory, "MiB", note="without torch's copy of the weights"),
    ]


def _call(case: Case) -> str:
    return f"{case.frames} of a slot in a call" if case.slots == 1 else f"{case.slots} slots in a call"


def _decoding(
    weights: DecoderWeights, config: CodecDecoderConfig, state: DecoderState, frames: int, slots: int, fresh: bool = False
) -> Callable[[], None]:
    """A call that decodes random codes of the first slots. fresh: and resets the first of them before."""
    codes = torch.randint(config.codebook_size, (slots, frames, config.num_quantizers), device=state.device)
    which = torch.arange(slots, device=state.device)

    def call() -> None:
        if fresh:
            state.reset(0)
        decode(weights, config, codes, state, which)

    return call


def _state(config: CodecDecoderConfig, slots: int, device: torch.device) -> DecoderState:
    """State of slots that have had a whole window of frames: attention costs the same whatever is in it."""
    state = DecoderState(config, slots, device)
    state.progress[:, 0] = config.sliding_window
    return state


def _bytes(*parts: object) -> int:
    """Of tensors, and of those in tuples, at any depth."""
    return sum(part.nbytes if isinstance(part, Tensor) else _bytes(*part) for part in parts if isinstance(part, (Tensor, tuple)))


def _time(cases: Sequence[Case], device: torch.device) -> None:
    """Each once, with torch's own threads out of the way, as the engine has it."""
    with one_torch_thread():
        for case in cases:
            case.time(device)


@contextmanager
def _threads(number: int | None) -> Iterator[int]:
    """Let the extension and torch have so many threads; None leaves them what they have. Yields the extension's."""
    if number is None:
        yield _C.available_threads()
        return
    before = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = str(number)
    torch.set_num_threads(number)
    try:
        yield number
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if before[0] is not None:
            os.environ["OMP_NUM_THREADS"] = before[0]
        torch.set_num_threads(before[1])


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.codec", description="The codec's decoder by itself.")
    parser.add_argument("--model", metavar="DIR|REPO", help="whose codec; default: random weights of the released size")
    parser.add_argument("--frames", type=batches_of, default=FRAMES, metavar="N,N", help="of one slot in a call (1,2,4,8,16,32)")
    parser.add_argument("--batch", type=batches_of, default=BATCHES, metavar="N,N", help="slots of a call of one frame (1,2,4,8)")
    parser.add_argument("--repeats", type=whole_number(1), default=REPEATS, metavar="N", help=f"rounds ({REPEATS})")
    parser.add_argument("--threads", type=whole_number(1), metavar="N", help="of a CPU; default: $OMP_NUM_THREADS, else its cores")
    parser.add_argument("--device", default="cpu", help="auto, cpu or cuda[:N] (cpu)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of random weights (0)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
