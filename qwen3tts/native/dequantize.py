"""From codes to vectors: a look-up in each codebook."""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.native import dispatch
from qwen3tts.native.dispatch import array


def dequantize(codes: Tensor, codebooks: Tensor) -> Tensor:
    """The first code's vector, then the sum of the others' -> (B, n, 2 * width).

    codes: int64 (B, n, books). codebooks: (books, size, width). On a CPU raises ValueError for a code outside [0, size); a GPU,
    which cannot, takes the nearest code.
    """
    path = dispatch.path_of(codebooks)
    if path == "reference":
        return dequantize_reference(codes, codebooks)
    (batch, frames, books), (_, size, width) = codes.shape, codebooks.shape
    y = codebooks.new_empty(batch, frames, 2 * width)
    arguments = (array(codes, torch.int64), array(codebooks), array(y), batch * frames, books, size, width)
    if path == "cpu":
        dispatch.extension.dequantize(*arguments)
    else:
        dispatch.run("dequantize", path, codebooks, *arguments)
    return y


def dequantize_reference(codes: Tensor, codebooks: Tensor) -> Tensor:
    """`dequantize` in plain torch."""
    vectors = codebooks[torch.arange(len(codebooks), device=codes.device), codes]
    return torch.cat([vectors[..., 0, :], vectors[..., 1:, :].sum(-2)], dim=-1)
