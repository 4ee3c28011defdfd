"""The command line that all benches share: options, one-line errors, a table, and JSON where it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NoReturn

from qwen3tts.errors import InputError, Qwen3TTSError
from qwen3tts.output import OutputFile

from .report import Result, print_table, write_json

Measure = Callable[[argparse.Namespace], tuple[Mapping[str, Any], Sequence[Result]]]
"""From the options to the settings, as JSON values, and the results."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are InputErrors of one line."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError with argparse's message."""
        raise InputError(message)


def whole_number(low: int) -> Callable[[str], int]:
    """An option's type: a whole number from `low`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if number < low:
            raise argparse.ArgumentTypeError(f"{text!r} is out of range: give a whole number from {low}")
        return number

    return parse


def batches_of(text: str) -> tuple[int, ...]:
    """An option's type: batch sizes, commas between them."""
    return tuple(map(whole_number(1), text.split(",")))


def run_bench(bench: str, parser: Parser, measure: Measure, argv: Sequence[str] | None) -> int:
    """Parse, measure, print and, with --json, write; returns the exit code: 0, or 2 after a line on standard error.

    The JSON file is opened before the measurement, so that a name that cannot be written costs no run.
    """
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    try:
        options = parser.parse_args(argv)
        with nullcontext() if options.json is None else OutputFile(options.json) as file:
            settings, results = measure(options)
            print_table(bench, results)
            if file is not None:
                write_json(file, bench, settings, results)
    except Qwen3TTSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
