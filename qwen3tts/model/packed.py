"""The weights as the kernels read them: on the device, in one dtype, projections of one input packed into one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qwen3tts.config import CodePredictorConfig, StackConfig, TalkerConfig
from qwen3tts.kernels.linear import Matrix
from qwen3tts.kernels.qkv import rope_table
from qwen3tts.model.weights import CodePredictorWeights, LayerWeights, TalkerWeights
from qwen3tts.native import linear

E4M3_MAX = 448.0


@dataclass(frozen=True)
class Placement:
    """Where weights go. quantize: None, or "fp8" for the layers' projections.

    squares: float64 (2,) on the device, to which quantising adds the squares of its errors and of the weights.
    """

    device: torch.device
    dtype: torch.dtype
    quantize: str | None
    squares: Tensor

    @classmethod
    def at(cls, device: torch.device, dtype: torch.dtype, quantize: str | None) -> Placement:
        """A place where nothing has been put yet."""
        return cls(device, dtype, quantize, torch.zeros(2, dtype=torch.float64, device=device))

    @property
    def error(self) -> float | None:
        """Relative error (root mean square) of the quantised weights put here against `dtype`; None where there are none."""
        error, power = self.squares.tolist()
        return None if self.quantize is None else (error / power) ** 0.5

    def tensor(self, weight: Tensor) -> Tensor:
        """A weight in its place."""
        return weight.to(self.device, self.dtype)

    def matrix(self, *weights: Tensor) -> Matrix:
        """Projections of one input, stacked in this order and quantised if asked for."""
        values = torch.cat([self.tensor(weight) for weight in weights])
        if self.quantize is None:
            return Matrix(values)
        matrix = quantize_rows(values)
        wide = values.float()
        self.squares.add_(torch.stack(((matrix.wide(torch.float32) - wide).square().sum(), wide.square().sum())))
        return matrix


def quantize_rows(weight: Tensor) -> Matrix:
    """Weights (out, in) as float8 (e4m3) and a float32 scale an output, at which its largest weight is the format's largest."""
    wide = weight.float()
    scales = wide.abs().amax(1).clamp(min=torch.finfo(torch.float32).tiny) / E4M3_MAX
    return Matrix((wide / scales[:, None]).to(torch.float8_e4m3fn), scales)


@dataclass(frozen=True)
class PackedLayer:
    """A decoder layer. qkv: queries, keys, values. gate_up: gates, ups."""

    input_norm: Tensor
    qkv: Matrix
    q_norm: Tensor
    k_norm: Tensor
    output: Matrix
    mlp_norm: Tensor
    gate_up: Matrix
    down: Matrix

    @classmethod
    def pack(cls, layer: LayerWeights, place: Placement) -> PackedLayer:
        """Bring a layer to its place."""
        return cls(
            input_norm=place.tensor(layer.input_norm),
            qkv=place.matrix(layer.q_proj, layer.k_proj, layer.v_proj),
            q_norm=place.tensor(layer.q_norm),
            k_norm=place.tensor(layer.k_norm),
            output=place.matrix(layer.o_proj),
            mlp_norm=place.tensor(layer.post_attention_norm),
            gate_up=place.matrix(layer.gate_proj, layer.up_proj),
            down=place.matrix(layer.down_proj),
        )


@dataclass(frozen=True)
class PackedStack:
    """Decoder layers, the last norm, and the rotation of every position: cos, sin float32 (positions, head_dim / 2)."""

    layers: tuple[PackedLayer, ...]
    norm: Tensor
    cos: Tensor
    sin: Tensor

    @classmethod
    def pack(
        cls, layers: Sequence[LayerWeights], norm: Tensor, config: StackConfig, positions: int, place: Placement
    ) -> PackedStack:
        """Bring a stack to its place. positions: that it will ever see."""
        cos, sin = rope_table(torch.arange(positions, device=place.device), config.head_dim, config.rope_theta)
        return cls(tuple(PackedLayer.pack(layer, place) for layer in layers), place.tensor(norm), cos, sin)


@dataclass(frozen=True)
class PackedTalker:
    """The talker. codec_embedding: (vocabulary, hidden)."""

    stack: PackedStack
    codec_embedding: Tensor
    head: Matrix

    @classmethod
    def pack(cls, weights: TalkerWeights, config: TalkerConfig, positions: int, place: Placement) -> PackedTalker:
        """Bring the talker to its place; heads are never quantised."""
        return cls(
            stack=PackedStack.pack(weights.layers, weights.norm, config, positions, place),
            codec_embedding=place.tensor(weights.codec_embedding),
            head=replace(place, quantize=None).matrix(weights.codec_head),
        )


@dataclass(frozen=True)
class PackedPredictor:
    """The code predictor.

    residual_embeddings: (codebooks - 1, vocabulary, talker hidden), for the talker's input. inputs: the embedding of each codebook
    but the last in the predictor's own width, projected once here and not in every step. input: the projection of the talker's
    hidden state and its bias; None where the widths are equal.
    """

    stack: PackedStack
    heads: tuple[Matrix, ...]
    residual_embeddings: Tensor
    inputs: tuple[Tensor, ...]
    input: tuple[Matrix, Tensor] | None

    @classmethod
    def pack(
        cls, weights: CodePredictorWeights, config: CodePredictorConfig, codec_embedding: Tensor, place: Placement
    ) -> PackedPredictor:
        """Bring the predictor to its place. codec_embedding: the talker's, in its place; heads are never quantised."""
        whole = replace(place, quantize=None)
        residual = torch.stack([place.tensor(table) for table in weights.codec_embeddings])
        tables = (codec_embedding, *residual[:-1])
        projection = None
        if weights.input_proj is not None and weights.input_proj_bias is not None:
            projection = whole.matrix(weights.input_proj), place.tensor(weights.input_proj_bias)
            tables = tuple(linear(table, projection[0].values, projection[1]) for table in tables)
        return cls(
            stack=PackedStack.pack(weights.layers, weights.norm, config, config.num_code_groups, place),
            heads=tuple(whole.matrix(head) for head in weights.heads),
            residual_embeddings=residual,
            inputs=tables,
            input=projection,
        )
