"""The talker over prompts, as launches of kernels: several prompts packed one after another, for the keys and values they leave."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts.config import TalkerConfig
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import norm_linear, residual_linear
from qwen3tts.kernels.prefill_attention import prefill_attention
from qwen3tts.kernels.qkv import rotate_and_store
from qwen3tts.model.fused import mlp
from qwen3tts.model.packed import PackedTalker


@dataclass(frozen=True)
class PromptTokens:
    """t tokens of s prompts, one after another, and padding after them.

    x: (t, hidden), overwritten. rows: int32 (t,), the row of each token; positions: int64 (t,). starts: int32 (s + 1,), where each
    prompt starts, and where the last one ends. lengths: of the prompts; None leaves them to `starts`, as a captured graph has to.
    """

    x: Tensor
    rows: Tensor
    positions: Tensor
    starts: Tensor
    lengths: tuple[int, ...] | None


def prefill(
    launch: Launcher,
    weights: PackedTalker,
    config: TalkerConfig,
    tokens: PromptTokens,
    keys: Tensor,
    values: Tensor,
    page_table: Tensor,
    attention: str,
) -> None:
    """Run prompts through the layers. keys, values: (layers, pages, page_size, kv_heads, head_dim). page_table: int64 (rows,
    max_pages). attention: "triton", "sdpa" or "flash"; the last two need `tokens.lengths`. Always on tensor cores: prompts are many
    lanes."""
    stack, eps, n = weights.stack, config.rms_norm_eps, len(tokens.x)
    qkv = tokens.x.new_empty(n, config.query_size + 2 * config.key_value_size)
    # Zeros, since nobody writes what attention has for the padding.
    mixed = tokens.x.new_zeros(n, config.query_size)
    gated = tokens.x.new_empty(n, config.intermediate_size)
    for i, layer in enumerate(stack.layers):
        norm_linear(launch, tokens.x, layer.input_norm, eps, layer.qkv, qkv, wide=True)
        rotate_and_store(
            *(launch, qkv, layer.q_norm, layer.k_norm, eps, stack.cos, stack.sin),
            *(keys[i], values[i], page_table, tokens.rows, tokens.positions),
        )
        if i == len(stack.layers) - 1:
            return
        _attend(launch, config, qkv, tokens, attention, mixed)
        residual_linear(launch, mixed, layer.output, tokens.x, wide=True)
        mlp(launch, True, layer, eps, tokens.x, gated)


def _attend(launch: Launcher, config: TalkerConfig, qkv: Tensor, tokens: PromptTokens, attention: str, out: Tensor) -> None:
    """Causal attention within each prompt, with rotated queries and keys: out (t, query width)."""
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    if attention == "triton":
        prefill_attention(launch, qkv, heads, kv_heads, tokens.starts, out)
        return
    assert tokens.lengths is not None  # only the kernel finds them on the device
    split = qkv.view(len(qkv), -1, config.head_dim).split((heads, kv_heads, kv_heads), dim=1)
    mixed = out.view(len(out), heads, config.head_dim)
    if attention == "flash":
        from flash_attn import flash_attn_varlen_func

        longest = max(tokens.lengths)
        total = sum(tokens.lengths)
        query, key, value = (part[:total] for part in split)
        mixed[:total] = flash_attn_varlen_func(query, key, value, tokens.starts, tokens.starts, longest, longest, causal=True)
        return
    end = 0
    for length in tokens.lengths:
        start, end = end, end + length
        query, key, value = (part[start:end].transpose(0, 1).unsqueeze(0) for part in split)
        mixed[start:end] = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)[0].transpose(0, 1)


def token_numbers(rows: list[int], lengths: list[int], padding_row: int, size: int, prompts: int) -> tuple[list[int], ...]:
    """Row and position of each of `size` tokens, and the starts of `prompts` prompts, of which those without a length are empty."""
    token_rows = [row for row, length in zip(rows, lengths, strict=True) for _ in range(length)]
    positions = [position for length in lengths for position in range(length)]
    padding = size - len(positions)
    starts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    return token_rows + [padding_row] * padding, positions + [0] * padding, starts + starts[-1:] * (prompts - len(lengths))


def empty_tokens(size: int, prompts: int, hidden: int, dtype: torch.dtype, device: torch.device) -> PromptTokens:
    """Static tokens for graphs, all of them padding of row 0."""

    def zeros(n: int, kind: torch.dtype) -> Tensor:
        return torch.zeros(n, dtype=kind, device=device)

    x = torch.zeros(size, hidden, dtype=dtype, device=device)
    return PromptTokens(x, zeros(size, torch.int32), zeros(size, torch.int64), zeros(prompts + 1, torch.int32), None)
