"""The small codecs, ready to run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig


def cast(value: Any, dtype: torch.dtype) -> Any:
    """The same weights or state with every floating tensor of another type."""
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, tuple):
        return tuple(cast(item, dtype) for item in value)
    if hasattr(value, "__dict__"):
        copy = object.__new__(type(value))
        copy.__dict__.update({name: cast(item, dtype) for name, item in vars(value).items()})
        return copy
    return value


@dataclass(frozen=True)
class Decoder:
    """A decoder, and the state that fits its weights' type."""

    weights: DecoderWeights
    config: CodecDecoderConfig

    def state(self, slots: int) -> DecoderState:
        return cast(DecoderState(self.config, slots), self.weights.last_convolution.weight.dtype)

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

    @property
    def decoder(self) -> Decoder:
        return Decoder(DecoderWeights.read(self.tensors, self.config.decoder_config), self.config.decoder_config)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small are done before a second thread has woken up."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def codecs(small: Path) -> dict[str, Codec]:
    """By the kind of checkpoint that they come with."""

    def load(folder: Path) -> Codec:
        config = CodecConfig.read(json.loads((folder / "config.json").read_text()), "config.json")
        return Codec(load_file(folder / "model.safetensors"), config)

    return {kind: load(small / kind / "speech_tokenizer") for kind in ("custom_voice", "voice_design", "base")}


@pytest.fixture(scope="session")
def exact(codecs: dict[str, Codec]) -> Decoder:
    """A decoder in float64, where rounding vanishes beside any error of logic."""
    decoder = codecs["base"].decoder
    return Decoder(cast(decoder.weights, torch.float64), decoder.config)


@pytest.fixture(scope="session")
def calm(codecs: dict[str, Codec]) -> Decoder:
    """A float32 decoder with Snake's ripple at 1/e^2 of its height.

    The random residual units of the small checkpoints amplify rounding a thousandfold. With less ripple the network keeps it small,
    as one must that was trained.
    """
    codec = codecs["base"]
    calmer = {name: tensor + 2 if name.endswith(".beta") else tensor for name, tensor in codec.tensors.items()}
    return Codec(calmer, codec.config).decoder
