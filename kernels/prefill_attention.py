"""Causal attention of a whole prompt over itself, grouped queries (Ainslie et al., 2023, arXiv:2305.13245).

Operations: 2 * heads * head_dim * n^2; at the n = 10 to 300 of a prompt this is small beside the projections around it.
"""

from __future__ import annotations

import torch
from torch import Tensor

QUERIES_AT_ONCE = 256
"""Scores of a whole prompt of 10,000 positions would take gigabytes; those of a block of queries take megabytes."""


def grouped_attention_reference(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax attention, grouped queries, softmax in float32.

    query: (n, heads, head_dim). key, value: (length, kv_heads, head_dim). mask: bool (n, length), True where a query may look, or
    None for everywhere. Returns (n, heads, head_dim).
    """
    n, heads, head_dim = query.shape
    kv_heads = key.shape[1]
    grouped = query.view(n, kv_heads, heads // kv_heads, head_dim).permute(1, 2, 0, 3).reshape(kv_heads, -1, head_dim)
    scores = (grouped @ key.permute(1, 2, 0)).float() * head_dim**-0.5
    if mask is not None:
        scores = scores.view(kv_heads, -1, n, key.shape[0]).masked_fill(~mask, float("-inf")).view_as(scores)
    weights = scores.softmax(-1).to(query.dtype)
    mixed = weights @ value.transpose(0, 1)
    return mixed.view(kv_heads, -1, n, head_dim).permute(2, 0, 1, 3).reshape(n, heads, head_dim)


def prefill_attention_reference(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention of n positions over themselves.

    query: (n, heads, head_dim). key, value: (n, kv_heads, head_dim). Returns (n, heads, head_dim).
    """
    outputs = []
    for start in range(0, query.shape[0], QUERIES_AT_ONCE):
        block = query[start : start + QUERIES_AT_ONCE]
        end = start + len(block)
        causal = torch.ones(len(block), end, dtype=torch.bool, device=query.device).tril(start)
        outputs.append(grouped_attention_reference(block, key[:end], value[:end], causal))
    return torch.cat(outputs)
