"""One step of attention over a paged KV cache (Kwon et al., 2023, arXiv:2309.06180).

A page holds `page_size` consecutive positions of one row; a row's page table lists its pages in order. Bytes per row and layer: the
row's keys and values once, 2 * length * kv_heads * head_dim elements.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.prefill_attention import grouped_attention_reference


def page_slots(page_table: Tensor, positions: Tensor, page_size: int) -> tuple[Tensor, Tensor]:
    """Page and offset of a position of each of n rows, int64 (n,) both. page_table: int64 (n, max_pages). positions: int64 (n,)."""
    return page_table.gather(1, (positions // page_size).unsqueeze(1)).squeeze(1), positions % page_size


def write_pages_reference(cache: Tensor, rows: Tensor, page_table: Tensor, positions: Tensor) -> None:
    """Store one position for each of n rows: cache[page of the position, offset in the page] = row.

    cache: (pages, page_size, kv_heads, head_dim). rows: (n, kv_heads, head_dim). page_table: int64 (n, max_pages). positions:
    int64 (n,).
    """
    cache[page_slots(page_table, positions, cache.shape[1])] = rows.to(cache.dtype)


def paged_attention_reference(query: Tensor, keys: Tensor, values: Tensor, page_table: Tensor, lengths: Tensor) -> Tensor:
    """Attention of one query a row over the first `lengths[i]` cached positions of row i.

    query: (n, heads, head_dim). keys, values: (pages, page_size, kv_heads, head_dim). page_table: int64 (n, max_pages).
    lengths: int64 (n,). Returns (n, heads, head_dim). Each row is computed by itself, so a neighbour never changes its rounding.
    """
    page_size = keys.shape[1]
    outputs = []
    for i, length in enumerate(lengths.tolist()):
        pages = page_table[i, : -(-length // page_size)]
        key, value = (cache[pages].flatten(0, 1)[:length].to(query.dtype) for cache in (keys, values))
        outputs.append(grouped_attention_reference(query[i : i + 1], key, value, None))
    return torch.cat(outputs)
