"""Recordings that callers bring, and that make no voice."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts import Voice
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import AudioError, InputError, TextError
from qwen3tts.server import voices
from qwen3tts.server.voices import VoiceStore

RATE = 24_000

Clone = Callable[[bytes, str | None], Voice]


def sound(samples: np.ndarray, format: str = "FLAC") -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, samples, RATE, format=format)
    return memory.getvalue()


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def clone(models) -> Iterator[Clone]:
    """Uploads a recording, and says what it says."""
    model = AsyncTTS.of(models["base"])
    model.tts = models["base"]
    store = VoiceStore(None, model)
    loop = asyncio.new_event_loop()
    yield lambda data, text: loop.run_until_complete(store.clone(("what\never.wav", data), text))
    store.close()
    loop.close()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not audio"),
        (b"RIFF....WAVE", "is not audio"),
        (sound(noise(0.6), "WAV")[:60], "lasts 0.000 s"),
        (sound(noise(0.3)), "lasts 0.300 s"),
        (sound(np.zeros(RATE, np.float32)), "silent"),
        (sound(np.zeros(RATE * 120, np.float32)), "2,880,000 samples in 1 channels at 24,000 Hz; give 0.5 to 60 s"),
    ],
    ids=["empty", "header", "cut", "short", "silent", "long"],
)
def test_recordings_that_make_no_voice(clone: Clone, data: bytes, message: str) -> None:
    for _ in range(2):
        with pytest.raises(AudioError, match=message) as caught:
            clone(data, None)
        assert "\n" not in str(caught.value)


def test_many_channels_count(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    stereo = sound(np.stack([noise(1.0)] * 2, axis=1))
    assert isinstance(clone(stereo, None), Voice)
    monkeypatch.setattr(voices, "MOST_SAMPLES", RATE)
    with pytest.raises(AudioError, match="24,000 samples in 2 channels"):
        clone(sound(np.stack([noise(1.0)] * 2, axis=1) / 2), None)


def test_a_long_recording_is_refused_before_it_is_decoded(clone: Clone) -> None:
    """Ten hours of silence in 3 MB would be 3.5 GB of samples."""
    second = sound(np.zeros(RATE, np.float32))
    # STREAMINFO: 36 bits of samples end at byte 26.
    claims_hours = second[:21] + bytes([second[21] & 0xF0]) + (RATE * 36_000).to_bytes(4, "big") + second[26:]
    with pytest.raises(AudioError, match="864,000,000 samples"):
        clone(claims_hours, None)


def test_a_blank_text(clone: Clone) -> None:
    with pytest.raises(TextError, match="text of the reference"):
        clone(sound(noise(0.6)), " ")


@settings(max_examples=150)
@given(
    format=st.sampled_from(["WAV", "FLAC", "OGG", "MP3", "AIFF"]),
    changes=st.lists(st.tuples(st.integers(0, 120), st.binary(min_size=1, max_size=4)), max_size=4),
    end=st.integers(0, 30_000),
)
def test_damaged_recordings_are_voices_or_bad_input(clone: Clone, format: str, changes: list[tuple[int, bytes]], end: int) -> None:
    data = bytearray(sound(noise(0.6), format))
    for place, piece in changes:
        data[place : place + len(piece)] = piece
    try:
        assert clone(bytes(data[:end]), None).speaker_embedding.dtype == np.float32
    except InputError as error:
        assert "\n" not in str(error)
