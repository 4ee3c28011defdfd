"""The talker's next input: the sum of a frame's 16 code embeddings and one text row.

Bytes per row: 17 embedding rows read, one written (official `Qwen3TTSTalkerForConditionalGeneration.forward`), 72 KB at a hidden
size of 2,048. The codes tell which rows, so nothing can be loaded early: what counts is that all 17 are on their way at once. A
program is one warp that asks for 16 bytes a thread and row, 17 times, before it adds anything up.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work

BLOCK_BYTES = 512
"""What a warp reads at once."""


@jit
def _frame_sum(
    codes, code_table, residual_tables, text, text_end, pad, pages, position, column,
    BOOKS: tl.constexpr, BOOKS_BLOCK: tl.constexpr, VOCABULARY: tl.constexpr, HIDDEN: tl.constexpr, PAGE_SIZE: tl.constexpr,
):  # fmt: skip
    """Embeddings of one row's codes and its text row, or the pad once the text is spoken; float32."""
    book = tl.arange(0, BOOKS_BLOCK)
    residual = book < BOOKS - 1
    inside = column < HIDDEN
    code0 = tl.load(codes)
    code = tl.load(codes + 1 + book, mask=residual, other=0)
    first = tl.load(code_table + code0 * HIDDEN + column, mask=inside)
    at = (book * VOCABULARY + code) * HIDDEN
    rest = tl.load(residual_tables + at[:, None] + column[None, :], mask=residual[:, None] & inside[None, :], other=0.0)
    # Only positions with text are sure to lie within the page table.
    if position < text_end:
        page = tl.load(pages + position // PAGE_SIZE).to(tl.int64)
        last = tl.load(text + (page * PAGE_SIZE + position % PAGE_SIZE) * HIDDEN + column, mask=inside)
    else:
        last = tl.load(pad + column, mask=inside)
    return first.to(tl.float32) + tl.sum(rest.to(tl.float32), 0) + last.to(tl.float32)


@jit
def frame_input_kernel(
    rows, frames, positions, text_ends, integer_stride, first_inputs, first_stride, codes, codes_stride, code_table,
    residual_tables, text, pad, page_table, pages_stride, out, out_stride,
    BOOKS: tl.constexpr, BOOKS_BLOCK: tl.constexpr, VOCABULARY: tl.constexpr, HIDDEN: tl.constexpr, PAGE_SIZE: tl.constexpr,
    BLOCK: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """BLOCK elements of the input of one lane."""
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    lane = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < HIDDEN
    row = tl.load(rows + lane).to(tl.int64)
    at = row * integer_stride
    if tl.load(frames + at) == 0:
        total = tl.load(first_inputs + row * first_stride + column, mask=inside).to(tl.float32)
    else:
        total = _frame_sum(
            codes + row * codes_stride, code_table, residual_tables, text, tl.load(text_ends + at), pad,
            page_table + row * pages_stride, tl.load(positions + at), column, BOOKS, BOOKS_BLOCK, VOCABULARY, HIDDEN, PAGE_SIZE,
        )  # fmt: skip
    tl.store(out + lane * out_stride + column, total.to(out.dtype.element_ty), mask=inside)


def frame_input(
    launch: Launcher,
    rows: Tensor,
    frames: Tensor,
    positions: Tensor,
    first_inputs: Tensor,
    codes: Tensor,
    code_table: Tensor,
    residual_tables: Tensor,
    text: Tensor,
    text_ends: Tensor,
    pad: Tensor,
    page_table: Tensor,
    out: Tensor,
) -> None:
    """Make the talker's input of each lane: its row's first one in frame 0, else from the codes and text of the frame before.

    rows: int32 (n,). frames, positions, text_ends: int64 (rows,) of one stride: the frame, where its input stands, and from where
    on the text is the pad. first_inputs: (rows, hidden). codes: int64 (rows, books). code_table: (vocabulary of code 0, hidden).
    residual_tables: (books - 1, vocabulary, hidden). text: (pages, page_size, hidden). pad: (hidden,). page_table: integers
    (rows, max_pages). out: (n, hidden). Rows of first_inputs, codes, page_table and out may lie apart. Sums in float32, rounded
    once.
    """
    n, hidden = out.shape
    books, vocabulary = residual_tables.shape[0] + 1, residual_tables.shape[1]
    _check(rows, (frames, positions, text_ends), (code_table, residual_tables, text, pad), (first_inputs, codes, page_table, out))
    if codes.shape[1] != books:
        raise ValueError(f"codes {tuple(codes.shape)} have not a book for each of code 0 and {books - 1} residual tables")
    block = min(next_power_of_2(hidden), BLOCK_BYTES // code_table.element_size())
    launch(
        frame_input_kernel, (n, -(-hidden // block)),
        rows, frames, positions, text_ends, frames.stride(0), first_inputs, first_inputs.stride(0), codes, codes.stride(0),
        code_table, residual_tables, text, pad, page_table, page_table.stride(0), out, out.stride(0),
        work=Work(0, n * hidden * ((books + 1) * code_table.element_size() + out.element_size()), n * hidden * books),
        warps=1,
        BOOKS=books, BOOKS_BLOCK=next_power_of_2(books - 1), VOCABULARY=vocabulary, HIDDEN=hidden, PAGE_SIZE=text.shape[1],
        BLOCK=block,
    )  # fmt: skip


def _check(
    rows: Tensor, integers: tuple[Tensor, ...], tables: tuple[Tensor, ...], matrices: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    first_inputs, codes, _, out = matrices
    if {value.dtype for value in integers} != {torch.int64} or len({value.stride() for value in integers}) != 1:
        raise ValueError(f"frames, positions and text_ends are not int64 of one stride: {[value.stride() for value in integers]}")
    if rows.dtype != torch.int32 or rows.shape != out.shape[:1] or codes.dtype != torch.int64:
        raise ValueError(f"rows {tuple(rows.shape)} {rows.dtype} are not int32, one a lane, or codes {codes.dtype} not int64")
    if {table.shape[-1] for table in (*tables, first_inputs, out)} != {out.shape[1]}:
        raise ValueError(f"tables and inputs are not all {out.shape[1]} wide, as out is")
    if not all(table.is_contiguous() for table in tables) or any(matrix.stride(1) != 1 for matrix in matrices):
        raise ValueError("tables have to be contiguous, and rows of first_inputs, codes, page_table and out without gaps")


def frame_embedding_reference(codes: Tensor, tables: Sequence[Tensor], dtype: object) -> Tensor:
    """Sum of the embeddings of each frame's codes, added book by book in the order of the books.

    codes: int64 (n, books). tables: a (vocabulary, hidden) table per book. Returns (n, hidden) in `dtype`.
    """
    total = tables[0][codes[:, 0]].to(dtype)
    for book, table in enumerate(tables[1:], 1):
        total = total + table[codes[:, book]].to(dtype)
    return total
