"""Emoji in Russian and English: left out with the space before them, or named."""

import pytest

from qwen3tts.text.normalize import normalize

DROPPED = [
    ("Hi 👋!", "Hi!"),
    ("a 👍 b", "a b"),
    ("👍 Great", "Great"),
    ("Great👍🏽thanks", "Great thanks"),
    ("so 👨‍👩‍👧 good 🇺🇸🇷🇺.", "so good."),
    ("I ❤️ it ✓", "I it"),
    ("(😀) done", "done"),
    ("first\n🎉 second", "first\nsecond"),
    ("😀😀😀", ""),
]
NAMED = [
    ("en", "Hi 👋!", "Hi waving hand!"),
    ("en", "a👍b", "a thumbs up b"),
    ("en", "fun 😂😂🔥", "fun face with tears of joy, fire"),
    ("en", "Step 1️⃣ now", "Step one now"),
    ("en", "to 🇺🇸", "to United States"),
    ("ru", "Ура 🎉!", "Ура хлопушка!"),
    ("ru", "так 👍", "так большой палец вверх"),
]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("text", "expected"), DROPPED)
def test_dropped_with_the_space_before_them(language: str, text: str, expected: str) -> None:
    assert normalize(text, language).text == expected


@pytest.mark.parametrize(("language", "text", "expected"), NAMED)
def test_named_when_asked(language: str, text: str, expected: str) -> None:
    assert normalize(text, language, emoji="name").text == expected


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("text", ["«a» — b…", "a * b #", "wait‼ what⁉"])
def test_signs_of_plain_text_are_no_emoji(language: str, text: str) -> None:
    assert all(span.kind != "emoji" for span in normalize(text, language).spans)
