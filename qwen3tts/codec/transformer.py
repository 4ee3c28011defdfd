"""The codec's two transformers: the decoder's, with a sliding window and carried keys and values, and the encoder's, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.convolution import Affine, gelu
from qwen3tts.codec.state import extend
from qwen3tts.config import CodecDecoderConfig, CodecEncoderConfig
from qwen3tts.kernels.mlp import swiglu_reference
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.prefill_attention import prefill_attention_reference
from qwen3tts.kernels.qkv import rope_reference, rope_table
from qwen3tts.native import linear


@dataclass(frozen=True)
class Attention:
    """Projections (out, in) without biases, and the scale of the result (hidden,)."""

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    scale: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Attention:
        """Take the attention of the layer whose tensors lie below `name`."""
        query, key, value, output = (tensors[f"{name}.self_attn.{part}_proj.weight"] for part in "qkvo")
        return cls(query, key, value, output, tensors[f"{name}.self_attn_layer_scale.scale"])


@dataclass(frozen=True)
class DecoderLayer:
    """RMSNorm, attention, RMSNorm, SwiGLU."""

    attention_norm: Tensor
    attention: Attention
    mlp_norm: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor
    mlp_scale: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> DecoderLayer:
        """Take the tensors below `name`."""
        return cls(
            attention_norm=tensors[f"{name}.input_layernorm.weight"],
            attention=Attention.read(tensors, name),
            mlp_norm=tensors[f"{name}.post_attention_layernorm.weight"],
            gate=tensors[f"{name}.mlp.gate_proj.weight"],
            up=tensors[f"{name}.mlp.up_proj.weight"],
            down=tensors[f"{name}.mlp.down_proj.weight"],
            mlp_scale=tensors[f"{name}.mlp_layer_scale.scale"],
        )


@dataclass(frozen=True)
class DecoderTransformer:
    """The layers between two projections, and the last RMSNorm."""

    input: Affine
    layers: tuple[DecoderLayer, ...]
    norm: Tensor
    output: Affine

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str, layers: int) -> DecoderTransformer:
        """Take the tensors below `name`."""
        return cls(
            input=Affine.read(tensors, f"{name}.input_proj"),
            layers=tuple(DecoderLayer.read(tensors, f"{name}.layers.{i}") for i in range(layers)),
            norm=tensors[f"{name}.norm.weight"],
            output=Affine.read(tensors, f"{name}.output_proj"),
        )


@dataclass(frozen=True)
class EncoderLayer:
    """LayerNorm, attention, LayerNorm, GELU."""

    attention_norm: Affine
    attention: Attention
    mlp_norm: Affine
    up: Tensor
    down: Tensor
    mlp_scale: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> EncoderLayer:
        """Take the tensors below `name`."""
        return cls(
            attention_norm=Affine.read(tensors, f"{name}.input_layernorm"),
            attention=Attention.read(tensors, name),
            mlp_norm=Affine.read(tensors, f"{name}.post_attention_layernorm"),
            up=tensors[f"{name}.mlp.fc1.weight"],
            down=tensors[f"{name}.mlp.fc2.weight"],
            mlp_scale=tensors[f"{name}.mlp_layer_scale.scale"],
        )


def decoder_transformer(
    x: Tensor,
    weights: DecoderTransformer,
    config: CodecDecoderConfig,
    positions: Tensor,
    keys: Tensor,
    values: Tensor,
    slots: Tensor,
) -> Tensor:
    """x (B, n, latent) -> (B, n, latent), each position seeing itself and the window - 1 before it.

    positions: int64 (B,), of each row's first frame. keys, values: (layers, slots, window - 1, heads, head_dim), updated in place;
    keys are kept rotated. slots: int64 (B,). Source: `Qwen3TTSTokenizerV2DecoderTransformerModel`.
    """
    frames = positions[:, None] + torch.arange(x.shape[1], device=x.device)
    rope = rope_table(frames, config.head_dim, config.rope_theta)
    unseen = frames[..., None] < torch.arange(config.sliding_window - 1, -1, -1, device=x.device)
    x = linear(x, weights.input.weight, weights.input.bias)
    heads = (*x.shape[:2], -1, config.head_dim)
    for layer, past_keys, past_values in zip(weights.layers, keys, values, strict=True):
        hidden = rms_norm_reference(x, layer.attention_norm, config.rms_norm_eps)
        query = rope_reference(linear(hidden, layer.attention.query).view(heads), *rope)
        key = rope_reference(linear(hidden, layer.attention.key).view(heads), *rope)
        key = extend(past_keys, slots, key)
        value = extend(past_values, slots, linear(hidden, layer.attention.value).view(heads))
        mixed = window_attention(query, key, value, unseen).flatten(2)
        x = x + layer.attention.scale * linear(mixed, layer.attention.output)
        hidden = rms_norm_reference(x, layer.mlp_norm, config.rms_norm_eps)
        hidden = swiglu_reference(linear(hidden, layer.gate), linear(hidden, layer.up))
        x = x + layer.mlp_scale * linear(hidden, layer.down)
    return linear(rms_norm_reference(x, weights.norm, config.rms_norm_eps), weights.output.weight, weights.output.bias)


def window_attention(query: Tensor, key: Tensor, value: Tensor, unseen: Tensor) -> Tensor:
    """Attention of each of n positions over its own window of keys -> (B, n, heads, head_dim).

    query: (B, n, heads, head_dim). key, value: (B, window - 1 + n, kv_heads, head_dim). unseen: bool (B, n, window), places of a
    window that lie before the first frame. Every position has a product of its own over a whole window, so that its rounding does
    not depend on how many positions a call has.
    """
    batch, n, heads, head_dim = query.shape
    window, groups = unseen.shape[2], heads // key.shape[2]
    products = (batch * n * key.shape[2], groups, head_dim)
    keys = key.unfold(1, window, 1).reshape(products[0], head_dim, window)
    values = value.unfold(1, window, 1).reshape(products[0], head_dim, window).transpose(1, 2)
    scores = (query.reshape(products) @ keys).view(batch, n, heads, window) * head_dim**-0.5
    weights = scores.masked_fill(unseen[:, :, None], float("-inf")).softmax(-1)
    return (weights.view(*products[:2], window) @ values).view(query.shape)


def encoder_transformer(x: Tensor, layers: tuple[EncoderLayer, ...], config: CodecEncoderConfig) -> Tensor:
    """x float32 (B, n, hidden) -> (B, n, hidden), each position seeing itself and all before it. Source: `MimiTransformerModel`."""
    rope = rope_table(torch.arange(x.shape[1], device=x.device), config.head_dim, config.rope_theta)
    heads = (*x.shape[:2], -1, config.head_dim)
    for layer in layers:
        hidden = F.layer_norm(x, x.shape[2:], layer.attention_norm.weight, layer.attention_norm.bias, config.norm_eps)
        query = rope_reference(linear(hidden, layer.attention.query).view(heads), *rope)
        key = rope_reference(linear(hidden, layer.attention.key).view(heads), *rope)
        value = linear(hidden, layer.attention.value).view(heads)
        mixed = torch.stack([prefill_attention_reference(*row) for row in zip(query, key, value, strict=True)])
        x = x + layer.attention.scale * linear(mixed.flatten(2), layer.attention.output)
        hidden = F.layer_norm(x, x.shape[2:], layer.mlp_norm.weight, layer.mlp_norm.bias, config.norm_eps)
        x = x + layer.mlp_scale * linear(gelu(linear(hidden, layer.up)), layer.down)
    return x
