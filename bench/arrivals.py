"""When requests arrive: drawn before the run, so that a late server does not slow down its callers."""

from __future__ import annotations

import argparse
import math
import random

from qwen3tts.errors import InputError


def arrivals(rps: float, seconds: float, seed: int) -> list[float]:
    """A Poisson process: seconds from the start, ascending, all before `seconds`.

    rps: requests a second on average. The same seed gives the same arrivals; twice the load gives them in half the time. Raises
    InputError where not one arrives.
    """
    generator, times, now = random.Random(seed), [], 0.0
    while (now := now + generator.expovariate(1.0) / rps) < seconds:
        times.append(now)
    if not times:
        raise InputError(f"--rps {rps:g} lets nobody arrive within {seconds:g} s: give more --seconds or another --seed")
    return times


def positive(text: str) -> float:
    """An option's type: a number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: give a number above 0")
    return number


def not_negative(text: str) -> float:
    """An option's type: a number from 0."""
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range: give a number from 0")
    return number


def loads_of(text: str) -> tuple[float, ...]:
    """An option's type: different numbers of requests a second, commas between them."""
    loads = tuple(map(positive, text.split(",")))
    if len(set(loads)) < len(loads):
        raise argparse.ArgumentTypeError(f"{text!r} names a load twice: give each once")
    return loads


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
