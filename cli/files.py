"""What commands read and write, opened or checked before any model is loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

from qwen3tts.audio.files import format_of
from qwen3tts.cli.console import standard_output
from qwen3tts.errors import CodesError, OutputError, TextError
from qwen3tts.output import OutputFile
from qwen3tts.text import check_words

STANDARD_STREAM = "-"
"""As TEXT, standard input; as the name of an audio output, standard output."""

MOST_TEXT_BYTES = 1 << 24
"""Read of a file or a pipe at most: more than any book has, and less than a pipe without an end."""


def read_text(argument: str) -> str:
    """The text that TEXT stands for: itself, a file's for `@FILE`, standard input's for `-`.

    The latter two come without the white space at their ends.
    Raises TextError where it cannot be read, is not UTF-8, is blank or too large.
    """
    if argument == STANDARD_STREAM:
        text = _decoded(_read_standard_input(), "text on standard input")
    elif argument.startswith("@"):
        text = _decoded(_read_file(argument[1:]), f"text file {argument[1:]}")
    else:
        text = argument
    check_words(text)
    return text


def _read_standard_input() -> bytes:
    if sys.stdin is None:
        raise TextError("text - is standard input, which is closed: give the text itself, or @FILE")
    return sys.stdin.buffer.read(MOST_TEXT_BYTES + 1)


def _read_file(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(MOST_TEXT_BYTES + 1)
    except OSError as error:
        remedy = "check the path (@ names a file; pipe a text that begins with @ into -)"
        raise TextError(f"text file {name!r} cannot be read ({error.strerror}): {remedy}") from error


def _decoded(data: bytes, source: str) -> str:
    if len(data) > MOST_TEXT_BYTES:
        raise TextError(f"{source} has more than {MOST_TEXT_BYTES:,} bytes: split it")
    try:
        return data.decode("utf-8").removeprefix("\ufeff").strip()
    except UnicodeDecodeError as error:
        raise TextError(f"{source} is not UTF-8 at byte {error.start} (0x{data[error.start]:02x}): convert it to UTF-8") from error


def audio_target(output: str, audio_format: str | None) -> tuple[str | BinaryIO, str]:
    """Where `AudioWriter` is to write and in which format: `-` is standard output, raw PCM16 unless another format is asked for.

    Raises InputError for an unknown format, OutputError where nothing can be written.
    """
    if output == STANDARD_STREAM:
        return standard_output(), format_of(output, audio_format or "pcm")
    chosen = format_of(output, audio_format)
    check_writable(output)
    return output, chosen


class _OnlyTried(Exception):
    """Leaves an output as it was."""


def check_writable(path: str) -> None:
    """Raise OutputError unless `path` can be written, before anybody waits for what goes into it."""
    if path == STANDARD_STREAM:
        raise OutputError("cannot write to -: standard output takes speech alone; give the name of a file")
    # Opening a named pipe waits for its reader, and closing it tells the reader that all is said.
    if os.path.exists(path) and Path(path).is_fifo():
        return
    with contextlib.suppress(_OnlyTried), OutputFile(path):
        raise _OnlyTried


def read_codes(path: str) -> np.ndarray:
    """An array from a `.npy` file, mapped. Raises CodesError where it is missing, damaged or no such file."""
    try:
        # Mapping checks the length that the header claims before anything is allocated.
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise CodesError(f"codes file {path} cannot be read ({error.strerror or error}): check the path") from error
    except Exception as error:  # a damaged header sets a dozen kinds of error free
        raise CodesError(f"codes file {path} is not a whole .npy array ({error}): make it with `qwen3tts codec encode`") from error


def write_codes(path: str, codes: np.ndarray) -> None:
    """Write codes, int64 (frames, codebooks), as a `.npy` file. Raises OutputError."""
    with OutputFile(path) as file:
        np.save(file, codes)
