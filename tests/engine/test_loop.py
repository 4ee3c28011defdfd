"""The engine's thread: many callers at once, limits, a full line, failures, and the thread's end."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from qwen3tts import TTS, SamplingParams
from qwen3tts.errors import BusyError, InputError, UnavailableError

LONG = {"text": "A long one.", "max_frames": 330, "sampling": SamplingParams(seed=12)}


@pytest.fixture
def narrow():
    """The embedded model, one utterance at a time, one in the line."""
    tts = TTS.load(device="cpu", max_batch=1, queue=1)
    yield tts
    tts.close()


def test_thirty_two_streams_at_once_are_what_each_is_alone(becomes_free):
    tts = TTS.load(device="cpu", max_batch=8)
    options = [{"max_frames": 3 + i % 5, "sampling": SamplingParams(seed=i), "chunk_ms": (None, 80, 160)[i % 3]} for i in range(32)]
    texts = [f"Number {i}, {'and so on ' * (i % 4)}" for i in range(32)]
    alone = []
    for text, given in zip(texts, options, strict=True):
        alone.append(tts.synthesize(text, **{name: value for name, value in given.items() if name != "chunk_ms"}))
    streams = [tts.stream(text, **given) for text, given in zip(texts, options, strict=True)]
    got: dict[int, list] = {}
    readers = [threading.Thread(target=lambda i=i: got.update({i: list(streams[i])})) for i in range(32)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for i, audio in enumerate(alone):
        assert np.array_equal(np.concatenate([chunk.codes for chunk in got[i]]), audio.codes)
        assert np.array_equal(np.concatenate([chunk.samples for chunk in got[i]]), audio.samples)
        assert got[i][-1].finish_reason == audio.finish_reason
    assert becomes_free(tts)
    tts.close()


def test_who_does_not_read_holds_up_nobody(tts, becomes_free):
    unread = tts.stream(**LONG)
    assert tts.synthesize("Hello", max_frames=3).finish_reason in ("length", "stop")
    assert len(list(unread)) > 100
    assert becomes_free(tts)


def test_a_full_line_is_refused_and_leaves_all_as_it_was(narrow, becomes_free):
    speaking = narrow.stream(**LONG)
    next(speaking)
    waiting = narrow.stream("Hello", max_frames=2)
    with pytest.raises(BusyError, match="the line is full") as caught:
        narrow.stream("Hello", max_frames=2)
    assert caught.value.retry_after > 0
    with pytest.raises(BusyError):
        narrow.synthesize_many(["One", "Two"], max_frames=2)
    speaking.close()
    assert sum(len(chunk.codes) for chunk in waiting) <= 2
    assert becomes_free(narrow)
    narrow.synthesize_many(["One", "Two"], max_frames=2)


def test_priorities_are_served_first(narrow):
    narrow.engine.scheduler.queue = None
    speaking = narrow.stream(**LONG)
    next(speaking)
    ended = []
    streams = {name: narrow.stream("Hello", max_frames=2, priority=name) for name in ("low", "normal", "high", "critical")}
    readers = [threading.Thread(target=lambda n=n: (list(streams[n]), ended.append(n))) for n in streams]
    for reader in readers:
        reader.start()
    speaking.close()
    for reader in readers:
        reader.join()
    assert ended == ["critical", "high", "normal", "low"]


def test_limits_end_an_utterance_with_their_name(narrow, becomes_free):
    speaking = narrow.stream(**LONG, timeout=0.5)
    next(speaking)
    late = narrow.stream("Hello", max_frames=2, deadline=0.05)
    [chunk] = list(late)
    assert (len(chunk.samples), chunk.is_final, chunk.finish_reason) == (0, True, "deadline")
    chunks = list(speaking)
    assert chunks[-1].finish_reason == "timeout"
    assert sum(len(chunk.samples) for chunk in chunks) == 1920 * sum(len(chunk.codes) for chunk in chunks)
    assert narrow.synthesize("Hello", max_frames=2, deadline=60, timeout=60).finish_reason in ("length", "stop")
    assert becomes_free(narrow)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": "urgent"}, "priority='urgent' is unknown: give low"),
        ({"deadline": 0}, "deadline=0 is out of range"),
        ({"timeout": "soon"}, "timeout='soon' is out of range"),
        ({"timeout": True}, "timeout=True is out of range"),
    ],
)
def test_bad_limits_name_the_argument(tts, options, message):
    with pytest.raises(InputError, match=message):
        tts.stream("Hello", **options)


@pytest.mark.parametrize("options", [{"queue": 0}, {"queue": 1.5}, {"profile": "fast"}, {"profile": None}])
def test_bad_settings_of_the_line_name_the_argument(options):
    with pytest.raises(InputError, match=f"{next(iter(options))}="):
        TTS.load(device="cpu", **options)


def test_every_step_is_reported(tts):
    seconds: list[float] = []
    tts.on_frame(seconds.append)
    tts.synthesize("Hello", max_frames=5, sampling=SamplingParams(seed=1))
    assert len(seconds) >= 4  # the last is reported after its chunk
    assert all(value > 0 for value in seconds)


def test_failures_are_counted_until_a_step_succeeds(narrow, monkeypatch):
    def broken(*_):
        raise MemoryError

    def fails():
        with monkeypatch.context() as patch:
            patch.setattr("qwen3tts.engine.torch_runner.predict_codes", broken)
            with pytest.raises(RuntimeError, match="the engine failed"):
                narrow.synthesize("Hello", max_frames=3)

    fails()
    fails()
    until = time.monotonic() + 10
    while narrow.load_state().failures < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert narrow.load_state().failures == 2
    narrow.synthesize("Hello", max_frames=2)
    assert narrow.load_state().failures == 0


def test_closing_ends_what_is_spoken_and_refuses_the_rest():
    tts = TTS.load(device="cpu", max_batch=1)
    speaking, waiting = tts.stream(**LONG), tts.stream("Hello")
    next(speaking)
    tts.close()
    for stream in (speaking, waiting):
        with pytest.raises(UnavailableError, match="closed"):
            list(stream)
    with pytest.raises(UnavailableError, match="load it again"):
        tts.stream("Hello")
    tts.close()


def test_a_model_that_nobody_holds_ends_its_thread_and_a_stream_holds_it():
    tts = TTS.load(device="cpu")
    engine, stream = weakref.ref(tts.engine), tts.stream("Hello", max_frames=5, sampling=SamplingParams(seed=1))
    del tts
    gc.collect()
    assert sum(len(chunk.codes) for chunk in stream) > 0
    del stream
    until = time.monotonic() + 10
    while engine() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    assert engine() is None


def test_the_interpreter_ends_in_the_middle_of_a_stream():
    program = """
from qwen3tts import TTS
stream = TTS.load(device="cpu").stream("A long one.", max_frames=330)
next(stream)
print("first")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "first\n")
    assert "Traceback" not in done.stderr


def test_text_that_cannot_be_added_ends_its_utterance_alone(tts, monkeypatch, becomes_free):
    def broken(*_):
        raise MemoryError

    async def speak():
        begun = asyncio.Event()

        async def words():
            yield "Hello there, "
            await begun.wait()
            yield "my friend. "

        written = tts.astream(words(), max_frames=60, sampling=SamplingParams(seed=3))
        other = asyncio.ensure_future(tts.asynthesize(**{**LONG, "max_frames": 20}))
        await anext(written)
        monkeypatch.setattr("qwen3tts.engine.torch_runner.embed_more_text", broken)
        begun.set()
        with pytest.raises(RuntimeError, match="the engine failed"):
            async for _ in written:
                pass
        return await other

    assert len(asyncio.run(speak()).codes) == 20
    assert becomes_free(tts)
