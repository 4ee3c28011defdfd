"""One way to write each character, whatever the language: NFC, plain spaces and line ends, nothing invisible."""

from __future__ import annotations

import re
import unicodedata

from qwen3tts.text.edits import Edit

_SPACE = r" \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
# Control characters, soft hyphens, marks of direction, zero-width spaces and joiners. A joiner inside an emoji belongs to it.
_INVISIBLE = (
    r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
)
_JOINER = r"(?<![\u2600-\u27bf\ufe0f\u20e3\U0001f000-\U0001faff])\u200d|\u200d(?![\u2190-\u27bf\U0001f000-\U0001faff])"
_UNTIDY = re.compile(
    rf"(?P<invisible>(?:[{_INVISIBLE}]|{_JOINER})+)|(?P<line>[{_SPACE}]*(?:\r\n?|\n|[\x0b\x0c\x85\u2028\u2029]))|(?P<space>[{_SPACE}]+)"
)


def tidy_spaces(text: str) -> list[Edit]:
    """Drop what is invisible; a run of spaces of any kind becomes one space, a line end a newline."""
    edits = []
    for match in _UNTIDY.finditer(text):
        kind = match.lastgroup or ""
        plain = {"invisible": "", "line": "\n", "space": " "}[kind]
        if match[0] != plain:
            edits.append(Edit(match.start(), match.end(), "unicode" if kind == "invisible" else "space", plain))
    return edits


def compose_characters(text: str) -> list[Edit]:
    """Bring a text into NFC, in pieces as short as is safe."""
    if unicodedata.is_normalized("NFC", text):
        return []
    edits, start = [], 0
    for end in _boundaries(text):
        piece = text[start:end]
        if (composed := unicodedata.normalize("NFC", piece)) != piece:
            edits.append(Edit(start, end, "unicode", composed))
        start = end
    return edits


def _boundaries(text: str) -> list[int]:
    """Where a text may be cut before it is composed: before characters that nothing before them can change."""
    stable = [i for i, character in enumerate(text) if i and _is_stable(character)]
    return [*stable, len(text)]


def _is_stable(character: str) -> bool:
    """Whether a character stays itself whatever precedes it. Hangul vowels and finals, and signs of Indic scripts, join."""
    if character < "\u0300":
        return True
    if unicodedata.combining(character) or unicodedata.category(character).startswith("M"):
        return False
    return not "\u1160" <= character <= "\u11ff" and character < "\U00010000"
