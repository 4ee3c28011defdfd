"""Numbers with the end of their word behind them: "12-го", "40-й", "90-х", "3-мя", "25-этажный"."""

from __future__ import annotations

import re
from typing import Literal

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.amounts import join_range
from qwen3tts.text.russian.context import agreement_of, forms_after
from qwen3tts.text.russian.government import ANY_ORDER, cases_before
from qwen3tts.text.russian.grammar import GRAMMEMES, Case, Gender, parses
from qwen3tts.text.russian.numerals import cardinal, ordinal, prefix

_Form = tuple[Case, Gender | Literal["pl"]]

# Which forms of an ordinal an ending may stand for, the likeliest first.
_FEMININE: tuple[_Form, ...] = (("gen", "f"), ("dat", "f"), ("loc", "f"), ("ins", "f"))
_NEUTER_OR_PLURAL: tuple[_Form, ...] = (("nom", "n"), ("acc", "n"), ("nom", "pl"), ("acc", "pl"))
_ORDINALS: dict[str, tuple[_Form, ...]] = {
    **dict.fromkeys(("й", "ый", "ий", "ой"), (("nom", "m"), ("acc", "m"), *_FEMININE)),
    "ей": _FEMININE,
    **dict.fromkeys(("я", "ая", "ья", "яя"), (("nom", "f"),)),
    **dict.fromkeys(("ю", "ую", "ью"), (("acc", "f"),)),
    **dict.fromkeys(("е", "ое", "ье", "ее"), _NEUTER_OR_PLURAL),
    **dict.fromkeys(("ые", "ие", "ьи"), _NEUTER_OR_PLURAL[2:]),
    **dict.fromkeys(("го", "ого", "его", "ево"), (("gen", "m"), ("gen", "n"))),
    **dict.fromkeys(("му", "ому", "ему"), (("dat", "m"), ("dat", "n"))),
    "м": (("loc", "m"), ("loc", "n"), ("ins", "m"), ("ins", "n"), ("dat", "pl")),
    **dict.fromkeys(("ом", "ем"), (("loc", "m"), ("loc", "n"))),
    **dict.fromkeys(("ым", "им"), (("ins", "m"), ("ins", "n"), ("dat", "pl"))),
    **dict.fromkeys(("х", "ых", "их"), (("gen", "pl"), ("loc", "pl"))),
    **dict.fromkeys(("ми", "ыми", "ими"), (("ins", "pl"),)),
}
# Endings that only a number that counts can have.
_CARDINALS: dict[str, Case] = {
    **dict.fromkeys(("ти", "и", "ух", "ёх", "ех", "рёх", "рех", "та", "ста", "ка"), "gen"),
    **dict.fromkeys(("ум", "ём", "рём"), "dat"),
    **dict.fromkeys(("мя", "умя", "емя", "ьмя", "тью"), "ins"),
    "ть": "nom",
}
# Endings that either has: the last digits of those that count, and the case.
_EITHER: dict[str, tuple[tuple[int, ...], Case]] = {
    "х": ((2, 3, 4), "gen"),
    "ми": ((7, 8), "gen"),
    "м": ((2, 3, 4), "dat"),
    "ю": ((5, 6, 7, 8, 9, 0), "ins"),
    "ью": ((5, 6, 7, 8, 9, 0), "ins"),
}
_OF_DECADES = frozenset(("е", "ые", "х", "ых", "м", "ым", "ми", "ыми"))
_COLLECTIVES = {2: "двое", 3: "трое", 4: "четверо", 5: "пятеро", 6: "шестеро", 7: "семеро", 8: "восьмеро", 9: "девятеро"}
_SHORT = r"го|му|й|я|е|ая|ый|ой|ое|ые|ого|ому|х|ых|ти|ми|мя"
"""Endings that are written without a hyphen too."""
_ENDING = "|".join(sorted({*_ORDINALS, *_CARDINALS, "ро", "еро"}, key=len, reverse=True))
_END = rf"(?:[-–—‑](?P<ending>{_ENDING})|(?P<short>{_SHORT}))(?![\w\u0301])(?!-[а-яё])"
_NUMBER = r"[0-9]{1,3}(?: [0-9]{3}){1,3}|[0-9]{1,15}"
_START = r"(?<![\w.,/:])"
_ADJECTIVE = (
    r"(?:(?:летн|этажн|комнатн|дневн|часов|минутн|секундн|месячн|недельн|годичн|местн|процентн|литров|метров|километров|звёздочн|звездочн|"
    r"кратн|значн|разов|сторонн|скоростн|тонн|градусн|томн|битн|ядерн|тактн|рублёв|рублев|дюймов|камерн|фазн|уровнев|ступенчат|колёсн|"
    r"колесн|дверн|струнн|балльн|полосн|угольн|слойн|пудов|мерн|цветн|рядн|осн|классн|ричн|створчат|цилиндров)"
    r"(?:ый|ий|ой|ая|яя|ое|ее|ого|его|ому|ему|ым|им|ом|ем|ую|юю)|летн(?:ие|их|им|ими)|лети[еяюй]м?)(?!\w)"
)
"""What is written behind "5-ти" or "2-х" as a word of its own though it is the end of a compound."""
_WRITTEN = re.compile(
    rf"{_START}(?:(?P<first>[0-9]{{1,6}})(?P<link> ?[-–—] ?| и | или ))?(?P<last>{_NUMBER}){_END}"
    rf"(?!(?:(?<=[тм]и)|(?<=х)) {_ADJECTIVE})"
)
_COMPOUND = re.compile(
    rf"{_START}(?:(?P<first>[0-9]{{1,6}}) ?[-–—] ?)?(?P<last>[0-9]{{1,9}})(?P<places>,[0-9])?"
    rf"(?:-?(?:ти|х|ми)[- ]?(?={_ADJECTIVE})|[-–‑]|(?={_ADJECTIVE}))(?P<word>[а-яё]{{3,40}})(?![\w\u0301])"
)
_PERCENT = re.compile(
    rf"{_START}(?P<last>[0-9]{{1,9}})(?P<places>,[0-9])? ?%"
    rf"(?:[-–‑]?н?(?P<ending>{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})(?![\w\u0301])|(?= [а-яё]{{3}}))"
)
# Before a solution that is measured out: "2 ст. л. 9% уксуса".
_MEASURED = re.compile(r"[0-9] ?(?:(?:ст\.|ч\.) ?л\.|мл|[км]?г|л|стакан[а-я]{0,2}|лож[а-я]{2,3})\.? $")
# Verbs behind which an ordinal alone says what somebody became.
_BECAME = re.compile(r"(?:приш|прибежа|финиширова|ста|бы|оказа|оста|закончи|шё|ш|родилс|родилас)(?:л[аио]?|сь|лась|лся|ла|л) $")
# What stands behind a number in a compound though it is a noun by itself.
_SECOND_PART = re.compile(
    r".*(?:лети[еяюйхм]|летк|класс?ни[кц]|курсни[кц]|тонк|тысячник|минутк|дневк|этажк|метровк|комнатк|рублёвк)|" + _ADJECTIVE
)


