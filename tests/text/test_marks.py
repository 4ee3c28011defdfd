"""Marks become pauses and readings; all that is no mark stays plain text; every fault names its place and the remedy."""

import contextlib
import itertools
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.errors import MarkError, TextError
from qwen3tts.text.marks import STRENGTHS, Pause, Said, Words, parse

PLAIN = [
    "Hello there.",
    "I <3 you, a < b, x<y and z>w, a<p and b <= c <- d, 5>4",
    "[pause] [pause for effect] [pauses] [sic]",
    "A&B &amp; C&D",
    "<user@example.com> <http://a.b/c> <>",
    "",
]
PAUSES = [
    ("[pause:400ms]", 0.4),
    ("[PAUSE: 1.5 s]", 1.5),
    ("[pause:.5s]", 0.5),
    ("[pause:0ms]", 0.0),
    ("[pause:60s]", 60.0),
    ("[pause:+2s]", 2.0),
    ("[pause:35ms]", 0.035),
    ('<break time="400ms"/>', 0.4),
    ("<BREAK Time = '1s' />", 1.0),
    ("<break></break>", STRENGTHS["medium"]),
    ("<break/>", STRENGTHS["medium"]),
    ('<break strength="strong" time="2s"/>', 2.0),
    *((f'<break strength="{name}"/>', seconds) for name, seconds in STRENGTHS.items()),
]
FAULTS = [
    ("Hi [pause:2]", 3, "no unit", "2s or 2ms"),
    ("[pause:abc]", 0, "not a number", "400ms"),
    ("[pause:]", 0, "not a number", "400ms"),
    ("[pause:nans]", 0, "not a number", "400ms"),
    ("[pause:61s]", 0, "over 60 s", "several"),
    ("[pause:" + "9" * 19 + "s]", 0, "over 60 s", "several"),
    ("[pause:-1s]", 0, "negative", "0s or more"),
    ("[pause:2 min]", 0, "unit 'min'", "2s"),
    ("[pause:400 and no end", 0, "not closed", "[pause:400ms]"),
    ('<break time="61000ms"/>', 0, "over 60 s", "several"),
    ('<break time=""/>', 0, "not a number", "400ms"),
    ('a\nb <break strength="big"/>', 4, "'big'", "x-strong"),
    ('<break size="1"/>', 0, "'size'", "strength, time"),
    ('<break time="1s" time="2s"/>', 0, "twice", "one"),
    ("<break>", 0, "not closed", "<break/>"),
    ("<break time=1s/>", 0, "badly written", "<break time"),
    ('<break time="1s"', 0, "badly written", "<break time"),
    ("Hi\n\n<div>x</div>", 4, "<div> is unknown", "break"),
    ("<word>", 0, "<word> is unknown", "remove"),
    ("</prosody>", 0, "</prosody> is unknown", "break"),
    ("<смех>", 0, "<смех> is unknown", "break"),
    ("<voice name='x'>Hi</voice>", 0, "<voice> is unknown", "break"),
    ("<p>x", 0, "<p> is not closed", "add </p>"),
    ("x</p>", 1, "</p> closes nothing", "remove"),
    ("<p><s>x</p></s>", 7, "</p> stands where </s> is due", "close <s>"),
    ("<p><p>x</p></p>", 3, "<p> stands inside <p>", "close <p>"),
    ("<s><p>x</p></s>", 3, "<p> stands inside <s>", "close <s>"),
    ("<say-as>x</say-as>", 0, "no interpret-as", "characters"),
    ('<say-as interpret-as="song">x</say-as>', 0, "'song'", "cardinal"),
    ("<sub>x</sub>", 0, "no alias", "alias="),
    ('<sub alias="x">a<break/></sub>', 16, "<break> stands inside <sub>", "close <sub>"),
    ('<sub alias="x">[pause:1s]</sub>', 15, "[pause:...] stands inside <sub>", "close <sub>"),
    ("a <speak>b</speak>", 0, "<speak> is not around", "remove"),
    ("<speak>b</speak> c", 16, "<speak> is not around", "remove"),
    ("<speak>b</speak><break/>", 16, "<speak> is not around", "remove"),
    ("<speak>a</speak><speak>b</speak>", 16, "second time", "one"),
    ("<speak><speak>a</speak></speak>", 7, "inside <speak>", "close"),
    ("x <!-- y", 2, "<!-- is not closed", "-->"),
    ("<?xml x", 0, "is not closed", "?>"),
    ("<![CDATA[x]]>", 0, "unknown", "remove"),
]
PIECES = [
    *(
        "<",
        ">",
        "</",
        "/>",
        "<p>",
        "</p>",
        "<s>",
        "</s>",
        "<break",
        " time='1s'",
        "<break/>",
        "[pause:",
        "1s]",
        "<speak>",
        "</speak>",
        "&",
        "&amp;",
    ),
    *(
        "<sub alias='x'>",
        "</sub>",
        "<say-as interpret-as='digits'>",
        "</say-as>",
        "<phoneme ph='x'>",
        "</phoneme>",
        "<!--",
        "-->",
        "<?xml",
        "?>",
    ),
    *("a", " ", "\n", "5", '"', "=", "слово"),
]
text = st.one_of(st.text(max_size=50), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))


