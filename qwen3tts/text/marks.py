"""Marks in a text: `[pause:400ms]` and the tags of SSML that a voice without knobs can follow. All else is plain text."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass, replace
from html.entities import html5
from typing import NoReturn

from qwen3tts.errors import MarkError

log = logging.getLogger("qwen3tts")

MOST_SECONDS = 60.0
"""Longest pause that one mark may ask for."""

STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.6, "x-strong": 1.0}
"""Seconds of `<break strength="..."/>`."""

INTERPRETATIONS = (
    *("characters", "spell-out", "verbatim", "digits", "cardinal", "number", "ordinal", "date", "time", "telephone"),
    *("currency", "unit", "fraction", "expletive"),
)
"""What `<say-as interpret-as="...">` takes."""

_TAKES: dict[str, set[str] | None] = {
    **{"break": {"time", "strength"}, "say-as": {"interpret-as", "format", "detail"}, "sub": {"alias"}},
    **dict.fromkeys(("phoneme", "speak", "p", "s")),
}
"""Known tags and their attributes; None takes any, and none of them is heard."""

_INSIDE = {"speak": (), "p": ("speak",), "s": ("speak", "p")}
"""The tags that these may stand in; the others may stand in these."""

_CANDIDATE = re.compile(r"\[pause:|<(?:!--|\?(?=[a-z])|!(?=DOCTYPE|\[CDATA\[)|/?(?=[^\W\d_]))|&", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.:-]{0,60}")
_VALUE = r"""\s*=\s*(?:"[^"<]*"|'[^'<]*')"""
_ATTRIBUTES = re.compile(rf"((?:\s+[^\W\d][\w.:-]*{_VALUE})*)\s*(/?)>")
_ONE_ATTRIBUTE = re.compile(rf"([^\s=]+)({_VALUE})")
_BREAK_END = re.compile(r"\s*</break\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_TIME = re.compile(r"([+-]?)([0-9]{0,20}(?:\.[0-9]{1,20})?)\s*([^\W\d_]*)")
_PER_SECOND = {"ms": 1000, "s": 1}
_SEAM_FOLLOWS = re.compile(r"[^\S\n]*(?:\n|</?(?:s|p|speak)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Words:
    """Plain text, from `source[start:end]`; of a tag or an entity, what is read for it."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Said:
    """Text that is to be read as `interpret_as` says."""

    text: str
    interpret_as: str
    format: str | None
    detail: str | None
    start: int
    end: int


@dataclass(frozen=True)
class Pause:
    """Silence."""

    seconds: float
    start: int
    end: int


@dataclass(frozen=True)
class _Open:
    """A tag that is not closed yet; `first` is the item that its content begins with."""

    name: str
    attributes: dict[str, str]
    start: int
    first: int


def parse(text: str) -> list[Words | Said | Pause]:
    """Words and marks in their order. Raises MarkError, which names line, column and remedy. Logs the first `<phoneme>`."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._items: list[Words | Said | Pause] = []
        self._open: list[_Open] = []
        self._plain = 0  # where the plain text begins that is no item yet
        self._speech: tuple[int, int] | None = None  # the items inside <speak>
        self._phonemes: list[int] = []

    def parse(self) -> list[Words | Said | Pause]:
        position = 0
        while match := _CANDIDATE.search(self._text, position):
            position = max(self._mark(match), match.end())
        self._take_plain(len(self._text))
        if self._open:
            tag = self._open[-1]
            self._fail(tag.start, f"<{tag.name}> is not closed", f"add </{tag.name}>")
        self._check_around_speech()
        if self._phonemes:
            log.warning("text, %s: <phoneme> is dropped, its words are read as written", self._place(self._phonemes[0]))
        return self._items

    def _mark(self, match: re.Match[str]) -> int:
        """Take in what begins with a match, if it is a mark; returns where to look on."""
        start, sign = match.start(), match[0]
        if sign == "&":
            return self._entity(start)
        if sign[0] == "[":
            return self._pause(start, match.end())
        if sign in ("<!--", "<?"):
            return self._skip(start, "-->" if sign == "<!--" else "?>")
        if sign == "<!":
            self._fail(start, f"{self._text[start : start + 9]} is unknown", "remove it")
        return self._tag(start, match.end(), closes=sign == "</")

    def _take_plain(self, end: int) -> None:
        """What stands before a mark becomes words."""
        if end > self._plain:
            self._items.append(Words(self._text[self._plain : end], self._plain, end))

    def _check_around_speech(self) -> None:
        """Outside of <speak> there may only be white space."""
        first, end = self._speech or (0, len(self._items))
        for item in [*self._items[:first], *self._items[end:]]:
            if not isinstance(item, Words) or item.text.strip():
                self._fail(item.start, "<speak> is not around the whole text", "move it, or remove it")
        self._items = self._items[first:end]

    def _put(self, end: int, *items: Words | Said | Pause) -> int:
        """The source up to `end` is read, as these items."""
        self._items += items
        self._plain = end
        return end

    def _entity(self, start: int) -> int:
        match = _ENTITY.match(self._text, start) if self._open and self._open[0].name == "speak" else None
        if match is None or (match[0][1] != "#" and match[0][1:] not in html5):
            return start + 1
        self._take_plain(start)
        return self._put(match.end(), Words(html.unescape(match[0]), start, match.end()))

    def _skip(self, start: int, closing: str) -> int:
        found = self._text.find(closing, start)
        if found < 0:
            self._fail(start, f"{self._text[start : start + 4]} is not closed", f"add {closing}")
        self._take_plain(start)
        return self._put(found + len(closing))

    def _pause(self, start: int, value: int) -> int:
        end = self._text.find("]", value, value + 60)
        if end < 0:
            self._fail(start, "[pause:...] is not closed", "write it like [pause:400ms]")
        self._take_plain(start)
        self._refuse_inside(start, "[pause:...]")
        seconds = self._seconds(self._text[value:end], start, "[pause:...]")
        return self._put(end + 1, Pause(seconds, start, end + 1))

    def _tag(self, start: int, position: int, closes: bool) -> int:
        named = _NAME.match(self._text, position)
        written = named[0] if named else ""
        name = written.lower()
        found = _ATTRIBUTES.match(self._text, position + len(written))
        if found is None or (closes and (found[1] or found[2])):
            if len(name) > 1 and name in _TAKES and not self._text[position + len(name) :][:1].isalnum():
                self._fail(start, f"the tag <{'/' * closes}{name} is badly written", 'write it like <break time="400ms"/>')
            return position
        if name not in _TAKES:
            self._fail(start, f"<{'/' * closes}{written}> is unknown", f"remove it, or take {', '.join(sorted(_TAKES))}")
        self._take_plain(start)
        if closes:
            return self._close(name, start, found.end())
        attributes = self._attributes(name, start, found[1])
        return self._start(_Open(name, attributes, start, len(self._items)), found.end(), empty=bool(found[2]))

    def _attributes(self, name: str, start: int, written: str) -> dict[str, str]:
        takes, attributes = _TAKES[name], dict[str, str]()
        for match in _ONE_ATTRIBUTE.finditer(written):
            key = match[1].lower()
            if takes is not None and key not in takes:
                self._fail(start, f"<{name}> has an unknown attribute {_shown(key)}", f"it takes {', '.join(sorted(takes))}")
            if key in attributes:
                self._fail(start, f"<{name}> has the attribute {_shown(key)} twice", "leave one")
            attributes[key] = html.unescape(match[2].strip()[1:].strip()[1:-1])
        return attributes

    def _start(self, tag: _Open, end: int, empty: bool) -> int:
        """A tag opens, or is empty."""
        name = tag.name
        self._refuse_inside(tag.start, f"<{name}>")
        if name == "break":
            return self._break(tag, end, empty)
        if name in _INSIDE and (wrong := [other.name for other in self._open if other.name not in _INSIDE[name]]):
            self._fail(tag.start, f"<{name}> stands inside <{wrong[-1]}>", f"close <{wrong[-1]}> first")
        if name == "speak" and self._speech:
            self._fail(tag.start, "<speak> comes a second time", "leave one around the whole text")
        if name in ("p", "s"):
            self._seam(name, tag.start, end)
        elif name == "say-as":
            self._check_say_as(tag)
        elif name == "sub" and "alias" not in tag.attributes:
            self._fail(tag.start, "<sub> has no alias", 'write it like <sub alias="World Wide Web">WWW</sub>')
        elif name == "phoneme":
            self._phonemes.append(tag.start)
        self._open.append(replace(tag, first=len(self._items)))
        self._put(end)
        return self._close(name, tag.start, end) if empty else end

    def _seam(self, name: str, start: int, end: int) -> None:
        """A paragraph's edge is a blank line, a sentence's a new line; two of these are no blank line."""
        last = self._items[-1] if self._items else None
        if name == "p":
            self._items.append(Words("\n\n", start, end))
        elif not isinstance(last, Words) or not last.text.rstrip(" \t").endswith("\n"):
            self._items.append(Words("\n", start, end))

    def _refuse_inside(self, start: int, mark: str) -> None:
        """No mark may stand where only text may."""
        if self._open and (name := self._open[-1].name) in ("say-as", "sub"):
            self._fail(start, f"{mark} stands inside <{name}>", f"close <{name}> first")

    def _break(self, tag: _Open, end: int, empty: bool) -> int:
        if not empty:
            closing = _BREAK_END.match(self._text, end)
            if closing is None:
                self._fail(tag.start, "<break> is not closed", "write it like <break/>")
            end = closing.end()
        strength = tag.attributes.get("strength", "medium").strip().lower()
        if strength not in STRENGTHS:
            self._fail(tag.start, f"<break> has the strength {_shown(strength)}", f"choose one of {', '.join(STRENGTHS)}")
        seconds = STRENGTHS[strength]
        if "time" in tag.attributes:
            seconds = self._seconds(tag.attributes["time"], tag.start, "<break>")
        return self._put(end, Pause(seconds, tag.start, end))

    def _check_say_as(self, tag: _Open) -> None:
        kind = tag.attributes.get("interpret-as", "")
        if kind.strip().lower() not in INTERPRETATIONS:
            fault = f"interpret-as={_shown(kind)}" if kind else "no interpret-as"
            self._fail(tag.start, f"<say-as> has {fault}", f"choose one of {', '.join(INTERPRETATIONS)}")

    def _close(self, name: str, start: int, end: int) -> int:
        """A tag closes: what it encloses is read as it says."""
        if not self._open:
            self._fail(start, f"</{name}> closes nothing", "remove it")
        tag = self._open[-1]
        if tag.name != name:
            self._fail(start, f"</{name}> stands where </{tag.name}> is due", f"close <{tag.name}> first")
        if name == "sub":
            self._items[tag.first :] = [Words(tag.attributes["alias"], tag.start, end)]
        elif name == "say-as":
            kind, form, detail = (tag.attributes.get(key) for key in ("interpret-as", "format", "detail"))
            content = "".join(item.text for item in self._items[tag.first :] if isinstance(item, Words))
            self._items[tag.first :] = [Said(content, (kind or "").strip().lower(), form, detail, tag.start, end)]
        elif name == "p" or (name == "s" and not _SEAM_FOLLOWS.match(self._text, end)):
            self._seam(name, start, end)
        elif name == "speak":
            self._speech = tag.first, len(self._items)
        self._open.pop()
        return self._put(end)

    def _seconds(self, written: str, start: int, mark: str) -> float:
        match = _TIME.fullmatch(written.strip())
        time = f"the time {_shown(written)} of {mark}"
        if match is None or not match[2]:
            self._fail(start, f"{time} is not a number with ms or s", "write it like 400ms or 1.5s")
        sign, number, unit = match[1], match[2], match[3].lower()
        if unit not in _PER_SECOND:
            self._fail(start, f"{time} has {'the unit ' + _shown(unit) if unit else 'no unit'}", f"write {number}s or {number}ms")
        seconds = float(number) / _PER_SECOND[unit]
        if sign == "-" and seconds:
            self._fail(start, f"{time} is negative", "give 0s or more")
        if seconds > MOST_SECONDS:
            self._fail(start, f"{time} is over {MOST_SECONDS:g} s", "give several pauses")
        return seconds

    def _place(self, position: int) -> str:
        line = self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        return f"line {line}, column {column} (character {position})"

    def _fail(self, position: int, what: str, remedy: str) -> NoReturn:
        raise MarkError(f"text, {self._place(position)}: {what}: {remedy}; or turn marks off (marks=False, --no-marks)")


def _shown(value: str) -> str:
    """A value as an error shows it: in one line, and not all of a long one."""
    return repr(value if len(value) <= 40 else value[:40] + "…")
