"""Text as it is written, read like the whole."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.normalize import normalize
from qwen3tts.text.writing import Writing

TEXTS = [
    "Hello there, my dear friend, how are you today?",
    "It costs $5.50 or so. Dr. Smith paid on January 5, 2024. Fine!",
    "К 1991 году их стало 25. Пётр I жил в XVIII веке, и 5 января 2024 года шёл снег.",
    "One 2",
    "I am 5",
]


def written(text: str, cut: int, language: str = "auto") -> list[str]:
    """The words of a text that comes in pieces of so many characters."""
    writing = Writing(partial(normalize, language=language))
    pieces = [text[i : i + cut] for i in range(0, len(text), cut)]
    return [word for piece in pieces for word in writing.take(piece, False)] + writing.take("", True)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("cut", [1, 3, 7, 1000])
def test_reads_like_the_whole(text: str, cut: int) -> None:
    assert "".join(written(text, cut)) == normalize(text).text


def test_plain_words_are_not_held_back() -> None:
    writing = Writing(normalize)
    assert writing.take("Hello the", False) == ["Hello"]
    assert writing.take("re 5", False) == [" there"]
    assert writing.take(" apples and ", False) == []
    assert writing.take("some more of those green ones", False)[:3] == [" five", " apples", " and"]


def test_without_a_normaliser_words_stay_as_written() -> None:
    writing = Writing(None)
    assert writing.take("I am 5 ye", False) + writing.take("ars", True) == ["I", " am", " 5", " years"]


@given(st.text("a5 .I$я,", max_size=40), st.integers(1, 5))
def test_any_text_in_any_pieces_loses_no_letter(text: str, cut: int) -> None:
    read = "".join(written(text, cut))
    assert not any(character.isdigit() for character in read)
    assert read.count("a") >= text.count("a")
