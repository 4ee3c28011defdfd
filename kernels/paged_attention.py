"""One step of attention over a paged KV cache (Kwon et al., 2023, arXiv:2309.06180).

A page holds `page_size` consecutive positions of one row; a row's page table lists its pages in order. Bytes per row and layer: the
row's keys and values once, 2 * length * kv_heads * head_dim elements.

One row would keep 8 of 132 multiprocessors busy, one a key head. So its context is cut in chunks that are attended to side by side
(flash-decoding, Dao et al., 2023), and the projection that follows puts them together (kernels/attention_output.py). A chunk of one
key head is 32 KB of keys and 32 KB of values at the released size, all asked for at once: 128 registers of each of 128 threads.
What a chunk gives depends on its row alone: the batch, and the number of programs that chunks are dealt to, change no bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.heads import attend, everywhere, load_heads, load_new, store_heads
from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.prefill_attention import grouped_attention_reference
from qwen3tts.kernels.qkv import check_contiguous

CHUNK = 128
"""Positions of a context that a program attends to at once."""

WHOLE_CHUNK = 64
"""The same where a program walks a whole context, and has queries and sums to keep beside it."""

TILE_ELEMENTS = 1024
"""Of keys or values: 16 bytes for each thread of 4 warps, or of 8 for float32."""

PROGRAMS = 2 * 132
"""As many as a large GPU has room for: two on each multiprocessor, by their registers."""

TYPICAL_CONTEXT = 512
"""Positions of each lane that the work of a launch is stated for: 40 s of speech. The real ones are known on the device alone."""


@jit
def slot_of(pages, at, kv_head, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, PAGE_SIZE: tl.constexpr):
    """Where a key head of some positions begins in the cache. pages: the row's page table."""
    page = tl.load(pages + at // PAGE_SIZE).to(tl.int64)
    return ((page * PAGE_SIZE + at % PAGE_SIZE) * KV_HEADS + kv_head) * HEAD_DIM


@jit
def load_chunk(
    keys, values, pages, begin, position, kv_head, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr,
    PAGE_SIZE: tl.constexpr, COLUMNS: tl.constexpr, TILES: tl.constexpr,
):  # fmt: skip
    """Keys and values of a chunk: TILES tiles each, 0 from `position` on."""
    key_tiles = ()
    value_tiles = ()
    for i in tl.static_range(TILES):
        at = begin + i * COLUMNS + tl.arange(0, COLUMNS)[:, None]
        slot = slot_of(pages, tl.minimum(at, position), kv_head, KV_HEADS, HEAD_DIM, PAGE_SIZE)
        key_tiles = key_tiles + (load_heads(keys + slot, at < position, COLUMNS, HEAD_DIM, WIDTH),)
        value_tiles = value_tiles + (load_heads(values + slot, at < position, COLUMNS, HEAD_DIM, WIDTH),)
    return key_tiles, value_tiles


@jit
def store_new(
    keys, values, key, value, pages, position, kv_head, times, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr,
    PAGE_SIZE: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Store the new position's key and value, which all columns have; times: 1, or 0 for a chunk that it does not belong to."""
    slot = slot_of(pages, position, kv_head, KV_HEADS, HEAD_DIM, PAGE_SIZE)
    stores = tl.arange(0, COLUMNS)[:, None] < times
    store_heads(keys + slot, key, stores, HEAD_DIM, WIDTH)
    store_heads(values + slot, value, stores, HEAD_DIM, WIDTH)


@jit
def paged_attention_kernel(
    qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions, partials, lse,
    GROUP: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, PAGE_SIZE: tl.constexpr,
    MAX_PAGES: tl.constexpr, COLUMNS: tl.constexpr, TILES: tl.constexpr, MAX_CHUNKS: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """Chunks of one lane and key head, dealt to the programs along axis 2."""
    CHUNK: tl.constexpr = COLUMNS * TILES
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    lane, kv_head = tl.program_id(0), tl.program_id(1)
    row = tl.load(rows + lane).to(tl.int64)
    position = tl.load(positions + row).to(tl.int32)
    pages = page_table + row * MAX_PAGES
    for chunk in range(tl.program_id(2), position // CHUNK + 1, tl.num_programs(2)):
        old_keys, old_values = load_chunk(
            keys, values, pages, chunk * CHUNK, position, kv_head, KV_HEADS, HEAD_DIM, WIDTH, PAGE_SIZE, COLUMNS, TILES
        )
        tl.debug_barrier()  # the assembler puts off loads until their registers are needed, but not past a barrier
        queries, key, value = load_new(
            qkv + lane * ((GROUP + 2) * KV_HEADS * HEAD_DIM), kv_head, q_norm, k_norm, eps, cos, sin, position,
            keys.dtype.element_ty, GROUP, KV_HEADS, HEAD_DIM, WIDTH, COLUMNS,
        )  # fmt: skip
        times = (chunk == position // CHUNK).to(tl.int32)
        store_new(keys, values, key, value, pages, position, kv_head, times, KV_HEADS, HEAD_DIM, WIDTH, PAGE_SIZE, COLUMNS)
        results = attend(queries, old_keys, old_values, chunk * CHUNK, (key,), (value,), position, COLUMNS, TILES, 1, GROUP)
        for i in tl.static_range(GROUP):
            at = ((lane * MAX_CHUNKS + chunk) * KV_HEADS + kv_head) * GROUP + i
            store_heads(partials + at * HEAD_DIM, results[i][0], everywhere(), HEAD_DIM, WIDTH)
            tl.store(lse + at, results[i][1])


@jit
def whole_paged_attention_kernel(
    qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions, out,
    GROUP: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WIDTH: tl.constexpr, PAGE_SIZE: tl.constexpr,
    MAX_PAGES: tl.constexpr, COLUMNS: tl.constexpr, TILES: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """The whole context of one lane and key head, chunk by chunk."""
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    lane, kv_head = tl.program_id(0), tl.program_id(1)
    row = tl.load(rows + lane).to(tl.int64)
    position = tl.load(positions + row).to(tl.int32)
    pages = page_table + row * MAX_PAGES
    queries, key, value = load_new(
        qkv + lane * ((GROUP + 2) * KV_HEADS * HEAD_DIM), kv_head, q_norm, k_norm, eps, cos, sin, position,
        keys.dtype.element_ty, GROUP, KV_HEADS, HEAD_DIM, WIDTH, COLUMNS,
    )  # fmt: skip
    sums = ()
    for _ in tl.static_range(GROUP):
        sums = sums + ((tl.zeros((1, WIDTH), tl.float32), tl.full((), float("-inf"), tl.float32)),)
    for begin in range(0, position + 1, COLUMNS * TILES):
        old_keys, old_values = load_chunk(
            keys, values, pages, begin, position, kv_head, KV_HEADS, HEAD_DIM, WIDTH, PAGE_SIZE, COLUMNS, TILES
        )
        results = attend(queries, old_keys, old_values, begin, (key,), (value,), position, COLUMNS, TILES, 1, GROUP)
        added = ()
        for i in tl.static_range(GROUP):
            top = tl.maximum(sums[i][1], results[i][1])
            both = top + tl.log(tl.exp(sums[i][1] - top) + tl.exp(results[i][1] - top))
            added = added + ((sums[i][0] + tl.exp(results[i][1] - both) * (results[i][0] - sums[i][0]), both),)
        sums = added
    store_new(keys, values, key, value, pages, position, kv_head, 1, KV_HEADS, HEAD_DIM, WIDTH, PAGE_SIZE, COLUMNS)
    for i in tl.static_range(GROUP):
        at = ((lane * KV_HEADS + kv_head) * GROUP + i) * HEAD_DIM
        store_heads(out + at, sums[i][0], everywhere(), HEAD_DIM, WIDTH)


def paged_attention(
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
    partials: Tensor,
    lse: Tensor,
) -> None:
    """`whole_paged_attention` but for its end: each chunk of a context by itself, so that a few lanes fill the GPU.

    partials: float32 (n, max_chunks, heads, head_dim), gets the chunks' results. lse: float32 (n, max_chunks, heads), gets the log
    of the sum of each chunk's exponentials. What lies behind a row's last chunk is left as it is.
    """
    constants = _constants(qkv, cos, sin, keys, values, page_table, rows, CHUNK)
    n, max_chunks, heads, head_dim = partials.shape
    kv_heads = constants["KV_HEADS"]
    if (n, heads, head_dim) != (len(qkv), constants["GROUP"] * kv_heads, keys.shape[3]) or lse.shape != partials.shape[:3]:
        raise ValueError(f"qkv {tuple(qkv.shape)}, partials {tuple(partials.shape)} and lse {tuple(lse.shape)} do not fit")
    check_contiguous(partials=partials, lse=lse)
    launch(
        paged_attention_kernel,
        (n, kv_heads, max(1, min(PROGRAMS // (n * kv_heads), max_chunks))),
        *(qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions, partials, lse),
        work=_work(qkv, keys, 4 * n * (TYPICAL_CONTEXT // CHUNK) * heads * head_dim),
        warps=2 * keys.element_size(),
        **constants,
        MAX_CHUNKS=max_chunks,
    )


def whole_paged_attention(
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
    out: Tensor,
) -> None:
    """A step of n lanes: QK-norm, RoPE, the new position's key and value into its page, and attention over the context.

    qkv: (n, (heads + 2 * kv_heads) * head_dim), contiguous: queries, keys, values. q_norm, k_norm: (head_dim,). cos, sin: float32
    (max_positions, head_dim / 2), of `rope_table`. keys, values: (pages, page_size, kv_heads, head_dim) of one layer. page_table:
    (rows, max_pages). rows: (n,), the row of each lane. positions: int64 (rows,), where each row's new position is.
    out: (n, heads * head_dim).
    """
    constants = _constants(qkv, cos, sin, keys, values, page_table, rows, WHOLE_CHUNK)
    n, _, kv_heads, head_dim = len(qkv), *keys.shape[1:]
    if out.shape != (n, constants["GROUP"] * kv_heads * head_dim):
        raise ValueError(f"qkv {tuple(qkv.shape)} and out {tuple(out.shape)} do not fit")
    check_contiguous(out=out)
    launch(
        whole_paged_attention_kernel,
        (n, kv_heads),
        *(qkv, q_norm, k_norm, eps, cos, sin, keys, values, page_table, rows, positions, out),
        work=_work(qkv, keys, bytes_of(out)),
        warps=2 * keys.element_size(),
        **constants,
    )


def _constants(
    qkv: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, page_table: Tensor, rows: Tensor, chunk: int
) -> dict[str, int]:
    _, page_size, kv_heads, head_dim = keys.shape
    check_contiguous(qkv=qkv, cos=cos, sin=sin, keys=keys, values=values, page_table=page_table)
    if values.shape != keys.shape or rows.shape != qkv.shape[:1]:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (qkv, keys, values, rows))
        raise ValueError(f"qkv, keys, values and rows of {shapes} do not fit")
    width = next_power_of_2(head_dim)
    columns = min(chunk, TILE_ELEMENTS // width)
    return {
        "GROUP": qkv.shape[1] // head_dim // kv_heads - 2,
        "KV_HEADS": kv_heads,
        "HEAD_DIM": head_dim,
        "WIDTH": width,
        "PAGE_SIZE": page_size,
        "MAX_PAGES": page_table.shape[1],
        "COLUMNS": columns,
        "TILES": chunk // columns,
    }


def _work(qkv: Tensor, keys: Tensor, written: int) -> Work:
    """The work at TYPICAL_CONTEXT. written: bytes of results."""
    positions, key_width = len(qkv) * TYPICAL_CONTEXT, keys.shape[2] * keys.shape[3]
    moved = bytes_of(qkv) + 2 * positions * key_width * keys.element_size() + written
    return Work(0, moved, 4 * positions * (qkv.shape[1] - 2 * key_width))


def combine_reference(partials: Tensor, lse: Tensor, positions: Tensor) -> Tensor:
    """Put attention together from the chunks that `paged_attention` leaves.

    partials: float32 (n, max_chunks, heads, head_dim). lse: float32 (n, max_chunks, heads). positions: int64 (n,), the newest
    position of each lane. Returns float32 (n, heads, head_dim).
    """
    outputs = []
    for partial, log_sum, position in zip(partials, lse, positions.tolist(), strict=True):
        chunks = position // CHUNK + 1
        outputs.append((log_sum[:chunks].softmax(0).unsqueeze(-1) * partial[:chunks]).sum(0))
    return torch.stack(outputs)


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
