"""Abbreviated parts of an address and names of places: "г. Москве", "Тверская ул.", "д. 12/3", "р. Волга", "р-не"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, before
from qwen3tts.text.russian.forms import case_in, forms, governed
from qwen3tts.text.russian.grammar import Case, gender_of, inflect, parses
from qwen3tts.text.russian.stops import any_of, as_written, kept_stop

# Before a name that shares the noun's case.
_AGREEING = {
    "г": "город",
    "гор": "город",
    "пос": "посёлок",
    "п": "посёлок",
    "пгт": "посёлок городского типа",
    "с": "село",
    "дер": "деревня",
    "д": "деревня",
    "х": "хутор",
    "р": "река",
    "оз": "озеро",
    "о": "остров",
    "о-в": "остров",
    "п-ов": "полуостров",
    "вдхр": "водохранилище",
    "респ": "республика",
    "хут": "хутор",
}
# Before a name that only shares it as an adjective: "улица Ленина", but "на улице Тверской".
_STREETS = {
    "ул": "улица",
    "пр": "проспект",
    "пр-т": "проспект",
    "пр-кт": "проспект",
    "просп": "проспект",
    "пр-д": "проезд",
    "пр-зд": "проезд",
    "пер": "переулок",
    "пл": "площадь",
    "наб": "набережная",
    "б-р": "бульвар",
    "бул": "бульвар",
    "бульв": "бульвар",
    "ш": "шоссе",
    "туп": "тупик",
    "алл": "аллея",
    "мкр": "микрорайон",
    "мкрн": "микрорайон",
    "мкр-н": "микрорайон",
    "ст": "станция",
    "ст. м": "станция метро",
    "ст.м": "станция метро",
    "м": "метро",
    "ост": "остановка",
    "обл": "область",
    "р-н": "район",
    "окр": "округ",
    "кр": "край",
}
_NAMED_AFTER = frozenset(["ул", "пр", "пр-т", "просп", "пл", "пер", "наб", "б-р"])
_TITLES_AFTER = frozenset(["им", "акад", "ген", "марш", "адм", "проф", "кн", "св", "космонавта"])
_ONLY_BEFORE = frozenset(["ост", "ст", "ст. м", "ст.м", "м"])
_LAKES = frozenset(["оз", "вдхр", "о-в", "п-ов", "пос"])
_ENDINGS: dict[str, tuple[Case, bool]] = {
    "а": ("gen", False),
    "у": ("dat", False),
    "ом": ("ins", False),
    "е": ("loc", False),
    "ы": ("nom", True),
    "ов": ("gen", True),
    "ам": ("dat", True),
    "ами": ("ins", True),
    "ах": ("loc", True),
}
_WITH_ENDINGS = {
    "р-н": "район",
    "мкр-н": "микрорайон",
    "о-в": "остров",
    "пр-т": "проспект",
    "б-р": "бульвар",
    "п-ов": "полуостров",
}


_TOWNS = frozenset(
    [
        "грозный",
        "пушкин",
        "королёв",
        "королев",
        "жуковский",
        "чехов",
        "киров",
        "калинин",
        "горький",
        "владимир",
        "лермонтов",
        "фролово",
        "толстой",
    ]
)
_MOUNTAINS = frozenset(
    ["эльбрус", "казбек", "эверест", "килиманджаро", "белуха", "монблан", "арарат", "народная", "магнитная", "фудзи"]
)
_ADDRESS_FOLLOWS = re.compile(r",? ?(?:ул|пр|просп|пер|пл|наб|ш|б-р|обл|\(?[А-ЯЁ][а-яё]+ская обл|[А-ЯЁ][а-яё]+ский край)(?!\w)")
NAMED_AFTER = re.compile(r"(?<!\w)(?:ул|пер|пл|наб|пр|просп|пр-т|б-р|улиц[аеуы]|переул[а-я]{2,4}|площад[ьи]|проспект[аеу]?)\.? $")
_SMALL = "п с д х р о м"
"""Capital letters with a stop are initials."""

_BEFORE_NAME = re.compile(
    rf"(?<![\w.\-/])(?P<short>{any_of(_AGREEING | _STREETS, small=_SMALL)})(?P<stop>\.|(?:(?<=-.)|(?<=-..)|(?<=пгт))(?![а-яё])) ?"
    r"(?=[«\"„]?(?P<name>[А-ЯЁA-Zа-яё][\w\-]{0,40})|(?P<number>[0-9]))"
)
_AFTER_NAME = re.compile(
    rf"(?<=[а-яё] )(?P<short>{any_of(set(_STREETS) - _ONLY_BEFORE | _LAKES)})"
    r"(?P<stop>\.|(?<=-.)|(?<=-..))(?![\w\-])"
)
_ENDED = re.compile(rf"(?<![\w.\-])(?P<short>{any_of(_WITH_ENDINGS)})(?P<ending>а|у|ом|е|ы|ов|ам|ами|ах)(?![\w\-])")
_ADJECTIVE = re.compile(r"(?P<left>.*?)(?<![\w\-])(?P<name>[А-ЯЁа-яё][А-ЯЁа-яё\-]{2,40}) $", re.DOTALL)


def _before_name(match: re.Match[str]) -> str | None:
    short, left = match["short"].lower(), before(match)
    if re.search(r"[0-9] ?$", left):
        return None  # a unit or a year: "10 м. Потом"
    if match["number"]:
        if short not in _NAMED_AFTER:
            return None
        name = ""
    else:
        name = match["name"]
    if name.islower() and (short not in _NAMED_AFTER or not _named_after(name, left)):
        return None
    if len(short) == 1 and not _may_name(name):
        return None
    noun = _AGREEING.get(short) or _STREETS[short]
    if short == "г" and any(form.lemma in _MOUNTAINS for form in forms(name)):
        noun = "гора"
    if short == "о" and any("Name" in form.marks for form in forms(name)[:1]):
        return None
    if short == "ст" and name.isupper() and len(name) > 1:
        return None
    if match["short"] == "Г" and not any("Geox" in form.marks for form in forms(name)):
        return None
    shared = _shared(noun, name, agreeing=short in _AGREEING)
    options = governed(left)
    case = options[0] if options and shared and "nom" in shared and short in _AGREEING else case_in(left, shared)
    word = "метро" if short == "м" else inflect(noun, case, False)
    return as_written(match["short"], word) + " "


def _may_name(word: str) -> bool:
    """Whether a word may be a name of a place, and is not the first of the next sentence."""
    return not any(parse.is_known and str(parse.tag.POS) not in ("NOUN", "ADJF", "PRTF", "None") for parse in parses(word)[:1])


def is_town(name: str, right: str) -> bool:
    """Whether "г." before a name that people have, too, is a town's."""
    known = any("Geox" in form.marks or form.lemma in _TOWNS for form in forms(name)[:1])
    return known or _ADDRESS_FOLLOWS.match(right[len(name) :].lstrip()) is not None