def _written(match: re.Match[str]) -> str | None:
    ending = match["ending"] or match["short"]
    last = int(match["last"].replace(" ", ""))
    if ending in ("ро", "еро"):
        return _COLLECTIVES.get(last)
    word = _reader(match, last, ending)
    if match["first"] is None:
        return word(last)
    first = word(int(match["first"]))
    return join_range(first, word(last)) if match["link"].strip() in ("-", "–", "—") else f"{first}{match['link']}{word(last)}"


class _Reader:
    """Puts any number into one form."""

    def __init__(self, case: Case, gender: Gender | Literal["pl"] | None) -> None:
        self._case, self._gender = case, gender

    def __call__(self, n: int) -> str:
        return cardinal(n, self._case) if self._gender is None else ordinal(n, self._case, self._gender)


def _reader(match: re.Match[str], n: int, ending: str) -> _Reader:
    if ending in _CARDINALS:
        return _Reader(_CARDINALS[ending], None)
    behind = forms_after(before(match), after(match))
    if ending in _EITHER:
        lasts, case = _EITHER[ending]
        counts = n % 10 in lasts and (n % 100 not in (12, 13, 14) or 2 not in lasts)
        alone = not behind and ending == "м" and cases_before(before(match))[:1] == ("dat",)  # "к 3-м"
        if counts and (alone or ending in ("х", "ми") or (case, "pl") in behind or (ending == "ью" and ("acc", "f") not in behind)):
            return _Reader(case, None)
    asked = cases_before(before(match))
    if not behind and not asked and _BECAME.search(before(match)) and (ending != "й" or before(match)[-2:] == "а "):
        asked = ("ins",)
    return _Reader(*_form(_ORDINALS[ending], behind, asked, decade=ending in _OF_DECADES and n >= 20 and n % 10 == 0))


