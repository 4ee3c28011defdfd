"""The weights of the talker and the code predictor, named as the checkpoint names them.

Matrices stay in the dtype and place they are given in (on the CPU: mapped from the file); vectors, which are small and enter
elementwise arithmetic, are converted to the dtype of that arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.config import CodePredictorConfig, StackConfig, TalkerConfig


@dataclass(frozen=True)
class LayerWeights:
    """One decoder layer. Projections are (out, in), norms (width,)."""

    input_norm: Tensor
    q_proj: Tensor
    k_proj: Tensor
    v_proj: Tensor
    q_norm: Tensor
    k_norm: Tensor
    o_proj: Tensor
    post_attention_norm: Tensor
    gate_proj: Tensor
    up_proj: Tensor
    down_proj: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], prefix: str, dtype: torch.dtype) -> LayerWeights:
        """Take a layer's tensors from a checkpoint; `dtype` is that of the activations."""
        attention, mlp = f"{prefix}self_attn.", f"{prefix}mlp."
        return cls(
            input_norm=tensors[f"{prefix}input_layernorm.weight"].to(dtype),
            q_proj=tensors[f"{attention}q_proj.weight"],
            k_proj=tensors[f"{attention}k_proj.weight"],
            v_proj=tensors[f"{attention}v_proj.weight"],
            q_norm=tensors[f"{attention}q_norm.weight"].to(dtype),
            k_norm=tensors[f"{attention}k_norm.weight"].to(dtype),
            o_proj=tensors[f"{attention}o_proj.weight"],
            post_attention_norm=tensors[f"{prefix}post_attention_layernorm.weight"].to(dtype),
            gate_proj=tensors[f"{mlp}gate_proj.weight"],
            up_proj=tensors[f"{mlp}up_proj.weight"],
            down_proj=tensors[f"{mlp}down_proj.weight"],
        )


def _read_layers(tensors: Mapping[str, Tensor], prefix: str, config: StackConfig, dtype: torch.dtype) -> tuple[LayerWeights, ...]:
    return tuple(LayerWeights.read(tensors, f"{prefix}layers.{i}.", dtype) for i in range(config.num_hidden_layers))


@dataclass(frozen=True)
class TalkerWeights:
    """The talker. Embeddings are (vocabulary, width); the text projection is two linears with biases."""

    layers: tuple[LayerWeights, ...]
    norm: Tensor
    codec_embedding: Tensor
    codec_head: Tensor
    text_embedding: Tensor
    text_fc1: Tensor
    text_fc1_bias: Tensor
    text_fc2: Tensor
    text_fc2_bias: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: TalkerConfig, dtype: torch.dtype) -> TalkerWeights:
        """Take the talker from the tensors of `model.safetensors`."""
        return cls(
            layers=_read_layers(tensors, "talker.model.", config, dtype),
            norm=tensors["talker.model.norm.weight"].to(dtype),
            codec_embedding=tensors["talker.model.codec_embedding.weight"],
            codec_head=tensors["talker.codec_head.weight"],
            text_embedding=tensors["talker.model.text_embedding.weight"],
            text_fc1=tensors["talker.text_projection.linear_fc1.weight"],
            text_fc1_bias=tensors["talker.text_projection.linear_fc1.bias"].to(dtype),
            text_fc2=tensors["talker.text_projection.linear_fc2.weight"],
            text_fc2_bias=tensors["talker.text_projection.linear_fc2.bias"].to(dtype),
        )


@dataclass(frozen=True)
class CodePredictorWeights:
    """The code predictor: per residual codebook an embedding of the talker's width and a head.

    input_proj, input_proj_bias: from the talker's width to the predictor's; None where they are equal.
    """

    layers: tuple[LayerWeights, ...]
    norm: Tensor
    codec_embeddings: tuple[Tensor, ...]
    heads: tuple[Tensor, ...]
    input_proj: Tensor | None
    input_proj_bias: Tensor | None

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: CodePredictorConfig, dtype: torch.dtype) -> CodePredictorWeights:
        """Take the code predictor from the tensors of `model.safetensors`."""
        prefix = "talker.code_predictor."
        residual = range(config.num_code_groups - 1)
        bias = tensors.get(f"{prefix}small_to_mtp_projection.bias")
        return cls(
            layers=_read_layers(tensors, f"{prefix}model.", config, dtype),
            norm=tensors[f"{prefix}model.norm.weight"].to(dtype),
            codec_embeddings=tuple(tensors[f"{prefix}model.codec_embedding.{i}.weight"] for i in residual),
            heads=tuple(tensors[f"{prefix}lm_head.{i}.weight"] for i in residual),
            input_proj=tensors.get(f"{prefix}small_to_mtp_projection.weight"),
            input_proj_bias=None if bias is None else bias.to(dtype),
        )
