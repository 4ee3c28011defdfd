"""Standard output and standard error."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from qwen3tts.errors import OutputError
from qwen3tts.output import OutputFile


def standard_output() -> BinaryIO:
    """Standard output, for bytes. Raises OutputError where the program was started without one."""
    if sys.stdout is None:
        raise OutputError("cannot write to standard output: it is closed; open it, or give a file")
    return sys.stdout.buffer


def print_line(line: str) -> None:
    """Print a line on standard output. Raises OutputError where it cannot be written."""
    with OutputFile(standard_output()) as file:
        # File names may hold bytes that are not UTF-8; they come out as they came in.
        file.write(f"{line}\n".encode("utf-8", "surrogateescape"))


def print_json(values: Mapping[str, Any], on_standard_error: bool = False) -> None:
    """Print a JSON object in a line on standard output, or on standard error. Raises OutputError where it cannot be written."""
    line = json.dumps(values, ensure_ascii=False)
    if on_standard_error:
        print(line, file=sys.stderr)
    else:
        print_line(line)


def print_note(kind: str, message: str) -> None:
    """Print one line about this run on standard error."""
    print(f"qwen3tts: {kind}: {' '.join(message.split())}", file=sys.stderr)


@contextmanager
def held_warnings() -> Iterator[None]:
    """The package's warnings in the block are printed when it ends well; where it does not, the error is all there is to say."""
    logger = logging.getLogger("qwen3tts")
    handler = logging.handlers.BufferingHandler(sys.maxsize)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    for record in handler.buffer:
        print_note(record.levelname.lower(), record.getMessage())


@contextmanager
def speech_progress(total_seconds: float | None) -> Iterator[Callable[[float], None]]:
    """A bar of the seconds spoken, on standard error where that is a terminal. Yields the function that adds seconds to it.

    total_seconds: how many there can be at most, or None.
    """
    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.completed:.1f} s of speech"),
        TextColumn("real-time factor {task.fields[factor]:.2f}"),
    )
    started = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("speech", total=total_seconds, factor=0.0)
        spoken = 0.0

        def add(seconds: float) -> None:
            nonlocal spoken
            spoken += seconds
            progress.update(task, completed=spoken, factor=(time.perf_counter() - started) / spoken if spoken else 0.0)

        yield add
