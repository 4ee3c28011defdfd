"""Russian numerals: rutextnorm's words, and num2words' where rutextnorm has none, in every case and gender."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import num2words
import rutextnorm

from qwen3tts.text.russian.grammar import Case, Gender, counted

LONGEST = 33
"""Numbers of more digits have no name that anybody knows: they are read digit by digit."""

_MOST_PLACES = 9
_OBLIQUE = {"gen": "gen", "dat": "dat", "ins": "instr", "loc": "prep"}
_LETTERS: dict[Case, str] = {"nom": "n", "gen": "g", "dat": "d", "acc": "a", "ins": "i", "loc": "p"}
_LAST: dict[tuple[str, Gender], str] = {
    ("один", "f"): "одна",
    ("один", "n"): "одно",
    ("два", "f"): "две",
    ("одного", "f"): "одной",
    ("одному", "f"): "одной",
    ("одним", "f"): "одной",
    ("одном", "f"): "одной",
}
_ACCUSATIVE = {"одна": "одну", "тысяча": "тысячу"}
_ANIMATE = {"два": "двух", "две": "двух", "три": "трёх", "четыре": "четырёх"}
# What is not the genitive at the head of a compound: "сороказначный" is, "стометровый" is not.
_PREFIXES = {
    "ноля": "нуль",
    "нуля": "нуль",
    "одного": "одно",
    "одной": "одно",
    "ста": "сто",
    "девяноста": "девяносто",
    "тысячи": "тысяче",
    "тысяч": "тысяче",
    "миллиона": "миллионо",
    "миллионов": "миллионо",
    "миллиарда": "миллиардо",
    "миллиардов": "миллиардо",
}


@lru_cache(maxsize=4096)
def cardinal(n: int, case: Case = "nom", gender: Gender = "m", animate: bool = False) -> str:
    """How many: "двадцать одну" is cardinal(21, "acc", "f"). Below zero with "минус"."""
    if n < 0:
        return f"минус {cardinal(-n, case, gender, animate)}"
    if len(str(n)) > LONGEST:
        return digits(str(n))
    if n >= 10**18:
        words = str(num2words.num2words(n, lang="ru", case=_LETTERS[case], animate=False)).split()
    elif case in _OBLIQUE:
        words = rutextnorm.number_to_words_case(n, _OBLIQUE[case]).replace("восьмью", "восемью").split()
    else:
        words = rutextnorm.number_to_words(n).split()
    words[-1] = _LAST.get((words[-1], gender), words[-1])
    if case == "acc":
        words = [_ACCUSATIVE.get(word, word) for word in words]
        if animate:
            words[-1] = "одного" if words[-1] == "один" else _ANIMATE.get(words[-1], words[-1]) if n < 5 else words[-1]
    return " ".join(words)


@lru_cache(maxsize=4096)
def ordinal(n: int, case: Case = "nom", gender: Gender | Literal["pl"] = "m", animate: bool = False) -> str:
    """Which: "две тысячи двадцать четвёртого" is ordinal(2024, "gen")."""
    if n < 0:
        return f"минус {ordinal(-n, case, gender, animate)}"
    if len(str(n)) > LONGEST:
        return digits(str(n))
    group = 1
    while n and n % (group * 1000) == 0:
        group *= 1000
    last = n % (group * 1000)  # num2words ranks every group of digits, not the last alone
    plural = gender == "pl"
    options = {"case": _LETTERS[case], "gender": "m" if plural else gender, "plural": plural, "animate": animate}
    words = str(num2words.num2words(last, lang="ru", to="ordinal", **options))
    return words if n == last else f"{cardinal(n - last)} {words}"


def digits(text: str) -> str:
    """The digits of a text, one by one."""
    return " ".join(rutextnorm.number_to_words(int(digit)) for digit in text if digit in "0123456789")


def decimal(whole: str, fraction: str, case: Case = "nom") -> str:
    """Digits before and after the comma: "две целых и пять десятых"."""
    if len(fraction) > _MOST_PLACES or len(whole) > LONGEST:
        return f"{spoken(whole, case)} запятая {digits(fraction)}"
    parts, number = int(fraction), int(whole)
    places = _denominator(parts, 10 ** len(fraction), case)
    return f"{cardinal(number, case, 'f')} {counted(number, 'целая', case)} и {cardinal(parts, case, 'f')} {places}"


def fraction(numerator: int, denominator: int, case: Case = "nom") -> str:
    """A common fraction: "три четвёртых"."""
    return f"{cardinal(numerator, case, 'f')} {_denominator(numerator, denominator, case)}"


@lru_cache(maxsize=4096)
def prefix(n: int) -> str:
    """The number at the head of a compound: "двадцатипяти" as in "двадцатипятиэтажный"."""
    words = rutextnorm.number_to_words_case(n, "gen").split()
    return "".join(_PREFIXES.get(word, word) for word in words)


def spoken(text: str, case: Case = "nom", gender: Gender = "m", animate: bool = False) -> str:
    """Digits as a number; with leading zeros, or too many of them, one by one."""
    if len(text) > LONGEST or (len(text) > 1 and text[0] == "0"):
        return digits(text)
    return cardinal(int(text), case, gender, animate)


def _denominator(numerator: int, denominator: int, case: Case) -> str:
    if numerator % 10 == 1 and numerator % 100 != 11:
        return ordinal(denominator, case, "f")
    return ordinal(denominator, "gen" if case in ("nom", "acc") else case, "pl")


def single(case: Case) -> str:
    """One of what has no singular: "одни сутки"."""
    return str(num2words.num2words(1, lang="ru", case=_LETTERS[case], plural=True, animate=False))
