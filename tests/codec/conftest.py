"""The small reference codec, and a calm version of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig

SMALL = Path(__file__).parents[1] / "data" / "small"


@dataclass(frozen=True)
class Decoder:
    """A decoder to run in a test."""

    weights: DecoderWeights
    config: CodecDecoderConfig

    def state(self, slots: int) -> DecoderState:
        """State of the weights' own type: float64 weights make rounding vanish beside any error of logic."""
        state = DecoderState(self.config, slots)
        return cast(state, self.weights.pre_convolution.weight.dtype)

    def whole(self, codes: Tensor) -> Tensor:
        """Decode one utterance's codes (frames, 16) in one call -> (samples,)."""
        return decode(self.weights, self.config, codes[None], self.state(1), torch.tensor([0]))[0]


def cast(value, dtype: torch.dtype):
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


def load_codec(kind: str) -> tuple[dict[str, Tensor], CodecConfig]:
    """Tensors and configuration of a small reference checkpoint's codec."""
    folder = SMALL / kind / "speech_tokenizer"
    config = CodecConfig.read(json.loads((folder / "config.json").read_text()), "config.json")
    return load_file(folder / "model.safetensors"), config


@pytest.fixture(scope="session")
def small() -> tuple[dict[str, Tensor], CodecConfig]:
    """The `base` checkpoint's codec."""
    return load_codec("base")


@pytest.fixture(scope="session")
def calm(small: tuple[dict[str, Tensor], CodecConfig]) -> Decoder:
    """The small decoder with Snake's ripple at 1/e^2 of its height.

    The reference checkpoint's random residual units double a disturbance again and again, so that float32 rounding reaches 1e-3
    at the output whoever computes it. With less ripple the network keeps rounding small, as one that was trained does.
    """
    tensors, config = small
    calmer = {name: tensor + 2 if name.endswith(".beta") else tensor for name, tensor in tensors.items()}
    return Decoder(DecoderWeights.read(calmer, config.decoder_config), config.decoder_config)


@pytest.fixture(scope="session")
def exact(small: tuple[dict[str, Tensor], CodecConfig]) -> Decoder:
    """The small decoder in float64."""
    tensors, config = small
    return Decoder(cast(DecoderWeights.read(tensors, config.decoder_config), torch.float64), config.decoder_config)
