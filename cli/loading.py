"""The model of a command."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

import qwen3tts
from qwen3tts.backend import require_graphs


def load_model(
    model: str | None,
    device: str = "auto",
    dtype: str | None = None,
    cuda_graphs: bool | None = False,
    quantize: str = "none",
    backend: str | None = "torch",
) -> tuple[qwen3tts.TTS, float]:
    """Load a model for one utterance at a time; returns it and the seconds that it took. The arguments are those of `TTS.load`.

    The defaults are for commands that speak no text: they run no frame, so they ask for no kernels and capture no graphs.
    cuda_graphs: None leaves it to `TTS.load`. Raises DeviceError where graphs are asked for and cannot be, and the errors of
    `TTS.load`.
    """
    if cuda_graphs:
        require_graphs(device, dtype, backend)
    load = qwen3tts.TTS.load
    started = time.perf_counter()
    with loading_progress() as show:
        tts = load(
            model,
            device,
            dtype,
            cuda_graphs=cuda_graphs is not False,
            quantize=quantize,
            max_batch=1,
            backend=backend,
            on_progress=show,
        )
    return tts, time.perf_counter() - started


@contextmanager
def loading_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each part of loading, on standard error where that is a terminal. Yields the function that moves it: what is done,
    how much of it, and how much there is."""
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:

        def show(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done)

        yield show
