"""From codes to sound, exactly and as they come: every frame is decoded once, from the state its slot carries.

Weights are read as the data meets them. A layer's activation is the one that the operation after it begins with, so that each is
computed once an element, on sums that are still in registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.codec.checks import check_call
from qwen3tts.codec.layers import Reader, apply
from qwen3tts.codec.quantizer import Dequantizer
from qwen3tts.codec.state import DILATIONS, DecoderState
from qwen3tts.codec.transformer import DecoderTransformer, LayerNorm, decoder_transformer
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.native import Layer, Past, Sound, convolution, depthwise_norm, dequantize, residual_unit, waveform

Snake = tuple[Tensor, Tensor]
"""Frequency and amplitude of each channel's ripple."""

NORM_EPS = 1e-6
"""Of the ConvNeXt blocks' LayerNorm; a constant of the official decoder."""


@dataclass(frozen=True)
class Upsampler:
    """Transposed convolution whose stride is its kernel, then ConvNeXt: depthwise convolution, norm, and an MLP (arXiv 2201.03545).

    depthwise: (kernel, channels). narrow: with the block's scale in it.
    """

    repeat: Layer
    depthwise: Tensor
    depthwise_bias: Tensor
    norm: LayerNorm
    widen: Layer
    narrow: Layer

    @classmethod
    def read(cls, tensors: Reader, ratio: int) -> Upsampler:
        """Take an upsampler by `ratio`."""
        block = tensors.below("1")
        return cls(
            repeat=tensors.transposed("0.conv", ratio),
            depthwise=block["dwconv.conv.weight"].squeeze(1).T.contiguous(),
            depthwise_bias=block["dwconv.conv.bias"],
            norm=LayerNorm.read(block, "norm"),
            widen=block.linear("pwconv1", activation="gelu", raw=False),
            narrow=block.linear("pwconv2", scale=block["gamma"]),
        )


@dataclass(frozen=True)
class ResidualUnit:
    """Dilated convolution, Snake, pointwise convolution, and what it began with; the Snake before it belongs to who made that."""

    dilated: Layer
    pointwise: Layer

    @classmethod
    def read(cls, tensors: Reader, dilation: int, after: Snake, raw: bool) -> ResidualUnit:
        """Take a unit. after: the Snake that follows it; raw: whether its result is wanted without, too."""
        return cls(
            tensors.convolution("conv1.conv", dilation=dilation, activation="snake", snake=tensors.snake("act2"), raw=False),
            tensors.convolution("conv2.conv", activation="snake", snake=after, raw=raw),
        )


@dataclass(frozen=True)
class WaveBlock:
    """Transposed convolution that halves the channels, and a residual unit per dilation."""

    transposed: Layer
    units: tuple[ResidualUnit, ...]

    @classmethod
    def read(cls, tensors: Reader, rate: int, after: Snake) -> WaveBlock:
        """Take a block that upsamples by `rate`. after: the Snake that follows it."""
        units = [tensors.below(str(2 + i)) for i in range(len(DILATIONS))]
        snakes = [*(unit.snake("act1") for unit in units), after]
        return cls(
            tensors.transposed("1.conv", rate, snakes[0]),
            tuple(
                ResidualUnit.read(unit, dilation, follows, raw=follows is not after)
                for unit, dilation, follows in zip(units, DILATIONS, snakes[1:], strict=True)
            ),
        )


