"""Sums and powers: where "-" is "minus", "x" is "times" and a raised figure is a power."""

from __future__ import annotations

import re

from qwen3tts.text.english.numbers import cardinal, number
from qwen3tts.text.english.numerals import fraction
from qwen3tts.text.rules import Rule, after, before

_OPERATORS = {"+": "plus", "-": "minus", "−": "minus", "–": "minus", "×": "times", "x": "times", "*": "times", "·": "times"} | {
    "/": "over",
    "÷": "divided by",
}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_POWERS = {"2": "squared", "3": "cubed"}

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,15})(?:\.[0-9]{1,15})?"
_TERM = rf"(?:{_NUMBER}|(?<![A-Za-z])[a-zA-Z](?![A-Za-z'’]))(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}})?"
_PRODUCT = rf"(?:{_NUMBER}[a-zA-Z](?![A-Za-z0-9])(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}})?|{_TERM})"
_OPERATOR = r"(?: ?[-−–+×*÷/·] ?| x )"
_CHAIN = rf"(?<![\w.,$€£/-])[-−]?{_PRODUCT}(?:{_OPERATOR}{_PRODUCT}){{1,12}}"
_PIECE = re.compile(
    rf"(?P<fraction>(?<![/0-9.])[0-9]{{1,3}}/[0-9]{{1,3}}(?![/0-9.]))|(?P<number>{_NUMBER})"
    rf"|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<operator>[-−–+×*÷/·]| x )|(?P<letter>[a-zA-Z])|(?P<space> )"
)
_POWER = re.compile(
    r"(?<=[\w)\]’'”\".,;:!?])(?:([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,6}|[⁻]?ⁿ)|\^\(?([-−+]?(?:[0-9]{1,6}|[a-zA-Z](?![a-zA-Z])))\)?)"
)
_NAMED = re.compile(r"[^\W\d_]{4}[\"”'’)\]]?$|[.,;:!?][\"”'’)\]]?$")
_NUMERALS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w{2,5}teen|\w{3,4}ty|hundred|thousand|million|[a-z]{2,4}meters?|meters?|"
    r"feet|inches|miles|seconds|pi|alpha|beta|gamma|theta|sigma|lambda|delta|omega|phi)$"
)


def _sum(match: re.Match[str]) -> str:
    """The side of an equation. A slash is "over" between letters, "divided by" between numbers."""
    words = []
    for piece in _PIECE.finditer(match[0]):
        kind, text = piece.lastgroup, piece[0].strip()
        if kind == "fraction":
            top, bottom = map(int, text.split("/"))
            words.append(fraction(top, bottom) if 0 < top < bottom else f"{cardinal(top)} divided by {cardinal(bottom)}")
        elif kind == "number":
            words.append(number(text))
        elif kind == "power":
            words.append(_raised(text))
        elif kind == "operator":
            words.append("divided by" if text == "/" and re.search(r"[0-9] ?/ ?[0-9]", match[0]) else _OPERATORS[text])
        elif kind == "letter":
            words.append(text)
    return " ".join(words)


def _single(match: re.Match[str]) -> str:
    return f"{number(match[1])} {match[2]}"


def _raised(written: str) -> str:
    plain = written.translate(_RAISED).replace("−", "-")
    if plain in _POWERS:
        return _POWERS[plain]
    sign = {"-": "minus ", "+": "plus "}.get(plain[0], "")
    figure = plain.lstrip("-+")
    return f"to the power of {sign}{cardinal(int(figure)) if figure.isdigit() else figure}"


def _power(match: re.Match[str]) -> str | None:
    """ "squared" of a figure or a letter; a raised figure behind a word or a sentence is a note, and not read."""
    left = before(match)
    if match[1] and _NAMED.search(left) and not _NUMERALS.search(left):
        return ""
    following = match.string[match.end() : match.end() + 1]
    return f" {_raised(match[1] or match[2])}" + (" " if following.isalnum() or (following in "√(" and following) else "")


def _factorial(match: re.Match[str]) -> str | None:
    """Behind a figure where something is reckoned, behind a letter that is no word."""
    left, right = before(match), after(match)
    letter = re.search(r"(?<![\w'’])[nkmr]$", left)
    reckoned = re.search(r"(?<![^\s(=+*/×÷−-])[0-9]{1,3}$|\)$", left) and (
        re.match(r" ?[=×÷*/+−^]| is\b| -", right)
        or re.search(r"(?:[=×÷*/+−(] ?|\b(?:of|compute|calculate|evaluate|is) )[0-9]+$", left)
    )
    return _spaced_word(match, "factorial") if letter or reckoned else None


def _spaced_word(match: re.Match[str], word: str) -> str:
    return f" {word}" + (" " if match.string[match.end() : match.end() + 1].isalnum() else "")


CHAINS = (
    Rule("maths", re.compile(r"(?<![\w.,$€£/-])([0-9]{1,4})([a-z])(?= ?[=<>≤≥] ?[-−]?[0-9a-z(])"), _single),
    Rule("maths", re.compile(rf"{_CHAIN}(?= ?(?:=|≈|≠|≤|≥|<|>|==) ?[\w(√$€£−-])"), _sum),
    Rule("maths", re.compile(rf"(?<=[=≈≤≥] ){_CHAIN}(?![\w^°%²³]| ?(?:[a-zA-Z°%$€£]))"), _sum),
)
"""Before dates and ranges, which "5 - 3" and "1/2" look like too."""
RULES = (
    Rule("maths", _POWER, _power),
    Rule("maths", re.compile(r"(?<=[0-9nkmr)])!(?!=[^=])(?![!?])"), _factorial),
)
