"""Run from a source tree that nobody installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import qwen3tts

ROOT = Path(__file__).parents[1]


def use_source_tree() -> None:
    """Let `qwen3tts.kernels` be found where the package is not installed.

    Installing maps the outer folders kernels/, cli/ and bench/ into the package; their parent on its path does the same.
    """
    if importlib.util.find_spec("qwen3tts.kernels") is None:
        qwen3tts.__path__.append(str(ROOT))
