"""Attention of the code predictor over the few dense positions of one frame.

A frame's context is at most `num_code_groups` positions (16 in the releases): no pages, no history beyond the frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.prefill_attention import grouped_attention_reference


def predictor_attention_reference(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Causal attention of the newest m positions of each row over all positions so far.

    query: (n, m, heads, head_dim). keys, values: (n, length, kv_heads, head_dim), the last m of them the queries' own.
    Returns (n, m, heads, head_dim). Each row is computed by itself, so a neighbour never changes its rounding.
    """
    m, length = query.shape[1], keys.shape[1]
    mask = None if m == 1 else torch.ones(m, length, dtype=torch.bool, device=query.device).tril(length - m)
    return torch.stack([grouped_attention_reference(q, k, v, mask) for q, k, v in zip(query, keys, values, strict=True)])
