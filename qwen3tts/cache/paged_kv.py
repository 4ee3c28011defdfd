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
        return cls(torch.empty(shape, dtype=dtype, device=device), torch.empty(shape, dtype=dtype, device=device))
