"""What happens to queries and keys between their projection and attention: QK-norm and RoPE (Su et al., 2021, arXiv:2104.09864).

The rotation pairs dimension i with i + head_dim / 2 ("rotate half"). The talker's mRoPE gives text the same position in all three
sections, so it is this one too; official module `apply_multimodal_rotary_pos_emb`.

In a decode step the attention kernels do this on the way. In a prompt many programs read each key, so it is done once, by
`rotate_and_store`. Bytes per token: queries and keys in and out, values in, keys and values into the cache; 18 KB at the released
size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.heads import load_heads, load_rotated, store_heads
from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work
from qwen3tts.kernels.norm import rms_norm_reference


@jit
def rotate_and_store_kernel(
    qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, PAGE_SIZE: tl.constexpr, MAX_PAGES: tl.constexpr,
    Q_COLUMNS: tl.constexpr, KV_COLUMNS: tl.constexpr, WIDTH: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """One token. Q_COLUMNS, KV_COLUMNS, WIDTH: HEADS, KV_HEADS and HEAD_DIM, padded to powers of two."""
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    token = tl.program_id(0).to(tl.int64)
    position = tl.load(positions + token)
    page = tl.load(page_table + tl.load(rows + token).to(tl.int64) * MAX_PAGES + position // PAGE_SIZE).to(tl.int64)
    head = tl.arange(0, Q_COLUMNS)[:, None]
    kv_head = tl.arange(0, KV_COLUMNS)[:, None]
    of_queries = qkv + (token * (HEADS + 2 * KV_HEADS) + head) * HEAD_DIM
    of_keys = qkv + (token * (HEADS + 2 * KV_HEADS) + HEADS + kv_head) * HEAD_DIM
    slot = ((page * PAGE_SIZE + position % PAGE_SIZE) * KV_HEADS + kv_head) * HEAD_DIM

    query = load_rotated(of_queries, head < HEADS, q_norm, eps, cos, sin, position, Q_COLUMNS, HEAD_DIM, WIDTH)
    key = load_rotated(of_keys, kv_head < KV_HEADS, k_norm, eps, cos, sin, position, KV_COLUMNS, HEAD_DIM, WIDTH)
    value = load_heads(of_keys + KV_HEADS * HEAD_DIM, kv_head < KV_HEADS, KV_COLUMNS, HEAD_DIM, WIDTH)
    tl.debug_barrier()  # an element is written by one thread and read by two: first all read
    store_heads(of_queries, query, head < HEADS, HEAD_DIM, WIDTH)
    store_heads(of_keys, key, kv_head < KV_HEADS, HEAD_DIM, WIDTH)
    store_heads(keys + slot, key, kv_head < KV_HEADS, HEAD_DIM, WIDTH)
    store_heads(values + slot, value, kv_head < KV_HEADS, HEAD_DIM, WIDTH)


def rotate_and_store(
    launch: Launcher,
    qkv: Tensor,
    q_norm: Tensor,
    k_norm: Tensor,
    eps: float,
    cos: Tensor,
    sin: Tensor,
    keys: Tensor,
    values: Tensor,
    page_table: Tensor,
    rows: Tensor,
    positions: Tensor,
) -> None:
    """Normalise and rotate the queries and keys of t tokens in place, and copy keys and values into the KV pages.

    qkv: (t, (heads + 2 * kv_heads) * head_dim), contiguous: queries, keys, values. q_norm, k_norm: (head_dim,). cos, sin: float32
    (max_positions, head_dim / 2), of `rope_table`. keys, values: (pages, page_size, kv_heads, head_dim) of one layer. page_table:
    (rows, max_pages). rows: (t,), the row of each token. positions: int64 (t,), the position of each token.
    """
    tokens, width = qkv.shape
    _, page_size, kv_heads, head_dim = keys.shape
    heads = width // head_dim - 2 * kv_heads
    if rows.shape != (tokens,) or positions.shape != (tokens,):
        raise ValueError(f"qkv {tuple(qkv.shape)}, rows {tuple(rows.shape)} and positions {tuple(positions.shape)} do not fit")
    check_contiguous(qkv=qkv, cos=cos, sin=sin, keys=keys, values=values, page_table=page_table)
    read = tokens * width * qkv.element_size()
    written = tokens * ((width - kv_heads * head_dim) * qkv.element_size() + 2 * kv_heads * head_dim * keys.element_size())
    launch(
        rotate_and_store_kernel,
        (tokens,),
        *(qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions),
        work=Work(0, read + written, 8 * tokens * (heads + kv_heads) * head_dim),
        warps=4,
        HEADS=heads,
        KV_HEADS=kv_heads,
        HEAD_DIM=head_dim,
        PAGE_SIZE=page_size,
        MAX_PAGES=page_table.shape[1],
        Q_COLUMNS=next_power_of_2(heads),
        KV_COLUMNS=next_power_of_2(kv_heads),
        WIDTH=next_power_of_2(head_dim),
    )


def check_contiguous(**tensors: Tensor) -> None:
    """Kernels compute addresses from shapes alone."""
    for name, tensor in tensors.items():
        if not tensor.is_contiguous():
            raise ValueError(f"{name} {tuple(tensor.shape)} has strides {tensor.stride()}: pass it contiguous")


def rope_frequencies(head_dim: int, theta: float, device: torch.device | None = None) -> Tensor:
    """Radians that each pair of a head turns by in a position: float32 (head_dim / 2). Source: arXiv 2104.09864."""
    return 1.0 / theta ** (torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim)


def rope_table(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotation, float32 (..., head_dim / 2), for integer positions (...)."""
    angles = positions.unsqueeze(-1).float() * rope_frequencies(head_dim, theta, positions.device)
    return angles.cos(), angles.sin()


def rope_reference(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the heads of x (..., heads, head_dim) by the angles (..., head_dim / 2) of their position."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def qk_norm_rope_reference(x: Tensor, weight: Tensor, eps: float, cos: Tensor, sin: Tensor) -> Tensor:
    """Normalise each head of the queries or keys x (..., heads, head_dim), then rotate it to its position."""
    return rope_reference(rms_norm_reference(x, weight, eps), cos, sin)
