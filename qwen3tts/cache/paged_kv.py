"""The pages of the KV cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import StackConfig


@dataclass(frozen=True)
class PagedKV:
    """Keys and values of all layers: (layers, pages, PAGE_SIZE, kv_heads, head_dim)."""

    keys: Tensor
    values: Tensor

    @classmethod
    def allocate(cls, config: StackConfig, pages: int, dtype: torch.dtype, device: torch.device) -> PagedKV:
        """Reserve `pages` pages. On the CPU the memory is taken only as it is written."""
        shape = (config.num_hidden_layers, pages, PAGE_SIZE, config.num_key_value_heads, config.head_dim)
        keys, values = (torch.empty(shape, dtype=dtype, device=device) for _ in range(2))
        # The page of rows that pad a batch: they compute with what lies there, and finite numbers are no trouble.
        keys[:, 0], values[:, 0] = 0, 0
        return cls(keys, values)
