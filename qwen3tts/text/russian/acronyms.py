"""Words of capital letters: those without a vowel are spelled, letter by letter; others stay as words do."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule

_LETTERS = {
    "А": "а",
    "Б": "бэ",
    "В": "вэ",
    "Г": "гэ",
    "Д": "дэ",
    "Е": "е",
    "Ё": "ё",
    "Ж": "жэ",
    "З": "зэ",
    "И": "и",
    "Й": "и краткое",
    "К": "ка",
    "Л": "эль",
    "М": "эм",
    "Н": "эн",
    "О": "о",
    "П": "пэ",
    "Р": "эр",
    "С": "эс",
    "Т": "тэ",
    "У": "у",
    "Ф": "эф",
    "Х": "ха",
    "Ц": "цэ",
    "Ч": "че",
    "Ш": "ша",
    "Щ": "ща",
    "Ъ": "твёрдый знак",
    "Ы": "ы",
    "Ь": "мягкий знак",
    "Э": "э",
    "Ю": "ю",
    "Я": "я",
}
_VOWELS = frozenset("АЕЁИОУЫЭЮЯ")
# Words without a vowel that are no acronyms, and Roman numerals written in Cyrillic.
_KEPT = frozenset(["ХХ", "ХХХ", "МХ", "ГМ", "ХМ", "ХММ", "БРР", "ТСС", "ТС", "МММ", "ММ", "ПФ", "ПФФ", "ПСС", "ШШ"])
_DRAWN_OUT = re.compile(r"(.)\1\1$")
_ACRONYM = re.compile(r"(?<![\w.\-])(?P<word>[А-ЯЁ]{2,7})(?![\w]|[-'’][а-яёА-ЯЁ])")


def spell(word: str) -> str:
    """The names of the letters of a word."""
    return " ".join(_LETTERS.get(letter.upper(), letter) for letter in word)


def _acronym(match: re.Match[str]) -> str | None:
    word = match["word"]
    return None if word in _KEPT or _VOWELS & set(word) or _DRAWN_OUT.search(word) else spell(word)


RULES = (Rule("acronym", _ACRONYM, _acronym),)
