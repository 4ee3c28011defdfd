"""How long frames take, whole and by stage, over batches, contexts and launch modes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import torch

from qwen3tts.engine.triton_runner import TritonRunner
from qwen3tts.kernels.launch import Launch, Launcher
from qwen3tts.kernels.paged_attention import TYPICAL_CONTEXT

from ..report import Result, percentile
from ..roofline import LAUNCH_US
from ..roofline_model import GPU, GPUS, Cost
from .record import Record, number
from .scope import ROOM, Scope
from .subject import Subject, frame_launches, make, occupy
from .timing import copy_bandwidth, repeatable, seconds_of

FORMS = {False: "matvec", True: "wide"}


def run(scope: Scope, record: Record) -> None:
    """Time the frames of every size, form and batch."""
    bandwidth = copy_bandwidth(scope.device)
    for size in scope.sizes:
        subject = Subject.draw(size, scope.device, scope.dtype, scope.kv_positions)
        lines: list[list[str]] = []
        for wide, batches in scope.forms.items():
            rows = scope.rows[wide]
            runner = subject.runner(rows, buckets=(*batches, rows))
            if not lines:
                _prefills(runner, scope, size, record)
            for batch in batches:
                if scope.over:
                    record.remark(f"the time was up before {size} in batches of {batch}, {FORMS[wide]}")
                    break
                lines.append(stages(runner, subject, scope, f"{size}.{FORMS[wide]}.b{batch}", batch, bandwidth, record))
                if batch in scope.compared:
                    _compare(runner, subject, scope, f"{size}.{FORMS[wide]}.b{batch}", batch, record)
        headings = ("frame", "ms", "p95", "talker ms", "predictor ms", "launches", "floor ms", "predicted ms", "over the floor")
        record.table(f"Frames of {size} at {scope.context} positions, medians", headings, lines)


def stages(
    runner: TritonRunner, subject: Subject, scope: Scope, name: str, batch: int, bandwidth: float, record: Record
) -> list[str]:
    """The frame as the engine replays it, and its two halves as graphs of their own; returns a row of the table."""
    occupy(runner, subject, batch, scope.context, ROOM)
    talker, predictor = frame_launches(runner, batch)
    whole = _times(runner, scope, runner.graphs[batch].replay if scope.on_gpu else lambda: runner.run(batch))
    halves = [statistics.median(_graph_times(runner, scope, runner.launcher, part)) * 1e3 for part in (talker, predictor)]
    launches = [*talker, *predictor]
    floor = sum(launch.work.weight_bytes + launch.work.state_bytes for launch in launches) / bandwidth * 1e3
    median, p95 = statistics.median(whole) * 1e3, percentile(whole, 95) * 1e3
    predicted = _prediction(launches, scope)
    note = "" if predicted is None else f"bench.roofline predicts {predicted:.3f} ms"
    record.add(
        Result(f"{name}.frame_ms_p50", median, "ms", floor, note),
        Result(f"{name}.frame_ms_p95", p95, "ms", floor, f"of {len(whole)} replays"),
        Result(f"{name}.talker_ms", halves[0], "ms", note=f"alone, {len(talker)} launches"),
        Result(f"{name}.predictor_ms", halves[1], "ms", note=f"alone, {len(predictor)} launches"),
    )
    expected = "-" if predicted is None else number(predicted)
    return [name, *map(number, (median, p95, *halves, len(launches), floor)), expected, f"{median / floor:.2f}x"]


def _compare(runner: TritonRunner, subject: Subject, scope: Scope, name: str, batch: int, record: Record) -> None:
    """The same frame at other contexts, and with launches that are not chained."""
    for context in scope.contexts:
        if context != scope.context:
            occupy(runner, subject, batch, context, ROOM)
            seconds = _times(runner, scope, runner.graphs[batch].replay if scope.on_gpu else lambda: runner.run(batch))
            record.add(Result(f"{name}.frame_ms_at_{context}", statistics.median(seconds) * 1e3, "ms", note="positions of context"))
    if runner.launcher.dependent:
        occupy(runner, subject, batch, scope.context, ROOM)
        seconds = _graph_times(runner, scope, Launcher(), [launch for part in frame_launches(runner, batch) for launch in part])
        record.add(Result(f"{name}.frame_ms_unchained", statistics.median(seconds) * 1e3, "ms", note="without dependent launch"))


def _prefills(runner: TritonRunner, scope: Scope, size: str, record: Record) -> None:
    """One prompt of as many tokens as a graph has; longer prompts go without a graph."""
    for tokens, graph in runner.prefill.graphs.items():
        # Leaves a prompt in the graph's buffers.
        runner.prefill.run([0], [torch.randn(tokens, runner.model.config.hidden_size, device=scope.device).to(scope.dtype)])
        seconds = seconds_of(graph.replay, scope.device, scope.repeats)
        record.add(Result(f"{size}.prefill_ms_{tokens}", statistics.median(seconds) * 1e3, "ms", note="tokens of a prompt"))


def _graph_times(runner: TritonRunner, scope: Scope, launcher: Launcher, launches: Sequence[Launch]) -> list[float]:
    return _times(runner, scope, repeatable(lambda: make(launcher, launches), scope.device))


def _times(runner: TritonRunner, scope: Scope, work: Callable[[], None]) -> list[float]:
    """Seconds of each call, every one of the same frame: its last draw would move the rows on."""
    numbers = runner.rows.numbers
    kept = numbers.clone()
    seconds = seconds_of(work, scope.device, scope.repeats, before=lambda: numbers.copy_(kept))
    numbers.copy_(kept)
    return seconds


def _prediction(launches: Sequence[Launch], scope: Scope) -> float | None:
    """What bench.roofline predicts of some launches, in ms; None for a GPU that it does not know, and for other contexts."""
    gpu = known_gpu() if scope.on_gpu and scope.context == TYPICAL_CONTEXT else None
    return None if gpu is None else Cost.of(launches, gpu, LAUNCH_US * 1e-6).predicted * 1e3


def known_gpu() -> GPU | None:
    """The GPU by its data sheet; None where we have none of it."""
    name = torch.cuda.get_device_name().upper().replace(" ", "")
    return next((gpu for known, gpu in GPUS.items() if known in name), None)
