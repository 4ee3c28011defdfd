"""What the words around a number ask of it: a case, a gender, whether it counts or ranks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from qwen3tts.text.russian import governors, numerals
from qwen3tts.text.russian.government import ANY_ORDER, MOST_WORDS, cases_before, is_listed, words_before
from qwen3tts.text.russian.grammar import Case, Gender, Sense, senses

_LINK = r"(?:,|и|или|либо|-|–|—|до|по)"
_NUMBER = r"[0-9]{1,6}(?:-[а-яё]{1,2})?"
_LISTED_AFTER = re.compile(
    rf"(?:-[а-яё]{{1,2}})? ?(?:{_LINK} ?{_NUMBER},? ?){{0,3}}{_LINK} ?([0-9]{{1,6}})(?:-[а-яё]{{1,2}})?(?= [а-яё])"
)
_WORD_AFTER = re.compile(r" ?([А-Яа-яЁё\u0301]{1,40}(?:-[А-Яа-яЁё]{1,40}){0,3})")
_SPOON = re.compile(r" ?(?:ст|ч|дес)\.(?= ?лож)")
_DAY_PARTS = frozenset(("утра", "вечера", "ночи", "дня"))
_AT_HOURS = frozenset(("в", "к", "до", "с", "около", "после", "на", "по"))
_HALVES = frozenset(("половина", "половине", "половину", "половины", "начале"))
_GENDERS_AS_SPOKEN: dict[str, Gender] = {"евро": "m", "кофе": "m", "глава": "f"}
_LIKE_ADJECTIVES = ("ый", "ий", "ой", "ое", "ая")
_EACH: dict[str, Case] = {"каждый": "nom", "каждого": "gen", "каждому": "dat", "каждым": "ins", "каждом": "loc"}
_PAIRED = ("двое", "трое", "четверо")


@dataclass(frozen=True)
class Agreement:
    """What a number has in common with the noun behind it. ordinal: it ranks. paired: the noun has no singular ("сутки")."""

    case: Case
    gender: Gender
    plural: bool
    animate: bool
    ordinal: bool = False
    paired: bool = False
    noun: str = ""

    def read(self, n: int) -> str:
        """The number in that form."""
        if self.ordinal:
            return numerals.ordinal(n, self.case, "pl" if self.plural else self.gender, self.animate)
        if self.paired and n in (2, 3, 4) and self.case in ("nom", "acc"):
            return _PAIRED[n - 2]
        if self.paired and n == 1:
            return numerals.single(self.case)
        return numerals.cardinal(n, self.case, self.gender, self.animate)


def case_before(text: str, default: Case = "nom", *, noun: str | None = None, count: int | None = None) -> Case:
    """The case that the words left of a number ask for.

    noun: what is counted, in the nominative singular, where its form does not show the case (because it is abbreviated, say).
    count: the number itself; "по" takes another case before one than before two.
    """
    return next(iter(cases_before(text, noun, count)), default)


def agreement_of(left: str, n: int, right: str) -> Agreement | None:
    """What the noun behind a number and the words before it ask; None without a noun. left, right: what stands around it."""
    more = _LISTED_AFTER.match(right)
    words = words_after(right[more.end() :] if more else right)
    previous = words_before(left)[-2:]
    if previous and previous[-1] in _HALVES and n <= 12 and (not _nouns(words) or words[0] in _DAY_PARTS):
        return Agreement("gen", "m", plural=False, animate=False, ordinal=True, noun="час")
    if not words:
        return None
    asked = cases_before(left, None, n)
    if more is not None:
        found = _in_list(asked, int(more[1]), words)
        alone = found is not None and not asked and found.noun in governors.OF_ADDRESSES and not found.plural
        return None if alone and "," in more[0] else found  # "Тверская, 25, 3 этаж"
    last = previous[-1] if previous else ""
    if last in _EACH and words[0] == "человек":
        return Agreement(_EACH[last], "m", plural=False, animate=True, ordinal=True, noun="человек")
    lasts_nights = words[0] == "ночи" and last in ("на", "за") and n < 5
    if words[0] in _DAY_PARTS and not lasts_nights and (words[0] != "дня" or n > 4) and (words[0] == "утра" or last in _AT_HOURS):
        return Agreement(asked[0] if asked else "nom", "m", plural=True, animate=False, noun="час")
    found = _likeliest(n, words, is_listed(left), asked or _possessed(previous, words[0]))
    if found is not None and asked and found.case not in asked and last in governors.PREPOSITIONS:
        return None  # the noun begins something else: "после 40 жизнь начинается"
    if found is not None and found.ordinal and found.noun == "место" and n == 1 and last in governors.LEFT_OVER:
        return replace(found, ordinal=False)
    if found is not None and found.noun in ("раз", "попытка", "взгляд") and found.case == "gen" and n == 1 and last in ("с", "со"):
        return replace(found, ordinal=True)
    return found


def forms_after(left: str, right: str) -> set[tuple[Case, Gender | Literal["pl"]]]:
    """The cases and genders that the noun behind a number may be in; behind a list of numbers the plural is that of the list."""
    more = _LISTED_AFTER.match(right)
    nouns = _nouns(words_after(right[more.end() :] if more else right))
    found: set[tuple[Case, Gender | Literal["pl"]]] = {(noun.case, "pl") for noun in nouns if noun.case and noun.plural}
    listed = more is not None or is_listed(left)
    return found | {(noun.case, noun.gender or "m") for noun in nouns if noun.case and (listed or not noun.plural)}


def last_noun(left: str) -> str:
    """The noun that stands directly left of a number, in its dictionary form."""
    found = senses(next(reversed(words_before(left)), ""))
    return found[0].lemma if found and found[0].is_noun else ""


def words_after(text: str) -> tuple[str, ...]:
    """The first words behind a number, in small letters, as far as nothing but spaces parts them."""
    words: list[str] = []
    short = _SPOON.match(text)
    position = short.end() if short else 0
    while len(words) < MOST_WORDS and (match := _WORD_AFTER.match(text, position)) is not None:
        words.append(match[1].lower().replace("\u0301", ""))
        position = match.end()
    return tuple(words)


def _possessed(previous: tuple[str, ...], word: str) -> tuple[Case, ...]:
    """The genitive, where a noun stands directly left to which the counted belongs: "жители 5 домов", "мальчик 5 лет"."""
    found = senses(previous[-1]) if previous else ()
    if not found or not found[0].is_noun or previous[0] in ("в", "во", "на"):
        return ()
    aged = found[0].lemma in governors.AGED and found[0].case != "dat" and word in ("лет", "года", "месяцев")
    kinds = {sense.lemma for sense in senses(word) if sense.case == "gen" and not sense.plural} & governors.RANKED
    ranked = bool(kinds) and ("anim" in found[0].marks or "маршрут" in kinds)  # "студент 3 курса", "автобус 5 маршрута"
    return ("gen",) if aged or ranked or found[0].lemma in governors.POSSESSED else ()


def _in_list(asked: tuple[Case, ...], last: int, words: tuple[str, ...]) -> Agreement | None:
    """What is asked of a number that others stand between and the noun: "5" of "5 и 6 классы". last: the last of them."""
    found = _likeliest(last, words, True, asked)
    if found is None or not asked or found.case in asked:
        return found
    return replace(found, case=asked[0])


@lru_cache(maxsize=4096)
def _likeliest(n: int, words: tuple[str, ...], listed: bool, asked: tuple[Case, ...]) -> Agreement | None:
    nouns = _nouns(words)
    lemmas = [noun.lemma for noun in nouns]
    readings = list(_readings(n, nouns, listed))
    fitting = [found for found in readings if found.case in asked]
    order = asked if fitting else ANY_ORDER
    one = n % 10 == 1 and n % 100 != 11  # the nominative tells which word it is

    def unlikeliness(found: Agreement) -> tuple[int, bool, int]:
        return 0 if one else lemmas.index(found.noun), found.ordinal, order.index(found.case)

    return min(fitting or readings, key=unlikeliness, default=None)


def _nouns(words: tuple[str, ...]) -> list[Sense]:
    """What the noun behind a number may be; an adjective that no noun follows stands for one."""
    adjective: list[Sense] = []
    for word in words:
        found = senses(word)
        if not found or not (found[0].part == "NOUN" or found[0].is_adjective):
            break
        nouns = [sense for sense in found if sense.is_noun and "Name" not in sense.marks]
        adjectives = [sense for sense in found if sense.is_adjective]
        if nouns and (not adjectives or found[0].part == "NOUN"):
            return nouns
        if not adjectives:
            break
        adjective = nouns or adjectives
    return adjective


def _readings(n: int, nouns: list[Sense], listed: bool) -> Iterator[Agreement]:
    """What the number may be beside each of the forms. listed: other numbers share the noun, which then is in the plural."""
    one, few = n % 10 == 1 and n % 100 != 11, n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
    for noun in nouns:
        case, name, plural = noun.case, noun.lemma, noun.plural
        if case is None:
            continue
        gender = _GENDERS_AS_SPOKEN.get(name) or noun.gender or "m"
        animate, paired, fixed = "anim" in noun.marks, "Pltm" in noun.marks, "Fixd" in noun.marks
        if one and (paired or not plural):
            yield Agreement(case, gender, plural, animate, name in governors.RANKED, paired, name)
        elif fixed:
            yield Agreement(case, gender, True, animate, noun=name)
        elif paired and case in ("nom", "acc"):
            yield Agreement(case, gender, True, animate, True, noun=name)
        elif plural and name in governors.RANKED and (case in ("nom", "acc") or (listed and (case != "gen" or not few))):
            yield Agreement(case, gender, False, animate, True, noun=name)
            continue
        for counting in _counting_cases(n, noun, case, few) if not one and not fixed else ():
            yield Agreement(counting, gender, True, animate and plural, False, paired, name)
        if not plural and not one and not fixed:
            yield Agreement(case, gender, False, animate, True, noun=name)


def _counting_cases(n: int, noun: Sense, case: Case, few: bool) -> tuple[Case, ...]:
    """In which cases a number may be that stands before this form of a noun."""
    pairs = few and n < 10
    if not noun.plural:
        return () if not few or case != "gen" else ("nom", "acc")
    if few and case in ("nom", "acc") and noun.is_noun and noun.lemma.endswith(_LIKE_ADJECTIVES):  # "две запятые"
        return (case,)
    if case != "gen":
        return () if case in ("nom", "acc") else (case,)
    if n and n % 1000 == 0:
        return ANY_ORDER
    if few and noun.lemma.endswith(_LIKE_ADJECTIVES):  # "два взрослых"
        return ("nom", "acc", "gen")
    if few and noun.is_noun and "Pltm" not in noun.marks:
        return ("gen", "acc") if "anim" in noun.marks and pairs else ("gen",)
    return ("nom", "acc", "gen")
