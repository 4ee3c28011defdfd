"""The checkpoint's byte-level BPE: text to ids, and ids to readable pieces.

A release has `vocab.json`, `merges.txt` and `tokenizer_config.json`, which transformers' `Qwen2Converter` turns into the same
pipeline as here: NFC, Qwen's split pattern, bytes, merges. A `tokenizer.json` says all of it by itself and comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from qwen3tts.config.files import read_json
from qwen3tts.errors import CheckpointError, ConfigError, InputError, TextError

SPLIT_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""Where Qwen's text models cut a text before any merge: contractions, words, single digits, punctuation, white space."""

_TOKEN_FLAGS = ("lstrip", "normalized", "rstrip", "single_word", "special")


def check_unicode(text: str, name: str = "text") -> None:
    """Raise TextError where the text holds half of a surrogate pair, which no encoding can carry; `name` is the argument's."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"{name} has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}: remove it"
        ) from error


class Tokenizer:
    """Byte-level BPE with the checkpoint's added tokens."""

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        self._backend = backend

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Read a checkpoint folder's tokenizer. Raises CheckpointError where a file is missing, broken or of another release."""
        whole = folder / "tokenizer.json"
        try:
            if whole.is_file():
                backend = tokenizers.Tokenizer.from_file(str(whole))
                backend.no_truncation()
                backend.no_padding()
            else:
                backend = _byte_level_bpe(read_json(folder / "vocab.json"), _read_merges(folder / "merges.txt"))
        except CheckpointError:
            raise
        except Exception as error:  # the library raises bare Exceptions
            reason = str(error).splitlines()[0]
            raise CheckpointError(f"the tokenizer in {folder} does not load ({reason}): take its files from one release") from error
        _add_declared_tokens(backend, folder / "tokenizer_config.json")
        return cls(backend)

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of a text; added tokens written in it become their ids. Raises TextError for a lone surrogate."""
        check_unicode(text)
        return tuple(self._backend.encode(text).ids)

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        r"""The text of each id that `encode` gave; bytes that are no whole character come as `\xd0`. Raises InputError."""
        added = {i: token.content for i, token in self._backend.get_added_tokens_decoder().items()}
        byte_of = _byte_alphabet()
        return tuple(added[i] if i in added else self._bytes(i, byte_of).decode("utf-8", errors="backslashreplace") for i in ids)

    def _bytes(self, token_id: int, byte_of: dict[str, int]) -> bytes:
        token = self._backend.id_to_token(token_id)
        if token is None:
            raise InputError(f"id {token_id} is not in the vocabulary: give ids that encode returned")
        return bytes(byte_of[character] for character in token)


def _byte_level_bpe(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def _read_merges(path: Path) -> list[tuple[str, str]]:
    """The pairs of a `merges.txt`, one a line, after an optional `#version` line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): take the file from the release") from error
    merges = []
    for number, line in enumerate(lines, start=1):
        pair = line.split()
        if not pair or (number == 1 and line.startswith("#version")):
            continue
        if len(pair) != 2:
            raise CheckpointError(f"{path}, line {number}: {line!r} is not a pair of pieces: take the file from the release")
        merges.append((pair[0], pair[1]))
    return merges


def _add_declared_tokens(backend: tokenizers.Tokenizer, path: Path) -> None:
    """Add the tokens of `added_tokens_decoder` in the order of their ids, and check that they get these ids."""
    declared = _declared_tokens(read_json(path).get("added_tokens_decoder", {}), path)
    backend.add_tokens([declared[i] for i in sorted(declared)])
    for i, token in declared.items():
        got = backend.token_to_id(token.content)
        if got != i:
            raise CheckpointError(
                f"{path} declares {token.content} as id {i}, but the vocabulary makes it {got}: take both from one release"
            )


def _declared_tokens(entries: Any, path: Path) -> dict[int, AddedToken]:
    try:
        return {
            int(i): AddedToken(fields["content"], **{flag: fields[flag] for flag in _TOKEN_FLAGS if flag in fields})
            for i, fields in entries.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: added_tokens_decoder is malformed ({error!r}): take the file from the release") from error


def _byte_alphabet() -> dict[str, int]:
    """The characters that stand for the 256 bytes in a byte-level vocabulary: printable ones for themselves, others from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
