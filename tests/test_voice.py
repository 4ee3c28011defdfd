"""Voice files: what goes in comes out, and nothing else is taken for one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from qwen3tts.errors import OutputError, VoiceError
from qwen3tts.voice import Voice

EMBEDDING = np.linspace(-1, 1, 8, dtype=np.float32)
CODES = np.arange(48, dtype=np.int64).reshape(3, 16)
METADATA = {"format": "qwen3tts.voice", "version": "1"}


def test_properties() -> None:
    alone = Voice(EMBEDDING)
    assert (alone.in_context, alone.frames) == (False, 0)
    in_context = Voice(EMBEDDING, CODES, "hello")
    assert (in_context.in_context, in_context.frames) == (True, 3)


@given(
    width=st.integers(1, 64),
    frames=st.integers(0, 20),
    text=st.text(min_size=1).filter(str.strip),
    name=st.none() | st.text(),
    seed=st.integers(0, 99),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, width: int, frames: int, text: str, name: str | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(width).astype(np.float32)
    # Transposed: not contiguous, as a codec may hand codes over.
    codes = rng.integers(0, 2048, (16, frames)).T if frames else None
    path = tmp_path_factory.mktemp("voice") / "me.voice.safetensors"
    Voice(embedding, codes, text if frames else None, name).save(path)
    loaded = Voice.load(path)
    np.testing.assert_array_equal(loaded.speaker_embedding, embedding)
    assert loaded.speaker_embedding.dtype == np.float32
    assert loaded.frames == frames and loaded.name == name
    assert loaded.text == (text if frames else None)
    if frames:
        np.testing.assert_array_equal(loaded.codes, codes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speaker_embedding": EMBEDDING.astype(np.float64)}, "float64"),
        ({"speaker_embedding": EMBEDDING.reshape(2, 4)}, r"\(2, 4\)"),
        ({"speaker_embedding": EMBEDDING[:0]}, r"\(0,\)"),
        ({"speaker_embedding": EMBEDDING * np.float32(np.nan)}, "finite"),
        ({"codes": None}, "text but no codes"),
        ({"text": None}, "codes but no text"),
        ({"text": " "}, "blank"),
        ({"codes": CODES.astype(np.int32)}, "int32"),
        ({"codes": CODES[0]}, r"\(16,\)"),
        ({"codes": CODES[:0]}, r"\(0, 16\)"),
        ({"codes": CODES - 1}, "negative"),
    ],
)
def test_parts_that_do_not_fit(change: dict[str, object], message: str) -> None:
    with pytest.raises(VoiceError, match=message):
        dataclasses.replace(Voice(EMBEDDING, CODES, "hello"), **change)


def refused(path: Path, message: str) -> None:
    with pytest.raises(VoiceError, match=message) as caught:
        Voice.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    refused(tmp_path / "none", "does not exist")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 200])
def test_foreign(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    refused(path, "cannot be used")


def test_a_folder(tmp_path: Path) -> None:
    refused(tmp_path, "cannot be used")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_truncated(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "me"
    Voice(EMBEDDING, CODES, "hello").save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    refused(path, "cannot be used")


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"weight": EMBEDDING}, None, "no voice file"),
        ({"speaker_embedding": EMBEDDING}, METADATA | {"version": "2"}, "version is 2"),
        ({"weight": EMBEDDING}, METADATA, "its tensors are"),
        ({"speaker_embedding": EMBEDDING.astype(np.float16)}, METADATA, "F16"),
        ({"speaker_embedding": EMBEDDING, "codes": CODES}, METADATA, "its tensors are"),
        ({"speaker_embedding": EMBEDDING}, METADATA | {"text": "hello"}, "its tensors are"),
        ({"speaker_embedding": EMBEDDING, "codes": CODES[0]}, METADATA | {"text": "hello"}, r"shape \(16,\)"),
        ({"speaker_embedding": EMBEDDING.reshape(2, 4)}, METADATA, r"shape \(2, 4\)"),
    ],
)
def test_not_a_voice(tmp_path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str] | None, message: str) -> None:
    path = tmp_path / "other.safetensors"
    save_file(tensors, path, metadata)
    refused(path, message)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder does not exist"):
        Voice(EMBEDDING).save(tmp_path / "none" / "me.voice.safetensors")
