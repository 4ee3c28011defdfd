"""The plan of what is said: utterances and pauses in order, found as they are asked for."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.errors import MarkError, TextError
from qwen3tts.text.reading import PARAGRAPH_SECONDS, Pause, Speak, has_words, read


def words(text):
    return len(text.split())


def plan(text, language="en", count=words, **options):
    """What is said as strings, what is not as seconds."""
    return [part.text if isinstance(part, Speak) else part.seconds for part in read(text, language, count, **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there.", ["Hello there."]),
        (" Hello there.\n", [" Hello there.\n"]),
        ("One.\n\nTwo.\n \nThree.", ["One.", 0.6, "Two.", 0.6, "Three."]),
        ("One.\n\n***\n\nTwo.\n\n...", ["One.", 0.6, "Two."]),
        ("One [pause:400ms] two", ["One", 0.4, "two"]),
        ("[pause:400ms][pause:1s] One [pause:0ms]two", [1.4, "One two"]),
        ("One\n\n[pause:2s]\n\ntwo<break/>", ["One", 2.0, "two", 0.4]),
        ("One[pause:2s] ... [pause:1s]two", ["One", 3.0, "two"]),
        ("A <sub alias='World Wide Web'>WWW</sub> page", ["A World Wide Web page"]),
        ("<speak>\n<p>A &amp; b</p>\n<p>c</p>\n</speak>", ["A and b", 0.6, "c"]),
        ("<p><s>One</s> <s>two</s></p>", ["One\ntwo"]),
        ("Say <say-as interpret-as='characters'>AB7</say-as>.", ["Say A B seven."]),
        ("Say <say-as interpret-as='digits'>007</say-as>.", ["Say zero zero seven."]),
        ("Say X<say-as interpret-as='digits'>07</say-as>Y.", ["Say X zero seven Y."]),
        ("Say <say-as interpret-as='spell-out'>IV</say-as>.", ["Say I V."]),
        ("<say-as interpret-as='cardinal'>1984</say-as> it is.", ["one thousand, nine hundred and eighty-four it is."]),
        ("The <say-as interpret-as='ordinal'>22</say-as> one", ["The twenty-second one"]),
        ("The <say-as interpret-as='ordinal'>112</say-as> one", ["The one hundred and twelfth one"]),
        ("On <say-as interpret-as='date' format='dmy'>5/6/2024</say-as>.", ["On June fifth, twenty twenty-four."]),
        ("Call <say-as interpret-as='telephone'>5551</say-as>!", ["Call five five five one!"]),
        ("<say-as interpret-as='fraction'>3+1/2</say-as> cups", ["three and a half cups"]),
        ("What the <say-as interpret-as='expletive'>fudge</say-as>!", ["What the beep!"]),
    ],
)
def test_what_is_said(text, expected):
    assert plan(text) == expected


def test_russian_and_other_languages():
    text = "Код <say-as interpret-as='digits'>07</say-as>.\n\n12\n\n<say-as interpret-as='ordinal'>5</say-as> раз."
    assert plan(text, "auto") == ["Код ноль семь.", 0.6, "двенадцать", 0.6, "пятый раз."]
    assert plan("12\n\nКонец", "auto")[0] == "двенадцать"
    assert plan("12 Uhr <say-as interpret-as='digits'>07</say-as>", "german") == ["12 Uhr 0 7"]
    assert plan("你好 5", "beijing_dialect") == ["你好 5"]


def test_marks_and_normalisation_can_be_off():
    assert plan("A <b> [pause:1s] 5", marks=False, normalize=False) == ["A <b> [pause:1s] 5"]
    assert plan("A 5 <say-as interpret-as='digits'>07</say-as>", normalize=False) == ["A 5 0 7"]
    with pytest.raises(MarkError, match="<b>"):
        read("A <b>", "en", words)


def test_emoji():
    assert plan("Hi 👋!") == ["Hi!"]
    assert "hand" in plan("Hi 👋!", emoji="name")[0]


@pytest.mark.parametrize("text", ["...", "👍 👍", "[pause:1s]", "<speak/>", "[pause:1s]\n\n***", "<sub alias=''>x</sub>"])
def test_a_text_without_words_is_refused_at_once(text):
    with pytest.raises(TextError, match="no words to say"):
        read(text, "en", words)


@pytest.mark.parametrize(("text", "says"), [("", "empty"), (" \n", "blank"), ("\ud800", "surrogate"), (5, "int")])
def test_what_is_no_text_is_refused_at_once(text, says):
    with pytest.raises(TextError, match=says):
        read(text, "en", words)


def test_budgets_and_tokens():
    text = "Here we are, in the middle of a rather long sentence, and there is no end of it in sight. " * 20
    parts = list(read(text, "en", words, most_tokens=30))
    assert len(parts) > 10
    assert all(isinstance(part, Speak) and part.tokens == words(part.text) <= 30 for part in parts)
    assert " ".join(part.text for part in parts).split() == text.split()


def test_a_book_begins_at_once_and_is_read_paragraph_by_paragraph():
    counted = []
    for book in ("It was long ago.\n\n" * 200_000, "It was long ago. " * 3_000, "It was long ago\n" * 3_000):
        counted.clear()
        started = time.process_time()
        parts = read(book, "en", lambda text: counted.append(text) or words(text), most_tokens=64)
        assert next(parts).text.startswith("It was long ago")
        assert time.process_time() - started < 5
        assert len(counted) < 3_000
    assert [next(read("a\n\nb", "en", words)), PARAGRAPH_SECONDS] == [Speak("a", 1), 0.6]


PIECES = [
    *(
        "Word ",
        "слово ",
        "5",
        "[pause:1s]",
        "<break/>",
        "\n\n",
        "\n",
        "...",
        "👍",
        "&amp;",
        "<p>",
        "</p>",
        "<speak>",
        "</speak>",
        ". ",
        "你好",
    ),
    "<say-as interpret-as='digits'>12</say-as>",
    "<say-as interpret-as='characters'>A\u0301Б7+</say-as>",
    "<sub alias='5 km'>x</sub>",
    "\ue000",
]


@settings(deadline=None)
@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=16).map("".join)),
    st.sampled_from(["auto", "en", "ru", "de"]),
)
def test_any_text_is_planned_or_refused(text, language):
    try:
        parts = list(read(text, language, len, most_tokens=20))
    except TextError:
        return
    assert any(isinstance(part, Speak) for part in parts)
    for before, part in zip([None, *parts], parts, strict=False):
        if isinstance(part, Pause):
            assert part.seconds > 0
            assert not isinstance(before, Pause)
        else:
            assert has_words(part.text)
            assert part.tokens == len(part.text)
