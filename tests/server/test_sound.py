"""Formats as they stream and whole, and speech at another speed."""

from __future__ import annotations

import asyncio
import ctypes
import io
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, closing

import numpy as np
import pytest
import soundfile

from qwen3tts.audio.files import to_pcm16
from qwen3tts.errors import AudioError, InputError
from qwen3tts.server.sound import FORMATS, Encoder, check_format, check_speed, encode_whole, media_type, stretched
from qwen3tts.types import AudioChunk

RATE = 24_000
FRAME = 1920


def voiced(seconds: float, pitch: float = 200.0) -> np.ndarray:
    """A tone with the harmonics of a voice."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 6))
    return (0.2 * wave).astype(np.float32)


def pieces(samples: np.ndarray, size: int = FRAME) -> list[np.ndarray]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def streamed(samples: np.ndarray, format: str) -> bytes:
    with closing(Encoder(format, RATE)) as encoder:
        return b"".join([*(encoder.encode(piece) for piece in pieces(samples)), encoder.finish()])


def read_back(content: bytes, format: str) -> np.ndarray:
    if format == "pcm":
        return np.frombuffer(content, "<i2") / 32768
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == RATE
    return samples


@pytest.mark.parametrize("made", [streamed, lambda samples, format: encode_whole(samples, RATE, format)], ids=["streamed", "whole"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_encoded_can_be_read(format: str, made) -> None:
    samples = voiced(1.3)
    back = read_back(made(samples, format), format)
    if format in ("wav", "pcm", "flac"):
        np.testing.assert_array_equal(back, to_pcm16(samples) / 32768)
    else:
        assert abs(len(back) - len(samples)) < 0.1 * RATE
        peak = np.abs(np.fft.rfft(back[FRAME : FRAME + RATE])).argmax()
        assert peak == 200


@pytest.mark.parametrize("format", ["wav", "pcm"])
def test_wav_and_pcm_let_go_of_every_sample(format: str) -> None:
    encoder = Encoder(format, RATE)
    sizes = [len(encoder.encode(piece)) for piece in pieces(voiced(0.4))]
    assert sizes == [2 * FRAME + (44 if format == "wav" else 0), *[2 * FRAME] * 4]
    assert encoder.finish() == b""


def test_mp3_comes_as_it_is_spoken() -> None:
    encoder = Encoder("mp3", RATE)
    assert all(encoder.encode(piece) for piece in pieces(voiced(1.0)))


def test_the_header_of_a_whole_wav_has_its_length() -> None:
    content = encode_whole(voiced(0.5), RATE, "wav")
    assert int.from_bytes(content[40:44], "little") == len(content) - 44 == RATE
    assert int.from_bytes(content[4:8], "little") == len(content) - 8


@pytest.mark.parametrize("format", FORMATS)
def test_a_stream_without_a_sample(format: str) -> None:
    encoder = Encoder(format, RATE)
    if format == "pcm":
        assert encoder.finish() == b""
    elif format == "wav":
        assert encoder.finish()[:4] == b"RIFF"
    else:
        with pytest.raises(AudioError, match="no samples"):
            encoder.finish()


@pytest.mark.parametrize("format", FORMATS)
def test_an_encoder_can_be_closed_at_any_time(format: str) -> None:
    for spoken in (0.0, 0.5):
        encoder = Encoder(format, RATE)
        encoder.encode(voiced(spoken))
        encoder.close()
        encoder.close()
    finished = Encoder(format, RATE)
    finished.encode(voiced(0.1))
    finished.finish()
    finished.close()


@pytest.mark.parametrize("format", ["aac", "WAV", "", "mp3 "])
def test_an_unknown_format_lists_the_known(format: str) -> None:
    for refuse in (check_format, lambda format: Encoder(format, RATE), lambda format: encode_whole(voiced(0.1), RATE, format)):
        with pytest.raises(InputError, match=f"format='{format}'.*wav, pcm, flac, mp3, opus, ogg"):
            refuse(format)


def test_a_rate_that_a_format_cannot_hold() -> None:
    with pytest.raises(InputError, match="'opus' cannot hold 44100"):
        Encoder("opus", 44_100)


def test_media_types() -> None:
    assert {format: media_type(format) for format in FORMATS} == {
        "wav": "audio/wav",
        "pcm": "audio/pcm",
        "flac": "audio/flac",
        "mp3": "audio/mpeg",
        "opus": "audio/ogg; codecs=opus",
        "ogg": "audio/ogg; codecs=vorbis",
    }


@pytest.mark.parametrize("speed", [0.24, 4.01, 0, -1, float("nan"), True, "1", None])
def test_a_speed_out_of_range(speed: float) -> None:
    with pytest.raises(InputError, match=r"speed=.* from 0\.25 to 4"):
        check_speed(speed)


def chunk(samples: np.ndarray, start: int, is_final: bool, frame: int) -> AudioChunk:
    codes = np.full((1 if len(samples) else 0, 16), frame, np.int64)
    return AudioChunk(samples, to_pcm16(samples), start, is_final, RATE, codes, "stop" if is_final else None, 7)


async def spoken(samples: np.ndarray, sizes: list[int]) -> AsyncIterator[AudioChunk]:
    """Chunks of these sizes, the last of them final."""
    start = 0
    for frame, size in enumerate(sizes):
        yield chunk(samples[start : start + size], start, frame == len(sizes) - 1, frame)
        start += size


def at_speed(samples: np.ndarray, speed: float, sizes: list[int] | None = None) -> list[AudioChunk]:
    async def collect() -> list[AudioChunk]:
        cut = [len(piece) for piece in pieces(samples)] if sizes is None else sizes
        return [chunk async for chunk in stretched(spoken(samples, cut), speed)]

    return asyncio.run(collect())


SPEEDS = [0.25, 0.5, 0.8, 1.5, 2.0, 4.0]


@pytest.mark.parametrize("speed", SPEEDS)
def test_another_speed_keeps_the_pitch(speed: float) -> None:
    chunks = at_speed(voiced(4.0), speed)
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert len(samples) / RATE == pytest.approx(4.0 / speed, rel=0.04)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert spectrum.argmax() * RATE / len(samples) == pytest.approx(200, abs=1.5)


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_chunks_of_another_speed_follow_each_other(speed: float) -> None:
    chunks = at_speed(voiced(1.0), speed)
    starts = np.cumsum([0, *(len(chunk.pcm) for chunk in chunks)])
    assert [chunk.start for chunk in chunks] == starts[:-1].tolist()
    assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [chunk.finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk.seed for chunk in chunks} == {7}
    assert np.concatenate([chunk.codes for chunk in chunks])[:, 0].tolist() == list(range(13))
    for made in chunks:
        assert len(made.samples)
        np.testing.assert_array_equal(to_pcm16(made.samples), made.pcm)


@pytest.mark.parametrize("speed", SPEEDS)
def test_cuts_change_nothing(speed: float) -> None:
    random = np.random.default_rng(0)
    samples = (voiced(1.5) * 0.5 + random.normal(0, 0.05, round(1.5 * RATE))).astype(np.float32)
    sizes = [0, 1, *random.integers(0, 4000, 6).tolist()]
    cut = at_speed(samples, speed, [*sizes, len(samples) - sum(sizes), 0])
    whole = at_speed(samples, speed, [len(samples)])
    np.testing.assert_array_equal(np.concatenate([chunk.pcm for chunk in cut]), whole[0].pcm)


@pytest.mark.parametrize(("speed", "first_after"), [(0.25, 1), (1.5, 1), (2.0, 1), (4.0, 2)])
def test_the_first_chunk_waits_for_no_more_than_it_needs(speed: float, first_after: int) -> None:
    async def frames_read() -> int:
        read = 0

        async def source() -> AsyncIterator[AudioChunk]:
            nonlocal read
            async for made in spoken(voiced(1.0), [FRAME] * 12):
                read += 1
                yield made

        await anext(stretched(source(), speed))
        return read

    assert asyncio.run(frames_read()) == first_after


@pytest.mark.parametrize("speed", [1, 1.0])
def test_speed_one_is_the_same_object(speed: float) -> None:
    chunks = spoken(voiced(0.1), [FRAME])
    assert stretched(chunks, speed) is chunks


@pytest.mark.parametrize("speed", [0.5, 4.0])
def test_an_utterance_without_sound_stays_one(speed: float) -> None:
    (only,) = at_speed(voiced(0.0), speed, [0])
    assert only.is_final and only.finish_reason == "stop" and not len(only.samples) and only.codes.shape == (0, 16)


def test_an_utterance_shorter_than_what_is_held_back() -> None:
    (only,) = at_speed(voiced(0.01), 2.0, [240])
    np.testing.assert_array_equal(only.pcm, to_pcm16(voiced(0.01)))


def test_closing_frees_the_memory() -> None:
    sound = voiced(0.2)

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    async def begin_and_hang_up(times: int) -> None:
        for _ in range(times):
            async with aclosing(spoken(sound, [FRAME, FRAME])) as source, aclosing(stretched(source, 0.5)) as chunks:
                await anext(chunks)

    asyncio.run(begin_and_hang_up(500))
    before = resident()
    asyncio.run(begin_and_hang_up(2000))
    assert resident() - before < 8 * 2**20


def test_a_machine_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: str) -> None:
        raise OSError(f"{path}: wrong architecture")

    monkeypatch.delitem(sys.modules, "audiostretchy.interface.tdhs", raising=False)
    monkeypatch.setattr(ctypes.cdll, "LoadLibrary", fails)
    with pytest.raises(InputError, match=r"speed=2\.0 cannot be had on this machine.*wrong architecture.*give 1"):
        at_speed(voiced(0.1), 2.0)
