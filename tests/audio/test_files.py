"""Audio files: every format, every kind of target, every way to fail."""

import io
import os
import resource
import stat
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.audio.files import FORMATS, AudioWriter, format_of, read_audio, to_pcm16
from qwen3tts.errors import AudioError, InputError, OutputError

RATE = 24000
LOSSLESS = ("wav", "pcm", "flac")


def speechlike(n: int) -> np.ndarray:
    t = np.arange(n) / RATE
    return (0.6 * np.sin(2 * np.pi * 200 * t) * np.abs(np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def read_back(content: bytes, format: str) -> tuple[np.ndarray, int]:
    if format == "pcm":
        return np.frombuffer(content, "<i2").astype(np.float32) / 32768, RATE
    return soundfile.read(io.BytesIO(content), dtype="float32")


def write_chunks(target: object, format: str, samples: np.ndarray, chunk: int = 1920) -> None:
    with AudioWriter(target, RATE, format) as writer:
        for start in range(0, len(samples), chunk):
            writer.write(samples[start : start + chunk])


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 10000), chunk=st.integers(1, 4000))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, format: str, n: int, chunk: int) -> None:
    path = tmp_path_factory.mktemp("audio") / f"out.{format}"
    samples = speechlike(n)
    write_chunks(path, format, samples, max(chunk, n // 50))
    read, rate = read_back(path.read_bytes(), format)
    assert rate == RATE and read.shape == (n,)
    assert os.listdir(path.parent) == [path.name]
    if format in LOSSLESS:
        np.testing.assert_allclose(read, samples, rtol=0, atol=0.5001 / 32768)


@pytest.mark.parametrize("format", FORMATS)
def test_lossy_formats_sound_alike(format: str) -> None:
    samples = speechlike(2 * RATE)
    memory = io.BytesIO()
    write_chunks(memory, format, samples)
    read, _ = read_back(memory.getvalue(), format)
    error = read[: len(samples)] - samples
    assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(samples**2))


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_too_loud_is_clipped(format: str) -> None:
    memory = io.BytesIO()
    write_chunks(memory, format, 3 * np.sign(speechlike(9600)))
    read, _ = read_back(memory.getvalue(), format)
    middle = read[50:51]
    assert 0.5 < middle < 1.3


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", ["fifo", "stream"])
def test_pipes(tmp_path: Path, format: str, kind: str) -> None:
    samples, parts = speechlike(RATE), []
    if kind == "fifo":
        os.mkfifo(tmp_path / "pipe")
        target, source = tmp_path / "pipe", tmp_path / "pipe"
    else:
        source, writing = os.pipe()
        target = os.fdopen(writing, "wb")

    def read_all() -> None:
        with open(source, "rb") as file:
            parts.append(file.read())

    reader = threading.Thread(target=read_all, daemon=True)
    reader.start()
    write_chunks(target, format, samples)
    if kind == "stream":
        target.close()
    reader.join()
    if kind == "fifo":
        assert stat.S_ISFIFO(os.stat(source).st_mode)
    read, rate = read_back(parts[0], format)
    # Without a length in its header, an MP3 ends with the padding of its last frames.
    padding = 2304 if format == "mp3" else 0
    assert rate == RATE and len(samples) <= len(read) <= len(samples) + padding
    if format in LOSSLESS:
        np.testing.assert_allclose(read, samples, rtol=0, atol=0.5001 / 32768)


@pytest.mark.parametrize(("format", "header"), [("pcm", 0), ("wav", 44)])
def test_a_chunk_is_in_the_pipe_before_the_next_is_made(format: str, header: int) -> None:
    source, writing = os.pipe()
    with os.fdopen(writing, "wb") as target, AudioWriter(target, RATE, format) as writer:
        os.set_blocking(source, False)
        writer.write(speechlike(1920))
        assert len(os.read(source, 65536)) == header + 3840
        writer.write(speechlike(5))
        assert len(os.read(source, 65536)) == 10
    os.close(source)


def test_wav_header() -> None:
    memory = io.BytesIO()
    write_chunks(memory, "wav", speechlike(1000))
    fields = struct.unpack("<4sI4s4sIHHIIHH4sI", memory.getvalue()[:44])
    assert fields == (b"RIFF", 2036, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", 2000)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(tmp_path: Path, format: str, error: type[BaseException]) -> None:
    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new"):
        with pytest.raises(error), AudioWriter(tmp_path / name, RATE, format) as writer:
            writer.write(speechlike(20000))
            raise error
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


@pytest.mark.parametrize("format", FORMATS)
def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path, format: str) -> None:
    (tmp_path / "old").write_bytes(b"old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        for name in ("old", "new"):
            with pytest.raises(OutputError, match=f"cannot write to .*{name}"):
                write_chunks(tmp_path / name, format, speechlike(RATE))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


@pytest.mark.parametrize("format", FORMATS)
def test_devices(format: str) -> None:
    write_chunks("/dev/null", format, speechlike(5000))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OutputError, match="/dev/full: the disk is full"):
        write_chunks("/dev/full", format, speechlike(5000))


@pytest.mark.parametrize("format", FORMATS)
def test_a_reader_that_goes_away(format: str) -> None:
    source, writing = os.pipe()
    os.close(source)
    with pytest.raises(OutputError, match="Broken pipe"):
        write_chunks(os.fdopen(writing, "wb", buffering=0), format, speechlike(RATE))


@pytest.mark.parametrize("format", FORMATS)
def test_an_interruption_inside_the_encoder_comes_through(format: str) -> None:
    class Interrupted:
        def write(self, data: memoryview) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_chunks(Interrupted(), format, speechlike(RATE))


@pytest.mark.parametrize("format", FORMATS)
def test_no_samples_make_no_file(tmp_path: Path, format: str) -> None:
    with pytest.raises(AudioError, match="no samples"), AudioWriter(tmp_path / "out", RATE, format):
        pass
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(("format", "rate"), [("opus", 22050), ("mp3", 96000)])
def test_a_rate_that_the_format_cannot_hold(tmp_path: Path, format: str, rate: int) -> None:
    with pytest.raises(InputError, match=f"'{format}' cannot hold {rate}"), AudioWriter(tmp_path / "out", rate, format):
        raise AssertionError("it was opened")
    assert not os.listdir(tmp_path)


def test_pcm16() -> None:
    samples = np.array([0, 1, -1, 2, -2, 0.5, 1.4 / 32768, -1.6 / 32768], np.float32)
    converted = to_pcm16(samples)
    assert converted.dtype == np.int16
    assert converted.tolist() == [0, 32767, -32768, 32767, -32768, 16384, 1, -2]


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [("a.wav", None, "wav"), ("b/A.FLAC", None, "flac"), ("a.wav", "mp3", "mp3"), ("a", None, "wav"), ("-", "Opus", "opus")],
)
def test_format_of(path: str, given: str | None, expected: str) -> None:
    assert format_of(path, given) == expected


