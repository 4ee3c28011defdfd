"""Forms of Russian words, by pymorphy3: which word stands there, and how it looks in another case and number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from pymorphy3 import MorphAnalyzer
from pymorphy3.analyzer import Parse

Case = Literal["nom", "gen", "dat", "acc", "ins", "loc"]
Gender = Literal["m", "f", "n"]

GRAMMEMES: dict[Case, str] = {"nom": "nomn", "gen": "gent", "dat": "datv", "acc": "accs", "ins": "ablt", "loc": "loct"}
CASES: dict[str, Case] = {
    **{grammeme: case for case, grammeme in GRAMMEMES.items()},
    "gen1": "gen",
    "gen2": "gen",
    "acc2": "acc",
    "loc1": "loc",
    "loc2": "loc",
    "voct": "nom",
}
GENDERS: dict[str, Gender] = {"masc": "m", "femn": "f", "neut": "n"}

LONGEST_WORD = 40
"""Longer ones are no words, and would take the analyser long."""

_CYRILLIC = re.compile(r"[А-Яа-яЁё]")

_ADJECTIVES = ("ADJF", "PRTF")
# Units whose genitive plural after a number is the bare stem.
_BARE_AFTER_NUMBERS = ("байт", "бит", "ватт", "вольт", "ампер", "герц", "рентген", "бар", "децибел")
_COUNTED_PLURALS: dict[str, dict[Case, str]] = {
    "человек": {"gen": "человек", "dat": "человекам", "acc": "человек", "ins": "человеками", "loc": "человеках"},
    "год": {"gen": "лет"},
    "ом": {"gen": "ом"},
    "килоом": {"gen": "килоом"},
    "мегаом": {"gen": "мегаом"},
}


@cache
def _analyser() -> MorphAnalyzer:
    return MorphAnalyzer()


@lru_cache(maxsize=8192)
def parses(word: str) -> tuple[Parse, ...]:
    """What a word may be, the likeliest first; nothing for what is no word."""
    if not 0 < len(word) <= LONGEST_WORD or not _CYRILLIC.search(word):
        return ()
    return tuple(_analyser().parse(word))


@dataclass(frozen=True)
class Sense:
    """One thing that a word form may be. part: of speech, as pymorphy3 calls it; marks: all else that it knows."""

    part: str
    lemma: str
    case: Case | None
    gender: Gender | None
    plural: bool
    marks: frozenset[str]

    @property
    def is_noun(self) -> bool:
        return self.part == "NOUN" and "Surn" not in self.marks

    @property
    def is_adjective(self) -> bool:
        return self.part in _ADJECTIVES


@lru_cache(maxsize=8192)
def senses(word: str) -> tuple[Sense, ...]:
    """What a word may be, in plain terms, the likeliest first."""
    found = []
    for parse in parses(word):
        marks = frozenset(str(mark) for mark in parse.tag.grammemes)
        case, gender = CASES.get(str(parse.tag.case)), GENDERS.get(str(parse.tag.gender))
        found.append(Sense(str(parse.tag.POS), parse.normal_form, case, gender, "plur" in marks, marks))
    return tuple(found)


@lru_cache(maxsize=4096)
def inflect(phrase: str, case: Case, plural: bool) -> str:
    """A phrase given in the nominative singular, in another form: its head and the adjectives before it change, the rest stays."""
    return _inflected(phrase, case, case, plural)


def gender_of(phrase: str) -> Gender:
    """The gender of a phrase given in the nominative singular."""
    words = phrase.split()
    head = _base(words[_head(words)], _is_noun(words)) if words else None
    return GENDERS.get(str(head.tag.gender), "m") if head is not None else "m"


@lru_cache(maxsize=4096)
def counted(n: int, phrase: str, case: Case = "nom", animate: bool = False) -> str:
    """A phrase as it stands behind the number n, which itself is in `case`."""
    n = abs(n)
    one = n % 10 == 1 and n % 100 != 11
    few = n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
    if one:
        return _inflected(phrase, case, "gen" if animate and case == "acc" else case, plural=False)
    if n and n % 1000 == 0:  # a thousand is a noun itself
        return _after_number(phrase, "gen")
    if case not in ("nom", "acc"):
        return _after_number(phrase, case)
    if few and not (animate and case == "acc" and n < 10):
        return _after_few(phrase)
    return _after_number(phrase, "gen")


def counted_fraction(phrase: str) -> str:
    """A phrase as it stands behind a fraction: the genitive singular, in every case."""
    return inflect(phrase, "gen", plural=False)


def _after_few(phrase: str) -> str:
    """After two, three and four in the nominative: "метра", but "квадратных метра", "лошадиные силы" and "целых"."""
    words = phrase.split()
    head = _base(words[_head(words)], noun=True) if words else None
    if head is None or "Pltm" in head.tag:
        return _after_number(phrase, "gen")
    return _inflected(phrase, "gen", "nom" if gender_of(phrase) == "f" else "gen", plural=False, adjectives_plural=True)


def _after_number(phrase: str, case: Case) -> str:
    words = phrase.split()
    if not words:
        return phrase
    head = _head(words)
    word = words[head].lower()
    form = _COUNTED_PLURALS.get(word, {}).get(case)
    if form is None and case == "gen" and word.endswith(_BARE_AFTER_NUMBERS):
        form = word
    if form is None:
        return _inflected(phrase, case, case, plural=True)
    before = [_form(adjective, case, plural=True, noun=False) for adjective in words[:head]]
    return " ".join([*before, _as_written(words[head], form), *words[head + 1 :]])


def _inflected(phrase: str, case: Case, adjective_case: Case, plural: bool, adjectives_plural: bool = False) -> str:
    words = phrase.split()
    if not words:
        return phrase
    head, noun = _head(words), _is_noun(words)
    before = [_form(word, adjective_case, plural or adjectives_plural, noun=False) for word in words[:head]]
    return " ".join([*before, _form(words[head], case, plural, noun), *words[head + 1 :]])


def _head(words: list[str]) -> int:
    """Where the noun is that the phrase is about; without one, the last of the adjectives it begins with."""
    for i, word in enumerate(words):
        if _base(word, noun=True) is not None:
            return i
        if _base(word, noun=False) is None:
            return max(i - 1, 0)
    return max(len(words) - 1, 0)


def _is_noun(words: list[str]) -> bool:
    return bool(words) and _base(words[_head(words)], noun=True) is not None


@lru_cache(maxsize=1024)
def _base(word: str, noun: bool) -> Parse | None:
    """A noun (or adjective) that is in the nominative singular as it stands, or in the plural if it has no singular."""
    found = [parse for parse in parses(word) if "nomn" in parse.tag and ("sing" in parse.tag or "Pltm" in parse.tag)]
    if not noun:
        return next((parse for parse in found if any(part in parse.tag for part in _ADJECTIVES)), None)
    nouns = [] if _is_adjective_first(word) else [parse for parse in found if "NOUN" in parse.tag and "Surn" not in parse.tag]
    return next((parse for parse in nouns if "inan" in parse.tag), nouns[0] if nouns else None)


def _is_adjective_first(word: str) -> bool:
    found = parses(word)
    return bool(found) and any(part in found[0].tag for part in _ADJECTIVES)


@lru_cache(maxsize=2048)
def _form(word: str, case: Case, plural: bool, noun: bool) -> str:
    base = _base(word, noun)
    if base is None:
        return word
    wanted = {GRAMMEMES[case], "plur" if plural or "Pltm" in base.tag else "sing"}
    if not noun and case == "acc":
        wanted |= {"inan"} if plural or base.tag.gender == "masc" else set()
    form = base.inflect(wanted)
    return _as_written(word, form.word) if form is not None else word


def _as_written(word: str, form: str) -> str:
    if len(word) > 1 and word.isupper():
        return form.upper()
    return form[:1].upper() + form[1:] if word[:1].isupper() else form
