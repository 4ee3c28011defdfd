"""The talker's next input: the sum of a frame's 16 code embeddings and one text row.

Bytes per row: 17 embedding rows read, one written (official `Qwen3TTSTalkerForConditionalGeneration.forward`).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def frame_embedding_reference(codes: Tensor, tables: Sequence[Tensor], dtype: object) -> Tensor:
    """Sum of the embeddings of each frame's codes, added book by book in the order of the books.

    codes: int64 (n, books). tables: a (vocabulary, hidden) table per book. Returns (n, hidden) in `dtype`.
    """
    total = tables[0][codes[:, 0]].to(dtype)
    for book, table in enumerate(tables[1:], 1):
        total = total + table[codes[:, book]].to(dtype)
    return total
