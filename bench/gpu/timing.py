"""How long work takes: on a GPU by events around replays of a graph, on a CPU by the clock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from qwen3tts.engine.graphs import capture

WARMUP = 5
COPY_BYTES = 2**31
"""Some forty times what an L2 cache holds."""

Work = Callable[[], None]


def repeatable(work: Work, device: torch.device) -> Work:
    """The same work with one call: a CUDA graph of it. It has to launch kernels on static buffers. On a CPU the work itself."""
    if device.type != "cuda":
        return work
    # What the work reads may still be on its way in another stream.
    torch.cuda.synchronize(device)
    stream, pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()
    return capture("work", lambda _: work(), (1,), stream, pool, None)[1].replay


def seconds_of(work: Work, device: torch.device, repeats: int, before: Work | None = None) -> list[float]:
    """Seconds of each of `repeats` calls. before: called ahead of each, and not counted.

    On a GPU all calls are put on their way at once, so that the device never waits for the host; the first few, which it may wait
    for, do not count.
    """
    if device.type != "cuda":
        return [_clocked(work, before) for _ in range(repeats)]
    torch.cuda.synchronize(device)
    spans = []
    for _ in range(WARMUP + repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        if before is not None:
            before()
        start.record()
        work()
        end.record()
        spans.append((start, end))
    torch.cuda.synchronize(device)
    return [start.elapsed_time(end) * 1e-3 for start, end in spans[WARMUP:]]


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second of a copy within the memory, read and written ones both counted: the median of ten."""
    size = COPY_BYTES if device.type == "cuda" else 2**24
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / statistics.median(seconds_of(lambda: target.copy_(source), device, 10))


def _clocked(work: Work, before: Work | None) -> float:
    if before is not None:
        before()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
