"""Attention to a window of the past whose keys and values lie in a ring for each slot."""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.native import dispatch
from qwen3tts.native.dispatch import array


def window_attention(qkv: Tensor, keys: Tensor, values: Tensor, frequencies: Tensor, slots: Tensor, progress: Tensor) -> Tensor:
    """Attention of each of n steps to itself and the window - 1 positions before it -> (B, n, heads * head_dim).

    qkv: (B, n, (heads + 2 * kv_heads) * head_dim), queries, keys and values of the steps; RoPE turns the halves of a head by the
    float32 angle position * frequencies (head_dim / 2,). keys, values: (count, window, kv_heads, head_dim), updated: position p
    lies at p % window, its key turned. slots: int64 (B,), distinct. progress: int64 (count, 2), frames and calls that each slot
    has had; the first step is at position progress[slot, 0]. Raises ValueError naming a bad argument.
    """
    path = dispatch.path_of(qkv)
    if path == "reference":
        return window_attention_reference(qkv, keys, values, frequencies, slots, progress)
    batch, steps, width = qkv.shape
    _, window, kv_heads, head_dim = keys.shape
    heads = width // head_dim - 2 * kv_heads
    y = qkv.new_empty(batch, steps, heads * head_dim)
    arrays = (array(qkv), array(keys), array(values), array(frequencies), array(y))
    places = (array(slots, torch.int64), array(progress, torch.int64))
    dispatch.run("window_attention", path, qkv, *arrays, *places, batch, steps, heads, kv_heads, head_dim, window)
    return y


def window_attention_reference(
    qkv: Tensor, keys: Tensor, values: Tensor, frequencies: Tensor, slots: Tensor, progress: Tensor
) -> Tensor:
    """`window_attention` in plain torch. Cosines and sines are float32 in any dtype, as in the official decoder."""
    (batch, steps, width), (_, window, kv_heads, head_dim) = qkv.shape, keys.shape
    heads = width // head_dim - 2 * kv_heads
    query, key, value = qkv.unflatten(2, (-1, head_dim)).split((heads, kv_heads, kv_heads), dim=2)
    first = progress[slots, :1]
    positions = first + torch.arange(steps, device=qkv.device)
    query, key = (_rotated(part, positions, frequencies) for part in (query, key))

    before = first + torch.arange(1 - window, 0, device=qkv.device)
    lanes = slots[:, None]
    key_windows, value_windows = (
        torch.cat([ring[lanes, before % window].masked_fill((before < 0)[..., None, None], 0), new], dim=1).unfold(1, window, 1)
        for ring, new in ((keys, key), (values, value))
    )  # (B, n, kv_heads, head_dim, window)
    kept = positions[:, -window:] % window
    keys[lanes, kept], values[lanes, kept] = key[:, -window:], value[:, -window:]

    grouped = query.unflatten(2, (kv_heads, -1))
    unseen = positions[..., None] < torch.arange(window - 1, -1, -1, device=qkv.device)
    scores = (grouped @ key_windows) * head_dim**-0.5
    weights = scores.masked_fill(unseen[:, :, None, None], float("-inf")).softmax(-1)
    return (weights @ value_windows.mT).reshape(batch, steps, heads * head_dim)


def _rotated(x: Tensor, positions: Tensor, frequencies: Tensor) -> Tensor:
    """Heads (B, n, heads, head_dim) turned by their positions (B, n)."""
    angles = positions[..., None].float() * frequencies.float()
    cos, sin = (table[:, :, None].to(x.dtype) for table in (angles.cos(), angles.sin()))
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
