"""Split residual vector quantisation: one semantic codebook, then a chain of acoustic ones. Source: arXiv 2410.00037, 3.3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.codec.layers import Reader, apply
from qwen3tts.native import Layer

_LEAST_USAGE = 1e-5


def read_codebooks(tensors: Reader, names: Iterable[str], sums: str) -> Tensor:
    """Codebooks (books, size, width): the running sum of the vectors in each cluster over how many there were.

    names: where each book's tensors are. sums: the last part of the sums' name.
    """
    return torch.stack(
        [tensors[f"{name}.{sums}"] / tensors[f"{name}.cluster_usage"].clamp(_LEAST_USAGE)[:, None] for name in names]
    )


@dataclass(frozen=True)
class Dequantizer:
    """codebooks: (books, size, width), the semantic one first. output: projects the semantic vector and the sum of the acoustic."""

    codebooks: Tensor
    output: Layer

    @classmethod
    def read(cls, tensors: Reader, books: int) -> Dequantizer:
        """Take the decoder's quantizer of `books` codebooks. Source: `SplitResidualVectorQuantizer.decode`."""
        names = ["rvq_first.vq.layers.0", *(f"rvq_rest.vq.layers.{i}" for i in range(books - 1))]
        projections = [tensors[f"{part}.output_proj.weight"].squeeze(-1) for part in ("rvq_first", "rvq_rest")]
        return cls(
            read_codebooks(tensors, (f"{name}._codebook" for name in names), "embedding_sum"),
            Layer.linear(torch.cat(projections, dim=1), layout=tensors.layout),
        )


@dataclass(frozen=True)
class Quantizer:
    """codebooks: (books, size, width). projection: to `width`, or None where vectors have it already."""

    codebooks: Tensor
    projection: Layer | None

    @classmethod
    def read(cls, tensors: Reader, books: int) -> Quantizer:
        """Take the first `books` codebooks of one of the encoder's quantizers."""
        projected = tensors.get("input_proj.weight") is not None
        return cls(
            read_codebooks(tensors, (f"layers.{i}.codebook" for i in range(books)), "embed_sum"),
            tensors.convolution("input_proj") if projected else None,
        )


def quantize(vectors: Tensor, weights: Quantizer) -> Tensor:
    """vectors float32 (1, n, width in) -> int64 (n, books): nearest centroid, then the nearest to what is left, and so on.

    Source: `MimiResidualVectorQuantizer.encode`.
    """
    residual = (vectors if weights.projection is None else apply(weights.projection, vectors))[0]
    codes = []
    for codebook in weights.codebooks:
        codes.append(torch.cdist(residual, codebook).argmin(-1))
        residual = residual - codebook[codes[-1]]
    return torch.stack(codes, dim=-1)
