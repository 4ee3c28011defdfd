"""How first audio is distributed over the requests, as a picture."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Sequence

from qwen3tts.errors import InputError
from qwen3tts.output import OutputFile

from .report import percentile

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
    png = io.BytesIO()
    figure.savefig(png, format="png")
    file.write(png.getvalue())
