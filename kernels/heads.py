"""Heads in registers: what the attention kernels of a step have in common.

Heads are tensors (columns, WIDTH), WIDTH being head_dim padded to a power of two; a head of 128 is a load of 16 bytes in each of 16
threads. A tile of keys or values has a position a column. A program walks a context tile by tile, and each column adds up what it
meets: threads meet once, at the end. What all columns need (the queries, and the position that is new) each loads and computes for
itself: its loads are broadcasts in the L1 cache, where handing results on would take barriers.
"""

from __future__ import annotations

from qwen3tts.kernels.language import jit, tl


@jit
def inside(at, mask, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """Where `mask` is set and `at` is not in the padding of a head."""
    if WIDTH > HEAD_DIM:
        return tl.where(mask, at < HEAD_DIM, False)
    else:
        return mask


@jit
def load_heads(heads, mask, COLUMNS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr):
    """Heads (COLUMNS, WIDTH), 0 where masked and in the padding. heads: pointers (COLUMNS, 1), or one. mask: the same, or True."""
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
    here, everywhere = inside(at, mask, HEAD_DIM, WIDTH), inside(at, True, HEAD_DIM, WIDTH)
    x = tl.load(heads + at, mask=here, other=0.0).to(tl.float32)
    partner = tl.load(heads + partner_at, mask=here, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, 1, keep_dims=True) / HEAD_DIM + eps)
    x *= scale * tl.load(norm + at, mask=everywhere, other=0.0).to(tl.float32)
    partner *= scale * tl.load(norm + partner_at, mask=everywhere, other=0.0).to(tl.float32)
    angle = position * HALF + at % HALF
    x *= tl.load(cos + angle, mask=everywhere, other=0.0)
    partner *= tl.load(sin + angle, mask=everywhere, other=0.0)
    return tl.where(at < HALF, x - partner, x + partner)


@jit
def load_queries(
    heads, norm, eps, cos, sin, position, COLUMNS: tl.constexpr, GROUP: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr
):  # fmt: skip
    """The GROUP queries of one position, a tuple of (COLUMNS, WIDTH), scaled so that exp2 of a score is its weight."""
    queries = ()
    for i in tl.static_range(GROUP):
        query = load_rotated(heads + i * HEAD_DIM, True, norm, eps, cos, sin, position, COLUMNS, HEAD_DIM, WIDTH)
        queries = queries + (query * (HEAD_DIM**-0.5 * 1.4426950408889634),)  # exp(x) = exp2(x / ln 2)
    return queries


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

    queries: NEW * GROUP of (COLUMNS, WIDTH), position by position, as `load_queries` gives them. keys, values: TILES tiles
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
