"""E-mails, web addresses, file names, handles and hashtags: signs by their names, letters as they are."""

from __future__ import annotations

import re

from qwen3tts.text.addresses import EMAIL, FILE, HANDLE, HASHTAG, PATH, URL, pieces
from qwen3tts.text.rules import Rule
from qwen3tts.text.russian.codes import say_number

_SIGNS = {
    ".": "точка",
    "@": "собака",
    "/": "слэш",
    "\\": "обратный слэш",
    "-": "дефис",
    "_": "нижнее подчёркивание",
    ":": "двоеточие",
    "?": "вопросительный знак",
    "=": "равно",
    "&": "амперсанд",
    "#": "решётка",
    "%": "процент",
    "+": "плюс",
    "~": "тильда",
    "*": "звёздочка",
    "!": "восклицательный знак",
    ",": "запятая",
    ";": "точка с запятой",
    "$": "доллар",
    "(": "открывающая скобка",
    ")": "закрывающая скобка",
    "'": "апостроф",
}
_WORDS = re.compile(r"[0-9]+|[A-ZА-ЯЁ][a-zа-яё]+|[A-ZА-ЯЁ]+(?![a-zа-яё])|[^\W\d_]+")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]{0,60}\)){1,500}\)")
_ABBREVIATION = re.compile(r"[А-Яа-яё]\.")


def _said(address: str) -> str:
    return " ".join(_piece(piece) for piece in pieces(address))


def _piece(piece: str) -> str:
    return say_number(piece) if piece[0] in "0123456789" else _SIGNS.get(piece, piece)


def _address(match: re.Match[str]) -> str | None:
    return None if _ABBREVIATION.match(match[0]) else _said(match[0])


def _hashtag(match: re.Match[str]) -> str:
    words = [say_number(word) if word[0] in "0123456789" else word for word in _WORDS.findall(match[0])]
    return " ".join(["хештег", *words])


RULES: tuple[Rule, ...] = (
    Rule("link", _MARKDOWN_LINK, lambda match: match[1]),
    Rule("email", EMAIL, _address),
    Rule("url", URL, _address),
    Rule("file", FILE, _address),
    Rule("file", PATH, _address),
    Rule("hashtag", HASHTAG, _hashtag),
    Rule("handle", HANDLE, _address),
)
