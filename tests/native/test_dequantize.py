"""The look-up on the CPU."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.native import dequantize, dequantize_reference


@pytest.mark.parametrize(("books", "size", "width"), [(1, 3, 4), (2, 5, 1), (4, 7, 33), (16, 11, 256)])
def test_equals_float64(books: int, size: int, width: int) -> None:
    codebooks, codes = torch.randn(books, size, width), torch.randint(size, (2, 3, books))
    y = dequantize(codes, codebooks)
    expected = dequantize_reference(codes, codebooks.double())
    assert torch.equal(y[..., :width].double(), expected[..., :width])
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=1e-6 * books)  # a sum of books - 1 numbers of size 1
    assert torch.equal(dequantize(codes[1:, 2:].contiguous(), codebooks), y[1:, 2:])


def test_names_a_bad_code() -> None:
    for code in (-1, 7):
        with pytest.raises(ValueError, match=f"^codes={code} is no code: give 0 to 6$"):
            dequantize(torch.tensor([[[0, code]]]), torch.randn(2, 7, 3))
