"""Prompts through the talker: packed, padded to a bucket of tokens, and replayed as a graph where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.config import TalkerConfig
from qwen3tts.engine.graphs import PREFILL_BUCKETS, Progress, bucket_for, capture
from qwen3tts.kernels.launch import Launcher
from qwen3tts.model.fused_prefill import PromptTokens, empty_tokens, prefill, token_numbers
from qwen3tts.model.packed import PackedTalker
from qwen3tts.model.transfer import to_device

PROMPTS_AT_ONCE = 8


@dataclass(eq=False)
class PrefillRunner:
    """The talker's weights and cache, and static tokens for the largest bucket. attention: see `prefill`."""

    config: TalkerConfig
    talker: PackedTalker
    cache: PagedKV
    page_table: Tensor
    launcher: Launcher
    attention: str
    tokens: PromptTokens
    graphs: dict[int, torch.cuda.CUDAGraph] = field(default_factory=dict)

    @classmethod
    def allocate(
        cls, config: TalkerConfig, talker: PackedTalker, cache: PagedKV, page_table: Tensor, launcher: Launcher, attention: str
    ) -> PrefillRunner:
        """Reserve the static tokens, in the dtype and on the device of the cache."""
        kind, device = cache.keys.dtype, cache.keys.device
        tokens = empty_tokens(PREFILL_BUCKETS[-1], PROMPTS_AT_ONCE, config.hidden_size, kind, device)
        tokens.rows.fill_(len(page_table) - 1)
        return cls(config, talker, cache, page_table, launcher, attention, tokens)

    def capture(self, stream: torch.cuda.Stream, pool: Any, on_progress: Progress | None) -> None:
        """Record the buckets, if attention finds the prompts' lengths on the device."""
        if self.attention == "triton":
            self.graphs = capture("prefill", self._run_static, PREFILL_BUCKETS, stream, pool, on_progress)

    def run(self, rows: Sequence[int], prompts: Sequence[Tensor]) -> None:
        """Fill the cache for prompts (n, hidden) of these rows. Leaves the order of the results to the current stream."""
        for pack in _packs([len(prompt) for prompt in prompts]):
            self._run_pack([rows[i] for i in pack], [prompts[i] for i in pack])

    def _run_pack(self, rows: list[int], prompts: list[Tensor]) -> None:
        lengths = [len(prompt) for prompt in prompts]
        bucket = bucket_for(PREFILL_BUCKETS, sum(lengths))
        size = bucket or sum(lengths)
        device = self.tokens.x.device
        numbers = token_numbers(rows, lengths, len(self.page_table) - 1, size, PROMPTS_AT_ONCE)
        token_rows, positions, starts = (
            to_device(column, kind, device) for column, kind in zip(numbers, (torch.int32, torch.int64, torch.int32), strict=True)
        )
        x = torch.cat(prompts)
        if bucket is None:
            self._run(PromptTokens(x, token_rows, positions, starts, tuple(lengths)))
            return
        self.tokens.x[: len(x)] = x
        self.tokens.x[len(x) : bucket].zero_()
        for static, column in zip(
            (self.tokens.rows, self.tokens.positions, self.tokens.starts), (token_rows, positions, starts), strict=True
        ):
            static[: len(column)] = column
        if bucket in self.graphs:
            self.graphs[bucket].replay()
        else:
            self._run_static(bucket, tuple(lengths))

    def _run_static(self, bucket: int, lengths: tuple[int, ...] | None = None) -> None:
        static = self.tokens
        self._run(
            replace(static, x=static.x[:bucket], rows=static.rows[:bucket], positions=static.positions[:bucket], lengths=lengths)
        )

    def _run(self, tokens: PromptTokens) -> None:
        cache = self.cache
        prefill(self.launcher, self.talker, self.config, tokens, cache.keys, cache.values, self.page_table, self.attention)


def _packs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Cut a list of prompts into packs, in order, that fit the largest bucket where they can."""
    pack: list[int] = []
    for i, length in enumerate(lengths):
        if pack and (len(pack) == PROMPTS_AT_ONCE or sum(lengths[j] for j in pack) + length > PREFILL_BUCKETS[-1]):
            yield pack
            pack = []
        pack.append(i)
    if pack:
        yield pack
