"""The state of the batch: static buffers with a row for each utterance in flight."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import SUPPRESSED_IDS, TalkerConfig
from qwen3tts.kernels.paged_attention import page_slots
from qwen3tts.types import Sampling

MIN_NEW_FRAMES = 2
"""The stop code cannot be drawn before this frame (official `min_new_tokens`)."""


@dataclass(frozen=True)
class Rows:
    """What the next frame of each of `size` rows depends on.

    inputs: (size, hidden), the talker's next input. positions, frames: int64 (size,), of that input and of that frame.
    text: (pages, PAGE_SIZE, hidden), the text row that goes into the input at a position, in the pages of the row's KV cache;
    text_ends: int64 (size,), the position from which on it is the text pad. pad: (hidden,).
    seen: bool (size, vocabulary), the code-0 history. page_table: int64 (size, max_pages); unused entries are page 0.
    The rest are sampling settings, (size,) each; `*_tail` is 1 - top_p.
    """

    inputs: Tensor
    positions: Tensor
    frames: Tensor
    text: Tensor
    text_ends: Tensor
    pad: Tensor
    seen: Tensor
    page_table: Tensor
    seeds: Tensor
    temperature: Tensor
    top_k: Tensor
    top_p_tail: Tensor
    repetition_penalty: Tensor
    predictor_temperature: Tensor
    predictor_top_k: Tensor
    predictor_top_p_tail: Tensor
    control_ids: Tensor
    control_ids_and_stop: Tensor

    @classmethod
    def allocate(cls, config: TalkerConfig, size: int, pages: int, pad: Tensor) -> Rows:
        """Reserve the buffers, on the device and in the dtype of `pad` (the text pad's row). pages: of the KV cache."""
        device, dtype = pad.device, pad.dtype

        def integers(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=device)

        def settings() -> Tensor:
            return torch.zeros(size, dtype=torch.float32, device=device)

        control_ids = torch.zeros(config.vocab_size, dtype=torch.bool, device=device)
        control_ids[-SUPPRESSED_IDS:] = True
        control_ids_and_stop = control_ids.clone()
        control_ids_and_stop[config.codec_eos_token_id] = True
        control_ids[config.codec_eos_token_id] = False
        return cls(
            inputs=torch.zeros(size, config.hidden_size, dtype=dtype, device=device),
            positions=integers(size),
            frames=integers(size),
            text=torch.empty(pages, PAGE_SIZE, config.hidden_size, dtype=dtype, device=device),
            text_ends=integers(size),
            pad=pad,
            seen=torch.zeros(size, config.vocab_size, dtype=torch.bool, device=device),
            page_table=integers(size, pages),
            seeds=integers(size),
            temperature=settings(),
            top_k=integers(size),
            top_p_tail=settings(),
            repetition_penalty=settings(),
            predictor_temperature=settings(),
            predictor_top_k=integers(size),
            predictor_top_p_tail=settings(),
            control_ids=control_ids,
            control_ids_and_stop=control_ids_and_stop,
        )

    def start(self, row: int, position: int, text: Tensor, pages: list[int], sampling: Sampling) -> None:
        """Give a row to a new utterance whose next input stands at `position`.

        text: (n, hidden), the rows to add one a frame. pages: of its KV cache. sampling: fully resolved.
        """
        self.positions[row] = position
        self.frames[row] = 0
        self.seen[row] = False
        self.page_table[row] = 0
        self.page_table[row, : len(pages)] = torch.tensor(pages)
        spoken = torch.arange(position + 1, position + 1 + len(text), device=text.device)
        self.text[page_slots(self.page_table[row].expand(len(text), -1), spoken, PAGE_SIZE)] = text
        self.text_ends[row] = position + 1 + len(text)
        self.seeds[row] = _signed(sampling.seed)
        self.temperature[row] = sampling.temperature
        self.top_k[row] = sampling.top_k
        self.top_p_tail[row] = 1.0 - sampling.top_p
        self.repetition_penalty[row] = sampling.repetition_penalty
        self.predictor_temperature[row] = sampling.predictor_temperature
        self.predictor_top_k[row] = sampling.predictor_top_k
        self.predictor_top_p_tail[row] = 1.0 - sampling.predictor_top_p


def _signed(seed: int) -> int:
    """The same 64 bits as a signed number, which is what an int64 tensor holds."""
    return seed - 2**64 if seed >= 2**63 else seed
