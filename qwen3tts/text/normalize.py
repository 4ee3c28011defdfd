"""Written text to words: numbers, dates, money, units, abbreviations and signs as somebody would read them aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import get_args

from qwen3tts.errors import InputError
from qwen3tts.text import english, russian
from qwen3tts.text.edits import Edit, Span, apply_edits, compose, spans_of
from qwen3tts.text.languages import language_code
from qwen3tts.text.pictures import emoji_rule
from qwen3tts.text.rules import Rule, scan
from qwen3tts.text.unicode import compose_characters, tidy_spaces
from qwen3tts.text.zones import zones
from qwen3tts.types import Emoji

MOST_ROUNDS = 8
"""A round may lay something bare for the next, as a dropped emoji does for the spaces around it; more than three are never seen."""


@dataclass(frozen=True)
class Normalized:
    """text: as it is to be read. spans: what was replaced, from left to right; between them both texts are the same."""

    text: str
    spans: tuple[Span, ...]


def normalize(text: str, language: str | None = "auto", *, emoji: Emoji = "drop") -> Normalized:
    """Write out what is not words, in Russian and English; in other languages only characters and spaces are put in order.

    language: a name or a code such as "en"; "auto" or None decides by script, sentence by sentence and span by span. emoji: "drop"
    leaves them out, "name" says what they show. Normalising twice changes nothing. Raises LanguageError, which lists the languages,
    and InputError; no text raises.
    """
    code = language_code(language)
    if emoji not in get_args(Emoji):
        raise InputError(f"emoji={emoji!r} is unknown: choose one of {', '.join(get_args(Emoji))}")
    steps: Sequence[Callable[[str], list[Edit]]] = (tidy_spaces, compose_characters, partial(_write_out, code=code, emoji=emoji))
    edits: list[Edit] = []
    current = text
    for _ in range(MOST_ROUNDS):
        unchanged = current
        for step in steps:
            found = step(current)
            edits = compose(text, edits, found) if found else edits
            current = apply_edits(current, found)
        if current == unchanged:
            break
    return Normalized(current, spans_of(edits))


def _write_out(text: str, code: str, emoji: Emoji) -> list[Edit]:
    return [edit for zone in zones(text, code) for edit in scan(text, zone.start, zone.end, _rules(zone.language, emoji))]


@cache
def _rules(language: str, emoji: Emoji) -> tuple[Rule, ...]:
    return (*(russian if language == "ru" else english).RULES, emoji_rule(language, emoji))
