"""First audio as a picture: how it is distributed over requests, and what load does to it."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qwen3tts.errors import InputError
from qwen3tts.output import OutputFile

from .playback import Load
from .report import percentile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PERCENTS = {50: "tab:green", 95: "tab:orange", 99: "tab:red"}
BINS = 40
SIZE_INCHES, DOTS_PER_INCH = (9, 5), 150


def require_matplotlib() -> None:
    """Raise InputError where there is no matplotlib to draw with."""
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("--plot needs matplotlib (pip install 'qwen3tts[bench]'): install it, or leave --plot out")


def plot_first_audio(file: OutputFile, first_audio: Sequence[float], about: str) -> None:
    """Write a PNG: a histogram, the cumulative share of all requests, and the percentiles 50, 95 and 99.

    first_audio: seconds of at least one request, infinite where it never came. about: what ran where. Raises OutputError.
    """
    # Takes a second, and is no part of what a bench has to have.
    from matplotlib.figure import Figure

    ms = sorted(seconds * 1e3 for seconds in first_audio)
    came = [value for value in ms if math.isfinite(value)]
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    counts = figure.add_subplot(xlabel="first audio, ms", ylabel="requests")
    counts.set_title(f"Time to first audio of {len(ms)} requests, one after another\n{about}", fontsize="medium", loc="left")
    counts.hist(came, BINS, color="tab:blue", alpha=0.5)
    counts.yaxis.get_major_locator().set_params(integer=True)
    shares = counts.twinx()
    shares.set_ylabel("share of all requests, %")
    shares.set_ylim(0, 101)
    shares.step(came, [100 * (i + 1) / len(ms) for i in range(len(came))], where="post", color="tab:blue")
    for percent, colour in PERCENTS.items():
        value = percentile(ms, percent)
        if math.isfinite(value):
            shares.axvline(value, color=colour, linestyle="--", label=f"p{percent}: {value:,.1f} ms")
        else:
            shares.plot([], [], color=colour, linestyle="--", label=f"p{percent}: never")
    figure.legend(loc="outside lower center", ncols=len(PERCENTS), frameon=False)
    _write(file, figure)


def plot_loads(file: OutputFile, loads: Sequence[Load], about: str) -> None:
    """Write a PNG: the percentiles 50, 95 and 99 of first audio against load, and the share of streams with an underrun.

    loads: at least one. about: what ran where. A percentile that never came has no point. Raises OutputError.
    """
    from matplotlib.figure import Figure

    ordered = sorted(loads, key=lambda load: load.rps)
    rps = [load.rps for load in ordered]
    figure = Figure(SIZE_INCHES, DOTS_PER_INCH, layout="constrained")
    times = figure.add_subplot(xlabel="requests a second", ylabel="first audio, ms")
    times.set_title(f"Time to first audio against load\n{about}", fontsize="medium", loc="left")
    for percent, colour in PERCENTS.items():
        values = [percentile(load.first_audio, percent) * 1e3 for load in ordered]
        shown = [value if math.isfinite(value) else math.nan for value in values]
        times.plot(rps, shown, color=colour, marker="o", label=f"p{percent}")
    # Overload takes first audio from milliseconds to seconds.
    times.set_yscale("log")
    for axis in (times.yaxis.set_major_formatter, times.yaxis.set_minor_formatter):
        axis("{x:g}")
    times.grid(alpha=0.3)
    shares = times.twinx()
    shares.set_ylabel("streams with an underrun, %")
    shares.set_ylim(-1, 101)
    broken = [100 * load.streams_with_underruns / len(load.outcomes) for load in ordered]
    shares.plot(rps, broken, color="tab:gray", linestyle=":", marker="x", label="streams with an underrun")
    figure.legend(loc="outside lower center", ncols=len(PERCENTS) + 1, frameon=False)
    _write(file, figure)


def _write(file: OutputFile, figure: Figure) -> None:
    png = io.BytesIO()
    figure.savefig(png, format="png")
    file.write(png.getvalue())
