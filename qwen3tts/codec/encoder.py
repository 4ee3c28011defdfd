"""From sound to codes: the Mimi encoder over a whole clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.layers import Reader, apply
from qwen3tts.codec.quantizer import Quantizer, quantize
from qwen3tts.codec.transformer import EncoderLayer, encoder_transformer
from qwen3tts.config import ENCODER_STRIDE, CodecConfig, CodecEncoderConfig
from qwen3tts.native import Layer, Past, Signal, convolution, residual_unit

FRAMES_AT_ONCE = 8
"""What SEANet makes of so many frames lies in a cache: its widest signal has 256 KB a frame, and ten times that of a minute is
more than most machines like to give away."""


@dataclass(frozen=True)
class EncoderUnit:
    """Dilated convolution, ELU, pointwise convolution, and what it began with; the ELU before it belongs to who made that."""

    dilated: Layer
    pointwise: Layer

    @classmethod
    def read(cls, tensors: Reader, dilation: int, raw: bool) -> EncoderUnit:
        """Take a unit. raw: whether its result is wanted without the ELU that follows, too."""
        return cls(
            tensors.convolution("1.conv", dilation=dilation, activation="elu", raw=False),
            tensors.convolution("3.conv", activation="elu", raw=raw),
        )


Stage = Layer | EncoderUnit
"""Of SEANet; a layer takes the activated signal of the stage before it, a unit both."""


@dataclass(frozen=True)
class EncoderWeights:
    """The encoder's weights, float32, in the order of the data's way."""

    seanet: tuple[Stage, ...]
    layers: tuple[EncoderLayer, ...]
    downsampling: Layer
    semantic: Quantizer
    acoustic: Quantizer

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: CodecConfig) -> EncoderWeights:
        """Take the encoder from a checkpoint's tensors (`speech_tokenizer/model.safetensors`), validated before.

        Only the codebooks that the codec uses are read. Source: transformers' `MimiModel`.
        """
        reader, encoder = Reader(tensors, "encoder.", torch.float32), config.encoder_config
        transformer, quantizer = reader.below("encoder_transformer"), reader.below("quantizer")
        semantic = encoder.num_semantic_quantizers
        acoustic = config.encoder_valid_num_quantizers - semantic
        return cls(
            seanet=tuple(read_seanet(reader.below("encoder.layers"), encoder)),
            layers=tuple(EncoderLayer.read(transformer.below(f"layers.{i}")) for i in range(encoder.num_hidden_layers)),
            downsampling=reader.convolution("downsample.conv", stride=ENCODER_STRIDE),
            semantic=Quantizer.read(quantizer.below("semantic_residual_vector_quantizer"), semantic),
            acoustic=Quantizer.read(quantizer.below("acoustic_residual_vector_quantizer"), acoustic),
        )


def read_seanet(tensors: Reader, config: CodecEncoderConfig) -> Iterator[Stage]:
    """A convolution, blocks of residual units and a strided convolution that doubles the channels, and a last convolution.

    The checkpoint numbers them in order, and the ELU before each convolution but the first, too.
    """
    units, strides = config.num_residual_layers, tuple(reversed(config.upsampling_ratios))
    yield tensors.convolution("0.conv", activation="elu", raw=units > 0)
    index = 1
    for block, stride in enumerate(strides):
        for i in range(units):
            yield EncoderUnit.read(tensors.below(f"{index + i}.block"), config.dilation_growth_rate**i, raw=i + 1 < units)
        index += units + 1
        raw = units > 0 and block + 1 < len(strides)
        yield tensors.convolution(f"{index}.conv", stride=stride, activation="elu", raw=raw)
        index += 1
    yield tensors.convolution(f"{index + 1}.conv")


def encode(weights: EncoderWeights, config: CodecConfig, samples: Tensor) -> Tensor:
    """Encode a clip, float32 (n,) at `input_sample_rate`, n >= 1 -> int64 (ceil(n / encode_downsample_rate), codebooks).

    Source: `Qwen3TTSTokenizerV2Model.encode` and transformers' `MimiModel`, whose attention sees the whole past in such a pass.
    """
    hidden = seanet(samples, weights.seanet, FRAMES_AT_ONCE * config.encode_downsample_rate)
    vectors = downsample(encoder_transformer(hidden, weights.layers, config.encoder_config), weights.downsampling)
    return torch.cat((quantize(vectors, weights.semantic), quantize(vectors, weights.acoustic)), dim=-1)


def seanet(samples: Tensor, stages: tuple[Stage, ...], at_once: int) -> Tensor:
    """samples float32 (n,) -> (1, ceil(n / product of the strides), hidden).

    at_once: samples that go through all stages together, a multiple of that product; the result is the same for any.
    Source: transformers' `MimiEncoder`; arXiv 2009.02095.
    """
    slots, progress = torch.zeros(1, dtype=torch.int64), torch.zeros(1, 2, dtype=torch.int64)
    firsts = [stage.dilated if isinstance(stage, EncoderUnit) else stage for stage in stages]
    pasts = [Past(torch.zeros(2, 1, layer.past, layer.channels), slots, progress) for layer in firsts]
    pieces = []
    for piece in samples.split(at_once):
        signal = Signal(None, piece[None, :, None])
        for stage, past in zip(stages, pasts, strict=True):
            signal = run_stage(stage, signal, past)
        assert signal.raw is not None  # nothing follows the last convolution
        pieces.append(signal.raw)
        progress += 1
    return torch.cat(pieces, dim=1)


def run_stage(stage: Stage, signal: Signal, past: Past) -> Signal:
    """One stage; a signal (1, T, C) that does not fill the last stride of a convolution is filled up with zeros."""
    if isinstance(stage, EncoderUnit):
        return residual_unit(signal, stage.dilated, stage.pointwise, past)
    assert signal.activated is not None  # every stage but the last has an ELU behind it
    return convolution(F.pad(signal.activated, (0, 0, 0, -signal.activated.shape[1] % stage.stride)), stage, past)


def downsample(x: Tensor, layer: Layer) -> Tensor:
    """x (1, T, C) -> (1, ceil(T / stride), C), by a convolution that sees the first and the last input repeated beyond the ends."""
    before, after = x[:, :1].expand(-1, layer.past, -1), x[:, -1:].expand(-1, -x.shape[1] % layer.stride, -1)
    # The first outputs are those of the zeros before `before`.
    return apply(layer, torch.cat((before, x, after), dim=1))[:, layer.past // layer.stride :]
