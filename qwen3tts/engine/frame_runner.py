"""Runs the talker and the code predictor over the rows of the batch: prefill on admission, then a frame at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import TalkerConfig
from qwen3tts.engine.rows import MIN_NEW_FRAMES, Rows
from qwen3tts.engine.stages import StageClock
from qwen3tts.kernels.embedding import frame_embedding_reference
from qwen3tts.kernels.paged_attention import page_slots
from qwen3tts.kernels.sampling import penalise_reference, sample_reference, uniforms_reference
from qwen3tts.model.code_predictor import predict_codes
from qwen3tts.model.prompt import code_tables, embed_prompt, embed_text
from qwen3tts.model.talker import codec_logits, prefill, talker_step
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights
from qwen3tts.types import Prompt, Sampling


@dataclass(frozen=True)
class Frames:
    """One frame of n rows.

    codes: int64 (n, num_code_groups); of a stopped row only code 0, the stop code, means anything. stopped: bool (n,).
    """

    codes: Tensor
    stopped: Tensor


@dataclass(frozen=True)
class FrameRunner:
    """The weights and state of frames; `run` is one frame of any set of rows."""

    config: TalkerConfig
    talker: TalkerWeights
    predictor: CodePredictorWeights
    rows: Rows
    cache: PagedKV
    clock: StageClock

    def admit(
        self,
        row: int,
        prompt: Prompt,
        speaker_embedding: Tensor | None,
        reference_codes: Tensor | None,
        pages: list[int],
        sampling: Sampling,
    ) -> None:
        """Start an utterance in `row`.

        All positions of its prompt but the last go through the layers now; the last does so with the first frame, as every frame's
        input does.
        """
        dtype = self.rows.inputs.dtype
        with self.clock.time("prefill"):
            x = embed_prompt(self.talker, self.predictor, prompt, speaker_embedding, reference_codes, dtype)
            room = len(pages) * PAGE_SIZE - len(prompt)
            text = embed_text(self.talker, prompt.trailing_text_ids[:room], dtype)
            last = len(x) - 1
            self.rows.start(row, last, text, pages, sampling)
            self.rows.inputs[row] = x[last]
            positions = torch.arange(last, device=x.device)
            prefill(self.talker, self.config, x[:last], positions, self.cache.keys, self.cache.values, self.rows.page_table[row])

    def run(self, rows: Tensor) -> Frames:
        """One frame of the given rows, int64 (n,): talker step, code 0, codes 1 to 15, and the next input."""
        state = self.rows
        with self.clock.time("talker"):
            cache, pages = self.cache, state.page_table[rows]
            hidden = talker_step(
                self.talker, self.config, state.inputs[rows], state.positions[rows], cache.keys, cache.values, pages
            )
            logits = codec_logits(self.talker, hidden)
            uniforms = uniforms_reference(state.seeds[rows], state.frames[rows], self.config.num_code_groups)
            code0 = self._draw_code0(logits, rows, uniforms)
        stopped = code0 == self.config.codec_eos_token_id
        with self.clock.time("predictor"):
            codes = self._predict(hidden, code0, rows, uniforms)
        self._advance(rows, codes)
        return Frames(codes, stopped)

    def _draw_code0(self, logits: Tensor, rows: Tensor, uniforms: Tensor) -> Tensor:
        state = self.rows
        scores = penalise_reference(logits, state.seen[rows], state.repetition_penalty[rows])
        early = (state.frames[rows] < MIN_NEW_FRAMES).unsqueeze(1)
        scores = scores.masked_fill(torch.where(early, state.control_ids_and_stop, state.control_ids), float("-inf"))
        code0 = sample_reference(scores, uniforms[:, 0], state.temperature[rows], state.top_k[rows], state.top_p_tail[rows])
        state.seen[rows, code0] = True
        return code0

    def _predict(self, hidden: Tensor, code0: Tensor, rows: Tensor, uniforms: Tensor) -> Tensor:
        state, config = self.rows, self.config.code_predictor_config
        settings = state.predictor_temperature[rows], state.predictor_top_k[rows], state.predictor_top_p_tail[rows]

        def draw(scores: Tensor, book: int) -> Tensor:
            return sample_reference(scores, uniforms[:, book], *settings)

        embedding = self.talker.codec_embedding[code0].to(hidden.dtype)
        return predict_codes(self.predictor, config, hidden, code0, embedding, draw)

    def _advance(self, rows: Tensor, codes: Tensor) -> None:
        """Make the next input of each row: its codes' embeddings and the next text row, or the pad once the text is spoken."""
        state = self.rows
        state.positions[rows] += 1
        state.frames[rows] += 1
        position = state.positions[rows]
        text = state.text[page_slots(state.page_table[rows], position, PAGE_SIZE)]
        text = torch.where((position < state.text_ends[rows]).unsqueeze(1), text, state.pad)
        state.inputs[rows] = frame_embedding_reference(codes, code_tables(self.talker, self.predictor), text.dtype) + text
