"""The kernels of a frame by themselves: `python -m bench.kernels --size 1.7B --batch 1,8,32,64`. Needs a GPU.

Launches of a kind (a kernel, a grid and shapes) are timed together: a graph of them is replayed, each on other weights, more of
them than the L2 cache holds, as in a frame. What a frame spends on them is that time times their number.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor

from qwen3tts.engine.triton_runner import TritonRunner
from qwen3tts.errors import InputError
from qwen3tts.kernels.launch import Launch

from .command import Parser, batches_of, run_bench
from .gpu.record import Record, number
from .gpu.scope import ROOM, Scope
from .gpu.subject import Subject, frame_launches, make, occupy
from .gpu.timing import copy_bandwidth, repeatable, seconds_of
from .releases import SIZES
from .report import Result

LEAST_LAUNCHES = 48
"""In a graph, so that the gap between two replays does not count."""

CACHES = 4
"""So many times the L2 cache do the weights of a graph take."""

BATCHES = (1, 8, 32, 64)


@dataclass(frozen=True)
class Kind:
    """Launches that do the same with other tensors. part: "talker" or "predictor". seconds: of one of them."""

    part: str
    launches: tuple[Launch, ...]
    seconds: float

    @property
    def moved(self) -> float:
        """Bytes that one of them moves."""
        works = [launch.work for launch in self.launches]
        return statistics.mean(work.weight_bytes + work.state_bytes for work in works)

    @property
    def whole(self) -> float:
        """Seconds of a frame that all of them take."""
        return self.seconds * len(self.launches)

    @property
    def name(self) -> str:
        """The kernel, the shape of what it reads first and, where it has weights, theirs."""
        tensors = [argument for argument in self.launches[0].arguments if isinstance(argument, Tensor)]
        parts = [self.launches[0].name, _shape(tensors[0])]
        if self.launches[0].work.weight_bytes:
            parts.append(f"w{_shape(max(tensors, key=lambda tensor: tensor.numel() if tensor.ndim == 2 else 0))}")
        return ".".join(parts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("kernels", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Time the kernels of frames of one size: settings and results. Raises InputError where there is no GPU."""
    if not torch.cuda.is_available():
        raise InputError("bench.kernels needs an NVIDIA GPU: python -m bench.roofline says what a frame has to cost on one")
    scope, record = Scope.of_gpu([options.size], options.batch, seconds=float("inf")), Record()
    with torch.inference_mode():
        time_kernels(scope, options.batch, record)
    return {"size": options.size, "batch": list(options.batch), "context": scope.context}, record.results


def run(scope: Scope, record: Record) -> None:
    """Time the kernels of the frames of all sizes, at those of the batches that are in `BATCHES`."""
    time_kernels(scope, [batch for batch in scope.batches if batch in BATCHES], record)


def time_kernels(scope: Scope, batches: Sequence[int], record: Record) -> None:
    """Time the kernels of the frames of all sizes at some batches, in the form that an engine of that batch takes."""
    bandwidth = copy_bandwidth(scope.device)
    record.add(Result("copy_bandwidth", bandwidth / 1e9, "GB/s", note="bytes read and written"))
    for size in scope.sizes:
        subject = Subject.draw(size, scope.device, scope.dtype, scope.kv_positions)
        for wide, of_form in scope.own_forms.items():
            lanes = [batch for batch in of_form if batch in batches]
            if lanes and not scope.over:
                runner = subject.runner(scope.rows[wide], graphs=False)
                for batch in lanes:
                    occupy(runner, subject, batch, scope.context, ROOM)
                    _report(record, f"{size}.b{batch}", kinds_of(runner, batch, scope), bandwidth)


def kinds_of(runner: TritonRunner, lanes: int, scope: Scope) -> list[Kind]:
    """The kinds of launches of a frame and their times, those first that a frame spends most on."""
    groups: defaultdict[tuple[Any, ...], list[Launch]] = defaultdict(list)
    parts = zip(("talker", "predictor"), frame_launches(runner, lanes), strict=True)
    for part, launch in ((part, launch) for part, launches in parts for launch in launches):
        groups[part, launch.name, launch.grid, tuple(sorted(launch.constants.items())), _shapes(launch)].append(launch)
    kinds = [Kind(key[0], tuple(launches), _seconds(runner, launches, scope)) for key, launches in groups.items()]
    return sorted(kinds, key=lambda kind: -kind.whole)


