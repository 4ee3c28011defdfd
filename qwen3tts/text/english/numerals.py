"""Written numbers, and the English words for them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from num2words.lang_EN import Num2Word_EN

_WORDS: Any = Num2Word_EN()

LONGEST = 36
"""Digits of the longest number that is read as one; longer ones are read digit by digit."""

VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
NOT_INSIDE = r"(?<![0-9].)(?<![0-9][.,].)"
NOT_FOLLOWED = r"(?![0-9]|[.,/:][0-9])"
SIGN = r"(?:(?<![\w)\]%°$€£¥₽.,…'’\"”+/*^=-].)|(?<=[=/*^][-−]))"
"""Behind a sign: nothing that a hyphen or dash could join, or an addition could add, stands before it."""

_NUMBER_REST = (
    r"(?:[0-9]{0,2}(?:\.[0-9]{3}){1,4},[0-9]{1,2}|(?:[0-9]{0,2}(?:,[0-9]{3}){1,12}|[0-9]?(?:,[0-9]{2}){1,4},[0-9]{3}"
    r"|[0-9]{0,2}(?: [0-9]{3}){1,12}(?! ?[0-9])|[0-9]{0,2}(?:['’][0-9]{3}){2,12}|[0-9]{0,2}(?:\.[0-9]{3}){2,12}(?!\.?[0-9]))"
    r"(?:\.[0-9]{1,60})?|[0-9]{0,59}(?:\.[0-9]{1,60})?)(?![0-9])"
)
_FRACTION_END = r"[/⁄][0-9]{1,4}(?![0-9]|[/⁄.,-][0-9])"
_FRACTIONAL_REST = rf"(?:[0-9]{{0,2}}[ -][0-9]{{1,3}}{_FRACTION_END}|[0-9]{{0,2}}{_FRACTION_END}|[0-9]{{0,3}} ?[{VULGAR}])"
_AMOUNT_REST = rf"(?:{_FRACTIONAL_REST}|{_NUMBER_REST}|[0-9]{{0,3}},[0-9]{{1,2}}(?![0-9,]))"
_POINT_FIRST = r"[0-9]{1,60}(?![0-9])"
NUMBER = rf"(?:[0-9]{_NUMBER_REST}|(?<![\w.,])\.{_POINT_FIRST})"
FRACTIONAL = rf"(?:[0-9]{_FRACTIONAL_REST}|[{VULGAR}])"
AMOUNT = rf"(?:[0-9]{_AMOUNT_REST}|[{VULGAR}]|(?<![\w.,])\.{_POINT_FIRST})"
"""A number with or without a fraction, without its sign; next to what is measured in it, a comma may part the decimals."""


def leading(what: str, guard: str = NOT_INSIDE, *, signed: bool = False) -> str:
    """NUMBER, FRACTIONAL or AMOUNT as the beginning of a pattern; guard: what must not stand before it, looked at from behind the
    first character. That a pattern begins with a set of characters makes finding it several times faster.
    """
    rest = {NUMBER: _NUMBER_REST, FRACTIONAL: _FRACTIONAL_REST, AMOUNT: _AMOUNT_REST}[what]
    point = rf"|(?<=\.)(?<![\w.,].){_POINT_FIRST}" if what != FRACTIONAL else ""
    vulgar = "" if what == NUMBER else rf"|(?<=[{VULGAR}])"
    unsigned = rf"{guard}(?:(?<=[0-9]){rest}{vulgar}{point})"
    characters = f"0-9{'.' if point else ''}{VULGAR if vulgar else ''}"
    return rf"[-−–+{characters}](?:{unsigned}|(?<=[-−–+]){SIGN}{what})" if signed else rf"[{characters}]{unsigned}"


DASH = r"(?: [-–—−] |[-–—−])"

SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mm": "million", "MM": "million"} | {
    "mln": "million", "mil": "million", "B": "billion", "b": "billion", "bn": "billion", "Bn": "billion", "BN": "billion"
} | {"bln": "billion", "T": "trillion", "t": "trillion", "tn": "trillion", "trn": "trillion"}  # fmt: skip
SCALE_WORD = r"(?:hundred|thousand|million|billion|trillion|quadrillion)"

_DETERMINER = re.compile(
    r"(?<!\w)(?:an?|the|this|that|each|every|another|my|his|her|our|your|their|its|one|any|per"
    r"|(?!(?:it|that|there|he|she|what|here|where|who|let)['’])[A-Za-z]+['’]s) $",
    re.I,
)
_HEAD = re.compile(
    r" (?:bills?|notes?|coins?|banknotes?|cameras?|sensor|laptops?|monitors?|SSD|battery|chargers?|bulbs?"
    r"|pizzas?|ceilings?|guard|forward|frame|relay"
    r"|engine|angles?|turns?|rotation|film|lens|lenses|waist|pipe|screws?|reads?|walk|drive|ride)\b"
)
_NO_HEAD = re.compile(
    r" (?:is|was|are|were|of|from|to|and|or|in|on|at|for|by|with|per|a|an|the|that|which|who|you|we|he|she|it|they"
    r"|I|will|would|has|had|have"
    r"|than|as|but|if|when|because|each|every|more|less|away|ago|later|long|high|tall|wide"
    r"|deep|thick|across|since|during|using|taller|shorter|longer|wider|today|tonight|tomorrow|outside|now|here|there|left|down|up|off|out|apart|diameter|before|after|above|below)\b"
)
_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_MIXED = {(1, 2): "a half", (1, 3): "a third", (1, 4): "a quarter"}


@lru_cache(maxsize=4096)
def cardinal(n: int) -> str:
    """ "one hundred and five"."""
    return digits(str(n)) if abs(n) >= 10**LONGEST else str(_WORDS.to_cardinal(n))


@lru_cache(maxsize=4096)
def ordinal(n: int) -> str:
    """ "one hundred and fifth"."""
    return f"{digits(str(n))}th" if n >= 10**LONGEST else str(_WORDS.to_ordinal(n))


@lru_cache(maxsize=4096)
def year(n: int) -> str:
    """ "nineteen eighty-four"."""
    return cardinal(n) if n < 1000 or n > 9999 else str(_WORDS.to_year(n))


def digits(text: str) -> str:
    """Digit by digit, without what is no digit: "007" is "zero zero seven"."""
    return " ".join(cardinal(int(character)) for character in text if character in "0123456789")


def decimal(text: str) -> str:
    """ "3.14" or "1,234.5"."""
    whole, _, part = text.partition(".")
    return " ".join(filter(None, [_integer(whole) if whole else "", "point", digits(part)])) if part else _integer(whole)


def number(text: str) -> str:
    """Any written number: grouped by commas, spaces, apostrophes or full stops, with a sign, with decimals."""
    sign, text = split_sign(text)
    return sign + decimal(plain(text))


def plain(text: str) -> str:
    """With a full stop for the decimals, and nothing else between the digits but what English puts there."""
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3}){1,4},[0-9]{1,2}", text):
        return text.replace(".", "").replace(",", ".")
    if text.count(".") > 1:
        return text.replace(".", "")
    return text.replace(",", ".") if re.fullmatch(r"[0-9]{1,5},[0-9]{1,2}", text) else text


def split_sign(text: str) -> tuple[str, str]:
    """The sign as a word with a space behind it, and the rest."""
    if text[:1] in ("-", "−", "–"):
        return "minus ", text[1:].lstrip()
    return ("plus ", text[1:].lstrip()) if text[:1] == "+" else ("", text)


def fraction(numerator: int, denominator: int) -> str:
    """ "three quarters", or "one hundred and twenty over eighty" of what is no fraction as one says it."""
    if denominator < 2 or not numerator or (numerator >= denominator > 10):
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    one, many = _DENOMINATORS.get(denominator) or (ordinal(denominator).removeprefix("one "), "")
    return f"{cardinal(numerator)} {one if numerator == 1 else many or one + 's'}"


def amount(text: str) -> str:
    """What AMOUNT finds, with or without a sign: "2 1/2", "½" or "1,234.5"."""
    sign, text = split_sign(text)
    parts = _fraction_parts(text)
    if not parts:
        return sign + number(text)
    whole, numerator, denominator = parts
    if not whole:
        return sign + fraction(numerator, denominator)
    return f"{sign}{number(whole)} and {_MIXED.get((numerator, denominator)) or fraction(numerator, denominator)}"


def is_one(text: str) -> bool:
    """Whether what is counted by an amount is in the singular: "1 km", "1/2 mile"."""
    text = split_sign(text)[1]
    parts = _fraction_parts(text)
    return not parts[0] and parts[1] < parts[2] if parts else text == "1"


def plural(words: str) -> str:
    """ "nineties" of "ninety", "nineteen hundreds" of "nineteen hundred"."""
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")


def spaced(match: re.Match[str], words: str) -> str:
    """Words in the place of a match, with a space where a letter or a digit touches them."""
    text, start, end = match.string, match.start(), match.end()
    left = " " if start and text[start - 1].isalnum() else ""
    right = " " if end < len(text) and text[end].isalnum() else ""
    return left + words + right


def _integer(text: str) -> str:
    plain = "".join(character for character in text if character in "0123456789")
    if len(plain) > LONGEST or (plain.startswith("0") and len(plain) > 1):
        return digits(plain)
    return cardinal(int(plain or "0"))


def _fraction_parts(text: str) -> tuple[str, int, int] | None:
    """Whole number, numerator and denominator; None for what has no fraction."""
    if text[-1:] in VULGAR and text:
        numerator, denominator = unicodedata.normalize("NFKC", text[-1]).split("⁄")
        return text[:-1].rstrip(), int(numerator), int(denominator)
    if match := re.fullmatch(r"(?:([0-9]{1,3})[ -])?([0-9]{1,3})[/⁄]([0-9]{1,4})", text):
        return match[1] or "", int(match[2]), int(match[3])
    return None


def resolution(text: str) -> str:
    """A number of pixels: "nineteen twenty" of "1920", as one says it; other numbers as they are."""
    return year(int(text)) if re.fullmatch(r"[1-9][0-9][1-9][0-9]|[1-9][0-9]0[1-9]", text) else number(text)


def describes(match: re.Match[str]) -> bool:
    """Whether a quantity stands before what it describes: "a $5 bill", "the 100 m sprint", "a 5-km-long road"."""
    left, right = match.string[max(0, match.start() - 24) : match.start()], match.string[match.end() : match.end() + 24]
    if re.match(r"-[A-Za-z]", right) or _HEAD.match(right):
        return True
    return before_noun(match) and bool(_DETERMINER.search(left))


def before_noun(match: re.Match[str]) -> bool:
    """Whether a word follows that a quantity could describe."""
    right = match.string[match.end() : match.end() + 24]
    return bool(re.match(r" [A-Za-z]", right)) and not _NO_HEAD.match(right)


def counted(words: str, one: str, many: str, *, one_only: bool, adjective: bool) -> str:
    """A number in words with what it counts: "five-dollar" as an adjective, "five dollars" else."""
    if adjective:
        return f"{words}{' ' if ' ' in words else '-'}{one}"
    return f"{words} {one if one_only else many}"
