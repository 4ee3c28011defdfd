"""CUDA graphs: launches recorded once, replayed with one call, for a few sizes of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from qwen3tts.errors import DeviceError

FRAME_BUCKETS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
"""Lanes of a frame. A batch takes the next larger one; the lanes too many work on the row that pads."""

PREFILL_BUCKETS = (16, 32, 64, 128, 256, 512)
"""Tokens of a prefill. More than the last go without a graph: launching is then little beside the work."""

Progress = Callable[[str, int, int], None]
"""(what, done, total)"""


def frame_buckets(max_batch: int) -> tuple[int, ...]:
    """The buckets that batches of up to `max_batch` lanes need; the last one is at least that large."""
    smaller = tuple(bucket for bucket in FRAME_BUCKETS if bucket < max_batch)
    return (*smaller, next((bucket for bucket in FRAME_BUCKETS if bucket >= max_batch), max_batch))


def bucket_for(buckets: Iterable[int], size: int) -> int | None:
    """The smallest bucket that holds `size`; None where none does."""
    return min((bucket for bucket in buckets if bucket >= size), default=None)


def capture(
    what: str,
    run: Callable[[int], None],
    buckets: Iterable[int],
    stream: torch.cuda.Stream,
    pool: Any,
    on_progress: Progress | None,
) -> dict[int, torch.cuda.CUDAGraph]:
    """Record `run(bucket)` for each bucket. It must launch on the current stream only, and touch static buffers.

    Each bucket runs once before, which compiles its kernels. pool: shared by all graphs; they run one at a time. Raises DeviceError
    when the memory does not suffice.
    """
    sizes = sorted(set(buckets), reverse=True)
    graphs: dict[int, torch.cuda.CUDAGraph] = {}
    for done, bucket in enumerate(sizes):
        if on_progress is not None:
            on_progress(what, done, len(sizes))
        try:
            with torch.cuda.stream(stream):
                run(bucket)
            stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool, stream=stream):
                run(bucket)
        except torch.cuda.OutOfMemoryError as error:
            raise DeviceError(
                f"graph_buckets={sorted(sizes)}: the GPU's memory does not suffice to capture {what} of {bucket}: "
                "shorten that list, lower max_batch or kv_positions, or go without CUDA graphs"
            ) from error
        graphs[bucket] = graph
    if on_progress is not None:
        on_progress(what, len(sizes), len(sizes))
    return graphs