def _seconds(runner: TritonRunner, launches: Sequence[Launch], scope: Scope) -> float:
    """Of one of the launches."""
    least = CACHES * torch.cuda.get_device_properties(scope.device).L2_cache_size if scope.on_gpu else 0
    different = _different(runner, launches, least)
    count = max(LEAST_LAUNCHES, len(different)) if scope.on_gpu else 1
    work = repeatable(lambda: make(runner.launcher, islice(cycle(different), count)), scope.device)
    # A frame's last draw moves the rows on.
    numbers = runner.rows.numbers
    kept = numbers.clone()
    seconds = seconds_of(work, scope.device, scope.repeats, before=lambda: numbers.copy_(kept))
    numbers.copy_(kept)
    return statistics.median(seconds) / count


def _different(runner: TritonRunner, launches: Sequence[Launch], least: int) -> list[Launch]:
    """The launches that read different weights and caches, and copies of them until these take `least` bytes."""
    cold = _storages(runner.model, runner.cache)

    def cold_tensors(launch: Launch) -> list[Tensor]:
        return [a for a in launch.arguments if isinstance(a, Tensor) and a.untyped_storage().data_ptr() in cold]

    different = list({tuple(tensor.data_ptr() for tensor in cold_tensors(launch)): launch for launch in launches}.values())
    sizes = [sum(tensor.nbytes for tensor in cold_tensors(launch)) for launch in different]
    held, originals = sum(sizes), cycle(tuple(different))
    while 0 < held < least:
        launch = next(originals)
        copies = {id(tensor): tensor.clone() for tensor in cold_tensors(launch)}
        different.append(replace(launch, arguments=tuple(copies.get(id(argument), argument) for argument in launch.arguments)))
        held += sum(tensor.nbytes for tensor in copies.values())
    return different


def _shapes(launch: Launch) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(argument.shape) for argument in launch.arguments if isinstance(argument, Tensor))


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def _storages(*parts: object) -> set[int]:
    """Where the tensors of some dataclasses, at any depth, have their numbers."""
    found: set[int] = set()
    for part in parts:
        if isinstance(part, Tensor):
            found.add(part.untyped_storage().data_ptr())
        elif isinstance(part, tuple):
            found |= _storages(*part)
        elif hasattr(part, "__dataclass_fields__"):
            found |= _storages(*vars(part).values())
    return found


def _report(record: Record, where: str, kinds: Sequence[Kind], bandwidth: float) -> None:
    whole = sum(kind.whole for kind in kinds)
    rows = []
    names = Counter[str]()
    for kind in kinds:
        # Kinds may differ in what their names do not tell.
        names[kind.name] += 1
        name = kind.name if names[kind.name] == 1 else f"{kind.name}.{names[kind.name]}"
        rate, count = kind.moved / kind.seconds, len(kind.launches)
        share = f"{rate / bandwidth * 100:.0f} %"
        note = f"{rate / 1e9:.0f} GB/s, {share} of a copy's; {count} a frame"
        record.add(Result(f"{where}.{kind.part}.{name}_us", kind.seconds * 1e6, "us", kind.moved / bandwidth * 1e6, note))
        figures = [number(value) for value in (count, kind.moved / 1e3, kind.seconds * 1e6, rate / 1e9)]
        rows.append([f"{kind.part} {name}", *figures, share, number(kind.whole * 1e6), f"{kind.whole / whole * 100:.1f} %"])
    headings = ("kernel", "launches", "KB each", "µs each", "GB/s", "of a copy", "µs a frame", "of the frame")
    record.table(f"Kernels of a frame, {where}: {whole * 1e3:.3f} ms in all", headings, rows)


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.kernels", description="The kernels of a frame by themselves.")
    parser.add_argument("--size", choices=SIZES, default="1.7B", help="of the model (1.7B)")
    parser.add_argument("--batch", type=batches_of, default=BATCHES, metavar="N,N", help="lanes of the frames (1,8,32,64)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
