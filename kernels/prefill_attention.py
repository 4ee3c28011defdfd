"""Causal attention of a whole prompt over itself, grouped queries (Ainslie et al., 2023, arXiv:2305.13245).

Operations: 2 * heads * head_dim * n^2; at the n = 10 to 300 of a prompt this is small beside the projections around it.

Prompts are packed one behind the other, and a program takes one head of a tile of one prompt's queries, with a running softmax
(flash attention, Dao et al., 2022, arXiv:2205.14135). Tiles begin where a prompt begins, so what it is packed with changes no bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of

QUERIES, KEYS = 64, 32
"""Of a program at a time: the smallest tile of Hopper's tensor cores, and as many keys as leave registers for the results."""

QUERIES_AT_ONCE = 256
"""Scores of a whole prompt of 10,000 positions would take gigabytes; those of a block of queries take megabytes."""


@jit
def find_tile(starts, sequences, tile, BLOCK: tl.constexpr, SEQUENCES: tl.constexpr):
    """First query of a tile, and first token and end of its sequence; behind the last tile all are 0.

    starts: the first token of each sequence, and the end of the last. SEQUENCES: how many, padded to a power of two.
    """
    i = tl.arange(0, SEQUENCES)
    begins = tl.load(starts + i, mask=i < sequences, other=0)
    ends = tl.load(starts + i + 1, mask=i < sequences, other=0)
    tiles = (ends - begins + BLOCK - 1) // BLOCK
    after = tl.cumsum(tiles, 0)
    here = (after - tiles <= tile) & (tile < after)
    begin = tl.sum(tl.where(here, begins, 0), 0)
    end = tl.sum(tl.where(here, ends, 0), 0)
    first = tl.sum(tl.where(here, begins + (tile - after + tiles) * BLOCK, 0), 0)
    return first, begin, end


@jit
def load_rows(pointer, row, end, stride, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """A head (rows, WIDTH) of some rows, 0 from the row `end` on and in the padding."""
    at = tl.arange(0, WIDTH)[None, :]
    inside = row[:, None] < end
    if WIDTH > HEAD_DIM:
        inside = inside & (at < HEAD_DIM)
    return tl.load(pointer + row[:, None].to(tl.int64) * stride + at, mask=inside, other=0.0)


@jit(do_not_specialize=["sequences"])
def prefill_attention_kernel(
    qkv, starts, out, sequences,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, SEQUENCES: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """One head of a tile of QUERIES positions, over KEYS positions at a time."""
    STRIDE: tl.constexpr = (HEADS + 2 * KV_HEADS) * HEAD_DIM
    SCALE: tl.constexpr = HEAD_DIM**-0.5 * 1.4426950408889634  # exp(x) = exp2(x / ln 2)
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    first, begin, end = find_tile(starts, sequences, tl.program_id(0), QUERIES, SEQUENCES)
    head = tl.program_id(1)
    asked = first + tl.arange(0, QUERIES)
    query = load_rows(qkv + head * HEAD_DIM, asked, end, STRIDE, HEAD_DIM, WIDTH)
    key_head = qkv + (HEADS + head // (HEADS // KV_HEADS)) * HEAD_DIM
    top = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    mixed = tl.zeros((QUERIES, WIDTH), tl.float32)
    for tile in range(begin, tl.minimum(first + QUERIES, end), KEYS):
        seen = tile + tl.arange(0, KEYS)
        key = load_rows(key_head, seen, end, STRIDE, HEAD_DIM, WIDTH)
        value = load_rows(key_head + KV_HEADS * HEAD_DIM, seen, end, STRIDE, HEAD_DIM, WIDTH)
        scores = tl.dot(query, tl.trans(key), input_precision="ieee") * SCALE
        scores = tl.where(seen[None, :] <= asked[:, None], scores, float("-inf"))
        new_top = tl.maximum(top, tl.max(scores, 1))
        weights = tl.exp2(scores - new_top[:, None])
        decay = tl.exp2(top - new_top)
        total = total * decay + tl.sum(weights, 1)
        mixed = tl.dot(weights.to(value.dtype), value, mixed * decay[:, None], input_precision="ieee")
        top = new_top
    at = tl.arange(0, WIDTH)[None, :]
    to = out + asked[:, None].to(tl.int64) * (HEADS * HEAD_DIM) + head * HEAD_DIM + at
    mixed *= (1 / tl.maximum(total, 1.0))[:, None]  # a total is at least 1, but behind the last tile, where nothing was summed
    tl.store(to, mixed.to(out.dtype.element_ty), mask=(asked[:, None] < end) & (at < HEAD_DIM))


def prefill_attention(launch: Launcher, qkv: Tensor, heads: int, kv_heads: int, starts: Tensor, out: Tensor) -> None:
    """Causal attention of each of s packed sequences over itself.

    qkv: (t, (heads + 2 * kv_heads) * head_dim), contiguous, as `rotate_and_store` leaves it. starts: int32 (s + 1,): the first
    token of each sequence, and the end of the last; a sequence may be empty. out: (t, heads * head_dim), contiguous; what lies
    behind the end is left as it is.
    """
    tokens, width = qkv.shape
    head_dim = width // (heads + 2 * kv_heads)
    sequences = len(starts) - 1
    if out.shape != (tokens, heads * head_dim) or not (qkv.is_contiguous() and out.is_contiguous()):
        raise ValueError(f"qkv {tuple(qkv.shape)} and out {tuple(out.shape)} do not fit, or are not contiguous")
    wide = qkv.dtype == torch.float32
    queries = 32 if wide else QUERIES
    launch(
        prefill_attention_kernel,
        (-(-tokens // queries) + sequences, heads),
        *(qkv, starts, out, sequences),
        work=Work(0, bytes_of(qkv, out), 2 * tokens * tokens * heads * head_dim),
        warps=8 if wide else 4,
        stages=1 if wide else 2,
        HEADS=heads,
        KV_HEADS=kv_heads,
        HEAD_DIM=head_dim,
        WIDTH=max(16, next_power_of_2(head_dim)),
        SEQUENCES=next_power_of_2(sequences),
        QUERIES=queries,
        KEYS=KEYS,
    )


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
