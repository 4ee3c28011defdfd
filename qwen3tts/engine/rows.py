"""The state of the batch: static buffers with a row for each utterance in flight."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.config import TalkerConfig
from qwen3tts.kernels.paged_attention import page_slots
from qwen3tts.kernels.sampling import Draws
from qwen3tts.model.transfer import to_device
from qwen3tts.types import Sampling

MIN_NEW_FRAMES = 2
"""The stop code cannot be drawn before this frame (official `min_new_tokens`)."""


@dataclass(frozen=True)
class Rows:
    """What the next frame of each row depends on. The last row is nobody's: it pads batches, and stays at its first frame.

    inputs: (rows, hidden), the talker's input of the first frame. codes: int64 (rows, num_code_groups), the last frame.
    text: (pages, PAGE_SIZE, hidden), the text row that goes into the input at a position, in the pages of the row's KV cache;
    pad: (hidden,), that of the positions from text_ends on. seen: bool (rows, vocabulary), the code-0 history.
    page_table: int64 (rows, max_pages); unused entries are page 0. numbers: int64 (6, rows); settings: float32 (5, rows): the rest.
    The properties are lines of these two, so that an utterance brings its own in one copy of each.
    """

    inputs: Tensor
    codes: Tensor
    text: Tensor
    pad: Tensor
    seen: Tensor
    page_table: Tensor
    numbers: Tensor
    settings: Tensor

    @classmethod
    def allocate(cls, config: TalkerConfig, size: int, pages: int, pad: Tensor) -> Rows:
        """Reserve the buffers of `size` utterances, on the device and in the dtype of `pad`. pages: of the KV cache."""
        device, rows = pad.device, size + 1
        return cls(
            inputs=torch.zeros(rows, config.hidden_size, dtype=pad.dtype, device=device),
            codes=torch.zeros(rows, config.num_code_groups, dtype=torch.int64, device=device),
            text=torch.empty(pages, PAGE_SIZE, config.hidden_size, dtype=pad.dtype, device=device),
            pad=pad,
            seen=torch.zeros(rows, config.vocab_size, dtype=torch.bool, device=device),
            # One entry more than there are pages: a frame that is thrown away may lie past the last.
            page_table=torch.zeros(rows, pages + 1, dtype=torch.int64, device=device),
            numbers=torch.zeros(6, rows, dtype=torch.int64, device=device),
            settings=torch.zeros(5, rows, dtype=torch.float32, device=device),
        )

    @property
    def positions(self) -> Tensor:
        """Position of the next input, int64 (rows,)."""
        return self.numbers[0]

    @property
    def frames(self) -> Tensor:
        """Number of the next frame, int64 (rows,)."""
        return self.numbers[1]

    @property
    def text_ends(self) -> Tensor:
        """The position from which on the text row is the pad, int64 (rows,)."""
        return self.numbers[2]

    @property
    def repetition_penalty(self) -> Tensor:
        """float32 (rows,)."""
        return self.settings[0]

    @property
    def talker_draws(self) -> Draws:
        """How code 0 is drawn."""
        return Draws(self.numbers[3], self.frames, self.settings[1], self.numbers[4], self.settings[2])

    @property
    def predictor_draws(self) -> Draws:
        """How the other codes are drawn."""
        return Draws(self.numbers[3], self.frames, self.settings[3], self.numbers[5], self.settings[4])

    def start(self, row: int, position: int, x: Tensor, text: Tensor, pages: list[int], sampling: Sampling) -> None:
        """Give a row to a new utterance whose first frame's input x (hidden,) stands at `position`.

        text: (n, hidden), the rows to add one a frame after it. pages: of its KV cache. sampling: fully resolved.
        """
        device = x.device
        numbers = (position, 0, 0, _signed(sampling.seed), sampling.top_k, sampling.predictor_top_k)
        talker = (sampling.repetition_penalty, sampling.temperature, 1.0 - sampling.top_p)
        predictor = (sampling.predictor_temperature, 1.0 - sampling.predictor_top_p)
        table = to_device(pages, torch.int64, device)
        self.numbers[:, row].copy_(to_device(numbers, torch.int64, device))
        self.settings[:, row].copy_(to_device(talker + predictor, torch.float32, device))
        self.page_table[row].zero_()
        self.page_table[row, : len(pages)] = table
        self.seen[row].zero_()
        self.inputs[row] = x
        self.add_text(row, position + 1, text, pages)

    def add_text(self, row: int, start: int, text: Tensor, pages: list[int]) -> None:
        """Write the text rows (n, hidden) of the positions from `start` on; after them comes the pad."""
        table = to_device(pages, torch.int64, text.device)
        positions = torch.arange(start, start + len(text), device=text.device)
        self.text[page_slots(table.expand(len(text), -1), positions, PAGE_SIZE)] = text
        self.text_ends[row] = start + len(text)


def _signed(seed: int) -> int:
    """The same 64 bits as a signed number, which is what an int64 tensor holds."""
    return seed - 2**64 if seed >= 2**63 else seed
