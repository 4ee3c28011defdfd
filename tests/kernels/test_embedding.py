"""The sum of a frame's code embeddings."""

import pytest
import torch

from qwen3tts.kernels.embedding import frame_embedding_reference


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("n", "books", "hidden"), [(1, 1, 3), (5, 16, 64), (2, 16, 1000)])
def test_sum_of_embeddings_against_float64(n, books, hidden, dtype):
    tables = [torch.randn(11, hidden).to(dtype) for _ in range(books)]
    codes = torch.randint(11, (n, books))
    expected = sum(table.double()[codes[:, book]] for book, table in enumerate(tables))
    got = frame_embedding_reference(codes, tables, torch.float32)
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=1e-5)
