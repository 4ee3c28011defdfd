"""What a text has to contain for a pattern to match in it: most rules need a sign or a digit that most sentences have not.

It reads the tree that Python's `re` makes of a pattern. Only what is certain counts: no pattern is passed over wrongly.
"""

from __future__ import annotations

import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as op
    from re import _parser as parser
else:
    import sre_constants as op
    import sre_parse as parser

Needs = tuple[frozenset[str], ...]
"""Of each set at least one character."""

_WIDEST = 200
"""Characters of a set that is worth looking for."""

_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, getattr(op, "POSSESSIVE_REPEAT", op.MAX_REPEAT)}


def needs_of(pattern: re.Pattern[str]) -> Needs:
    """The sets of characters of each of which a text that `pattern` matches in has one."""
    sets = _of_sequence(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE), bool(pattern.flags & re.IGNORECASE))
    return tuple(sorted(set(sets), key=len))


def _of_sequence(items: Any, ignores_case: bool) -> list[frozenset[str]]:
    return [found for kind, value in items for found in _of_item(kind, value, ignores_case)]


def _of_item(kind: Any, value: Any, ignores_case: bool) -> list[frozenset[str]]:
    """The needs of one node of the tree; an empty list where nothing is certain."""
    if kind is op.LITERAL:
        return [_letters({chr(value)}, ignores_case)]
    if kind is op.IN:
        return _of_class(value, ignores_case)
    if kind in _REPEATS:
        return _of_sequence(value[2], ignores_case) if value[0] else []
    if kind is op.SUBPATTERN:
        return _of_sequence(value[3], ignores_case or bool(value[1] & re.IGNORECASE))
    if kind is op.BRANCH:
        return _of_branches([_of_sequence(branch, ignores_case) for branch in value[1]])
    if kind is op.ASSERT:
        return _of_sequence(value[1], ignores_case)
    return []


def _of_class(members: Any, ignores_case: bool) -> list[frozenset[str]]:
    characters: set[str] = set()
    for kind, value in members:
        if kind is op.LITERAL:
            characters.add(chr(value))
        elif kind is op.RANGE and value[1] - value[0] < _WIDEST:
            characters |= set(map(chr, range(value[0], value[1] + 1)))
        else:
            return []
    return [_letters(characters, ignores_case)]


def _of_branches(branches: list[list[frozenset[str]]]) -> list[frozenset[str]]:
    """One set of each branch is needed; the smaller they are, the more they say."""
    if not all(branches):
        return []
    joined = frozenset().union(*(min(sets, key=len) for sets in branches))
    return [joined] if len(joined) <= _WIDEST else []


def _letters(characters: set[str], ignores_case: bool) -> frozenset[str]:
    """The same in both cases where case is ignored; what has odd cases, such as ſ for s, is looked for as well."""
    if not ignores_case:
        return frozenset(characters)
    odd = {"s": "ſ", "k": "\u212a", "å": "\u212b", "i": "İı", "в": "ᲀ", "д": "ᲁ", "о": "ᲂ", "с": "ᲃ", "т": "ᲄᲅ", "ъ": "ᲆ", "ѣ": "ᲇ"}
    every = {form for c in characters for form in (c, c.lower(), c.upper(), *odd.get(c.lower(), ""))}
    return frozenset(every)
