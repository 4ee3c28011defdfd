"""The talker: reads the prompt, then makes one step a frame; official module `Qwen3TTSTalkerForConditionalGeneration`."""

from __future__ import annotations

from torch import Tensor

from qwen3tts.config import TalkerConfig
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.paged_attention import paged_attention_reference, write_pages_reference
from qwen3tts.kernels.prefill_attention import prefill_attention_reference
from qwen3tts.kernels.qkv import rope_table
from qwen3tts.model.layer import decoder_layer
from qwen3tts.model.weights import TalkerWeights
from qwen3tts.native import linear


def prefill(
    weights: TalkerWeights, config: TalkerConfig, x: Tensor, positions: Tensor, keys: Tensor, values: Tensor, page_table: Tensor
) -> None:
    """Run the first n positions of one row through the layers, for the keys and values they leave in the cache.

    x: (n, hidden), n >= 1. positions: int64 (n,), 0 to n - 1. keys, values: (layers, pages, page_size, kv_heads, head_dim).
    page_table: int64 (max_pages,), the row's pages.
    """
    rope = rope_table(positions, config.head_dim, config.rope_theta)
    pages = page_table.expand(len(positions), -1)
    for i, layer in enumerate(weights.layers):

        def attend(query: Tensor, key: Tensor, value: Tensor, i: int = i) -> Tensor:
            write_pages_reference(keys[i], key, pages, positions)
            write_pages_reference(values[i], value, pages, positions)
            return prefill_attention_reference(query, key, value)

        x = decoder_layer(layer, config, x, rope, attend)


def talker_step(
    weights: TalkerWeights, config: TalkerConfig, x: Tensor, positions: Tensor, keys: Tensor, values: Tensor, page_table: Tensor
) -> Tensor:
    """One step of n rows, each at its own position: x (n, hidden) -> normalised hidden states (n, hidden).

    positions: int64 (n,). keys, values: as in `prefill`. page_table: int64 (n, max_pages).
    """
    rope = rope_table(positions, config.head_dim, config.rope_theta)
    for i, layer in enumerate(weights.layers):

        def attend(query: Tensor, key: Tensor, value: Tensor, i: int = i) -> Tensor:
            write_pages_reference(keys[i], key, page_table, positions)
            write_pages_reference(values[i], value, page_table, positions)
            return paged_attention_reference(query, keys[i], values[i], page_table, positions + 1)

        x = decoder_layer(layer, config, x, rope, attend)
    return rms_norm_reference(x, weights.norm, config.rms_norm_eps)


def codec_logits(weights: TalkerWeights, hidden: Tensor) -> Tensor:
    """Scores of code 0 and the control codes: (n, hidden) -> float32 (n, vocabulary)."""
    return linear(hidden, weights.codec_head).float()