def _named_after(name: str, left: str) -> bool:
    """Whether a small word after "ул." begins its name, as in "ул. академика Павлова", and no name stands before."""
    found = _ADJECTIVE.match(left)
    named = found is not None and any(form.part == "ADJF" for form in forms(found["name"]))
    return name in _TITLES_AFTER or (not named and any(form.case == "gen" and form.part == "NOUN" for form in forms(name)))


def _shared(noun: str, name: str, *, agreeing: bool) -> frozenset[Case]:
    """The cases that a name after the noun lets it be in; empty if the name tells nothing."""
    found = forms(name)
    gender = gender_of(noun)
    adjectives = [
        form for form in found if form.part == "ADJF" and form.gender == gender and not form.plural and "Poss" not in form.marks
    ]
    if not agreeing:
        return frozenset(form.case for form in adjectives)
    places = [form for form in found if "Geox" in form.marks and (form.part == "NOUN" or form.gender == gender)]
    likely = [form for form in found if form.part == "NOUN" and (not form.plural or form.case == "nom")] or list(found)
    return frozenset(form.case for form in [*places, *adjectives] or likely)


def _after_name(match: re.Match[str]) -> str | None:
    found = _ADJECTIVE.match(before(match))
    if not found:
        return None
    noun = (_STREETS | _AGREEING)[match["short"].lower()]
    gender = gender_of(noun)
    shared = frozenset(
        form.case for form in forms(found["name"]) if form.gender == gender and form.part == "ADJF" and not form.plural
    )
    if not shared:
        return None
    return inflect(noun, case_in(found["left"], shared), False) + (kept_stop(match) if match["stop"] == "." else "")


def _ended(match: re.Match[str]) -> str | None:
    case, plural = _ENDINGS[match["ending"]]
    return as_written(match["short"], inflect(_WITH_ENDINGS[match["short"].lower()], case, plural))


RULES = (
    Rule("abbreviation", _BEFORE_NAME, _before_name),
    Rule("abbreviation", _AFTER_NAME, _after_name),
    Rule("abbreviation", _ENDED, _ended),
)
