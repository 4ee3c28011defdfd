"""Split residual vector quantisation: one semantic codebook, then a chain of acoustic ones. Source: arXiv 2410.00037, 3.3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.native import linear

_LEAST_USAGE = 1e-5


def read_codebooks(tensors: Mapping[str, Tensor], names: Iterable[str], sums: str) -> Tensor:
    """Codebooks (books, size, width): the running sum of the vectors in each cluster over how many there were.

    names: where each book's tensors are. sums: the last part of the sums' name.
    """
    return torch.stack(
        [tensors[f"{name}.{sums}"] / tensors[f"{name}.cluster_usage"].clamp(_LEAST_USAGE)[:, None] for name in names]
    )


@dataclass(frozen=True)
class Dequantizer:
    """codebooks: (books, size, width), the semantic one first. semantic, acoustic: projections (width out, width)."""

    codebooks: Tensor
    semantic: Tensor
    acoustic: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str, books: int) -> Dequantizer:
        """Take the decoder's quantizer of `books` codebooks, whose tensors lie below `name`."""
        first, rest = f"{name}.rvq_first", f"{name}.rvq_rest"
        books_of_rest = (f"{rest}.vq.layers.{i}._codebook" for i in range(books - 1))
        return cls(
            read_codebooks(tensors, (f"{first}.vq.layers.0._codebook", *books_of_rest), "embedding_sum"),
            tensors[f"{first}.output_proj.weight"].squeeze(-1),
            tensors[f"{rest}.output_proj.weight"].squeeze(-1),
        )


@dataclass(frozen=True)
class Quantizer:
    """codebooks: (books, size, width). projection: (width, width in), or None where the widths are the same."""

    codebooks: Tensor
    projection: Tensor | None

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str, books: int) -> Quantizer:
        """Take the first `books` codebooks of the encoder's quantizer whose tensors lie below `name`."""
        projection = tensors.get(f"{name}.input_proj.weight")
        return cls(
            read_codebooks(tensors, (f"{name}.layers.{i}.codebook" for i in range(books)), "embed_sum"),
            None if projection is None else projection.squeeze(-1),
        )


def dequantize(codes: Tensor, weights: Dequantizer) -> Tensor:
    """codes int64 (B, n, books) -> float32 (B, n, width out). Source: `SplitResidualVectorQuantizer.decode`."""
    books = torch.arange(codes.shape[-1], device=codes.device)
    vectors = weights.codebooks[books, codes]
    return linear(vectors[:, :, 0], weights.semantic) + linear(vectors[:, :, 1:].sum(2), weights.acoustic)


def quantize(vectors: Tensor, weights: Quantizer) -> Tensor:
    """vectors float32 (n, width in) -> int64 (n, books): nearest centroid, then the nearest to what is left, and so on.

    Source: `MimiResidualVectorQuantizer.encode`.
    """
    residual = vectors if weights.projection is None else linear(vectors, weights.projection)
    codes = []
    for codebook in weights.codebooks:
        codes.append(torch.cdist(residual, codebook).argmin(-1))
        residual = residual - codebook[codes[-1]]
    return torch.stack(codes, dim=-1)
