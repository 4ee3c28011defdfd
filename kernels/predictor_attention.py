"""Attention of the code predictor over the few dense positions of one frame.

A frame's context is at most `num_code_groups` positions (16 in the releases): no pages, no history beyond the frame, no chunks. At
the released size a program reads 4 KB of keys and 4 KB of values, and time is the latency of a launch: one warp does it without
a barrier.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.heads import attend, everywhere, load_heads, load_new, store_heads
from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.prefill_attention import grouped_attention_reference
from qwen3tts.kernels.qkv import check_contiguous

TILE_ELEMENTS = 256
"""Of keys or values: 16 bytes for each thread of one warp, or of two for float32."""


@jit(do_not_specialize=["start"])
def predictor_attention_kernel(
    qkv, q_norm, k_norm, eps, cos, sin, keys, values, start, out,
    GROUP: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, LENGTH: tl.constexpr,
    NEW: tl.constexpr, COLUMNS: tl.constexpr, TILES: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """NEW positions of one lane and key head, over a cache of LENGTH positions in TILES * COLUMNS."""
    HEADS: tl.constexpr = GROUP * KV_HEADS
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    lane, kv_head = tl.program_id(0), tl.program_id(1)
    slots = (lane * LENGTH * KV_HEADS + kv_head) * HEAD_DIM
    old_keys = ()
    old_values = ()
    for i in tl.static_range(TILES):
        at = i * COLUMNS + tl.arange(0, COLUMNS)[:, None]
        slot = slots + at * (KV_HEADS * HEAD_DIM)
        old_keys = old_keys + (load_heads(keys + slot, at < start, COLUMNS, HEAD_DIM, WIDTH),)
        old_values = old_values + (load_heads(values + slot, at < start, COLUMNS, HEAD_DIM, WIDTH),)
    queries = ()
    new_keys = ()
    new_values = ()
    for i in tl.static_range(NEW):
        of_position = load_new(
            qkv + (lane * NEW + i) * ((GROUP + 2) * KV_HEADS * HEAD_DIM), kv_head, q_norm, k_norm, eps, cos, sin, start + i,
            keys.dtype.element_ty, GROUP, KV_HEADS, HEAD_DIM, WIDTH, COLUMNS,
        )  # fmt: skip
        queries = queries + of_position[0]
        new_keys = new_keys + (of_position[1],)
        new_values = new_values + (of_position[2],)
    results = attend(queries, old_keys, old_values, 0, new_keys, new_values, start, COLUMNS, TILES, NEW, GROUP)
    for i in tl.static_range(NEW * GROUP):
        at = (lane * NEW + i // GROUP) * HEADS + kv_head * GROUP + i % GROUP
        store_heads(out + at * HEAD_DIM, results[i][0], everywhere(), HEAD_DIM, WIDTH)
    first = tl.arange(0, COLUMNS)[:, None] == 0
    for i in tl.static_range(NEW):
        slot = slots + (start + i) * (KV_HEADS * HEAD_DIM)
        store_heads(keys + slot, new_keys[i], first, HEAD_DIM, WIDTH)
        store_heads(values + slot, new_values[i], first, HEAD_DIM, WIDTH)


def predictor_attention(
    launch: Launcher,
    qkv: Tensor,
    q_norm: Tensor,
    k_norm: Tensor,
    eps: float,
    cos: Tensor,
    sin: Tensor,
    keys: Tensor,
    values: Tensor,
    start: int,
    out: Tensor,
) -> None:
    """QK-norm, RoPE, keys and values into the cache, and causal attention, of m new positions of each of n lanes.

    qkv: (n, m, (heads + 2 * kv_heads) * head_dim), contiguous: queries, keys, values. q_norm, k_norm: (head_dim,). cos, sin:
    float32 (max_positions, head_dim / 2), of `rope_table`. keys, values: (n, length, kv_heads, head_dim) of one layer, filled up to
    `start`. start: the first new position. out: (n, m, heads * head_dim).
    """
    n, m, width = qkv.shape
    _, length, kv_heads, head_dim = keys.shape
    heads = width // head_dim - 2 * kv_heads
    if out.shape != (n, m, heads * head_dim) or len(keys) != n or not 0 <= start <= length - m:
        raise ValueError(
            f"qkv {tuple(qkv.shape)}, out {tuple(out.shape)} and a start at {start} of keys {tuple(keys.shape)} do not fit"
        )
    check_contiguous(qkv=qkv, cos=cos, sin=sin, keys=keys, values=values, out=out)
    columns = TILE_ELEMENTS // next_power_of_2(head_dim)
    read = 2 * n * start * kv_heads * head_dim * keys.element_size()
    launch(
        predictor_attention_kernel,
        (n, kv_heads),
        *(qkv, q_norm, k_norm, eps, cos, sin, keys, values, start, out),
        work=Work(0, 2 * bytes_of(qkv) + read, 4 * n * m * (start + m) * heads * head_dim),
        warps=keys.element_size() // 2,
        GROUP=heads // kv_heads,
        KV_HEADS=kv_heads,
        HEAD_DIM=head_dim,
        WIDTH=next_power_of_2(head_dim),
        LENGTH=length,
        NEW=m,
        COLUMNS=columns,
        TILES=-(-length // columns),
    )


def predictor_attention_reference(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Causal attention of the newest m positions of each row over all positions so far.

    query: (n, m, heads, head_dim). keys, values: (n, length, kv_heads, head_dim), the last m of them the queries' own.
    Returns (n, m, heads, head_dim). Each row is computed by itself, so a neighbour never changes its rounding.
    """
    m, length = query.shape[1], keys.shape[1]
    mask = None if m == 1 else torch.ones(m, length, dtype=torch.bool, device=query.device).tril(length - m)
    return torch.stack([grouped_attention_reference(q, k, v, mask) for q, k, v in zip(query, keys, values, strict=True)])