@pytest.mark.parametrize(("path", "given"), [("a.txt", None), ("a.wav", "m4a"), ("a.wav", "")])
def test_an_unknown_format_lists_the_known(path: str, given: str | None) -> None:
    with pytest.raises(InputError) as caught:
        format_of(path, given)
    assert all(format in str(caught.value) for format in FORMATS)


def test_reading_averages_the_channels(tmp_path: Path) -> None:
    channels = np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", channels, 44100, subtype="FLOAT")
    samples, rate = read_audio(str(tmp_path / "a.wav"))
    assert rate == 44100 and samples.dtype == np.float32
    np.testing.assert_allclose(samples, channels.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "pcm"])
def test_reading_goes_by_content_not_by_name(tmp_path: Path, format: str) -> None:
    for name in ("a.raw", "a.txt", "a"):
        write_chunks(tmp_path / name, format, speechlike(5000))
        samples, rate = read_audio(tmp_path / name)
        assert len(samples) == 5000 and rate == RATE


def test_reading_from_a_pipe() -> None:
    memory = io.BytesIO()
    write_chunks(memory, "wav", speechlike(5000))
    source, writing = os.pipe()
    os.write(writing, memory.getvalue())
    os.close(writing)
    with os.fdopen(source, "rb") as file:
        samples, _ = read_audio(file)
    np.testing.assert_allclose(samples, speechlike(5000), atol=0.5001 / 32768)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not audio"),
        (b"hello\n" * 50, "is not audio"),
        (b"RIFF\xff\xff\xff\xffWAVE", "is not audio"),
        (None, "does not exist"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=message) as caught:
        read_audio(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_and_an_impossible_name_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a\0b"):
        with pytest.raises(AudioError, match="cannot be read"):
            read_audio(path)


@pytest.mark.parametrize(
    ("samples", "message"), [([], "holds no samples"), ([0.0, np.nan], "not finite"), ([np.inf], "not finite")]
)
def test_a_file_without_sound_cannot_be_read(tmp_path: Path, samples: list[float], message: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.array(samples, np.float32), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=message):
        read_audio(tmp_path / "a.wav")


def test_an_opus_stream_comes_out_as_it_is_written():
    file = io.BytesIO()
    lengths = []
    with AudioWriter(file, 24000, "opus") as writer:
        for _ in range(10):
            writer.write(np.zeros(1920, np.float32))
            lengths.append(len(file.getvalue()))
    assert lengths[1] > lengths[0]
    assert lengths == sorted(set(lengths))
    assert len(soundfile.read(io.BytesIO(file.getvalue()))[0]) in (19200, 2 * 19200)
