"""The codec's two transformers: the decoder's, with a sliding window and carried keys and values, and the encoder's, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qwen3tts.codec.convolution import Affine
from qwen3tts.codec.state import extend
from qwen3tts.config import CodecDecoderConfig, CodecEncoderConfig

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of RoPE, each float32 (B, 1, n, head_dim / 2)."""


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
        projections = (tensors[f"{name}.self_attn.{part}_proj.weight"] for part in "qkvo")
        return cls(*projections, scale=tensors[f"{name}.self_attn_layer_scale.scale"])


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
    """x float32 (B, n, latent) -> (B, n, latent), each position seeing itself and the window - 1 before it.

    positions: int64 (B,), of each row's first frame. keys, values: (layers, slots, heads, window - 1, head_dim), updated in place;
    keys are kept rotated. slots: int64 (B,). Source: `Qwen3TTSTokenizerV2DecoderTransformerModel`.
    """
    steps = torch.arange(x.shape[1], device=x.device)
    rotation = rotary(positions[:, None] + steps, config)
    mask = window_mask(positions, steps, config.sliding_window)
    x = F.linear(x, weights.input.weight, weights.input.bias)
    for layer, past_keys, past_values in zip(weights.layers, keys, values, strict=True):
        hidden = rms_norm(x, layer.attention_norm, config.rms_norm_eps)
        query, key, value = project(hidden, layer.attention, config, rotation)
        key = extend(past_keys, slots, key, dim=2)
        value = extend(past_values, slots, value, dim=2)
        x = torch.addcmul(x, attend(query, key, value, layer.attention, mask), layer.attention.scale)
        hidden = rms_norm(x, layer.mlp_norm, config.rms_norm_eps)
        hidden = F.linear(F.silu(F.linear(hidden, layer.gate)) * F.linear(hidden, layer.up), layer.down)
        x = torch.addcmul(x, hidden, layer.mlp_scale)
    return F.linear(rms_norm(x, weights.norm, config.rms_norm_eps), weights.output.weight, weights.output.bias)


def encoder_transformer(x: Tensor, layers: tuple[EncoderLayer, ...], config: CodecEncoderConfig) -> Tensor:
    """x float32 (B, n, hidden) -> (B, n, hidden), each position seeing itself and all before it. Source: `MimiTransformerModel`."""
    rotation = rotary(torch.arange(x.shape[1], device=x.device)[None], config)
    width = x.shape[2:]
    for layer in layers:
        hidden = F.layer_norm(x, width, layer.attention_norm.weight, layer.attention_norm.bias, config.norm_eps)
        query, key, value = project(hidden, layer.attention, config, rotation)
        x = torch.addcmul(x, attend(query, key, value, layer.attention), layer.attention.scale)
        hidden = F.layer_norm(x, width, layer.mlp_norm.weight, layer.mlp_norm.bias, config.norm_eps)
        x = torch.addcmul(x, F.linear(F.gelu(F.linear(hidden, layer.up)), layer.down), layer.mlp_scale)
    return x


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Scale the last axis of x to a root mean square of 1, then by weight (channels,)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def rotary(positions: Tensor, config: CodecDecoderConfig | CodecEncoderConfig) -> Rotation:
    """RoPE's cosines and sines at positions int64 (B, n); the angles are float32, as in the official code."""
    exponents = torch.arange(0, config.head_dim, 2, device=positions.device).float() / config.head_dim
    angles = positions[:, None, :, None].float() * (1.0 / config.rope_theta**exponents)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Apply RoPE to x (B, heads, n, head_dim): element i turns with element i + head_dim / 2."""
    cos, sin = rotation
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


def window_mask(positions: Tensor, steps: Tensor, window: int) -> Tensor:
    """Which of the window - 1 carried and n new keys each of the n new positions sees: bool (B, 1, n, window - 1 + n).

    positions: int64 (B,), of each row's first new frame; a row that has decoded less than a window carries keys that never were.
    steps: 0 to n - 1.
    """
    keys = torch.arange(1 - window, len(steps), device=steps.device)
    seen = (keys <= steps[:, None]) & (keys > steps[:, None] - window)
    return (seen & (keys >= -positions[:, None, None]))[:, None]


def project(
    x: Tensor, weights: Attention, config: CodecDecoderConfig | CodecEncoderConfig, rotation: Rotation
) -> tuple[Tensor, Tensor, Tensor]:
    """x (B, n, hidden) -> rotated queries, rotated keys and values, each (B, heads, n, head_dim)."""

    def heads(weight: Tensor) -> Tensor:
        return F.linear(x, weight).unflatten(-1, (-1, config.head_dim)).transpose(1, 2)

    return rotate(heads(weights.query), rotation), rotate(heads(weights.key), rotation), heads(weights.value)


def attend(query: Tensor, key: Tensor, value: Tensor, weights: Attention, mask: Tensor | None = None) -> Tensor:
    """Attention with its output projection -> (B, n, hidden); without a mask it is causal over keys as many as queries."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    mixed = F.scaled_dot_product_attention(query, key, value, mask, is_causal=mask is None)
    return F.linear(mixed.transpose(1, 2).flatten(2), weights.output)
