"""Every row of the table, and what holds for any text at all."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.errors import InputError, LanguageError
from qwen3tts.text.normalize import normalize

TABLE = Path(__file__).parents[1] / "data" / "normalize.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
LANGUAGES = ["ru", "en", "auto", "de", "zh"]

# What makes rules meet: digits, signs, abbreviations and letters of several scripts, besides all of Unicode.
_SIGNS = list("0125,.:;-–—−+=/\\%‰°№#$€£¥₽'\"′″()[]«»“”…!?&@*_~^|<>×÷²½MxAaяЯвксёй中。👍\u200b\u0301 \n\t\u00a0")
_WORDS = """10 12 19 100 2024 1000000 007 °C st th -го -й -х I V X XX IV Mr. Dr. St. a.m. pm No. г. ул. д. кв. г-н руб. коп. млн
    тыс. км м/с кг km GB до от года году января May Jan. www. .com https:// v2. e.g. т. е. 🇷🇺"""
_PIECES = st.sampled_from([*_SIGNS, *_WORDS.split(), "  "])
texts = st.text(max_size=30) | st.lists(_PIECES, max_size=12).map("".join) | st.lists(_PIECES, max_size=10).map(" ".join)


def check(text: str, language: str) -> None:
    """All that `normalize` promises of any text."""
    done = normalize(text, language)
    assert normalize(done.text, language).text == done.text
    assert unicodedata.is_normalized("NFC", done.text)
    kept = spoken = 0
    for span in done.spans:
        assert text[kept : span.start] == done.text[spoken : span.spoken_start]
        assert text[span.start : span.end] != done.text[span.spoken_start : span.spoken_end]
        kept, spoken = span.end, span.spoken_end
    assert text[kept:] == done.text[spoken:]
    if language in ("ru", "en"):
        assert not any(character in "0123456789" for character in done.text)


def test_the_table_is_large_and_even() -> None:
    russian, english = (sum(row[0] == language for row in ROWS) for language in ("ru", "en"))
    assert len(ROWS) >= 400
    assert min(russian, english) >= 0.4 * len(ROWS)
    assert len({(row[0], row[2]) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("language", "category", "text", "reading"), ROWS, ids=[f"{row[0]}-{row[2]}" for row in ROWS])
def test_reads_as_the_table_says(language: str, category: str, text: str, reading: str) -> None:
    assert normalize(text, language).text == reading
    check(text, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_holds_for_any_text(language: str) -> None:
    given(texts)(lambda text: check(text, language))()


@pytest.mark.soak
@pytest.mark.parametrize("language", ["ru", "en", "auto"])
def test_what_holds_for_twenty_thousand_texts(language: str) -> None:
    settings(max_examples=20_000)(given(texts)(lambda text: check(text, language)))()


@pytest.mark.parametrize("language", ["de", "zh", "Japanese", "pt-BR"])
def test_other_languages_keep_their_signs(language: str) -> None:
    assert normalize("5 € am 3.4. “so” №5 👍", language).text == "5 € am 3.4. “so” №5 👍"
    done = normalize("e\u0301 \u00a0 1\u200b2", language)
    assert done.text == "é 12"
    assert [span.kind for span in done.spans] == ["unicode", "space", "unicode"]


def test_spans_say_what_was_written_and_what_is_read() -> None:
    text = "It costs $5.50."
    done = normalize(text, "en")
    [span] = done.spans
    assert (span.kind, text[span.start : span.end]) == ("money", "$5.50")
    assert done.text[span.spoken_start : span.spoken_end] == "five dollars and fifty cents"


def test_emoji_are_dropped_or_named() -> None:
    assert normalize("Hi 👋!", "en").text == "Hi!"
    assert normalize("Hi 👋!", "en", emoji="name").text == "Hi waving hand!"
    assert normalize("Да 👍", "ru", emoji="name").text == "Да большой палец вверх"


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(LanguageError, match=r"language='klingon' is unknown: choose one of auto, .*russian"):
        normalize("a", "klingon")
    with pytest.raises(InputError, match=r"emoji='keep' is unknown: choose one of drop, name"):
        normalize("a", emoji="keep")  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "a",
        "1.",
        "1,",
        "-",
        ".",
        "I",
        "12:",
        "$1",
        "a.",
        "А. ",
        "г.",
        "a@",
        "www.",
        "/",
        "1/",
        "X",
        "к 5 ",
        "№",
        "👍",
        "e\u0301",
        "(",
        "+7",
        "a1",
    ],
)
def test_takes_linear_time(piece: str, language: str) -> None:
    """A fraction of a second; what is quadratic takes ten and more. `python -m bench.normalize` has the figures."""
    text = piece * (20_000 // len(piece))
    started = time.process_time()
    normalize(text, language)
    assert time.process_time() - started < 5
