"""E-mails, web addresses, file names, handles and hashtags."""

from __future__ import annotations

import re

from qwen3tts.text import letters
from qwen3tts.text.addresses import EMAIL, FILE, HANDLE, HASHTAG, PATH, URL, pieces
from qwen3tts.text.english.numbers import cardinal, digits, year
from qwen3tts.text.rules import Rule

_SIGNS = {
    ".": "dot",
    "@": "at",
    "/": "slash",
    "\\": "backslash",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
    "*": "star",
    "!": "exclamation mark",
    ",": "comma",
    ";": "semicolon",
    "$": "dollar",
    "(": "open parenthesis",
    ")": "close parenthesis",
    "'": "apostrophe",
}
_CAMEL = re.compile(r"[0-9]+|[A-Z][a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
_COLOUR = re.compile("#(?=[a-fA-F]{0,7}[0-9])(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\((?:[^()\s]|\([^()\s]{0,60}\)){1,500}\)")


def spoken_address(address: str) -> str:
    """Its words and signs one after another."""
    return " ".join(_piece(piece) for piece in pieces(address))


def _piece(piece: str) -> str:
    if piece[0] in "0123456789":
        return _number(piece)
    return _SIGNS.get(piece, piece)


def _number(text: str) -> str:
    """As people read it out of a name: years and small numbers whole, other digits one by one."""
    if len(text) > 4 or len(text) == 3 or (text[0] == "0" and len(text) > 1):
        return digits(text)
    return year(int(text)) if len(text) == 4 else cardinal(int(text))


def _address(match: re.Match[str]) -> str:
    return spoken_address(match[0])


def _hashtag(match: re.Match[str]) -> str | None:
    if _COLOUR.fullmatch(match[0]):
        return None
    words = [
        (cardinal(int(word)) if len(word) == 3 else _number(word)) if word[0] in "0123456789" else word
        for word in _CAMEL.findall(match[0])
    ]
    return " ".join(["hashtag", *words])


def _handle(match: re.Match[str]) -> str:
    return " ".join(_piece(piece) for piece in pieces(match[0]))


RULES = (
    *letters.RULES,
    Rule("link", _MARKDOWN_LINK, lambda match: match[1]),
    Rule("email", EMAIL, _address),
    Rule("url", URL, _address),
    Rule("file", FILE, _address),
    Rule("file", PATH, _address),
    Rule("hashtag", HASHTAG, _hashtag),
    Rule("handle", HANDLE, _handle),
)
