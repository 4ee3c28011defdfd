"""The small codecs, ready to run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from qwen3tts.bench.random_weights import draw_codec
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig

_ODD = dict(
    **dict(codebook_dim=10, codebook_size=17, num_quantizers=5, latent_dim=13, hidden_size=11, intermediate_size=9),
    **dict(num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2, head_dim=6, sliding_window=5),
    **dict(decoder_dim=20, upsample_rates=(3, 2), upsampling_ratios=(2,)),
)
_SIZES = {
    "odd": _ODD,
    "a window of one": _ODD | dict(sliding_window=1, num_key_value_heads=6),
    "one block, no upsampler": _ODD | dict(upsample_rates=(4,), upsampling_ratios=(), decoder_dim=34, num_hidden_layers=1),
    "many rates": _ODD | dict(upsample_rates=(1, 7, 2), upsampling_ratios=(3, 1), decoder_dim=136, latent_dim=40, hidden_size=72),
}


@dataclass(frozen=True)
class Decoder:
    """A decoder in one type."""

    weights: DecoderWeights
    config: CodecDecoderConfig
    dtype: torch.dtype

    def state(self, slots: int) -> DecoderState:
        return DecoderState(self.config, slots, dtype=self.dtype)

    def decode(self, codes: Tensor, state: DecoderState, slots: Sequence[int]) -> Tensor:
        return decode(self.weights, self.config, codes, state, torch.tensor(slots)).samples

    def stream(self, codes: Tensor, lengths: Sequence[int]) -> Tensor:
        """Decode one utterance's codes (frames, 16) in pieces of so many frames -> (samples,)."""
        state = self.state(1)
        return torch.cat([self.decode(piece[None], state, [0])[0] for piece in codes.split(list(lengths))])

    def whole(self, codes: Tensor) -> Tensor:
        return self.stream(codes, [len(codes)])

    def poison(self, state: DecoderState, slot: int) -> None:
        """Turn all that a slot remembers to what would not go unnoticed."""
        histories = (state.pre_convolution, *state.upsamplers, state.first_convolution, *state.transposed, state.last_convolution)
        for part in (*histories, *(history for block in state.units for history in block), state.keys, state.values):
            part[:, slot] = torch.nan


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


@pytest.fixture(scope="session")
def odd_codecs(codecs: dict[str, Codec]) -> dict[str, Codec]:
    """Random decoders of odd sizes, by what is odd about them."""

    def draw(sizes: dict[str, Any]) -> Codec:
        config = codecs["base"].config
        decoder = replace(config.decoder_config, **sizes)
        config = replace(config, decode_upsample_rate=decoder.samples_per_frame, decoder_config=decoder)
        return Codec(draw_codec(config, torch.Generator().manual_seed(3)), config)

    return {name: draw(sizes) for name, sizes in _SIZES.items()}
