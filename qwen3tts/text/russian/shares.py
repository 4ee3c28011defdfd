"""Parts and large numbers: fractions, percent, "5 млн", "1,5 тыс."."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.amounts import NUMBER, PAIR, RANGE, START, case_at, has_thing, numbers_in, say_pair, say_range
from qwen3tts.text.russian.context import case_before, forms_after, last_noun
from qwen3tts.text.russian.grammar import Case, counted
from qwen3tts.text.russian.moments import is_alone
from qwen3tts.text.russian.numerals import cardinal, fraction, spoken
from qwen3tts.text.russian.stops import kept_stop

_SIGNS = {"%": "процент", "‰": "промилле", "％": "процент"}
_SIGN = r" ?(?P<sign>[%％‰]|п\. ?п\.)"
_PERCENT = re.compile(rf"{START}(?P<amount>{RANGE}){_SIGN}(?![\w%])")
_PERCENT_ENDS = re.compile(rf"{START}(?P<low>{NUMBER}) ?% ?[-–—] ?(?P<high>{NUMBER}) ?%(?![\w%])")
_PERCENT_PAIR = re.compile(rf"(?<![\w-]){PAIR}{_SIGN}(?![\w%])")
_SCALED = re.compile(rf"{START}(?P<amount>{RANGE}) ?(?P<scale>(?:тыс|млн|млрд|трлн)(?!\w)\.?)", re.IGNORECASE)
_SCALED_PAIR = re.compile(rf"(?<![\w-]){PAIR} ?(?P<scale>(?:тыс|млн|млрд|трлн)(?!\w)\.?)")
_FRACTION = re.compile(
    r"(?<![\w.,/⁄:^])(?:(?P<whole>[0-9]{1,3}) )?(?P<numerator>[0-9]{1,4}) ?[/⁄] ?(?P<denominator>[0-9]{1,4})(?![\w/⁄]|[.,][0-9])"
)
_HOUSE = re.compile(r"(?<!\w)(?:дом(?:а|у|е|ом)?|участ(?:ок|ка|ке)|владени[ея]|строени[ея]|корпус[ае]?) $", re.IGNORECASE)
_VULGAR = {
    **{"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5)},
    **{"⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8), "⅑": (1, 9), "⅒": (1, 10)},
    "↉": (0, 3),
}
_MIXED = re.compile(rf"(?:(?<![\w.,/:])(?P<whole>[0-9]{{1,9}}) ?)?(?P<sign>[{''.join(_VULGAR)}])")
_ON = frozenset((("24", "7"), ("50", "50"), ("60", "40"), ("70", "30"), ("80", "20"), ("90", "10"), ("365", "7")))
"""Pairs of numbers that are read with "на", as a blood pressure is."""

_GETS_TO = re.compile(
    r"(?:выш|выйд|выход|пробил|пробь|попа[лд]|прош|пройд|путёвк|путевк)[а-яё]{0,5}(?: [а-яё]{1,12}){0,2} в $", re.IGNORECASE
)
_COUNTS_PEOPLE = re.compile(
    r" (?:[а-яё]{1,20}(?:ых|их) )?(?:жител|человек|населени|подписчик|студент|сотрудник|участник|работник|зрител|солдат)"
)
_PRESSURE = re.compile(r"давлени[а-яё]{1,2}(?:\s[а-яё]{1,12}){0,3}\s$", re.IGNORECASE)


def scaled(amount: str, scale: str, case: Case) -> str:
    """An amount as it is written, with its "тыс." or "млн": "пять миллионов"."""
    return say_range(numbers_in(amount), scale, "", case)


def _read_scaled(match: re.Match[str]) -> str | None:
    case = case_at(match, "", match["scale"].lower())
    if case in ("nom", "acc") and (shown := _oblique_behind(match)):
        case = shown
    if case == "gen" and has_thing(match) and _COUNTS_PEOPLE.match(after(match)):
        case = "ins"
    return scaled(match["amount"], match["scale"].lower(), case) + kept_stop(match)


def _oblique_behind(match: re.Match[str]) -> Case | None:
    """The case of a noun that does not hang on the number but stands in its case: "5 тыс. рублями"."""
    cases = {case for case, number in forms_after(before(match), after(match)) if number == "pl"}
    return next(iter(cases)) if len(cases) == 1 and cases <= {"dat", "ins", "loc"} else None


def _read_percent(match: re.Match[str]) -> str:
    phrase = _SIGNS.get(match["sign"], "процентный пункт")
    numbers = numbers_in(match["amount"])
    case = case_at(match, phrase)
    return say_range(numbers, "", phrase, case) + kept_stop(match)


def _read_percent_ends(match: re.Match[str]) -> str:
    numbers = [*numbers_in(match["low"]), *numbers_in(match["high"])]
    return say_range(numbers, "", "процент", case_at(match, "процент"))


def _read_percent_pair(match: re.Match[str]) -> str | None:
    return say_pair(match, "", _SIGNS.get(match["sign"], "процентный пункт"))


def _read_scaled_pair(match: re.Match[str]) -> str | None:
    spoken_pair = say_pair(match, match["scale"], "")
    return None if spoken_pair is None else spoken_pair + kept_stop(match)


def _read_fraction(match: re.Match[str]) -> str:
    numerator, denominator = match["numerator"], match["denominator"]
    whole = match["whole"]
    if 0 < int(numerator) < int(denominator) and denominator[0] != "0" and (whole or not _HOUSE.search(before(match))):
        return _with_whole(whole, int(numerator), int(denominator), _fraction_case(match))
    pressure = _PRESSURE.search(before(match)) or (
        90 <= int(numerator) <= 220 and 50 <= int(denominator) <= 120 and is_alone(match)
    )
    link = "на" if (numerator, denominator) in _ON or pressure else "дробь"
    return f"{_left_alone(whole)}{spoken(numerator)} {link} {spoken(denominator)}"


def _left_alone(whole: str | None) -> str:
    return f"{spoken(whole)} " if whole else ""


def _read_mixed(match: re.Match[str]) -> str:
    numerator, denominator = _VULGAR[match["sign"]]
    gap = " " if re.search(r"\w$", before(match)) else ""
    return gap + _with_whole(match["whole"], numerator, denominator, _fraction_case(match)) + _gap_behind(match)


def _gap_behind(match: re.Match[str]) -> str:
    return " " if re.match(r"\w", after(match)) else ""


def _with_whole(whole: str | None, numerator: int, denominator: int, case: Case) -> str:
    parts = fraction(numerator, denominator, case)
    if not whole:
        return parts
    n = int(whole)
    return f"{cardinal(n, case, 'f')} {counted(n, 'целая', case)} и {parts}"


def _fraction_case(match: re.Match[str]) -> Case:
    """After "в" a share says where: "в двух третьих случаев"; a team gets into "одну восьмую финала"."""
    if re.match(r" ?финал", after(match)):
        if _GETS_TO.search(before(match)):
            return "acc"
        if last_noun(before(match)):
            return "gen"
    return case_before(before(match), noun="процент")


RULES = (
    Rule("percent", _PERCENT_PAIR, _read_percent_pair),
    Rule("number", _SCALED_PAIR, _read_scaled_pair),
    Rule("percent", _PERCENT_ENDS, _read_percent_ends),
    Rule("percent", _PERCENT, _read_percent),
    Rule("number", _SCALED, _read_scaled),
    Rule("fraction", _FRACTION, _read_fraction),
    Rule("fraction", _MIXED, _read_mixed),
)
