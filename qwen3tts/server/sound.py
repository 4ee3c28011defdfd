"""From chunks of PCM to what was asked for: another speed, and bytes of an audio format."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np

from qwen3tts.audio.files import AudioWriter
from qwen3tts.errors import AudioError, InputError
from qwen3tts.types import AudioChunk

Chunks = TypeVar("Chunks", bound=AsyncIterator[AudioChunk])

# Players go by the container: by RFC 7845 an Ogg stream of Opus is audio/ogg, and audio/opus is bare packets in RTP.
_MEDIA_TYPES = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "ogg": "audio/ogg; codecs=vorbis",
}

FORMATS = tuple(_MEDIA_TYPES)
"""What can be asked for: WAV, raw little-endian PCM of 16 bits, FLAC, MP3, Ogg Opus, Ogg Vorbis."""

# The pitch of speech, men's to children's, in Hz.
_LOWEST_PITCH, _HIGHEST_PITCH = 55, 400


def check_format(format: str) -> None:
    """Raise InputError, which lists the formats, for one that is not in `FORMATS`."""
    if format not in FORMATS:
        raise InputError(f"format={format!r} is not one that can be made: choose one of {', '.join(FORMATS)}")


def media_type(format: str) -> str:
    """The Content-Type of one of `FORMATS`."""
    return _MEDIA_TYPES[format]


def check_speed(speed: float) -> None:
    """Raise InputError for a speed that is not from 0.25 to 4."""
    if isinstance(speed, bool) or not isinstance(speed, (int, float)) or not 0.25 <= speed <= 4:
        raise InputError(f"speed={speed!r} is out of range: give a number from 0.25 to 4")


class Encoder:
    """A stream in one of `FORMATS`, made as the samples come; `contextlib.closing` lets go of it, finished or not.

    The header of a WAV says that its length is unknown. WAV and PCM let go of every sample at once, MP3, Opus and Vorbis of
    whole packets; FLAC comes whole at the end, because its readers want its length in the header.
    """

    def __init__(self, format: str, sample_rate: int) -> None:
        """sample_rate: in Hz. Raises InputError for an unknown format, or a rate that the format cannot hold."""
        check_format(format)
        self._format = format
        self._stream = _Stream()
        self._writer = AudioWriter(cast(io.BytesIO, self._stream), sample_rate, format).__enter__()

    def encode(self, samples: np.ndarray) -> bytes:
        """Append float32 (n,), in [-1, 1]; returns what the encoder lets go of, which may be nothing yet."""
        self._writer.write(samples)
        return self._stream.take()

    def finish(self) -> bytes:
        """The rest. Raises AudioError where there was no sample and the format has no form for that: all but WAV and PCM."""
        try:
            self._writer.__exit__(None, None, None)
        except AudioError:
            if self._format not in ("wav", "pcm"):
                raise
        return self._stream.take()

    def close(self) -> None:
        """Let go of a stream that nobody wants to the end; does nothing to one that is finished."""
        self._writer.__exit__(GeneratorExit, GeneratorExit(), None)


class _Stream:
    """A file that only ever appends, and is emptied as it fills."""

    name = "the response"

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes | memoryview) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


def encode_whole(samples: np.ndarray, sample_rate: int, format: str) -> bytes:
    """A whole utterance, float32 (n,), in one of `FORMATS`, its length in its header. Raises InputError, AudioError for none."""
    check_format(format)
    memory = io.BytesIO()
    with AudioWriter(memory, sample_rate, format) as writer:
        writer.write(samples)
    return memory.getvalue()


def stretched(chunks: Chunks, speed: float) -> Chunks | AsyncGenerator[AudioChunk, None]:
    """The same speech, `speed` times as fast at the same pitch; at speed 1 the chunks themselves.

    Another speed is time-domain harmonic scaling, which drops or repeats periods of the voice. It holds back 40 ms of speech, 60 ms
    below speed 0.5 and 120 ms above 2, where it runs twice; a chunk that gives nothing yet comes with the next one. However it is
    cut into chunks, an utterance comes out the same. `start` counts samples of the result; what is held back at the end keeps its
    speed. Closing it lets go of its memory. Raises InputError where the library for it does not load.
    """
    return chunks if speed == 1 else _stretch(chunks, speed)


async def _stretch(chunks: AsyncIterator[AudioChunk], speed: float) -> AsyncGenerator[AudioChunk, None]:
    start, codes = 0, list[np.ndarray]()
    with ExitStack() as stack:
        stretcher = None
        async for chunk in chunks:
            if stretcher is None:
                stretcher = stack.enter_context(closing(_Stretcher(chunk.sample_rate, speed)))
            pcm = stretcher.stretch(chunk.pcm)
            if chunk.is_final:
                pcm = np.concatenate((pcm, stretcher.flush()))
            codes.append(chunk.codes)
            if len(pcm) or chunk.is_final:
                samples = pcm.astype(np.float32) / 32768
                yield replace(chunk, samples=samples, pcm=pcm, start=start, codes=np.concatenate(codes))
                start, codes = start + len(pcm), []


class _Stretcher:
    """The C library's state of one utterance; what comes out is int16 (n,)."""

    def __init__(self, sample_rate: int, speed: float) -> None:
        try:
            from audiostretchy.interface.tdhs import TDHSAudioStretch
        except (ImportError, NotImplementedError, OSError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"speed={speed!r} cannot be had on this machine, where audiostretchy fails ({reason}): give 1"
            ) from error
        self._ratio = 1 / speed
        # A second pass after the first widens its ratios from 0.5..2 to 0.25..4, and is skipped where one is enough.
        both = TDHSAudioStretch.STRETCH_DUAL_FLAG
        self._tdhs = TDHSAudioStretch(sample_rate // _HIGHEST_PITCH, sample_rate // _LOWEST_PITCH, 1, both)
        if self._tdhs.handle is None:
            raise InputError(f"speed={speed!r} cannot be had at {sample_rate} samples a second: give 1")

    def stretch(self, pcm: np.ndarray) -> np.ndarray:
        """Append int16 (n,); returns what is ready."""
        out = self._room(len(pcm))
        return out[: self._tdhs.process_samples(np.ascontiguousarray(pcm), len(pcm), out, self._ratio)]

    def flush(self) -> np.ndarray:
        """What is held back."""
        out = self._room(0)
        return out[: self._tdhs.flush(out)]

    def close(self) -> None:
        """Free the state."""
        self._tdhs.deinit()

    def _room(self, samples: int) -> np.ndarray:
        return np.empty(self._tdhs.output_capacity(samples, self._ratio), np.int16)
