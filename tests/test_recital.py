"""A text of several utterances and pauses is one stream."""

from __future__ import annotations

import asyncio
import resource
import time

import numpy as np
import pytest

from qwen3tts import SamplingParams, SpeechRequest
from qwen3tts.errors import BusyError, InputError, MarkError, TextError
from qwen3tts.recital import FADE_SECONDS

FRAMES = 6
"""Of an utterance whose caller gives no limit: the small checkpoints would go on for minutes."""

FADE = round(FADE_SECONDS * 24000)
SEED = SamplingParams(seed=5)
LONG = " ".join(f"This is the sentence that has the number {word}." for word in ("one", "two", "three", "four"))


@pytest.fixture(autouse=True)
def short_utterances(monkeypatch):
    monkeypatch.setattr("qwen3tts.prepare.default_frame_limit", lambda tokens: FRAMES)


def alone(tts, text, **options):
    return tts.synthesize(text, sampling=SEED, normalize=False, marks=False, **options)


def test_a_pause_is_exactly_so_many_samples_of_silence(tts):
    whole = tts.synthesize("Hello there. [pause:400ms] Good bye. [pause:50ms]", sampling=SEED)
    first, second = alone(tts, "Hello there."), alone(tts, "Good bye.")
    n, m = len(first.samples), len(second.samples)
    assert len(whole.samples) == n + 9600 + m + 1200
    assert not whole.samples[n : n + 9600].any() and not whole.samples[n + 9600 + m :].any()
    assert whole.samples[n - 1] != 0 and whole.samples[n + 9600] != 0
    assert np.array_equal(whole.codes, np.concatenate((first.codes, second.codes)))
    assert np.array_equal(whole.samples[: n - FADE], first.samples[:-FADE])
    assert np.array_equal(whole.samples[n + 9600 + FADE : n + 9600 + m - FADE], second.samples[FADE:-FADE])
    assert (whole.seed, whole.finish_reason) == (5, second.finish_reason)


def test_a_pause_before_the_first_word_is_said_at_once(tts):
    chunks = list(tts.stream("[pause:1500ms] Hello", sampling=SEED, max_frames=3))
    assert [len(chunk.samples) for chunk in chunks[:2]] == [24000, 12000]
    assert not any(chunk.samples.any() or len(chunk.codes) for chunk in chunks[:2])
    assert sum(len(chunk.codes) for chunk in chunks) == 3


def test_a_long_pause_is_made_as_it_is_read(tts):
    stream = tts.stream("[pause:60s]" * 300 + "Hello.", sampling=SEED)
    lengths = {len(next(stream).samples) for _ in range(50)}
    stream.close()
    assert lengths == {24000}


def test_texts_of_several_parts_are_spoken_side_by_side(tts, becomes_free):
    options = {"sampling": SEED, "max_chunk_tokens": 36}
    alone_codes = tts.synthesize(LONG, **options).codes
    running = set()
    tts.on_frame(lambda seconds: running.add(len(tts.engine.scheduler.running)))
    audios = tts.synthesize_many([LONG] * 3, **options)
    assert all(np.array_equal(audio.codes, alone_codes) for audio in audios)
    assert 3 in running
    assert becomes_free(tts)


def test_seams_have_no_step(tts):
    """The ends are faded: from a sample of sound to silence, and back, in steps no larger than the fade's."""
    audio = tts.synthesize("Hello there. [pause:10ms] Good bye.", sampling=SEED)
    n = len(alone(tts, "Hello there.").samples)
    for at in (n, n + 240):
        assert np.abs(np.diff(audio.samples[at - 2 : at + 2])).max() <= 2 / FADE


@pytest.mark.parametrize("chunk_ms", [80, 200, 4000])
def test_chunks_are_one_speech(tts, chunk_ms, becomes_free):
    options = {"sampling": SEED, "max_chunk_tokens": 36, "max_frames": 20}
    whole = tts.synthesize(LONG, **options)
    chunks = list(tts.stream(LONG, chunk_ms=chunk_ms, **options))
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks]), whole.samples)
    assert np.array_equal(np.concatenate([chunk.codes for chunk in chunks]), whole.codes)
    for chunk in chunks:
        assert np.array_equal(chunk.pcm, np.clip(np.rint(chunk.samples * 32768), -32768, 32767).astype(np.int16))
    assert [chunk.start for chunk in chunks] == [0, *np.cumsum([len(chunk.samples) for chunk in chunks])[:-1]]
    assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.finish_reason for chunk in chunks[:-1]} == {None}
    assert (len(whole.codes), chunks[-1].finish_reason) == (20, "length")
    assert becomes_free(tts)


def test_parts_are_the_sentences_and_share_the_seed(tts):
    whole = tts.synthesize(LONG, sampling=SEED, max_chunk_tokens=36)
    parts = [alone(tts, f"{sentence}.") for sentence in LONG.rstrip(".").split(". ")]
    assert np.array_equal(whole.codes, np.concatenate([part.codes for part in parts]))
    assert len(whole.samples) == sum(len(part.samples) for part in parts)


