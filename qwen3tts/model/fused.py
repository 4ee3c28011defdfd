"""The talker and the code predictor as launches of kernels; `talker.py` and `code_predictor.py` are the same in torch.

A layer is five launches on given buffers. Nothing here allocates, waits, or reads a number back, so that a frame of these calls can
be captured.
`launch` is where kernels go; `wide` is their form: on tensor cores, else as matrix-vector products.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from qwen3tts.config import CodePredictorConfig, TalkerConfig
from qwen3tts.kernels.attention_output import Chunks, attention_output
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import Matrix, norm_linear, norm_swiglu, residual_linear
from qwen3tts.kernels.paged_attention import CHUNK, paged_attention, whole_paged_attention
from qwen3tts.kernels.predictor_attention import predictor_attention
from qwen3tts.model.packed import PackedLayer, PackedPredictor, PackedTalker


@dataclass(frozen=True)
class TalkerBuffers:
    """What a talker step of n lanes works in.

    x: (n, hidden), the input, then the residual stream. qkv: (n, query + key + value width). mixed: (n, query width) in the wide
    form; partials, lse: float32 (n, chunks, heads, head_dim) and (n, chunks, heads) in the other. gated: (n, intermediate).
    logits: float32 (n, vocabulary).
    """

    x: Tensor
    qkv: Tensor
    mixed: Tensor | None
    partials: Tensor | None
    lse: Tensor | None
    gated: Tensor
    logits: Tensor


@dataclass(frozen=True)
class PredictorBuffers:
    """What the predictor's steps of n lanes work in; the first step has two positions a lane, hence 2 n.

    x: (2 n, hidden). qkv: (2 n, query + key + value width). mixed: (2 n, query width). gated: (2 n, intermediate). logits: float32
    (n, vocabulary). keys, values: (layers, n, num_code_groups, kv_heads, head_dim), of one frame.
    """

    x: Tensor
    qkv: Tensor
    mixed: Tensor
    gated: Tensor
    logits: Tensor
    keys: Tensor
    values: Tensor


@dataclass(frozen=True)
class Context:
    """The cached positions of all rows, and which rows the lanes are.

    keys, values: (layers, pages, page_size, kv_heads, head_dim). page_table: int64 (rows, max_pages). positions: int64 (rows,), of
    the next input. rows: int32 (n,).
    """

    keys: Tensor
    values: Tensor
    page_table: Tensor
    positions: Tensor
    rows: Tensor


def talker_step(
    launch: Launcher, wide: bool, weights: PackedTalker, config: TalkerConfig, context: Context, buffers: TalkerBuffers
) -> None:
    """One step of n lanes: from the inputs in `buffers.x` to `buffers.logits`, and to the last layer's output in `buffers.x`."""
    stack, eps = weights.stack, config.rms_norm_eps
    for i, layer in enumerate(stack.layers):
        norm_linear(launch, buffers.x, layer.input_norm, eps, layer.qkv, buffers.qkv, wide=wide)
        attention = (
            *(launch, buffers.qkv, layer.q_norm, layer.k_norm, eps, stack.cos, stack.sin),
            *(context.keys[i], context.values[i], context.page_table, context.rows, context.positions),
        )
        if buffers.partials is not None and buffers.lse is not None:
            paged_attention(*attention, buffers.partials, buffers.lse)
            chunks = Chunks(buffers.partials, buffers.lse, context.rows, context.positions, CHUNK)
            attention_output(launch, chunks, layer.output, buffers.x)
        elif buffers.mixed is not None:
            whole_paged_attention(*attention, buffers.mixed)
            residual_linear(launch, buffers.mixed, layer.output, buffers.x, wide=wide)
        mlp(launch, wide, layer, eps, buffers.x, buffers.gated)
    norm_linear(launch, buffers.x, stack.norm, eps, weights.head, buffers.logits, wide=wide)


def predictor_step(
    launch: Launcher,
    wide: bool,
    weights: PackedPredictor,
    config: CodePredictorConfig,
    buffers: PredictorBuffers,
    start: int,
    head: Matrix,
) -> None:
    """One step of n lanes over the new positions from `start` (two at 0, else one): from `buffers.x` to `buffers.logits`.

    The inputs are (n, new positions, hidden), and fill `buffers.x` from its beginning. head: that of the codebook to come.
    """
    stack, eps, lanes = weights.stack, config.rms_norm_eps, len(buffers.logits)
    new = 2 if start == 0 else 1
    x, qkv, mixed, gated = (buffer[: lanes * new] for buffer in (buffers.x, buffers.qkv, buffers.mixed, buffers.gated))
    for i, layer in enumerate(stack.layers):
        norm_linear(launch, x, layer.input_norm, eps, layer.qkv, qkv, wide=wide)
        predictor_attention(
            *(launch, qkv.view(lanes, new, -1), layer.q_norm, layer.k_norm, eps, stack.cos, stack.sin),
            *(buffers.keys[i], buffers.values[i], start, mixed.view(lanes, new, -1)),
        )
        residual_linear(launch, mixed, layer.output, x, wide=wide)
        mlp(launch, wide, layer, eps, x, gated)
    norm_linear(launch, x.view(lanes, new, -1)[:, -1], stack.norm, eps, head, buffers.logits, wide=wide)


def mlp(launch: Launcher, wide: bool, layer: PackedLayer, eps: float, x: Tensor, gated: Tensor) -> None:
    """The second half of a layer, added to x (n, hidden)."""
    norm_swiglu(launch, x, layer.mlp_norm, eps, layer.gate_up, gated, wide=wide)
    residual_linear(launch, gated, layer.down, x, wide=wide)
