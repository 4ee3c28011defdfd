"""Audio files, read and written.

soundfile (libsndfile) reads everything and writes the compressed formats. WAV and raw PCM are written by hand: libsndfile's WAV
cannot go through a pipe.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import soundfile

from qwen3tts.errors import AudioError, InputError
from qwen3tts.output import OutputFile

_COMPRESSED = {"flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
_UNKNOWN_SIZE = 2**32 - 1
_SET_OGG_PAGE_LATENCY_MS = 0x1302
"""libsndfile's SFC_SET_OGG_PAGE_LATENCY_MS, from 1.2.0 on."""

FORMATS = ("wav", "pcm", *_COMPRESSED)
"""What can be written: WAV and raw little-endian PCM of 16 bits, FLAC, Ogg Vorbis, MP3, Ogg Opus."""


def read_audio(source: str | Path | BinaryIO) -> tuple[np.ndarray, int]:
    """Samples of an audio file and their rate.

    source: a path or an open binary file, which may be a pipe. Returns float32 (n,), channels averaged, and the rate in Hz.
    Raises AudioError when the file is missing, cannot be read, is not audio, is empty or holds samples that are not finite.
    """
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        try:
            data = Path(source).read_bytes()
        except FileNotFoundError:
            raise AudioError(f"audio file {name} does not exist; check the path") from None
        except (OSError, ValueError) as error:
            raise AudioError(
                f"audio file {name} cannot be read: {getattr(error, 'strerror', None) or error}; give an audio file"
            ) from error
    else:
        name = getattr(source, "name", "of the input stream")
        data = source.read()
    try:
        # From memory: by path, libsndfile would take the format from some suffixes instead of the content.
        channels, sample_rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, ValueError, MemoryError):
        known = "WAV, FLAC, OGG, Opus, MP3 or AIFF"
        raise AudioError(f"audio file {name} is not audio that can be read; give it as {known}") from None
    if not len(channels):
        raise AudioError(f"audio file {name} holds no samples; give one with speech in it")
    if not np.isfinite(channels).all():
        raise AudioError(f"audio file {name} holds samples that are not finite; record or convert it anew")
    return channels.mean(axis=1), sample_rate


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """float32 samples in [-1, 1], clipped and rounded to the nearest int16; full scale is 32768, as in every reader."""
    return np.rint(np.clip(samples * 32768.0, -32768, 32767)).astype(np.int16)


def format_of(path: str | Path, format: str | None = None) -> str:
    """The one of `FORMATS` to write `path` in: the one given, else the path's suffix, else (no suffix: a pipe, a device) WAV.

    Raises InputError that lists the formats.
    """
    chosen = (Path(path).suffix[1:] or "wav") if format is None else format
    if chosen.lower() not in FORMATS:
        given = f"the suffix of {path}" if format is None else f"format={format!r}"
        raise InputError(f"{given} is not an audio format; give one of {', '.join(FORMATS)}")
    return chosen.lower()


class AudioWriter:
    """Writes an utterance chunk by chunk, as a context manager; `OutputFile` says how it appears under its name.

    target: a path or an open binary file. sample_rate: in Hz. format: one of `FORMATS`; None takes `format_of` the target.

    Every chunk of WAV, PCM, OGG, Opus and MP3 is handed on as soon as its encoder lets it go. Where what is written stays as it is
    (a pipe), the header of a WAV says that its length is unknown and an MP3 has none; a FLAC, which many readers refuse without its
    length, is kept in memory and written at the end.

    Raises OutputError when the target cannot be written, InputError for an unknown format or a rate that the format cannot hold,
    AudioError when the block ends well without a sample.
    """

    def __init__(self, target: str | Path | BinaryIO, sample_rate: int, format: str | None = None) -> None:
        self._file = OutputFile(target)
        self._format = format_of(self._file.name, format)
        self._sample_rate = sample_rate
        self._samples = 0

    def __enter__(self) -> AudioWriter:
        encoder = _compressed if self._format in _COMPRESSED else _pcm16
        with ExitStack() as stack:
            stack.enter_context(self._file)
            self._encode = stack.enter_context(encoder(self._file, self._sample_rate, self._format))
            stack.enter_context(self._refusing_nothing())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, samples: np.ndarray) -> None:
        """Append a chunk: float32 (n,), in [-1, 1]; what is beyond is clipped."""
        self._encode(samples)
        self._file.flush()
        self._samples += len(samples)

    @contextmanager
    def _refusing_nothing(self) -> Iterator[None]:
        yield
        if not self._samples:
            raise AudioError(f"there are no samples to write to {self._file.name}; give at least one")


