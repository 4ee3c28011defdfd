"""Heads in registers: what the attention kernels of a step have in common.

Heads are tensors (columns, WIDTH), WIDTH being head_dim padded to a power of two; a head of 128 is a load of 16 bytes in each of 16
threads. A tile of keys or values has a position a column. A program walks a context tile by tile, and each column adds up what it
meets: threads meet once, at the end. What all columns need (the queries, and the position that is new) each loads and computes for
itself: its loads are broadcasts in the L1 cache, where handing results on would take barriers.
"""

from __future__ import annotations

from qwen3tts.kernels.language import jit, tl


@jit
def everywhere():
    """The mask of heads that are all there."""
    return tl.full((1, 1), 1, tl.int1)


@jit
def inside(at, mask, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """Where `mask` is set and `at` is not in the padding of a head."""
    if WIDTH > HEAD_DIM:
        return (at < HEAD_DIM) & mask
    else:
        return mask


@jit
def load_heads(heads, mask, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """Heads (COLUMNS, WIDTH), 0 where masked and in the padding. heads: pointers (COLUMNS, 1), or one. mask: (COLUMNS, 1)."""
    at = tl.arange(0, WIDTH)[None, :] + tl.zeros((COLUMNS, 1), tl.int32)
    return tl.load(heads + at, mask=inside(at, mask, HEAD_DIM, WIDTH), other=0.0)


@jit
def store_heads(heads, x, mask, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """The opposite of `load_heads`; rounds to the dtype of what is pointed to."""
    at = tl.arange(0, WIDTH)[None, :] + tl.zeros((x.shape[0], 1), tl.int32)
    tl.store(heads + at, x.to(heads.dtype.element_ty), mask=inside(at, mask, HEAD_DIM, WIDTH))


@jit
def load_rotated(
    heads, mask, norm, eps, cos, sin, position, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr
):  # fmt: skip
    """Heads as `load_heads` gives them, normalised with the weights `norm` and rotated to `position`, in float32."""
    HALF: tl.constexpr = HEAD_DIM // 2
    at = tl.arange(0, WIDTH)[None, :] + tl.zeros((COLUMNS, 1), tl.int32)
    partner_at = (at + HALF) % HEAD_DIM
    here = inside(at, mask, HEAD_DIM, WIDTH)
    of_head = inside(at, everywhere(), HEAD_DIM, WIDTH)
    x = tl.load(heads + at, mask=here, other=0.0).to(tl.float32)
    partner = tl.load(heads + partner_at, mask=here, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, 1, keep_dims=True) / HEAD_DIM + eps)
    x *= scale * tl.load(norm + at, mask=of_head, other=0.0).to(tl.float32)
    partner *= scale * tl.load(norm + partner_at, mask=of_head, other=0.0).to(tl.float32)
    angle = position * HALF + at % HALF
    x *= tl.load(cos + angle, mask=of_head, other=0.0)
    partner *= tl.load(sin + angle, mask=of_head, other=0.0)
    return tl.where(at < HALF, x - partner, x + partner)


@jit
def load_new(
    heads, kv_head, q_norm, k_norm, eps, cos, sin, position, dtype: tl.constexpr,
    GROUP: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """A new position's queries of one key head, its key and its value. heads: its projection. dtype: that of the cache.

    The queries are a tuple of GROUP, scaled so that exp2 of a score is its weight. Key and value are as the cache will have them.
    """
    queries = ()
    for i in tl.static_range(GROUP):
        head = heads + (kv_head * GROUP + i) * HEAD_DIM
        query = load_rotated(head, everywhere(), q_norm, eps, cos, sin, position, COLUMNS, HEAD_DIM, WIDTH)
        queries = queries + (query * (HEAD_DIM**-0.5 * 1.4426950408889634),)  # exp(x) = exp2(x / ln 2)
    heads += (GROUP * KV_HEADS + kv_head) * HEAD_DIM
    key = load_rotated(heads, everywhere(), k_norm, eps, cos, sin, position, COLUMNS, HEAD_DIM, WIDTH)
    value = load_heads(heads + KV_HEADS * HEAD_DIM, everywhere(), COLUMNS, HEAD_DIM, WIDTH)
    return queries, key.to(dtype), value.to(dtype)


@jit
def scores_of(queries, key, visible, QUERIES: tl.constexpr, FIRST: tl.constexpr):
    """Scores (COLUMNS,) of a tile of keys, a tuple of one for each query; -inf where not visible, and before the query FIRST."""
    key = key.to(tl.float32)
    scores = ()
    for i in tl.static_range(QUERIES):
        score = tl.sum(queries[i] * key, 1)
        scores = scores + (tl.where(visible & (i >= FIRST), score, float("-inf")),)
    return scores


@jit
def attend(
    queries, keys, values, begin, new_keys, new_values, start,
    COLUMNS: tl.constexpr, TILES: tl.constexpr, NEW: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    """Causal attention of NEW positions, from `start` on, over those from `begin` to `begin` + TILES * COLUMNS.

    queries: NEW * GROUP of (COLUMNS, WIDTH), position by position, as `load_new` gives them. keys, values: TILES tiles
    (COLUMNS, WIDTH), 0 from `start` on. new_keys, new_values: NEW heads, the same in each column. At least one position is visible.
    Returns a tuple of (mixed values (1, WIDTH), log of the sum of weights), one for each query.
    """
    QUERIES: tl.constexpr = NEW * GROUP
    column = tl.arange(0, COLUMNS)
    scores = ()
    for i in tl.static_range(TILES):
        scores = scores + (scores_of(queries, keys[i], begin + i * COLUMNS + column < start, QUERIES, 0),)
    for i in tl.static_range(NEW):
        here = (start + i < begin + TILES * COLUMNS) & (column == 0)
        scores = scores + (scores_of(queries, new_keys[i], here, QUERIES, i * GROUP),)
    tops = ()
    sums = ()
    for q in tl.static_range(QUERIES):
        top = scores[0][q]
        for i in tl.static_range(1, TILES + NEW):
            top = tl.maximum(top, scores[i][q])
        tops = tops + (tl.max(top, 0),)
        sums = sums + ((tl.zeros_like(top), tl.zeros_like(queries[q])),)
    for i in tl.static_range(TILES + NEW):
        value = (values[i] if i < TILES else new_values[i - TILES]).to(tl.float32)
        added = ()
        for q in tl.static_range(QUERIES):
            weights = tl.exp2(scores[i][q] - tops[q])
            added = added + ((sums[q][0] + weights, sums[q][1] + weights[:, None] * value),)
        sums = added
    results = ()
    for q in tl.static_range(QUERIES):
        total = tl.sum(sums[q][0], 0)
        mixed = tl.sum(sums[q][1], 0, keep_dims=True) / total
        results = results + ((mixed, (tops[q] + tl.log2(total)) * 0.6931471805599453),)
    return results
