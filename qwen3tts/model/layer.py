"""The decoder layer that the talker and the code predictor share; official module `Qwen3TTSTalkerDecoderLayer`."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from qwen3tts.config import StackConfig
from qwen3tts.kernels.mlp import swiglu_reference
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.qkv import qk_norm_rope_reference
from qwen3tts.model.weights import LayerWeights
from qwen3tts.native import linear

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(query, key, value), each (..., heads, head_dim) and rotated -> mixed values, of the query's shape. It stores keys and values."""


def decoder_layer(weights: LayerWeights, config: StackConfig, x: Tensor, rope: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
    """One pre-norm layer: x (..., hidden) at positions whose rotation is `rope` -> (..., hidden)."""
    heads = (*x.shape[:-1], -1, config.head_dim)
    normed = rms_norm_reference(x, weights.input_norm, config.rms_norm_eps)
    query = qk_norm_rope_reference(linear(normed, weights.q_proj).view(heads), weights.q_norm, config.rms_norm_eps, *rope)
    key = qk_norm_rope_reference(linear(normed, weights.k_proj).view(heads), weights.k_norm, config.rms_norm_eps, *rope)
    value = linear(normed, weights.v_proj).view(heads)
    x = x + linear(attend(query, key, value).flatten(-2), weights.o_proj)
    normed = rms_norm_reference(x, weights.post_attention_norm, config.rms_norm_eps)
    return x + linear(swiglu_reference(linear(normed, weights.gate_proj), linear(normed, weights.up_proj)), weights.down_proj)
