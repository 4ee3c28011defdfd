"""Words of capital letters: those nobody can pronounce, or known to be spelled, letter by letter; others are words."""

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
# Spoken otherwise than letter by letter.
_SPOKEN = {
    "США": "сэ шэ а",
    "ФБР": "фэ бэ эр",
    "ФРГ": "фэ эр гэ",
    "СНГ": "эс эн гэ",
    "ЦСКА": "цэ эс ка",
    "ГИБДД": "ги бэ дэ дэ",
    "ИТ": "ай ти",
    "МСК": "по московскому времени",
}
_SPELLED_WORDS = """ФИО ИП ЕГЭ ОГЭ МГУ МГТУ СПбГУ ИИ АЭС ЭВМ УК АПК АТС ЕС ЕЭС ЭКГ ОРЗ ИВЛ АКПП ИНН ОГРН ОАЭ НЛО ВШЭ ПТУ ПВО
        ОВД УВД ОПГ АНО НКО УПК ЕСПЧ ЭДО ЭЦП ЕЦБ ОЭСР УФСИН ЕАЭС АИ УЗО АЗС ОБЖ ОРТ ОКВЭД ОСБ ОТК"""
_SPELLED = frozenset(_SPELLED_WORDS.split())
_VOWELS = frozenset("АЕЁИОУЫЭЮЯ")
# Words without a vowel that are no acronyms, and Roman numerals written in Cyrillic.
_KEPT = frozenset(["ХХ", "ХХХ", "МХ", "ГМ", "ХМ", "ХММ", "БРР", "ТСС", "ТС", "МММ", "ММ", "ПФ", "ПФФ", "ПСС", "ШШ"])
_ACRONYM = re.compile(r"(?<![\w.\-])(?P<word>[А-ЯЁ]{2,7}|СПбГУ)(?![\w]|[-'’][а-яёА-ЯЁ])")


def spell(word: str) -> str:
    """The names of the letters of a word."""
    return " ".join(_LETTERS.get(letter.upper(), letter) for letter in word)


def _acronym(match: re.Match[str]) -> str | None:
    word = match["word"]
    if word in _SPOKEN:
        return _SPOKEN[word]
    if word in _KEPT or (_VOWELS & set(word.upper()) and word not in _SPELLED):
        return None
    return spell(word)


RULES = (Rule("acronym", _ACRONYM, _acronym),)
