"""The plan of what is said: a text, its marks and its paragraphs as utterances and pauses, one after another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise, zip_longest

from qwen3tts.errors import LanguageError, TextError
from qwen3tts.text.languages import language_code
from qwen3tts.text.marks import Said, Words, parse
from qwen3tts.text.normalize import Emoji
from qwen3tts.text.normalize import normalize as write_out
from qwen3tts.text.prompt import MAX_TEXT_LENGTH, check_words
from qwen3tts.text.split import character_ends, paragraphs, split
from qwen3tts.text.zones import Zone, zones

PARAGRAPH_SECONDS = 0.6
"""The pause between two paragraphs."""

CHARACTERS_PER_TOKEN = 8
"""More than a text has. So much of a paragraph is read at a time: one of a whole book begins at once, and takes no more memory."""

LEAST_CHARACTERS = 1000
"""Of them, however small the parts: what is read together is read in one light."""

BEGINNING = 300
"""What tells the language of numbers before any words."""

_BLEEP = {"ru": "пи-ип"}
_GROUPED_BY = {"en": ",", "ru": " "}
_NUMBER = re.compile(r"\s*([+−-]?)0*([0-9]{1,30})\s*")
_DATE = re.compile(r"\s*([0-9]{1,4})[./ -]([0-9]{1,2})[./ -]([0-9]{1,4})\s*")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True)
class Speak:
    """Words for one utterance."""

    text: str
    tokens: int


@dataclass(frozen=True)
class Pause:
    """Silence."""

    seconds: float


def read(
    text: str,
    language: str | None,
    count: Callable[[str], int],
    *,
    normalize: bool = True,
    marks: bool = True,
    emoji: Emoji = "drop",
    most_tokens: int = 256,
) -> Iterator[Speak | Pause]:
    """What is said of a text, in order, found as it is asked for. Pauses never follow one another.

    language: as `normalize` takes it; one that it does not know is read as it is written. count: the tokens of a text, of which an
    utterance has at most `most_tokens`. Raises TextError and MarkError at once, before anything is said.
    """
    check_words(text)
    reader = _Reader(reading_code(language), normalize, emoji, CHARACTERS_PER_TOKEN * most_tokens)

    def size(words: str) -> int:
        """In tokens; words of more characters than an utterance may have are of too many."""
        return max(count(words), -(-most_tokens * len(words) // MAX_TEXT_LENGTH))

    parts = _joined(_runs(text, marks), reader, partial(split, count=size, most=most_tokens))
    said = (Speak(part, count(part)) if isinstance(part, str) else part for part in parts)
    opening = []
    for part in said:
        opening.append(part)
        if isinstance(part, Speak):
            return chain(opening, said)
    raise TextError("text has no words to say: give it at least one letter or number")


def reading_code(language: str | None) -> str:
    """What `normalize` is told of a language of a model's: its code, or that of one that is read as it is written."""
    try:
        return language_code(language)
    except LanguageError:
        return "zh"  # the models speak more than the normaliser writes out


@dataclass(frozen=True)
class _Run:
    """Text between two pauses; every character `place` in it stands for the next of `said`."""

    text: str
    place: str
    said: list[Said]


def _runs(text: str, marks: bool) -> Iterator[_Run | float]:
    """What is spoken between pauses, and their seconds."""
    items = parse(text) if marks else [Words(text, 0, len(text))]
    run: list[Words | Said] = []
    for item in items:
        if isinstance(item, (Words, Said)):
            run.append(item)
        elif item.seconds:
            yield _run(run, True)
            yield item.seconds
            run = []
    yield _run(run, len(items) > 1)


def _run(items: list[Words | Said], strip: bool) -> _Run:
    """strip: whether white space around them goes, as there are marks."""
    said = [item for item in items if isinstance(item, Said)]
    place = _unused({c for item in items for c in item.text}) if said else ""
    text = "".join(place if isinstance(item, Said) else item.text for item in items)
    return _Run(text.strip() if strip else text, place, said)


def _unused(used: set[str]) -> str:
    """A character for private use that is not among these."""
    return next(c for c in map(chr, chain(range(0xE000, 0xF900), range(0xF0000, 0x10FFFE))) if c not in used)


def _joined(runs: Iterator[_Run | float], reader: _Reader, cut: Callable[[str], Iterator[str]]) -> Iterator[str | Pause]:
    """The utterances and the pauses between them, each of all the silence that there is."""
    silence = 0.0
    for run in runs:
        if isinstance(run, float):
            silence += run
            continue
        spoken = False
        for pieces in reader.paragraphs(run):
            begins = True
            for piece in chain.from_iterable(map(cut, pieces)):
                if not has_words(piece):
                    continue
                if spoken and begins:
                    silence += PARAGRAPH_SECONDS
                if silence:
                    yield Pause(silence)
                yield piece
                silence, spoken, begins = 0.0, True, False
    if silence:
        yield Pause(silence)


def has_words(text: str) -> bool:
    """Whether anything in a text can be said: a letter or a number."""
    return any(map(str.isalnum, text))


