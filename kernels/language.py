"""Triton, where it is installed.

The torch references need none, and a laptop's torch brings none; kernels are then names that cannot be launched, and whoever picks
the backend has said so before (`qwen3tts.backend`).
"""

from __future__ import annotations

from functools import partial
from typing import Any

try:
    import triton
    import triton.language as tl
    from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait
except ImportError:
    triton = tl = gdc_launch_dependents = gdc_wait = None

__all__ = ["gdc_launch_dependents", "gdc_wait", "jit", "next_power_of_2", "tl", "triton"]


def jit(function: Any = None, **options: Any) -> Any:
    """`triton.jit`; without Triton the function itself."""
    if function is None:
        return partial(jit, **options)
    return triton.jit(function, **options) if triton else function


def next_power_of_2(n: int) -> int:
    """The smallest power of two that is at least n: block shapes are powers of two."""
    return 1 << (n - 1).bit_length()
