"""Compile what the other parts launch, in as many processes as there are cores.

Each of some hundred kernels takes Triton a second or more at its first launch, one after another. Compiled here they lie in its
cache on the disk when they are needed.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import ModelConfig
from qwen3tts.engine.frame import is_wide
from qwen3tts.engine.graphs import PREFILL_BUCKETS
from qwen3tts.engine.plan import META, frame_plan, prefill_plan
from qwen3tts.kernels.launch import Launch, Launcher

from ..report import Result
from ..source_tree import use_source_tree
from . import attention, drawing, projections
from .cases import modes
from .record import Record, one_line
from .scope import Scope
from .subject import configs

Key = tuple[Any, ...]


def run(scope: Scope, record: Record) -> None:
    """Compile all launches of the other parts, and say how long that took."""
    start = time.perf_counter()
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=use_source_tree) as pool:
        shares = list(pool.map(_compile_share, [(scope, i, workers) for i in range(workers)]))
    for failure in sorted({failure for share in shares for failure in share.failures}):
        record.fail(f"compile {failure}")
    note = f"{sum(share.done for share in shares)} of {sum(share.asked for share in shares)} kernels in {workers} processes"
    record.add(Result("compile_seconds", time.perf_counter() - start, "s", note=note))


@dataclass(frozen=True)
class Share:
    """What a process had to compile, what it came to before the time was up, and what failed of that."""

    asked: int
    done: int
    failures: tuple[str, ...]


def _compile_share(share: tuple[Scope, int, int]) -> Share:
    """Compile every n-th launch from the i-th on."""
    scope, first, step = share
    launches = list(distinct(planned(scope)).values())[first::step]
    done, failures = 0, []
    for launch in launches:
        if scope.over:
            break
        try:
            compile_launch(launch)
        except Exception as error:  # the part that needs the kernel fails, too; the other kernels compile
            failures.append(f"{launch.name}: {one_line(error)}")
        done += 1
    return Share(len(launches), done, tuple(failures))


def compile_launch(launch: Launch) -> None:
    """Compile a launch as launching it would, by the device's own rules, without launching it."""
    options = {"num_warps": launch.warps, "num_stages": launch.stages, "enable_fp_fusion": True}
    if launch.constants["DEPENDENT"]:
        options["launch_pdl"] = True
    launch.kernel.warmup(*launch.arguments, grid=launch.grid, **launch.constants, **options)


def planned(scope: Scope) -> Iterator[Launch]:
    """The launches of the other parts, on tensors without numbers."""
    for dependent in scope.launch_modes:
        plan: list[Launch] = []
        for part in (projections, attention, drawing):
            for case in part.cases(scope, META):
                if dependent in modes(case, scope):
                    case.run(Launcher(dependent, plan))
        yield from plan
        for size in scope.sizes:
            # Whole models are checked in every launch mode, but only the first of them.
            every = dependent == scope.launch_modes[-1] or size == scope.sizes[0]
            yield from _of_model(scope, configs(size)[0], dependent, set(scope.batches) if every else scope.compared)


def _of_model(scope: Scope, config: ModelConfig, dependent: bool, batches: set[int]) -> Iterator[Launch]:
    # A layer is like another, but the last one of a prefill has no end.
    talker = config.talker_config
    predictor = replace(talker.code_predictor_config, num_hidden_layers=1)
    config = replace(config, talker_config=replace(talker, num_hidden_layers=2, code_predictor_config=predictor))
    common = {"dependent": dependent, "dtype": scope.dtype, "positions": scope.kv_positions + 2 * PAGE_SIZE}
    for wide, of_form in scope.forms.items():
        for lanes in sorted(batches.intersection(of_form)):
            yield from frame_plan(config, lanes, wide=wide, **common)
    if scope.fp8:
        yield from frame_plan(config, scope.few_rows, wide=is_wide(scope.few_rows), quantize="fp8", **common)
    for tokens in PREFILL_BUCKETS:
        yield from prefill_plan(config, tokens, **common)


def distinct(launches: Iterator[Launch]) -> dict[Key, Launch]:
    """One launch for each kernel that has to be compiled."""
    return {_specialisation(launch): launch for launch in launches}


def _specialisation(launch: Launch) -> Key:
    """What Triton compiles a kernel anew for: constants, dtypes, what is None or 1, and what 16 divides."""
    return (
        launch.name,
        launch.warps,
        launch.stages,
        tuple(sorted(launch.constants.items())),
        tuple(_kind(argument) for argument in launch.arguments),
    )


def _kind(argument: Any) -> tuple[Any, ...]:
    if isinstance(argument, torch.Tensor):
        return argument.dtype, argument.storage_offset() * argument.element_size() % 16 == 0
    if isinstance(argument, int):
        return int, argument == 1, argument % 16 == 0
    return (type(argument),)