def _form(options: tuple[_Form, ...], behind: set[_Form], asked: tuple[Case, ...], decade: bool) -> _Form:
    """Of the forms that an ending can stand for, the one that the words around it ask for. decade: as in "90-е"."""
    fitting = [form for form in options if form in behind]
    if not fitting and decade:
        fitting = [form for form in options if form[1] == "pl" and (form[0] in asked or not asked)]
    for case in asked:
        for form in fitting or options:
            if form[0] == case:
                return form
    return min(fitting or options, key=lambda form: form[0] == "loc")  # which only a preposition asks for


def _compound(match: re.Match[str]) -> str | None:
    word = match["word"]
    n = int(match["last"])
    if _is_independent(match, n):
        found = agreement_of(before(match), n, f" {word}")
        return f"{found.read(n)} {word}" if found and not match["first"] and not match["places"] else None
    head = _head(n, match["places"])
    return f"{prefix(int(match['first']))}-{head}{word}" if match["first"] else head + word


def _is_independent(match: re.Match[str], n: int) -> bool:
    """Whether a hyphen stands between a number and the noun it counts."""
    found = parses(match["word"])
    return bool(found) and "NOUN" in found[0].tag and not _SECOND_PART.match(match["word"])


def _percent(match: re.Match[str]) -> str | None:
    """An adjective of percent: "10%-го"; without an ending where a noun shows it: "5% раствор", but not "5% раствора"."""
    behind, asked = forms_after(before(match), after(match)), cases_before(before(match))
    if match["ending"]:
        return _of_percent(match, *_form(_ORDINALS[match["ending"]], behind, asked, decade=False))
    fitting = [form for form in behind if form[0] in (asked or ("nom",)) and (form[0] != "acc" or form[1] == "f")]
    if ("gen", "m") in behind and _MEASURED.search(before(match)):
        return _of_percent(match, "gen", "m")
    if not fitting or match["places"] or "gen" in {form[0] for form in behind}:
        return None
    return _of_percent(match, *min(fitting, key=lambda form: ANY_ORDER.index(form[0])))


def _of_percent(match: re.Match[str], case: Case, gender: Gender | Literal["pl"]) -> str:
    wanted = GRAMMEMES[case]
    number = {"m": "masc", "f": "femn", "n": "neut", "pl": "plur"}[gender]
    inflected = parses("процентный")[0].inflect({wanted, number, *(("inan",) if case == "acc" and gender in ("m", "pl") else ())})
    return _head(int(match["last"]), match["places"]) + (inflected.word if inflected else "процентный")


def _head(n: int, places: str | None) -> str:
    """The number at the head of a compound: of decimals only halves have a form of their own."""
    if places is None or places == ",0":
        return prefix(n)
    if places == ",5":
        return "полутора" if n == 1 else f"{prefix(n)} с половиной "
    return f"{cardinal(n, 'gen', 'f')} целых и {cardinal(int(places[1]), 'gen', 'f')} десятых "


RULES = (
    Rule("number", _PERCENT, _percent),
    Rule("ordinal", _WRITTEN, _written),
    Rule("number", _COMPOUND, _compound),
)
