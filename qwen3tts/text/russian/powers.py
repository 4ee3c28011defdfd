"""Sums, powers and comparisons written with signs: "2 + 2 = 4", "10^6", "x²", "> 5"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, before
from qwen3tts.text.russian.numerals import LONGEST, decimal, ordinal, spoken

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_NUMBER = r"[0-9]{1,15}(?:[.,][0-9]{1,9})?"
_RAISED = r"(?:\s?\^\s?[({]?(?P<flat>[-−+]?[0-9]{1,3}|[a-zA-Zа-я](?![\w]))[)}]?|(?P<high>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}|ⁿ))"
_POWER = re.compile(rf"(?<![\w.,^])(?P<base>{_NUMBER}){_RAISED}(?![\w^])")
_LETTER_POWER = re.compile(rf"(?<![^\W0-9])(?P<base>[A-Za-zА-Яа-яα-ωΑ-Ω]|[)\]]){_RAISED}(?![0-9^])")
_FOOTNOTE = re.compile(r"(?<=[а-яёa-z]{3})[¹²³⁴-⁹⁰]{1,3}(?![\w])")
_SCIENTIFIC = re.compile(rf"(?<![\w.,])(?P<factor>{_NUMBER})\s?[×·*xх]\s?10{_RAISED}(?![\w^])")
_SCORE = re.compile(r"(?<![\w.,/])(?P<score>[0-9]{1,2}[.,][0-9])/(?P<of>5|10|100)(?![\w/]|[.,][0-9])")
_EXPONENT = re.compile(rf"(?<![\w.,])(?P<factor>{_NUMBER})[eE](?P<power>[-+−]?[0-9]{{1,3}})(?![\w.,])")
_OPERAND = rf"(?:{_NUMBER}|[a-zA-Z])"
_SUM = re.compile(
    rf"(?<![\w.,^/])[-−]?{_OPERAND}(?:\s?[-+−–×·*:÷/]\s?{_OPERAND}){{1,8}}\s?[=≈≠<>≤≥]\s?[-−]?{_OPERAND}"
    r"(?![\w^%]|[.,/:][0-9]|\s?[-+−–×·*:÷/=]\s?[0-9a-z(])"
)
_COMPARED = re.compile(
    r"(?<![<>=!\-])(?P<sign>[<>≤≥≈~∼√]|[<>]=)\s?(?=[-−]?[0-9])[-−]?[0-9][0-9 ]{0,20}(?:[.,][0-9]{1,9})?(?<! )"
    r"(?:\s?[%‰°$€₽£]\S{0,2}|\s[A-Za-zА-Яа-я/²³]{1,8}\.?)?"
)
_OPERAND_BEFORE = re.compile(r"(?:[0-9)²³]|(?<![А-Яа-яёA-Za-z])[A-Za-zа-яα-ω]) ?$")
_COMPARISONS = {"<": "меньше", ">": "больше", "≤": "не больше", "≥": "не меньше", "<=": "не больше", ">=": "не меньше"}
_ROUGHLY = "≈~∼"
_OPERATIONS = {
    "+": "плюс",
    "-": "минус",
    "−": "минус",
    "–": "минус",
    "×": "умножить на",
    "·": "умножить на",
    "*": "умножить на",
    ":": "разделить на",
    "÷": "разделить на",
    "/": "разделить на",
    "=": "равно",
    "≈": "приблизительно равно",
    "≠": "не равно",
    "<": "меньше",
    ">": "больше",
    "≤": "меньше или равно",
    "≥": "больше или равно",
}
_SHORT_POWERS = {"2": "в квадрате", "3": "в кубе"}
_TOKENS = re.compile(rf"{_NUMBER}|[a-zA-Z]|[^\s]")
_SUBSCRIPTED = re.compile(r"[₀-₉]+")


def _value(number: str) -> str:
    """A number, whole or with a decimal comma or point."""
    whole, _, fraction = number.replace(".", ",").partition(",")
    return decimal(whole, fraction) if fraction else spoken(whole)


def _raised(match: re.Match[str]) -> str:
    """The power: "в квадрате", "в десятой степени", "в минус третьей степени", "в степени n"."""
    power = (match["flat"] or match["high"]).translate(_SUPERSCRIPTS).replace("−", "-")
    return _power(power)


def _power(power: str) -> str:
    if power in _SHORT_POWERS:
        return _SHORT_POWERS[power]
    sign = "минус " if power[0] == "-" else ""
    number = power.lstrip("+-")
    return f"в {sign}{ordinal(int(number), 'loc', 'f')} степени" if number.isdigit() else f"в степени {number}"


def _number_power(match: re.Match[str]) -> str:
    return f"{_value(match['base'])} {_raised(match)}"


def _letter_power(match: re.Match[str]) -> str | None:
    return (
        None
        if match["base"] in "мm" and re.search(r"[0-9] ?(?:к|с|д|м|k|c|d|m)?$", before(match))
        else f"{match['base']} {_raised(match)}"
    )


def _scientific(match: re.Match[str]) -> str:
    return f"{_value(match['factor'])} умножить на десять {_raised(match)}"


def _exponent(match: re.Match[str]) -> str:
    return f"{_value(match['factor'])} умножить на десять {_power(match['power'].replace('−', '-'))}"


def _score(match: re.Match[str]) -> str:
    """ "4,8/5": the numbers are left for the next round."""
    return f"{match['score']} из {match['of']}"


def _sum(match: re.Match[str]) -> str | None:
    if len(match[0]) > 200 or not re.search(r"[0-9]", match[0]):
        return None
    words = []
    for token in _TOKENS.findall(match[0]):
        words.append(_value(token) if token[0] in "0123456789" else _OPERATIONS.get(token, token))
    return " ".join(words)


def _compared(match: re.Match[str]) -> str | None:
    """The sign becomes a word; the number is left for the next round, which sees the case that the word asks for."""
    sign, left = match["sign"], before(match)
    number = match[0].removeprefix(sign).lstrip()
    if len(number) > LONGEST:
        return None
    if sign == "√":
        word = "корень из"
    elif sign in _ROUGHLY:
        if sign == "≈" and _OPERAND_BEFORE.search(left):
            return None
        word = "примерно"
    elif _OPERAND_BEFORE.search(left) and sign in ("≤", "≥", "<=", ">="):
        word = _OPERATIONS[{"<=": "≤", ">=": "≥"}.get(sign, sign)]
    else:
        word = _COMPARISONS[sign]
    gap = " " if left[-1:].isalnum() or left[-1:] == ")" else ""
    return f"{gap}{word} {number}"


def _subscript(match: re.Match[str]) -> str:
    return match[0].translate(_SUBSCRIPTS)


RULES = (
    Rule("maths", _SUM, _sum),
    Rule("maths", _SCORE, _score),
    Rule("maths", _SCIENTIFIC, _scientific),
    Rule("maths", _EXPONENT, _exponent),
    Rule("maths", _POWER, _number_power),
    Rule("maths", _COMPARED, _compared),
    Rule("maths", _LETTER_POWER, _letter_power),
    Rule("symbol", _FOOTNOTE, lambda match: ""),
    Rule("symbol", _SUBSCRIPTED, _subscript),
)
