"""The case that the words left of a number ask for."""

from __future__ import annotations

import re
from functools import lru_cache

from qwen3tts.text.rules import CONTEXT
from qwen3tts.text.russian import governors
from qwen3tts.text.russian.grammar import Case, senses

MOST_WORDS = 4
"""So many words on either side of a number are looked at."""

ANY_ORDER: tuple[Case, ...] = ("nom", "acc", "gen", "loc", "dat", "ins")
"""Cases, the likeliest first where nothing asks."""

_CLAUSE = re.compile(r"[А-Яа-яЁё\u0301]+(?:-[А-Яа-яЁё]+)*|[^\s]")
_LISTED_NUMBER = re.compile(r"[−-]?[0-9][0-9.,/]{0,20}(?:-[а-яё]{1,3})?[%°]?")
_LINKED_NUMBER = re.compile(r"[−-]?[0-9][0-9./]{0,20}(?:-[а-яё]{1,3})?[%°]?(?:,|-|–|—|\.\.\.|…)")
# Numbers with their nouns under the same preposition or verb as the next: "между 2 км и ", "добавьте 2 яйца, 1 л молока и ".
_ITEM = r"[0-9][0-9 .,/–-]{0,15}(?:%|[^\W\d][^\s\d,;:!?()]{0,20})(?: [а-яё]{1,20}\.?){0,2}"
_SHARED = re.compile(rf"(?<![\w-])(?P<lead>[А-Яа-яё]{{1,20}}) (?:{_ITEM}, ){{0,3}}{_ITEM}(?P<link> и| или|, а также|,) $")
_MADE_OF = re.compile(r"(?:состо|сложен|собран|сдела)[а-яё]{1,8} (?P<lead>из) [0-9][^.;:!?]{1,40}(?:,| и) $")
_LINKS = frozenset(("и", "или", "либо", "да", "не", "—", "–", "-", "…"))


def cases_before(text: str, noun: str | None = None, count: int | None = None) -> tuple[Case, ...]:
    """The cases that the words left of a number allow, the likeliest first; none where nothing asks.

    noun: what is counted, if its form tells no case; count: the number, which "по" asks about.
    """
    one = count is not None and count % 10 == 1 and count % 100 != 11
    return _allowed(words_before(text), noun.split(" ")[0] if noun else "", one)


@lru_cache(maxsize=4096)
def words_before(text: str) -> tuple[str, ...]:
    """The last words left of a number, in small letters, as far as its clause goes."""
    words: list[str] = []
    for token in reversed(_CLAUSE.findall(without_list(without_shared(text)))):
        if not token[0].isalpha():
            if token in "«\"'“„(+−-±~≈" and not words:
                continue
            if token.isdigit() and words and any(sense.is_adjective for sense in senses(words[0])[:1]):
                del words[0]  # it belongs to that number: "из 100 опрошенных 60"
            break
        words.insert(0, token.lower().replace("\u0301", ""))
        if len(words) > MOST_WORDS:
            break
    return tuple(words)


@lru_cache(maxsize=4096)
def without_shared(text: str) -> str:
    """The text left of a number, less what stands before it under the same preposition: "с 1 кг сахара и " becomes "с "."""
    text = text[-CONTEXT:]
    found = _MADE_OF.search(text) or _SHARED.search(text)
    if found is None:
        return text
    lead = found["lead"].lower()
    if lead in governors.PREPOSITIONS:
        shared = governors.PREPOSITIONS[lead][0] != "acc" and (found.re is _MADE_OF or found["link"] != ",")
    else:
        shared = _as_object((lead,)) != ()
    return f"{text[: found.end('lead')]} " if shared else text


def without_list(text: str) -> str:
    """The text left of a number, less the numbers that stand before it in a list: "к 5, 6 и " becomes "к "."""
    text = text[-CONTEXT:]
    for _ in range(MOST_WORDS):
        rest, _, last = text.rstrip(" ").rpartition(" ")
        if last in _LINKS:
            rest, _, last = rest.rpartition(" ")
            if not _LISTED_NUMBER.fullmatch(last):
                break
        elif not _LINKED_NUMBER.fullmatch(last):
            break
        text = f"{rest} "
    return text


def is_listed(left: str) -> bool:
    """Whether another number stands before in a list."""
    return len(without_list(left)) < len(left[-CONTEXT:])


@lru_cache(maxsize=4096)
def _allowed(words: tuple[str, ...], noun: str, one: bool) -> tuple[Case, ...]:
    while words and words[-1] in governors.TRANSPARENT:
        words = words[:-1]
    if words and words[-1].startswith("котор"):  # "из которых 3 погибли"
        return ()
    shared: tuple[Case, ...] = ()  # by the adjectives between
    while words:
        if found := _governed(words, noun, one):
            return tuple(case for case in found if case in shared) or found
        shown = _shown_by_adjective(words[-1])
        if not shown:
            return shared or _as_object(words)
        shared = tuple(case for case in shown if not shared or case in shared) or shared
        words = words[:-1]
    return shared


def _governed(words: tuple[str, ...], noun: str, one: bool) -> tuple[Case, ...]:
    """What the last of the words asks, as a preposition or a verb of its own case."""
    word, previous = words[-1], words[-2] if len(words) > 1 else ""
    if word in governors.PREPOSITIONS:
        return _after_preposition(word, previous, noun, one)
    if word in governors.GENITIVE_FORMS and previous in ("в", "на", "по", "при", "с", "из"):
        return ("gen",)
    if word in governors.MEASURED_FORMS:
        return ("acc", "gen")
    if word == "и" and "не" in words[:-1]:  # "не прошло и пяти минут"
        return ("gen",)
    found = senses(word)
    if found and found[0].part == "COMP":
        return ("gen",)
    return next(((governors.VERBS[sense.lemma],) for sense in found[:3] if sense.lemma in governors.VERBS), ())


def _after_preposition(word: str, previous: str, noun: str, one: bool) -> tuple[Case, ...]:
    if word in ("с", "со") and previous in governors.TOGETHER:
        return ("ins",)
    if word == "по" and one:
        return ("dat", "acc", "loc")
    if word in ("в", "во") and noun in governors.DISTANCES:
        sized = any(sense.lemma in governors.SIZES for sense in senses(previous)[:3])
        return ("acc",) if sized or previous in governors.MEASURED_FORMS else ("loc", "acc")
    return governors.PREPOSITIONS[word]


def _as_object(words: tuple[str, ...]) -> tuple[Case, ...]:
    """The accusative first, behind a verb that takes an object; who gets it may stand between."""
    if len(words) > 1 and any(sense.case == "dat" for sense in senses(words[-1])):
        return _as_object(words[-2:-1])
    sense = next(iter(senses(words[-1])), None)
    if sense is None or sense.part not in ("VERB", "INFN", "GRND") or "tran" not in sense.marks or "neut" in sense.marks:
        return ()
    return ("acc", *(case for case in ANY_ORDER if case != "acc"))


def _shown_by_adjective(word: str) -> tuple[Case, ...]:
    """The cases of an adjective in the plural that may belong to what is counted: "последних" of "последних 5 лет"."""
    shown = {sense.case for sense in senses(word)[:6] if sense.is_adjective and sense.plural and "anim" not in sense.marks}
    return tuple(case for case in ANY_ORDER if case in shown)
