"""Packages that come with an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qwen3tts.errors import InputError


@contextmanager
def needs(extra: str, option: str) -> Iterator[None]:
    """What the block imports comes with an extra; raises InputError that says so where it is not installed. option: what asked."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "qwen3tts":
            raise
        raise InputError(f"{option} needs {package}, which is not installed: pip install 'qwen3tts[{extra}]'") from error
