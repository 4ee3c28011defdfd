"""One way to write each character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.text.edits import apply_edits
from qwen3tts.text.unicode import compose_characters, tidy_spaces


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("1\u00a0000\u202f000", "1 000 000"),
        ("a \t  b", "a b"),
        ("a  \r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n b", "a\n\n b"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("क्\u200dष", "क्ष"),
        ("“Quotes”，。 — stay…", "“Quotes”，。 — stay…"),
        ("\x00\x1b[0mred\x7f", "[0mred"),
    ],
)
def test_spaces_and_what_is_invisible(text: str, tidy: str) -> None:
    assert apply_edits(text, tidy_spaces(text)) == tidy


@pytest.mark.parametrize(
    "text", ["e\u0301te\u0301", "и\u0306", "\u1100\u1161\u11a8", "ন\u09c7\u09be", "a\u0323\u0307", "\u212b", "x" * 50 + "e\u0301"]
)
def test_characters_are_composed(text: str) -> None:
    edits = compose_characters(text)
    assert edits and apply_edits(text, edits) == unicodedata.normalize("NFC", text)
    assert max(edit.end - edit.start for edit in edits) <= 3


@settings(max_examples=2000)
@given(
    st.text(max_size=12)
    | st.text("e\u0301\u0323\u0307a가\u1100\u1161\u11a8\u09c7\u09be\u1025\u102e\U00011131\U00011127 ", max_size=12)
)
def test_composing_piece_by_piece_composes_the_whole(text: str) -> None:
    assert apply_edits(text, compose_characters(text)) == unicodedata.normalize("NFC", text)
