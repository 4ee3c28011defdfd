"""From codes to sound, exactly and as they come: every frame is decoded once, from the state its slot carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.codec.convolution import (
    Affine,
    ConvNeXt,
    ResidualUnit,
    Snake,
    causal_convolution,
    convnext,
    repeat_convolution,
    residual_unit,
    transposed_convolution,
)
from qwen3tts.codec.quantizer import Dequantizer, dequantize
from qwen3tts.codec.state import DILATIONS, DecoderState
from qwen3tts.codec.transformer import DecoderTransformer, decoder_transformer
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.native import snake


@dataclass(frozen=True)
class Upsampler:
    """Transposed convolution whose stride is its kernel, then a ConvNeXt block."""

    repeat: Affine
    convnext: ConvNeXt

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Upsampler:
        """Take the tensors below `name`."""
        return cls(Affine.read_transposed(tensors, f"{name}.0.conv"), ConvNeXt.read(tensors, f"{name}.1"))


@dataclass(frozen=True)
class WaveBlock:
    """Snake, transposed convolution that halves the channels, and a residual unit per dilation."""

    snake: Snake
    transposed: Affine
    units: tuple[ResidualUnit, ...]

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> WaveBlock:
        """Take the tensors below `name`."""
        return cls(
            Snake.read(tensors, f"{name}.0"),
            Affine.read_transposed(tensors, f"{name}.1.conv"),
            tuple(ResidualUnit.read(tensors, f"{name}.{2 + i}") for i in range(len(DILATIONS))),
        )


@dataclass(frozen=True)
class DecoderWeights:
    """The decoder's weights, in the order of the data's way."""

    dequantizer: Dequantizer
    pre_convolution: Affine
    transformer: DecoderTransformer
    upsamplers: tuple[Upsampler, ...]
    first_convolution: Affine
    blocks: tuple[WaveBlock, ...]
    last_snake: Snake
    last_convolution: Affine

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: CodecDecoderConfig, dtype: torch.dtype = torch.float32) -> DecoderWeights:
        """Take the decoder from a checkpoint's tensors (`speech_tokenizer/model.safetensors`), validated before.

        Codebooks and Snake parameters are derived, and convolutions laid out as matrices; the rest is used where it lies. dtype: of
        all arithmetic; float64 tells an error from a rounding. Source: `Qwen3TTSTokenizerV2Decoder`.
        """
        prefix = "decoder."
        tensors = {name.removeprefix(prefix): tensor.to(dtype) for name, tensor in tensors.items() if name.startswith(prefix)}
        blocks = len(config.upsample_rates)
        return cls(
            dequantizer=Dequantizer.read(tensors, "quantizer", config.num_quantizers),
            pre_convolution=Affine.read_convolution(tensors, "pre_conv.conv"),
            transformer=DecoderTransformer.read(tensors, "pre_transformer", config.num_hidden_layers),
            upsamplers=tuple(Upsampler.read(tensors, f"upsample.{i}") for i in range(len(config.upsampling_ratios))),
            first_convolution=Affine.read_convolution(tensors, "decoder.0.conv"),
            blocks=tuple(WaveBlock.read(tensors, f"decoder.{1 + i}.block") for i in range(blocks)),
            last_snake=Snake.read(tensors, f"decoder.{1 + blocks}"),
            last_convolution=Affine.read_convolution(tensors, f"decoder.{2 + blocks}.conv"),
        )


def decode(weights: DecoderWeights, config: CodecDecoderConfig, codes: Tensor, state: DecoderState, slots: Tensor) -> Tensor:
    """Decode the next n frames of B utterances -> float32 (B, n * samples_per_frame), in [-1, 1].

    codes: int64 (B, n, num_quantizers), n >= 1, as `check_codes` passes them. slots: int64 (B,), distinct, as `check_slots` passes
    them; row i goes on from where slot `slots[i]` stands, and `state` is moved on. Any cut into calls gives the same samples, on a
    CPU to the bit. Working memory is about 4 MB a frame at the released size. Source: `Qwen3TTSTokenizerV2Decoder.forward`.
    """
    hidden = dequantize(codes, weights.dequantizer)
    hidden = causal_convolution(hidden, weights.pre_convolution, state.pre_convolution, slots)
    positions = state.positions[slots]
    hidden = decoder_transformer(hidden, weights.transformer, config, positions, state.keys, state.values, slots)
    state.positions[slots] = positions + codes.shape[1]
    for upsampler, history in zip(weights.upsamplers, state.upsamplers, strict=True):
        hidden = convnext(repeat_convolution(hidden, upsampler.repeat), upsampler.convnext, history, slots)
    wave = causal_convolution(hidden, weights.first_convolution, state.first_convolution, slots)
    for block, overlap, histories in zip(weights.blocks, state.overlaps, state.units, strict=True):
        wave = snake(wave, block.snake.frequency, block.snake.amplitude)
        wave = transposed_convolution(wave, block.transposed, overlap, slots)
        for unit, history, dilation in zip(block.units, histories, DILATIONS, strict=True):
            wave = residual_unit(wave, unit, history, slots, dilation)
    wave = snake(wave, weights.last_snake.frequency, weights.last_snake.amplitude)
    return causal_convolution(wave, weights.last_convolution, state.last_convolution, slots).squeeze(2).clamp_(-1, 1)
