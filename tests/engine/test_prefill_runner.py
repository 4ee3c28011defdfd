"""Packed prompts through the kernels against one prompt at a time in torch, and how prompts are packed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts import TTS
from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.engine.graphs import PREFILL_BUCKETS
from qwen3tts.engine.prefill_runner import PROMPTS_AT_ONCE, _packs
from qwen3tts.model.fused_prefill import token_numbers
from qwen3tts.model.talker import prefill

LENGTHS, ROWS = (5, 1, 18), (3, 0, 2)


@pytest.fixture(scope="module")
def engines(small):
    """The same small model by torch and by the kernels."""
    return {
        backend: TTS.load(small / "custom_voice", device="cpu", backend=backend, max_batch=9, kv_positions=256).engine.frames
        for backend in ("torch", "triton")
    }


@pytest.mark.parametrize("attention", ["triton", "sdpa"])
@torch.inference_mode()
def test_packed_prompts_leave_the_keys_and_values_of_each_alone(engines, attention):
    reference, runner = engines["torch"], engines["triton"]
    config = reference.config
    prompts = [torch.randn(n, config.hidden_size) for n in LENGTHS]
    pages = {row: [1 + 2 * i, 2 + 2 * i] for i, row in enumerate(ROWS)}
    for state in (reference, runner):
        state.cache.keys.zero_()
        state.cache.values.zero_()
        for row, numbers in pages.items():
            state.rows.page_table[row, :2] = torch.tensor(numbers)
    for row, x in zip(ROWS, prompts, strict=True):
        positions, cache = torch.arange(len(x)), reference.cache
        prefill(reference.talker, config, x, positions, cache.keys, cache.values, reference.rows.page_table[row])
    replace(runner.prefill, attention=attention).run(ROWS, prompts)
    # Page 0 is where padding goes.
    torch.testing.assert_close(runner.cache.keys[:, 1:], reference.cache.keys[:, 1:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(runner.cache.values[:, 1:], reference.cache.values[:, 1:], rtol=1e-4, atol=1e-4)
    assert runner.cache.keys[:, pages[ROWS[2]][1], LENGTHS[2] - PAGE_SIZE - 1].abs().min() > 0


@given(st.lists(st.integers(1, PREFILL_BUCKETS[-1] + 100), max_size=40))
def test_packs_keep_the_order_and_fit(lengths):
    packs = list(_packs(lengths))
    assert [i for pack in packs for i in pack] == list(range(len(lengths)))
    for pack in packs:
        assert len(pack) == 1 or sum(lengths[i] for i in pack) <= PREFILL_BUCKETS[-1]
        assert len(pack) <= PROMPTS_AT_ONCE


def test_tokens_know_their_row_and_position():
    rows, positions, starts = token_numbers([7, 2], [3, 1], padding_row=9, size=6, prompts=4)
    assert rows == [7, 7, 7, 2, 9, 9]
    assert positions == [0, 1, 2, 0, 0, 0]
    assert starts == [0, 3, 4, 4, 4]