@dataclass(frozen=True)
class DecoderWeights:
    """The decoder's weights, in the order of the data's way. last_convolution: (kernel, channels)."""

    dequantizer: Dequantizer
    pre_convolution: Layer
    transformer: DecoderTransformer
    upsamplers: tuple[Upsampler, ...]
    first_convolution: Layer
    blocks: tuple[WaveBlock, ...]
    last_convolution: Tensor
    last_bias: Tensor

    @classmethod
    def read(
        cls,
        tensors: Mapping[str, Tensor],
        config: CodecDecoderConfig,
        dtype: torch.dtype = torch.float32,
        layout: str | None = None,
        device: torch.device | None = None,
    ) -> DecoderWeights:
        """Take the decoder from a checkpoint's tensors (`speech_tokenizer/model.safetensors`), validated before.

        dtype: of all arithmetic; float64 tells an error from a rounding. layout: of the layers, None for the one that suits dtype
        and device; see `Layer.pack`. device: of the weights, None for where the tensors are. Source: `Qwen3TTSTokenizerV2Decoder`.
        """
        decoder = Reader(tensors, "decoder.", dtype, layout, device)
        wave, blocks = decoder.below("decoder"), len(config.upsample_rates)
        snakes = [*(wave.snake(f"{1 + i}.block.0") for i in range(blocks)), wave.snake(f"{1 + blocks}")]
        last = wave.below(f"{2 + blocks}.conv")
        return cls(
            dequantizer=Dequantizer.read(decoder.below("quantizer"), config.num_quantizers),
            pre_convolution=decoder.convolution("pre_conv.conv"),
            transformer=DecoderTransformer.read(decoder.below("pre_transformer"), config),
            upsamplers=tuple(Upsampler.read(decoder.below(f"upsample.{i}"), r) for i, r in enumerate(config.upsampling_ratios)),
            first_convolution=wave.convolution("0.conv", activation="snake", snake=snakes[0], raw=False),
            blocks=tuple(
                WaveBlock.read(wave.below(f"{1 + i}.block"), rate, snakes[1 + i]) for i, rate in enumerate(config.upsample_rates)
            ),
            last_convolution=last["weight"][0].T.contiguous(),
            last_bias=last["bias"],
        )


def decode(weights: DecoderWeights, config: CodecDecoderConfig, codes: Tensor, state: DecoderState, slots: Tensor) -> Sound:
    """Decode the next n frames of B utterances -> samples (B, n * samples_per_frame), in [-1, 1], and the same as int16 PCM.

    codes: int64 (B, n, num_quantizers), n >= 1. slots: int64 (B,), distinct; row i goes on from where slot `slots[i]` stands, and
    `state` is moved on. Both on the state's device. Any cut into calls gives the same samples, on a CPU to the bit. On a GPU
    nothing waits for the device, so that a CUDA graph can record the call, and values are not looked at: a code out of range is
    clamped, and whoever names slots claims them. Working memory is about 4 MB a frame at the released size. Raises CodesError.
    Source: `Qwen3TTSTokenizerV2Decoder.forward`.
    """
    check_call(codes, slots, config, state)

    def past(history: Tensor) -> Past:
        return Past(history, slots, state.progress)

    with state.claim(slots.tolist() if slots.device.type == "cpu" else ()):
        hidden = apply(weights.dequantizer.output, dequantize(codes.contiguous(), weights.dequantizer.codebooks))
        hidden = apply(weights.pre_convolution, hidden, past(state.pre_convolution))
        hidden = decoder_transformer(hidden, weights.transformer, config, state.keys, state.values, slots, state.progress)
        for up, history in zip(weights.upsamplers, state.upsamplers, strict=True):
            hidden = apply(up.repeat, hidden)
            mixed = depthwise_norm(hidden, up.depthwise, up.depthwise_bias, *up.norm, NORM_EPS, past(history))
            hidden = apply(up.narrow, apply(up.widen, mixed), residual=hidden)
        wave = apply(weights.first_convolution, hidden, past(state.first_convolution))
        for block, history, histories in zip(weights.blocks, state.transposed, state.units, strict=True):
            signal = convolution(wave, block.transposed, past(history))
            for unit, history_of_unit in zip(block.units, histories, strict=True):
                signal = residual_unit(signal, unit.dilated, unit.pointwise, past(history_of_unit))
            assert signal.activated is not None  # a Snake follows every unit
            wave = signal.activated
        sound = waveform(wave, weights.last_convolution, weights.last_bias, past(state.last_convolution))
        state.advance(slots, codes.shape[1])
        return sound
