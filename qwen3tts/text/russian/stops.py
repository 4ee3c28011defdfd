"""What an abbreviation leaves behind when it is written out: the stop of its sentence, the capital of its first letter."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qwen3tts.text.rules import ends_phrase

_SENTENCE_ENDS = re.compile(r"[»”\")\]]*(?:$|\n|\s+(?:[—–-]\s)?[«“„\"(]?[А-ЯЁA-Z])")


def kept_stop(match: re.Match[str], *, before_capital: bool = True) -> str:
    """ "." if the stop at the end of a match is also that of its sentence. before_capital: whether a capital tells that."""
    if not match[0].rstrip().endswith(".") or ends_phrase(match):
        return ""
    end = _SENTENCE_ENDS.match(match.string[match.end() : match.end() + 8])
    return "." if end and (before_capital or not end[0][-1:].isalpha()) else ""


def as_written(short: str, word: str) -> str:
    """A word with a capital letter if its abbreviation has one."""
    return word[:1].upper() + word[1:] if short[:1].isupper() else word


def any_of(shorts: Iterable[str], *, small: str = "") -> str:
    """Abbreviations as a pattern: the longest first, spaces may be missing, the first letter, unless `small`, may be a capital."""
    ordered = sorted(shorts, key=len, reverse=True)
    heads = [(short[0] if short in small.split() else f"[{short[0]}{short[0].upper()}]", short[1:]) for short in ordered]
    return "|".join(head + re.escape(rest).replace(r"\ ", " ?") for head, rest in heads)
