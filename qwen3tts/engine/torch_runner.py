"""Frames in plain torch: the reference, and what a CPU runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import SUPPRESSED_IDS, TalkerConfig
from qwen3tts.engine.prompts import embed_more_text, embed_utterance
from qwen3tts.engine.rows import MIN_NEW_FRAMES, Rows
from qwen3tts.engine.runner import Codes
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.kernels.embedding import frame_embedding_reference
from qwen3tts.kernels.paged_attention import page_slots
from qwen3tts.kernels.philox import uniforms_reference
from qwen3tts.kernels.sampling import penalise_reference, sample_reference
from qwen3tts.model.code_predictor import predict_codes
from qwen3tts.model.prompt import code_tables
from qwen3tts.model.talker import codec_logits, prefill, talker_step
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights


@dataclass(frozen=True)
class TorchRunner:
    """The weights and state of frames; see `Runner`."""

    config: TalkerConfig
    talker: TalkerWeights
    predictor: CodePredictorWeights
    rows: Rows
    cache: PagedKV
    clock: StageClock

    @property
    def ahead(self) -> int:
        """None: torch's operations on a CPU are done when they return."""
        return 0

    def admit(self, utterances: Sequence[Utterance]) -> None:
        """One prompt after another."""
        for utterance in utterances:
            with self.clock.time("prefill"):
                x = embed_utterance(self.talker, self.predictor, self.rows, utterance)
                positions = torch.arange(len(x), device=x.device)
                table = self.rows.page_table[utterance.row]
                prefill(self.talker, self.config, x, positions, self.cache.keys, self.cache.values, table)

    def extend(self, utterance: Utterance, start: int, text_ids: Sequence[int]) -> None:
        """See `Runner`."""
        embed_more_text(self.talker, self.rows, utterance, start, text_ids)

    def launch(self, rows: Sequence[int]) -> Codes:
        """Run a frame and hold its codes."""
        codes = self.run(torch.tensor(rows, device=self.rows.inputs.device)).cpu().numpy()
        return lambda: codes

    def run(self, rows: Tensor) -> Tensor:
        """One frame of the given rows, int64 (n,): talker step, code 0, codes 1 to 15. Returns the codes, (n, num_code_groups)."""
        state = self.rows
        with self.clock.time("talker"):
            cache, pages = self.cache, state.page_table[rows]
            x, positions = self._inputs(rows), state.positions[rows]
            hidden = talker_step(self.talker, self.config, x, positions, cache.keys, cache.values, pages)
            logits = codec_logits(self.talker, hidden)
            uniforms = uniforms_reference(state.talker_draws.seeds[rows], state.frames[rows], self.config.num_code_groups)
            code0 = self._draw_code0(logits, rows, uniforms)
        with self.clock.time("predictor"):
            codes = self._predict(hidden, code0, rows, uniforms)
        state.codes[rows] = codes
        state.positions[rows] += 1
        state.frames[rows] += 1
        return codes

    def _inputs(self, rows: Tensor) -> Tensor:
        """The talker's inputs: a prompt's last, then a frame's codes and the next text row, or the pad once the text is spoken."""
        state, positions = self.rows, self.rows.positions[rows]
        text = state.text[page_slots(state.page_table[rows], positions, PAGE_SIZE)]
        text = torch.where((positions < state.text_ends[rows]).unsqueeze(1), text, state.pad)
        tables = code_tables(self.talker, self.predictor)
        following = frame_embedding_reference(state.codes[rows], tables, text.dtype) + text
        return torch.where((state.frames[rows] == 0).unsqueeze(1), state.inputs[rows], following)

    def _draw_code0(self, logits: Tensor, rows: Tensor, uniforms: Tensor) -> Tensor:
        state, stop, draws = self.rows, self.config.codec_eos_token_id, self.rows.talker_draws
        scores = penalise_reference(logits, state.seen[rows], state.repetition_penalty[rows])
        banned = torch.arange(logits.shape[1], device=logits.device) >= self.config.vocab_size - SUPPRESSED_IDS
        banned = banned.repeat(len(rows), 1)
        banned[:, stop] = state.frames[rows] < MIN_NEW_FRAMES
        scores = scores.masked_fill(banned, float("-inf"))
        code0 = sample_reference(scores, uniforms[:, 0], draws.temperature[rows], draws.top_k[rows], draws.top_p_tail[rows])
        state.seen[rows, code0] = True
        return code0

    def _predict(self, hidden: Tensor, code0: Tensor, rows: Tensor, uniforms: Tensor) -> Tensor:
        config, draws = self.config.code_predictor_config, self.rows.predictor_draws
        settings = draws.temperature[rows], draws.top_k[rows], draws.top_p_tail[rows]

        def draw(scores: Tensor, book: int) -> Tensor:
            return sample_reference(scores, uniforms[:, book], *settings)

        embedding = self.talker.codec_embedding[code0].to(hidden.dtype)
        return predict_codes(self.predictor, config, hidden, code0, embedding, draw)
