"""The codec's two transformers: the decoder's, with a sliding window and carried keys and values, and the encoder's, whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.layers import Reader, apply
from qwen3tts.config import CodecDecoderConfig, CodecEncoderConfig
from qwen3tts.kernels.prefill_attention import prefill_attention_reference
from qwen3tts.kernels.qkv import rope_frequencies, rope_reference, rope_table
from qwen3tts.native import Layer, rms_norm, window_attention


@dataclass(frozen=True)
class Attention:
    """qkv: queries, keys and values side by side. output: with the layer scale in it."""

    qkv: Layer
    output: Layer

    @classmethod
    def read(cls, tensors: Reader) -> Attention:
        """Take the attention of a layer."""
        scale = tensors["self_attn_layer_scale.scale"]
        return cls(
            tensors.linear(*(f"self_attn.{part}_proj" for part in "qkv")),
            tensors.linear("self_attn.o_proj", scale=scale),
        )


@dataclass(frozen=True)
class DecoderLayer:
    """RMSNorm, attention, RMSNorm, SwiGLU. gate_up: an output of the gate, one of up, and so on."""

    attention_norm: Tensor
    attention: Attention
    mlp_norm: Tensor
    gate_up: Layer
    down: Layer

    @classmethod
    def read(cls, tensors: Reader) -> DecoderLayer:
        """Take a layer."""
        gate, up = tensors["mlp.gate_proj.weight"], tensors["mlp.up_proj.weight"]
        pairs = torch.stack((gate, up), dim=1).flatten(0, 1)
        return cls(
            attention_norm=tensors["input_layernorm.weight"],
            attention=Attention.read(tensors),
            mlp_norm=tensors["post_attention_layernorm.weight"],
            gate_up=Layer.linear(pairs, activation="swiglu", raw=False, layout=tensors.layout),
            down=tensors.linear("mlp.down_proj", scale=tensors["mlp_layer_scale.scale"]),
        )


@dataclass(frozen=True)
class DecoderTransformer:
    """The layers between two projections, and the last RMSNorm. frequencies: float32 (head_dim / 2), radians a frame."""

    input: Layer
    layers: tuple[DecoderLayer, ...]
    norm: Tensor
    output: Layer
    frequencies: Tensor

    @classmethod
    def read(cls, tensors: Reader, config: CodecDecoderConfig) -> DecoderTransformer:
        """Take the decoder's transformer."""
        norm = tensors["norm.weight"]
        return cls(
            input=tensors.linear("input_proj"),
            layers=tuple(DecoderLayer.read(tensors.below(f"layers.{i}")) for i in range(config.num_hidden_layers)),
            norm=norm,
            output=tensors.linear("output_proj"),
            frequencies=rope_frequencies(config.head_dim, config.rope_theta, norm.device),
        )


class LayerNorm(NamedTuple):
    """Scale and shift, both (hidden,)."""

    scale: Tensor
    shift: Tensor

    @classmethod
    def read(cls, tensors: Reader, name: str) -> LayerNorm:
        """Take the norm `name`."""
        return cls(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


@dataclass(frozen=True)
class EncoderLayer:
    """LayerNorm, attention, LayerNorm, GELU."""

    attention_norm: LayerNorm
    attention: Attention
    mlp_norm: LayerNorm
    up: Layer
    down: Layer

    @classmethod
    def read(cls, tensors: Reader) -> EncoderLayer:
        """Take a layer."""
        return cls(
            attention_norm=LayerNorm.read(tensors, "input_layernorm"),
            attention=Attention.read(tensors),
            mlp_norm=LayerNorm.read(tensors, "post_attention_layernorm"),
            up=tensors.linear("mlp.fc1", activation="gelu", raw=False),
            down=tensors.linear("mlp.fc2", scale=tensors["mlp_layer_scale.scale"]),
        )


def decoder_transformer(
    x: Tensor,
    weights: DecoderTransformer,
    config: CodecDecoderConfig,
    keys: Tensor,
    values: Tensor,
    slots: Tensor,
    progress: Tensor,
) -> Tensor:
    """x (B, n, latent) -> (B, n, latent), each position seeing itself and the window - 1 before it.

    keys, values, progress: of `DecoderState`; the first two are updated in place. slots: int64 (B,).
    Source: `Qwen3TTSTokenizerV2DecoderTransformerModel`.
    """
    x = apply(weights.input, x)
    for layer, keys_of_layer, values_of_layer in zip(weights.layers, keys, values, strict=True):
        qkv = apply(layer.attention.qkv, rms_norm(x, layer.attention_norm, config.rms_norm_eps))
        mixed = window_attention(qkv, keys_of_layer, values_of_layer, weights.frequencies, slots, progress)
        x = apply(layer.attention.output, mixed, residual=x)
        gated = apply(layer.gate_up, rms_norm(x, layer.mlp_norm, config.rms_norm_eps))
        x = apply(layer.down, gated, residual=x)
    return apply(weights.output, rms_norm(x, weights.norm, config.rms_norm_eps))


def encoder_transformer(x: Tensor, layers: tuple[EncoderLayer, ...], config: CodecEncoderConfig) -> Tensor:
    """x float32 (1, n, hidden) -> (1, n, hidden), each position seeing itself and all before it. Source: `MimiTransformerModel`."""
    rope = rope_table(torch.arange(x.shape[1]), config.head_dim, config.rope_theta)
    kv_heads = config.num_key_value_heads
    for layer in layers:
        qkv = apply(layer.attention.qkv, normalised(x, layer.attention_norm, config)).unflatten(2, (-1, config.head_dim))[0]
        query, key, value = qkv.split((config.num_attention_heads, kv_heads, kv_heads), dim=1)
        mixed = prefill_attention_reference(rope_reference(query, *rope), rope_reference(key, *rope), value)
        x = apply(layer.attention.output, mixed.flatten(1)[None], residual=x)
        x = apply(layer.down, apply(layer.up, normalised(x, layer.mlp_norm, config)), residual=x)
    return x


def normalised(x: Tensor, norm: LayerNorm, config: CodecEncoderConfig) -> Tensor:
    """LayerNorm over the last dimension."""
    return F.layer_norm(x, x.shape[-1:], norm.scale, norm.shift, config.norm_eps)
