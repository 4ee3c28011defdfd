"""What normalisation costs before the first frame: `python -m bench.normalize`. It runs on the CPU, on one core."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from qwen3tts.text.normalize import normalize

from .command import Parser, run_bench, whole_number
from .report import Result, percentile, percentiles

SENTENCES = {
    "ru": (
        "12-го июня 2024 года в 17:30 на ул. Ленина, д. 5 собралось 25 человек.",
        "К 1991 году цена выросла на 2,5 % и достигла 1 000 000 рублей.",
        "Он ничего не ответил и долго смотрел в окно, за которым шёл снег.",
        "Скорость ветра 5 м/с, температура -15 °C, давление 745 мм рт. ст.",
        "При Петре I, в XVIII веке, всё было иначе.",
    ),
    "en": (
        "Dr. Smith lives on Main St. and paid $25.50 on January 5, 2024.",
        "The 12th run took 3:05 minutes over 1 km at 72 °F.",
        "She said nothing, and looked out of the window for a long time.",
        "By 1984, sales had grown 10-15% to $1.5 billion.",
        "Henry VIII was 6'2\" tall, e.g. taller than most.",
    ),
}
DENSE = {"ru": "к 5 ", "en": "$1 "}
"""Nothing but pieces to read: the slowest text of its length."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("normalize", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Normalise sentences and long texts in both languages: settings and results."""
    first = _seconds("12", "ru") + _seconds("12", "en")
    results = [Result("first_call_ms", first * 1e3, "ms", note="dictionaries and rules, loaded once")]
    for language, sentences in SENTENCES.items():
        times = [_seconds(sentence, language) for _ in range(options.rounds) for sentence in sentences]
        results += percentiles(
            f"{language}_sentence_ms", times, (50, 95), f"{len(sentences)} sentences, {options.rounds} times each"
        )
        for name, text in (("long", " ".join(sentences) + " "), ("dense", DENSE[language])):
            long = (text * (options.characters // len(text) + 1))[: options.characters]
            spent = percentile([_seconds(long, language) for _ in range(3)], 50)
            results.append(Result(f"{language}_{name}_seconds", spent, "s", note=f"{options.characters:,} characters, median of 3"))
    return {"rounds": options.rounds, "characters": options.characters}, results


def _seconds(text: str, language: str) -> float:
    started = time.perf_counter()
    normalize(text, language)
    return time.perf_counter() - started


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.normalize", description="What normalisation costs before the first frame.")
    parser.add_argument("--rounds", type=whole_number(1), default=20, metavar="N", help="of the sentences (20)")
    parser.add_argument("--characters", type=whole_number(1), default=100_000, metavar="N", help="of a long text (100000)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