@pytest.mark.parametrize("text", PLAIN)
def test_prose_stays_plain(text):
    assert parse(text) == ([Words(text, 0, len(text))] if text else [])


@pytest.mark.parametrize(("mark", "seconds"), PAUSES)
def test_pauses(mark, seconds):
    end = 1 + len(mark)
    assert parse(f"a{mark}b") == [Words("a", 0, 1), Pause(seconds, 1, end), Words("b", end, end + 1)]


@pytest.mark.parametrize(("text", "position", "fault", "remedy"), FAULTS)
def test_faults_name_the_place_and_the_remedy(text, position, fault, remedy):
    with pytest.raises(MarkError) as caught:
        parse(text)
    message = str(caught.value)
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    assert message.startswith(f"text, line {line}, column {column} (character {position}): ")
    assert fault in message
    assert remedy in message
    assert "marks=False, --no-marks" in message
    assert "\n" not in message
    assert isinstance(caught.value, TextError)


def test_say_as_and_sub():
    text = "a <sub alias='Q &amp; A'>QA</sub> <Say-As interpret-as=\"Date\" format='dmy' detail='1'>5/6</say-as>"
    assert parse(text) == [
        Words("a ", 0, 2),
        Words("Q & A", 2, 33),
        Words(" ", 33, 34),
        Said("5/6", "date", "dmy", "1", 34, len(text)),
    ]


def test_a_document_of_ssml():
    text = '<?xml version="1.0"?>\n<!-- a <b> -->\n<speak version="1.1" xml:lang="en">R&amp;D &#65;&lt; & &no;<p/>x</speak>\n'
    items = parse(text)
    assert "".join(item.text for item in items) == "R&D A< & &no;\n\n\n\nx"
    assert all(item.text in (text[item.start : item.end], "&", "A", "<", "\n\n") for item in items)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<s>A</s><s>B</s>", "\nA\nB\n"),
        ("<p><s>A</s> <s>B</s>\n<s>C</s></p>", "\n\nA \nB\nC\n\n"),
        ("<s>A</s> b", "\nA\n b"),
    ],
)
def test_sentences_and_paragraphs(text, words):
    assert "".join(item.text for item in parse(text)) == words


def test_phonemes_are_dropped_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING, "qwen3tts"):
        items = parse('I say\n<phoneme alphabet="ipa" ph="x">tomato</phoneme>, <phoneme ph="y">potato</phoneme>')
    assert "".join(item.text for item in items) == "I say\ntomato, potato"
    assert [record.getMessage() for record in caplog.records] == [
        "text, line 2, column 1 (character 6): <phoneme> is dropped, its words are read as written"
    ]


@given(text)
def test_any_text_is_read_or_refused(text):
    try:
        items = parse(text)
    except MarkError as error:
        assert "character" in str(error)
        return
    assert all(0 <= a.end <= b.start for a, b in itertools.pairwise(items))
    assert all(item.start < item.end <= len(text) for item in items)


@pytest.mark.parametrize(
    "text",
    [
        *("<a " * 33_000, "<3" * 50_000, "&" * 100_000, "[pause:1s]" * 10_000, "<phoneme>" * 5_000 + "</phoneme>" * 5_000),
        *("<a b='1' " * 11_000, "<a" + " " * 100_000, "<a" + " b='1'" * 16_000, "<p>x</p>" * 12_000, "<!-- " * 20_000 + "-->"),
        *("<" + "a" * 100_000, "<speak>" + "&amp;" * 20_000 + "</speak>", "[pause:" + " " * 100_000, "<s>a</s> " * 11_000),
    ],
    ids=lambda text: text[:8],
)
def test_takes_linear_time(text):
    started = time.process_time()
    with contextlib.suppress(MarkError):
        parse(text)
    assert time.process_time() - started < 3
