"""The small codecs, ready to run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig


@dataclass(frozen=True)
class Decoder:
    """A decoder in one type."""

    weights: DecoderWeights
    config: CodecDecoderConfig
    dtype: torch.dtype

    def state(self, slots: int) -> DecoderState:
        return DecoderState(self.config, slots, dtype=self.dtype)

    def decode(self, codes: Tensor, state: DecoderState, slots: Sequence[int]) -> Tensor:
        return decode(self.weights, self.config, codes, state, torch.tensor(slots))

    def stream(self, codes: Tensor, lengths: Sequence[int]) -> Tensor:
        """Decode one utterance's codes (frames, 16) in pieces of so many frames -> (samples,)."""
        state = self.state(1)
        return torch.cat([self.decode(piece[None], state, [0])[0] for piece in codes.split(list(lengths))])

    def whole(self, codes: Tensor) -> Tensor:
        return self.stream(codes, [len(codes)])


@dataclass(frozen=True)
class Codec:
    """A codec as its files hold it."""

    tensors: dict[str, Tensor]
    config: CodecConfig

    def decoder(self, dtype: torch.dtype = torch.float32) -> Decoder:
        config = self.config.decoder_config
        return Decoder(DecoderWeights.read(self.tensors, config, dtype), config, dtype)


@pytest.fixture(scope="session")
def codecs(small: Path) -> dict[str, Codec]:
    """By the kind of checkpoint that they come with."""

    def load(folder: Path) -> Codec:
        config = CodecConfig.read(json.loads((folder / "config.json").read_text()), "config.json")
        return Codec(load_file(folder / "model.safetensors"), config)

    return {kind: load(small / kind / "speech_tokenizer") for kind in ("custom_voice", "voice_design", "base")}


def calm(codec: Codec) -> Codec:
    """The same codec with Snake's ripple at 1/e^2 of its height: a network that keeps rounding small, as a trained one does."""
    return Codec({name: tensor + 2 if name.endswith(".beta") else tensor for name, tensor in codec.tensors.items()}, codec.config)


@pytest.fixture(scope="session")
def calm_codecs(codecs: dict[str, Codec]) -> dict[str, Codec]:
    return {kind: calm(codec) for kind, codec in codecs.items()}


@pytest.fixture(scope="session")
def decoder(codecs: dict[str, Codec]) -> Decoder:
    return codecs["base"].decoder()