@contextmanager
def _pcm16(file: OutputFile, sample_rate: int, format: str) -> Iterator[Callable[[np.ndarray], None]]:
    """WAV and raw PCM. Yields the function that takes the chunks."""
    wav = format == "wav"
    size = 0

    def encode(samples: np.ndarray) -> None:
        nonlocal size
        size += file.write(to_pcm16(samples).astype("<i2").tobytes())

    if wav:
        file.write(_wav_header(sample_rate, _UNKNOWN_SIZE))
    yield encode
    if wav and file.rewritable:
        file.rewrite(0, _wav_header(sample_rate, size))


def _wav_header(sample_rate: int, size: int) -> bytes:
    """The 44 bytes before `size` bytes of mono int16 samples."""
    riff_size = min(size + 36, _UNKNOWN_SIZE)
    form = struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE")
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return form + layout + struct.pack("<4sI", b"data", min(size, _UNKNOWN_SIZE))


@contextmanager
def _compressed(file: OutputFile, sample_rate: int, format: str) -> Iterator[Callable[[np.ndarray], None]]:
    """What libsndfile encodes. Yields the function that takes the chunks."""
    if format == "flac" and not file.rewritable:
        memory = io.BytesIO()
        with OutputFile(memory) as whole, _compressed(whole, sample_rate, format) as encode_in_memory:
            yield encode_in_memory
        file.write(memory.getbuffer())
        return
    container, subtype = _COMPRESSED[format]
    # At a constant bit rate, an MP3 without a length still tells its players the time; 0.5 is 80 kbit/s at 24 kHz.
    options = {"bitrate_mode": "CONSTANT", "compression_level": 0.5} if format == "mp3" else {}
    sink = _Sink(file)
    try:
        sound = soundfile.SoundFile(sink, "w", sample_rate, 1, subtype, format=container, **options)
    except soundfile.LibsndfileError:
        raise InputError(f"format={format!r} cannot hold {sample_rate} samples a second; give another format") from None
    if format == "opus":
        _hand_on_each_packet(sound)

    def encode(samples: np.ndarray) -> None:
        sound.write(to_pcm16(samples) if format == "flac" else samples.clip(-1, 1))
        sink.check()

    try:
        yield encode
    finally:
        sound.close()
    sink.check()


def _hand_on_each_packet(sound: soundfile.SoundFile) -> None:
    """Have an Ogg Opus written in pages of a packet: of a stream, nothing would come out for the first second of sound."""
    # soundfile has no name of its own for libsndfile's commands.
    milliseconds = soundfile._ffi.new("double*", 20.0)
    soundfile._snd.sf_command(sound._file, _SET_OGG_PAGE_LATENCY_MS, milliseconds, 8)


class _Sink:
    """The file that libsndfile sees: it only ever appends, and at the end goes back to correct the header.

    An exception cannot pass through libsndfile, so the first one is kept for `check`, and nothing more is written.
    """

    def __init__(self, file: OutputFile) -> None:
        self._file = file
        self._position = 0
        self._size = 0
        self._error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            if self._error is None and self._position == self._size:
                self._file.write(data)
            elif self._error is None and self._file.rewritable:
                self._file.rewrite(self._position, data)
        except BaseException as error:
            self._error = error
        self._position += len(data)
        self._size = max(self._size, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def check(self) -> None:
        """Raise what went wrong while writing."""
        if self._error is not None:
            raise self._error
