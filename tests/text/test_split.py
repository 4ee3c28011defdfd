"""Long texts are cut at good places, evenly, within the budget, and nothing is lost."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.text.split import paragraphs, split
from qwen3tts.text.tokenizer import Tokenizer

PIECES = [
    *(
        "Word",
        "word,",
        "Dr. ",
        "слово; ",
        "т. е. ",
        "1 000 000",
        "3,5 км",
        "https://a.b/c,d",
        "你好",
        "，",
        "。",
        "ちょっと",
        "สวัสดี",
    ),
    *(" ", "  ", "\n", ". ", "! ", " — ", " and ", "e\u0301", "👩‍👩‍👧", "🇷🇺", "x" * 20, "\t", "…"),
]
text = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


def words(text):
    return len(text.split())


def squeezed(text):
    return re.sub(r"\s", "", text)


def characters(text):
    """How many characters cannot be cut: combining marks and joiners belong to what is before them."""
    return sum(not unicodedata.category(c).startswith("M") and c != "\u200d" for c in text)


@pytest.fixture(scope="module")
def tokenizer(small):
    return Tokenizer.load(small / "custom_voice")


@given(text, st.integers(4, 30), st.sampled_from([len, words, lambda text: len(text.encode("utf-8", "replace"))]))
def test_nothing_is_lost_and_budgets_hold(text, most, count):
    pieces = list(split(text, count, most))
    assert squeezed("".join(pieces)) == squeezed(text)
    # What is longer is one character: an emoji, or one with its accents.
    assert all(count(piece) <= most or characters(piece) <= 3 for piece in pieces)
    position = 0
    for piece in pieces:
        found = text.index(piece, position)
        assert not text[position:found].strip()
        position = found + len(piece)


@settings(deadline=None)
@given(text, st.integers(4, 30))
def test_budgets_of_the_tokenizer(tokenizer, text, most):
    def count(text):
        return len(tokenizer.encode(text))

    text = text.encode("utf-8", "ignore").decode()
    for piece in split(text, count, most):
        assert count(piece) <= most or characters(piece) <= 3


@given(text)
def test_paragraphs_part_the_text(text):
    found = list(paragraphs(text))
    position = 0
    for start, paragraph in found:
        assert paragraph.strip()
        assert text.startswith(paragraph, start)
        assert not text[position:start].strip()
        position = start + len(paragraph)
    assert not text[position:].strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("one", ["one"]),
        ("\n\n one \n \n two\r\n\r\nthree\r\nfour\n\n", ["\n\n one ", "two", "three\r\nfour\n\n"]),
        ("a\u2029b\n\t\n\n\nc", ["a", "b", "c"]),
    ],
)
def test_paragraphs(text, expected):
    assert [paragraph for _, paragraph in paragraphs(text)] == expected


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (40, "First sentence here. Second one.|Third is a bit longer than that. End."),
        (21, "line one\nline two|Line Three\nLine Four"),
        (
            30,
            "The price is 1 000 000 roubles|"
            "and 3,5 км of road,|see|https://example.com/a,b;c?d=e|for Dr. Smith,|т. е. for all of us|who are here",
        ),
        (14, "aaa bbb|№ 5 ccc ddd|20 % eee fff|т. е. ggg|7 kg hhh|1 000 000 iii|J. R. R.|Tolkien jjj"),
        (15, "wait... he said|so and then|5 – 10 km of|it was — gone"),
        (12, "今天天气很好，|我们去公园吧，好不好？"),
        (4, "ちょっと|待ってく|ださい"),
        (5, "👩‍👩‍👧|👩‍👩‍👧|🇷🇺🇩🇪|🇫🇷"),
        (4, "e\u0301e\u0301|e\u0301e\u0301"),
    ],
)
def test_where_texts_are_cut(most, expected):
    spaces = "\n" if "\n" in expected else " " if " " in expected else ""
    assert "|".join(split(expected.replace("|", spaces), len, most)) == expected


def test_the_last_piece_is_as_long_as_the_others():
    sentences = "One two three four five six. " * 9
    assert [words(piece) for piece in split(sentences, words, 48)] == [30, 24]
    assert min(words(piece) for piece in split("word " * 101, words, 50)) > 30


def test_a_text_that_fits_stays_as_it_is():
    assert list(split("  Hello \n there. ", len, 100)) == ["  Hello \n there. "]


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "word ",
            "Sentence one is here. ",
            "x",
            "你",
            "a, ",
            " ",
            "1 000 ",
            "\n",
            "e\u0301",
            "🇷🇺",
            ") ",
            " — ",
            "a\n",
            "A\n",
            "and ",
        ),
        *(". ", "\n \n", "a.\r", "5 km ", "т. е. ", "你好，"),
    ],
)
def test_takes_linear_time_and_counts_little(unit):
    text = unit * (50_000 // len(unit))
    counted = [0]

    def count(text):
        counted[0] += len(text) + 1
        return len(text)

    started = time.process_time()
    for _ in split(text, count, 256):
        pass
    for _ in paragraphs(text):
        pass
    assert time.process_time() - started < 5
    assert counted[0] < 12 * len(text)


def test_is_lazy():
    assert next(iter(paragraphs("one\n\n" * 10**6))) == (0, "one")
    counted = []
    pieces = split("One two three. " * 10_000, lambda text: counted.append(text) or words(text), 30)
    next(pieces)
    assert len(counted) < 100
