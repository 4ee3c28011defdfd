"""Rules that read what is written in signs: a pattern finds it, a function says how it is read."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from qwen3tts.text.edits import Edit
from qwen3tts.text.needs import Needs, needs_of

CONTEXT = 80
"""Characters on either side that a reading may depend on: looking further would make long texts slow."""


@dataclass(frozen=True)
class Rule:
    """What `pattern` finds is read as `read` says; None leaves it to the rules behind this one.

    A pattern must take linear time on any text: it starts where a character alone decides (a digit that no digit precedes, say),
    and what it repeats has an upper bound.
    """

    kind: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], str | None]

    @cached_property
    def needs(self) -> Needs:
        """What a text has to contain for the pattern to match in it."""
        return needs_of(self.pattern)


def before(match: re.Match[str]) -> str:
    """What stands left of a match, as far as a reading may look."""
    return match.string[max(0, match.start() - CONTEXT) : match.start()]


def after(match: re.Match[str]) -> str:
    """What stands right of a match, as far as a reading may look."""
    return match.string[match.end() : match.end() + CONTEXT]


def ends_phrase(match: re.Match[str]) -> bool:
    """Whether a match ends a text that is no sentence, as it begins without a capital: a last stop is the abbreviation's own."""
    if match.end() < len(match.string):
        return False
    first = next(filter(str.isalpha, match.string[:CONTEXT]), "")
    return not first.isupper() or match.start() == 0


def scan(text: str, start: int, end: int, rules: Sequence[Rule]) -> list[Edit]:
    """The edits of `text[start:end]`: from left to right, and of rules that begin at one place the first that reads it.

    It goes line by line: no match goes over a line's end, and rules that need what a line does not have are passed over.
    """
    edits: list[Edit] = []
    while start < end:
        line_end = text.find("\n", start, end) + 1 or end
        there = set(text[start:line_end])
        able = [rule for rule in rules if not any(there.isdisjoint(needed) for needed in rule.needs)]
        _scan_line(text, start, line_end, able, edits)
        start = line_end
    return edits


def _scan_line(text: str, start: int, end: int, rules: Sequence[Rule], edits: list[Edit]) -> None:
    found: list[tuple[int, int, re.Match[str]]] = []

    def look(rank: int, position: int) -> None:
        match = rules[rank].pattern.search(text, position, end)
        if match is not None and match.end() > match.start():
            heapq.heappush(found, (match.start(), rank, match))

    for rank in range(len(rules)):
        look(rank, start)
    position = start
    while found:
        at, rank, match = heapq.heappop(found)
        if at < position:
            look(rank, position)
            continue
        reading = rules[rank].read(match)
        if reading is None:
            look(rank, at + 1)
            continue
        position = match.end()
        if reading != match[0]:
            edits.append(Edit(at, position, rules[rank].kind, reading))
        look(rank, position)
