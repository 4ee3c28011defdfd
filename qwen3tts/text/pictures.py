"""Emoji: left out, or named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, partial

import emoji as library

from qwen3tts.text.rules import Rule

# In the library's data, but signs that people write in plain text: © ® ™, ‼ ⁉ and the arrows.
_NO_EMOJI = frozenset("©®™‼⁉↔↕↖↗↘↙↩↪")
_NAMELESS = "★☆✓✗✘✦✧❖♪♫♬♩❀❁✿❤♡\ufe0e\ufe0f\u20e3"
"""Ornaments that the library has no name for, and what is left of broken emoji."""
_LAST_OF_PLANE = "\uffff"


def _class(characters: Iterable[str]) -> str:
    """What stands between the brackets of a character class, neighbours joined: many single ones would be slow."""
    ranges: list[list[int]] = []
    for code in sorted(set(map(ord, characters))):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


_SINGLE = [key for key in library.EMOJI_DATA if len(key) == 1 and key not in _NO_EMOJI]
_ASTRAL = [
    *(key for key in _SINGLE if key > _LAST_OF_PLANE),
    *map(chr, (*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F700), *range(0x1F900, 0x1FB00))),
]
_ONE = (
    rf"(?:[{_class([*(key for key in _SINGLE if key <= _LAST_OF_PLANE), *_NAMELESS])}]"
    rf"|[{_class([*_ASTRAL, *map(chr, (*range(0x1F1E6, 0x1F200), *range(0xE0020, 0xE0080)))])}]"
    rf"|[#*0-9]\ufe0f?\u20e3|[{''.join(sorted(_NO_EMOJI))}]\ufe0f)"
)
_WHOLE = rf"(?:{_ONE}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]{{0,12}}\u200d?)"
_BRACKETED = rf"\((?:{_WHOLE} ?){{1,20}}\)"
_PATTERN = re.compile(
    rf"(?=[ (#*0-9\u00a9-\U0010ffff])(?:(?<![^\n])(?:(?:{_WHOLE}|{_BRACKETED}) ?){{1,200}}|(?: ?{_WHOLE}){{1,200}}| ?{_BRACKETED})"
)


def emoji_rule(language: str, emoji: str) -> Rule:
    """The rule that drops emoji, or names them in a language; the space before them goes with them."""
    return Rule("emoji", _PATTERN, partial(_named, language) if emoji == "name" else _dropped)


def _dropped(match: re.Match[str]) -> str:
    """Nothing, or the space that keeps two words apart."""
    text, end = match.string, match.end()
    between = match.start() and end < len(text) and text[match.start() - 1].isalnum() and text[end].isalnum()
    return " " if between else ""


def _named(language: str, match: re.Match[str]) -> str:
    """The names, each once and parted by commas, with the spaces that words need."""
    text, start, end = match.string, match.start(), match.end()
    names = list(dict.fromkeys(_name(found["emoji"], language) for found in library.emoji_list(match[0])))
    said = ", ".join(name for name in names if name)
    if not said:
        return _dropped(match)
    left = " " if match[0][0] == " " or (start and text[start - 1].isalnum()) else ""
    right = " " if end < len(text) and text[end].isalnum() else ""
    return f"{left}{said}{right}"


@cache
def _name(emoji: str, language: str) -> str:
    """What an emoji shows, in plain words; of a keycap, what stands on it."""
    if "\u20e3" in emoji:
        return emoji[0]
    if emoji in _NO_EMOJI:
        return ""
    library.config.load_language(language)
    data = library.EMOJI_DATA.get(emoji, {})
    return str(data.get(language) or data.get("en") or "").strip(":").replace("_", " ")
