"""From sound to codes: the Mimi encoder over a whole clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.convolution import Affine
from qwen3tts.codec.quantizer import Quantizer, quantize
from qwen3tts.codec.transformer import EncoderLayer, encoder_transformer
from qwen3tts.config import ENCODER_STRIDE, CodecConfig, CodecEncoderConfig


@dataclass(frozen=True)
class EncoderUnit:
    """ELU, dilated convolution, ELU, pointwise convolution."""

    dilated: Affine
    pointwise: Affine

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> EncoderUnit:
        """Take the tensors below `name`."""
        return cls(Affine.read(tensors, f"{name}.block.1.conv"), Affine.read(tensors, f"{name}.block.3.conv"))


@dataclass(frozen=True)
class EncoderBlock:
    """Residual units, then ELU and a strided convolution that doubles the channels."""

    units: tuple[EncoderUnit, ...]
    strided: Affine

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], first: int, units: int) -> EncoderBlock:
        """Take the SEANet layers from number `first` on; the checkpoint numbers the ELU before the strided convolution too."""
        return cls(
            tuple(EncoderUnit.read(tensors, f"encoder.layers.{first + i}") for i in range(units)),
            Affine.read(tensors, f"encoder.layers.{first + units + 1}.conv"),
        )


@dataclass(frozen=True)
class EncoderWeights:
    """The encoder's weights, float32, in the order of the data's way."""

    first_convolution: Affine
    blocks: tuple[EncoderBlock, ...]
    last_convolution: Affine
    layers: tuple[EncoderLayer, ...]
    downsampling: Tensor
    semantic: Quantizer
    acoustic: Quantizer

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: CodecConfig) -> EncoderWeights:
        """Take the encoder from a checkpoint's tensors (`speech_tokenizer/model.safetensors`), validated before.

        Only the codebooks that the codec uses are read. Source: transformers' `MimiModel`.
        """
        prefix = "encoder."
        tensors = {name.removeprefix(prefix): tensor.float() for name, tensor in tensors.items() if name.startswith(prefix)}
        encoder = config.encoder_config
        units, blocks = encoder.num_residual_layers, len(encoder.upsampling_ratios)
        layers_of_block = units + 2
        semantic = encoder.num_semantic_quantizers
        acoustic = config.encoder_valid_num_quantizers - semantic
        return cls(
            first_convolution=Affine.read(tensors, "encoder.layers.0.conv"),
            blocks=tuple(EncoderBlock.read(tensors, 1 + i * layers_of_block, units) for i in range(blocks)),
            last_convolution=Affine.read(tensors, f"encoder.layers.{2 + blocks * layers_of_block}.conv"),
            layers=tuple(EncoderLayer.read(tensors, f"encoder_transformer.layers.{i}") for i in range(encoder.num_hidden_layers)),
            downsampling=tensors["downsample.conv.weight"],
            semantic=Quantizer.read(tensors, "quantizer.semantic_residual_vector_quantizer", semantic),
            acoustic=Quantizer.read(tensors, "quantizer.acoustic_residual_vector_quantizer", acoustic),
        )


def encode(weights: EncoderWeights, config: CodecConfig, samples: Tensor) -> Tensor:
    """Encode a clip, float32 (n,) at `input_sample_rate`, n >= 1 -> int64 (ceil(n / encode_downsample_rate), codebooks).

    Source: `Qwen3TTSTokenizerV2Model.encode` and transformers' `MimiModel`, whose attention sees the whole past in such a pass.
    """
    hidden = seanet(samples, weights, config.encoder_config)
    hidden = encoder_transformer(hidden.transpose(1, 2), weights.layers, config.encoder_config).transpose(1, 2)
    padded = pad(hidden, weights.downsampling.shape[-1], ENCODER_STRIDE, mode="replicate")
    vectors = F.conv1d(padded, weights.downsampling, stride=ENCODER_STRIDE)[0].T
    return torch.cat((quantize(vectors, weights.semantic), quantize(vectors, weights.acoustic)), dim=-1)


def seanet(samples: Tensor, weights: EncoderWeights, config: CodecEncoderConfig) -> Tensor:
    """samples float32 (n,) -> (1, hidden, ceil(n / product of the ratios)).

    Source: transformers' `MimiEncoder`; arXiv 2009.02095.
    """
    first = weights.first_convolution
    hidden = F.conv1d(pad(samples[None, None], config.kernel_size), first.weight, first.bias)
    for block, stride in zip(weights.blocks, reversed(config.upsampling_ratios), strict=True):
        for i, unit in enumerate(block.units):
            inner = elu_convolution(hidden, unit.dilated, dilation=config.dilation_growth_rate**i)
            hidden = hidden + elu_convolution(inner, unit.pointwise)
        hidden = elu_convolution(hidden, block.strided, stride=stride)
    return elu_convolution(hidden, weights.last_convolution)


def elu_convolution(x: Tensor, convolution: Affine, stride: int = 1, dilation: int = 1) -> Tensor:
    """ELU and a causal convolution: x (B, C, T) -> (B, C_out, ceil(T / stride)). Source: transformers' `MimiConv1d`."""
    padded = pad(x, (convolution.weight.shape[-1] - 1) * dilation + 1, stride)
    # ELU leaves zeros zeros, so it may follow the padding, and needs no memory of its own
    return F.conv1d(F.elu_(padded), convolution.weight, convolution.bias, stride=stride, dilation=dilation)


def pad(x: Tensor, reach: int, stride: int = 1, mode: str = "constant") -> Tensor:
    """Lengthen x (B, C, T) so that a convolution that reaches over `reach` inputs is causal and makes ceil(T / stride) outputs.

    mode: "constant" puts zeros, "replicate" the first and the last input.
    """
    return F.pad(x, (reach - stride, -x.shape[-1] % stride), mode)