def test_a_paragraph_has_a_pause_of_its_own(tts):
    whole = tts.synthesize("Hello there.\n\nGood bye.", sampling=SEED)
    n = len(alone(tts, "Hello there.").samples)
    assert not whole.samples[n : n + 14400].any()
    assert len(whole.samples) == n + 14400 + len(alone(tts, "Good bye.").samples)


def test_asyncio_hears_the_same(tts, becomes_free):
    text, options = "Hello there. [pause:100ms] Good bye.", {"sampling": SEED}

    async def speak():
        return [chunk async for chunk in tts.astream(text, **options)], await tts.asynthesize(text, **options)

    chunks, audio = asyncio.run(speak())
    expected = tts.synthesize(text, **options)
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks]), expected.samples)
    assert np.array_equal(audio.samples, expected.samples)
    assert becomes_free(tts)


def test_only_one_utterance_is_in_the_engine(tts, becomes_free):
    stream = tts.stream(LONG, sampling=SEED, max_chunk_tokens=36)
    most = 0
    for _ in stream:
        load = tts.load_state()
        most = max(most, load.waiting + load.running)
    assert most == 1
    assert becomes_free(tts)


def test_closing_between_parts_frees_all(tts, becomes_free):
    options = {"sampling": SEED, "max_chunk_tokens": 36}
    for count in range(1, FRAMES + 4):
        stream = tts.stream(LONG, **options)
        for _ in range(count):
            next(stream)
        stream.close()
        assert list(stream) == []
        assert becomes_free(tts)


def test_a_continuing_text_keeps_its_place_where_the_line_is_full(tts, becomes_free, monkeypatch):
    scheduler = tts.engine.scheduler
    monkeypatch.setattr(scheduler, "queue", 1)
    long = tts.stream(LONG, sampling=SEED, max_chunk_tokens=36)
    others = [tts.stream("Hello", sampling=SEED, max_frames=500) for _ in range(scheduler.rows)]
    next(others[-1])  # it has the row of the first part
    others.append(tts.stream("Hello", sampling=SEED, max_frames=500))
    with pytest.raises(BusyError):
        tts.stream("Hello", sampling=SEED)
    for _ in range(FRAMES):
        next(long)
    while len(scheduler.waiting) < 2:
        time.sleep(0.01)
    assert scheduler.waiting[0].arrived == long._recital.first.arrived
    for stream in others:
        stream.close()
    assert list(long)[-1].finish_reason == "length"
    assert becomes_free(tts)


def test_the_timeout_is_of_the_whole_text(tts):
    audio = tts.synthesize(LONG * 200, sampling=SEED, max_chunk_tokens=36, timeout=3)
    assert audio.finish_reason == "timeout"
    assert len(audio.codes) > FRAMES


@pytest.mark.soak
def test_a_book_takes_no_more_memory_than_a_chapter(tts, becomes_free, monkeypatch):
    monkeypatch.setattr("qwen3tts.prepare.default_frame_limit", lambda tokens: 1)
    chapter = "\n\n".join(f"Paragraph {number} has one sentence, and costs ${number}." for number in range(1000))

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    memory, parts = [], 0
    for chunk in tts.stream("\n\n".join([chapter] * 4), sampling=SEED):
        parts += len(chunk.codes) > 0
        if len(chunk.codes) and parts % 1000 == 0:
            memory.append(resident())
    assert parts == 4000
    assert memory[-1] < 1.02 * memory[0]
    assert becomes_free(tts)


def test_signs_are_read_as_words(tts):
    read = tts.synthesize("It costs $5.", sampling=SEED, language="english", max_frames=6)
    words = tts.synthesize("It costs five dollars.", sampling=SEED, language="english", max_frames=6, normalize=False)
    raw = tts.synthesize("It costs $5.", sampling=SEED, language="english", max_frames=6, normalize=False)
    assert np.array_equal(read.codes, words.codes)
    assert not np.array_equal(read.codes, raw.codes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"text": 5}, TextError, "text is int, expected a string"),
        ({"text": " \n"}, TextError, "text is blank"),
        ({"text": "[pause:1s]"}, TextError, "no words"),
        ({"text": "a [pause:61s]"}, MarkError, "60"),
        ({"text": "a <b>c</b>"}, MarkError, "<b>"),
        ({"max_chunk_tokens": 0}, InputError, "max_chunk_tokens=0 is out of range"),
        ({"max_chunk_tokens": True}, InputError, "max_chunk_tokens=True"),
        ({"normalize": "yes"}, InputError, "normalize='yes' is neither True nor False"),
        ({"marks": None}, InputError, "marks=None"),
        ({"emoji": "keep"}, InputError, "emoji='keep' is unknown"),
    ],
)
def test_bad_input_is_named_before_anything_is_said(tts, options, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")):
        tts.stream(SpeechRequest(**{"text": "Hello", **options}))
