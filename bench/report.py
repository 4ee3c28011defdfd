"""What every bench gives back: named results, as a table and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qwen3tts.output import OutputFile

from .machine import describe_machine

PIPE_WIDTH = 500
"""Most columns of a table that no terminal wraps."""


@dataclass(frozen=True)
class Result:
    """One figure.

    value: in `unit`; infinite for what never came, NaN where there was nothing to measure; a count is an int. floor: the least that
    `value` could be, in the same unit, or None where there is no such bound. note: what it is the figure of.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    note: str = ""


def percentile(values: Sequence[float], percent: int) -> float:
    """Nearest-rank percentile: the smallest value that at least `percent` % (1 to 100) of them do not exceed; NaN of no values."""
    if not values:
        return math.nan
    return sorted(values)[math.ceil(percent * len(values) / 100) - 1]


def percentiles(name: str, values: Sequence[float], percents: Sequence[int], note: str, floor: float | None = None) -> list[Result]:
    """Nearest-rank percentiles of durations in seconds, as milliseconds: `name`_p50 and so on. floor: in milliseconds."""
    return [Result(f"{name}_p{percent}", percentile(values, percent) * 1e3, "ms", floor, note) for percent in percents]


def print_table(bench: str, results: Sequence[Result]) -> None:
    """Print the results, with the ratio of each to its floor, on standard output. In a pipe, lines are as long as they need."""
    # Imported here because a GPU machine that only writes its figures down needs no rich.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=bench, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("name", "value", "unit", "floor", "ratio"):
        table.add_column(heading, justify="left" if heading in ("name", "unit") else "right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for result in results:
        floor, ratio = ("", "") if result.floor is None else (_number(result.floor), _number(result.value / result.floor))
        table.add_row(result.name, _number(result.value), result.unit, floor, ratio, result.note)
    console = Console()
    if not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(max_width=PIPE_WIDTH)).maximum
    console.print(table)


def write_json(file: OutputFile, bench: str, settings: Mapping[str, Any], results: Sequence[Result]) -> None:
    """Write a report in the form that all benches share; a value that is infinite or NaN becomes null. Raises OutputError."""
    rows = [asdict(result) | {"value": result.value if math.isfinite(result.value) else None} for result in results]
    report = {"bench": bench, "machine": describe_machine(), "settings": dict(settings), "results": rows}
    file.write(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def _number(value: float) -> str:
    """Three decimals below ten, one above, none of a count: enough to compare runs, and short enough to read."""
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "-"
    return "never" if math.isinf(value) else f"{value:,.{3 if abs(value) < 10 else 1}f}"
