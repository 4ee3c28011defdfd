"""The tokenizer against ids that transformers' Qwen2TokenizerFast gave for the same vocabulary."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.errors import CheckpointError, ConfigError, InputError, TextError
from qwen3tts.text import Tokenizer

DATA = Path(__file__).parents[1] / "data"
FOLDER = DATA / "small" / "custom_voice"
CASES = json.loads((DATA / "text" / "tokenizer_ids.json").read_text())


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load(FOLDER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tokenizer's files, to be damaged."""
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_ids_are_the_official_ones(tokenizer: Tokenizer) -> None:
    for case in CASES:
        assert list(tokenizer.encode(case["text"])) == case["ids"], case["text"]


def test_tokenizer_json_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """It comes before vocab.json, and settings that would cut or pad a text are dropped."""
    backend = tokenizer._backend
    whole = tokenizers.Tokenizer.from_str(backend.to_str())
    whole.enable_truncation(4)
    whole.enable_padding(length=99)
    whole.save(str(tmp_path / "tokenizer.json"))
    shutil.copy(FOLDER / "tokenizer_config.json", tmp_path)
    again = Tokenizer.load(tmp_path)
    for case in CASES:
        assert list(again.encode(case["text"])) == case["ids"], case["text"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40))
def test_pieces_spell_the_normalised_text(text: str) -> None:
    loaded = Tokenizer.load(FOLDER)
    written = "".join(loaded.pieces(loaded.encode(text)))
    expected = unicodedata.normalize("NFC", text)
    escaped = expected.encode().decode("ascii", errors="backslashreplace")
    assert written.encode().decode("ascii", errors="backslashreplace") == escaped


def test_pieces_of_added_tokens_and_split_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.pieces(tokenizer.encode("<|im_start|>😀")) == ("<|im_start|>", r"\xf0", r"\x9f", r"\x98", r"\x80")


def test_pieces_of_a_foreign_id(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="id 99999 "):
        tokenizer.pieces([99999])


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff"])
def test_lone_surrogate(tokenizer: Tokenizer, text: str) -> None:
    with pytest.raises(TextError, match="lone surrogate"):
        tokenizer.encode(text)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer_config.json"])
def test_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        Tokenizer.load(folder)


def test_declared_id_that_the_vocabulary_does_not_give(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    declared = config["added_tokens_decoder"]
    last = max(declared, key=int)
    declared[str(int(last) + 5)] = declared.pop(last)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"as id {int(last) + 5}, but the vocabulary makes it {last}"):
        Tokenizer.load(folder)


@pytest.mark.parametrize("declared", [["<a>"], {"one": {"content": "<a>"}}, {"609": {"special": True}}, {"609": "<a>"}])
def test_malformed_added_tokens(folder: Path, declared: object) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": declared}))
    with pytest.raises(ConfigError, match="added_tokens_decoder is malformed"):
        Tokenizer.load(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", '{"a": 0,}', "line 1, column 9"),
        ("vocab.json", '{"a": "zero"}', "does not load"),
        ("merges.txt", "#version: 0.2\na b c\n", "line 2: 'a b c' is not a pair"),
        ("merges.txt", "Ж Ж\n", "does not load"),
        ("tokenizer.json", "{}", "does not load"),
    ],
)
def test_broken_file(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        Tokenizer.load(folder)
    assert "\n" not in str(caught.value)
