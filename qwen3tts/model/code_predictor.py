"""The code predictor: from the talker's hidden state and code 0 to codes 1 to 15, a step each.

Official module `Qwen3TTSTalkerCodePredictorModelForConditionalGeneration`; hidden state and code 0 are positions 0 and 1 of one
step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qwen3tts.config import CodePredictorConfig
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.predictor_attention import predictor_attention_reference
from qwen3tts.kernels.qkv import rope_table
from qwen3tts.model.layer import decoder_layer
from qwen3tts.model.weights import CodePredictorWeights
from qwen3tts.native import linear

Draw = Callable[[Tensor, int], Tensor]
"""(logits float32 (n, codebook size), codebook) -> codes int64 (n,)."""


def predictor_step(
    weights: CodePredictorWeights, config: CodePredictorConfig, x: Tensor, start: int, keys: Tensor, values: Tensor
) -> Tensor:
    """One step of n rows over m new positions from `start`: x (n, m, talker hidden) -> hidden states of the last one (n, hidden).

    keys, values: (layers, n, num_code_groups, kv_heads, head_dim), filled up to `start`.
    """
    if weights.input_proj is not None:
        x = linear(x, weights.input_proj, weights.input_proj_bias)
    end = start + x.shape[1]
    rope = rope_table(torch.arange(start, end, device=x.device), config.head_dim, config.rope_theta)
    for i, layer in enumerate(weights.layers):

        def attend(query: Tensor, key: Tensor, value: Tensor, i: int = i) -> Tensor:
            keys[i, :, start:end] = key
            values[i, :, start:end] = value
            return predictor_attention_reference(query, keys[i, :, :end], values[i, :, :end])

        x = decoder_layer(layer, config, x, rope, attend)
    return rms_norm_reference(x[:, -1], weights.norm, config.rms_norm_eps)


def predict_codes(
    weights: CodePredictorWeights, config: CodePredictorConfig, hidden: Tensor, code0: Tensor, code0_embedding: Tensor, draw: Draw
) -> Tensor:
    """Complete the frames of n rows: int64 (n, num_code_groups), code 0 first.

    hidden: (n, talker hidden), the talker's normalised state. code0: int64 (n,). code0_embedding: (n, talker hidden).
    """
    shape = (config.num_hidden_layers, len(code0), config.num_code_groups, config.num_key_value_heads, config.head_dim)
    keys, values = hidden.new_empty(shape), hidden.new_empty(shape)
    codes = [code0]
    x, start = torch.stack((hidden, code0_embedding), dim=1), 0
    for book in range(1, config.num_code_groups):
        state = predictor_step(weights, config, x, start, keys, values)
        codes.append(draw(linear(state, weights.heads[book - 1]).float(), book))
        start += x.shape[1]
        x = weights.codec_embeddings[book - 1][codes[-1]].to(hidden.dtype).unsqueeze(1)
    return torch.stack(codes, dim=1)
