"""A cloned voice, and its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from qwen3tts.errors import VoiceError
from qwen3tts.output import OutputFile

_FORMAT = "qwen3tts.voice"
_VERSION = "1"
_REMEDY = "make it anew with `qwen3tts voice create`"


@dataclass(frozen=True, eq=False)
class Voice:
    """What a model needs to speak like somebody.

    speaker_embedding: float32 (width,), of the model's speaker encoder. codes: int64 (frames, 16), the reference recording as the
    codec encodes it, and text: what is said in it; with both the voice is cloned in context, with neither by its embedding alone.
    name: for people to read. Raises VoiceError when these do not fit each other.
    """

    speaker_embedding: np.ndarray
    codes: np.ndarray | None = None
    text: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        embedding, codes = self.speaker_embedding, self.codes
        if embedding.dtype != np.float32 or embedding.ndim != 1 or not embedding.size or not np.isfinite(embedding).all():
            raise VoiceError(
                f"speaker_embedding is {embedding.dtype} of shape {embedding.shape}; give finite float32 of shape (width,)"
            )
        if (codes is None) != (self.text is None):
            missing, given = ("codes", "text") if codes is None else ("text", "codes")
            raise VoiceError(
                f"the voice has {given} but no {missing}; give both (cloning in context) or neither (the embedding alone)"
            )
        if codes is not None and (codes.dtype != np.int64 or codes.ndim != 2 or not codes.size or codes.min() < 0):
            raise VoiceError(f"codes are {codes.dtype} of shape {codes.shape}; give int64 of shape (frames, 16), none negative")
        if self.text is not None and not self.text.strip():
            raise VoiceError("text is blank; give what is said in the reference recording")

    @property
    def in_context(self) -> bool:
        """Whether the model hears the reference recording itself beside its embedding."""
        return self.codes is not None

    @property
    def frames(self) -> int:
        """Frames of the reference recording that the model hears; 0 when it has the embedding alone."""
        return 0 if self.codes is None else len(self.codes)

    def save(self, path: str | Path) -> None:
        """Write a voice file (safetensors; by convention its name ends in .voice.safetensors). Raises OutputError."""
        tensors = {"speaker_embedding": self.speaker_embedding}
        if self.codes is not None:
            tensors["codes"] = self.codes
        metadata = {"format": _FORMAT, "version": _VERSION}
        metadata |= {key: value for key, value in (("text", self.text), ("name", self.name)) if value is not None}
        with OutputFile(path) as file:
            file.write(save({key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}, metadata))

    @classmethod
    def load(cls, path: str | Path) -> Voice:
        """Read a voice file. Raises VoiceError when it is missing, damaged, no voice file, or of another version."""
        name = os.fspath(path)
        try:
            with safe_open(name, framework="numpy") as file:
                kinds = {key: file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 (a file has no other iterator)
                metadata = file.metadata() or {}
                # A foreign file may be a whole model, in a dtype that numpy lacks: look before reading.
                _check_header(kinds, metadata)
                tensors = {key: file.get_tensor(key) for key in kinds}
            return cls(**tensors, text=metadata.get("text"), name=metadata.get("name"))
        except FileNotFoundError:
            raise VoiceError(f"voice file {name} does not exist; check the path, or {_REMEDY}") from None
        except (OSError, SafetensorError, VoiceError) as error:
            raise VoiceError(f"voice file {name} cannot be used: {error}; {_REMEDY}") from error


def _check_header(kinds: Mapping[str, str], metadata: Mapping[str, str]) -> None:
    """Raise VoiceError unless the metadata and the tensors' dtypes are those of a voice file of this version."""
    if metadata.get("format") != _FORMAT:
        raise VoiceError("it is no voice file")
    if metadata.get("version") != _VERSION:
        raise VoiceError(f"its version is {metadata.get('version')}, this program reads version {_VERSION}")
    expected = {"speaker_embedding": "F32"} | ({"codes": "I64"} if "text" in metadata else {})
    if kinds != expected:
        raise VoiceError(f"its tensors are {dict(kinds)}, not {expected}")