class _Reader:
    """Writes out the paragraphs of a text, each in the language of its words, or else of those before it."""

    def __init__(self, code: str, normalize: bool, emoji: Emoji, most: int) -> None:
        self._code, self._normalize, self._emoji, self._most = code, normalize, emoji, max(most, LEAST_CHARACTERS)
        self._worded = ""  # the last text with letters

    def paragraphs(self, run: _Run) -> Iterator[Iterator[str]]:
        """The paragraphs of a run, each in parts of a length that is soon read. Each is to be taken whole before the next."""
        self._worded = self._worded or run.text[:BEGINNING]
        said = iter(run.said)
        for _, paragraph in paragraphs(run.text):
            parts = split(paragraph, len, self._most)
            yield (self._spoken(part, run.place, said) for part in parts)

    def _spoken(self, text: str, place: str, said: Iterator[Said]) -> str:
        """A text written out. What is spelled is put in afterwards, so that nothing claims it again."""
        found = self._zones(text)
        one = len(found) == 1 and found[0].end - found[0].start == len(text)
        language = found[0].language if one else self._code
        if not place or place not in text:
            return self._written_out(text, language)
        first, *others = text.split(place)
        pieces, spelled, position = [first], list[str](), len(first)
        for piece in others:
            item, here = next(said), language_at(found, position)
            form = _FORMS[item.interpret_as](item, here) if item.interpret_as in _FORMS else None
            if form is None:
                spelled.append(self._spelled(item, here))
                form = " " * pieces[-1][-1:].isalnum() + place + " " * piece[:1].isalnum()
            pieces += [form, piece]
            position += 1 + len(piece)
        written = self._written_out("".join(pieces), language)
        return "".join(chain.from_iterable(zip_longest(written.split(place), spelled, fillvalue="")))

    def _zones(self, text: str) -> list[Zone]:
        """The languages of a text; one without letters is in that of the words before it."""
        language = self._code
        if language == "auto":
            if any(map(str.isalpha, text)):
                self._worded = text
                return zones(text, "auto")
            language = language_at(zones(self._worded, "auto"), len(self._worded) - 1)
        return [Zone(0, len(text), language)]

    def _written_out(self, text: str, language: str) -> str:
        return write_out(text, language, emoji=self._emoji).text if self._normalize else text

    def _spelled(self, item: Said, language: str) -> str:
        """Letter by letter and digit by digit; what is no word is left out."""
        if item.interpret_as == "expletive":
            return _BLEEP.get(language, "beep")
        ends = [0, *character_ends(item.text, 0, len(item.text))]
        characters = [item.text[start:end] for start, end in pairwise(ends)]
        spoken = {c: c if c.isalpha() else self._written_out(c, language) for c in set(characters)}
        return " ".join(filter(has_words, map(spoken.__getitem__, characters)))


def language_at(found: list[Zone], position: int) -> str:
    """The language at a place; where there is none, one that is read as it is written."""
    return next((zone.language for zone in found if zone.start <= position < zone.end), "zh")


def _telephone(item: Said, language: str) -> str | None:
    """Digits with nothing between them would be a number."""
    return None if item.text.strip().isdigit() else item.text


def _cardinal(item: Said, language: str) -> str:
    """In groups, or 1984 would be a year."""
    number = _NUMBER.fullmatch(item.text)
    if number is None or language not in _GROUPED_BY:
        return item.text
    return f"{number[1]}{int(number[2]):,}".replace(",", _GROUPED_BY[language])


def _ordinal(item: Said, language: str) -> str:
    number = _NUMBER.fullmatch(item.text)
    if number is None or number[1] or language not in _GROUPED_BY:
        return item.text
    if language == "ru":
        return f"{number[2]}-й"
    last = "th" if number[2][-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[2][-1], "th")
    return number[2] + last


def _date(item: Said, language: str) -> str:
    """Year, month and day in the order that no language reads otherwise."""
    parts, order = _DATE.fullmatch(item.text), (item.format or "").lower()
    if parts is None or sorted(order) != ["d", "m", "y"]:
        return item.text
    part = dict(zip(order, parts.groups(), strict=True))
    return f"{part['y']}-{part['m']:0>2}-{part['d']:0>2}" if len(part["y"]) == 4 else item.text


def _currency(item: Said, language: str) -> str:
    """A bare number is of the currency that `format` or `detail` names."""
    named = [code.upper() for code in (item.format, item.detail) if code and _CURRENCY.fullmatch(code)]
    return f"{item.text} {named[0]}" if named and _NUMBER.fullmatch(item.text) else item.text


def _fraction(item: Said, language: str) -> str:
    return item.text.replace("+", " ")


def _as_written(item: Said, language: str) -> str:
    return item.text


_FORMS: dict[str, Callable[[Said, str], str | None]] = {
    "cardinal": _cardinal,
    "number": _cardinal,
    "ordinal": _ordinal,
    "date": _date,
    "time": _as_written,
    "telephone": _telephone,
    "currency": _currency,
    "unit": _as_written,
    "fraction": _fraction,
}
"""How a text is written so that it is read as it was meant; None, and what is not here, is spelled."""
