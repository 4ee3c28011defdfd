"""One frame of the batch, as launches: the talker's input, its step, code 0, and fifteen steps of the predictor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.config import SUPPRESSED_IDS, StackConfig, TalkerConfig
from qwen3tts.engine.rows import MIN_NEW_FRAMES, Rows
from qwen3tts.kernels.embedding import frame_input
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import MATVEC_LANES, norm_linear
from qwen3tts.kernels.norm import rms_norm
from qwen3tts.kernels.paged_attention import CHUNK
from qwen3tts.kernels.sampling import draw_code0, draw_residual
from qwen3tts.model.fused import Context, PredictorBuffers, TalkerBuffers, predictor_step, talker_step
from qwen3tts.model.packed import PackedPredictor, PackedTalker


@dataclass(frozen=True)
class FrameBuffers:
    """The static buffers of a frame, for as many lanes as the largest batch has."""

    talker: TalkerBuffers
    predictor: PredictorBuffers

    @classmethod
    def allocate(
        cls, config: TalkerConfig, lanes: int, wide: bool, positions: int, dtype: torch.dtype, device: torch.device
    ) -> FrameBuffers:
        """Reserve them. positions: the longest context; it counts only where attention is cut in chunks, which `wide` is not."""
        predictor = config.code_predictor_config

        def empty(*shape: int, kind: torch.dtype = dtype) -> Tensor:
            return torch.empty(shape, dtype=kind, device=device)

        def layer(stack: StackConfig, n: int) -> dict[str, Tensor]:
            return {
                "x": empty(n, stack.hidden_size),
                "qkv": empty(n, stack.query_size + 2 * stack.key_value_size),
                "gated": empty(n, stack.intermediate_size),
            }

        chunks = (lanes, -(-positions // CHUNK), config.num_attention_heads)
        cache = (predictor.num_hidden_layers, lanes, config.num_code_groups, predictor.num_key_value_heads, predictor.head_dim)
        return cls(
            TalkerBuffers(
                **layer(config, lanes),
                mixed=empty(lanes, config.query_size) if wide else None,
                partials=None if wide else empty(*chunks, config.head_dim, kind=torch.float32),
                lse=None if wide else empty(*chunks, kind=torch.float32),
                logits=empty(lanes, config.vocab_size, kind=torch.float32),
            ),
            PredictorBuffers(
                **layer(predictor, 2 * lanes),
                mixed=empty(2 * lanes, predictor.query_size),
                logits=empty(lanes, predictor.vocab_size, kind=torch.float32),
                keys=empty(*cache),
                values=empty(*cache),
            ),
        )

    def first(self, lanes: int) -> FrameBuffers:
        """Views of the first so many lanes."""
        talker, predictor = self.talker, self.predictor

        def part(buffer: Tensor | None) -> Tensor | None:
            return None if buffer is None else buffer[:lanes]

        return FrameBuffers(
            TalkerBuffers(
                x=talker.x[:lanes],
                qkv=talker.qkv[:lanes],
                mixed=part(talker.mixed),
                partials=part(talker.partials),
                lse=part(talker.lse),
                gated=talker.gated[:lanes],
                logits=talker.logits[:lanes],
            ),
            replace(
                predictor,
                logits=predictor.logits[:lanes],
                keys=predictor.keys[:, :lanes],
                values=predictor.values[:, :lanes],
            ),
        )


@dataclass(frozen=True)
class FrameModel:
    """The weights of a frame, and the form its kernels take: on tensor cores (`wide`) or as matrix-vector products.

    One form serves all batches of an engine: the forms round differently, and a row must not see who is beside it.
    """

    config: TalkerConfig
    talker: PackedTalker
    predictor: PackedPredictor
    wide: bool


def is_wide(max_batch: int) -> bool:
    """The form for batches of up to `max_batch` lanes."""
    return max_batch > MATVEC_LANES


def run_frame(launch: Launcher, model: FrameModel, state: Rows, cache: PagedKV, buffers: FrameBuffers, rows: Tensor) -> None:
    """One frame of n lanes, left in `state.codes`. rows: int32 (n,), the row of each lane. buffers: of n lanes."""
    config, talker, predictor, work = model.config, model.talker, model.predictor, buffers.predictor
    frame_input(
        *(launch, rows, state.frames, state.positions, state.inputs, state.codes, talker.codec_embedding),
        *(predictor.residual_embeddings, state.text, state.text_ends, state.pad, state.page_table, buffers.talker.x),
    )
    context = Context(cache.keys, cache.values, state.page_table, state.positions, rows)
    talker_step(launch, model.wide, talker, config, context, buffers.talker)
    lanes = len(rows)
    first = work.x[: 2 * lanes].view(lanes, 2, -1)
    draw_code0(
        *(launch, buffers.talker.logits, rows, state.talker_draws, state.repetition_penalty, state.seen),
        *(config.codec_eos_token_id, config.vocab_size - SUPPRESSED_IDS, MIN_NEW_FRAMES, state.codes),
        *(predictor.inputs[0], first[:, 1]),
    )
    _hidden_state(launch, model, buffers, first[:, 0])
    for book in range(1, config.num_code_groups):
        start = 0 if book == 1 else book
        predictor_step(launch, model.wide, predictor, config.code_predictor_config, work, start, predictor.heads[book - 1])
        last = book == config.num_code_groups - 1
        draw_residual(
            *(launch, work.logits, rows, state.predictor_draws, book, state.codes),
            *((None, None) if last else (predictor.inputs[book], work.x[:lanes])),
            state.positions if last else None,
        )


def _hidden_state(launch: Launcher, model: FrameModel, buffers: FrameBuffers, out: Tensor) -> None:
    """The talker's normalised state in the predictor's width: out (n, predictor hidden)."""
    norm, eps = model.talker.stack.norm, model.config.rms_norm_eps
    if model.predictor.input is None:
        rms_norm(launch, buffers.talker.x, norm, eps, out)
    else:
        weight, bias = model.predictor.input
        norm_linear(launch, buffers.talker.x, norm, eps, weight, out, bias, wide=model.wide)
