"""Operations of a talker step, and the sampling of code 0."""

from __future__ import annotations

import itertools

import pytest
import torch

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import pages_for
from qwen3tts.checkpoint import model_tensors
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.paged_attention import paged_attention_reference
from qwen3tts.kernels.philox import uniforms_reference
from qwen3tts.kernels.sampling import penalise_reference, sample_reference
from qwen3tts.native import linear

LENGTH = 300
COLD_BYTES = 2**28
"""More than the caches hold: in a frame, gigabytes pass between two uses of a weight."""


@pytest.mark.benchmark(group="linear")
@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])
@pytest.mark.parametrize("config", ["0b6", "1b7"], indirect=True)
@pytest.mark.parametrize("projection", ["self_attn.q_proj", "mlp.gate_proj", "mlp.down_proj"])
def test_linear(benchmark, config, projection, dtype, rows):
    out_width, in_width = model_tensors(config)[f"talker.model.layers.0.{projection}.weight"]
    copies = COLD_BYTES // (out_width * in_width * dtype.itemsize)
    weights = itertools.cycle(torch.randn(out_width, in_width).to(dtype).repeat(copies, 1, 1))
    x = torch.randn(rows, in_width)
    benchmark(lambda: linear(x, next(weights)))


@pytest.mark.benchmark(group="rms_norm")
@pytest.mark.parametrize("rows", [1, 30])
def test_rms_norm(benchmark, config, rows):
    talker = config.talker_config
    benchmark(rms_norm_reference, torch.randn(rows, talker.hidden_size), torch.ones(talker.hidden_size), talker.rms_norm_eps)


@pytest.mark.benchmark(group="paged_attention")
@pytest.mark.parametrize("rows", [1, 8])
def test_paged_attention(benchmark, config, rows):
    talker = config.talker_config
    pages = pages_for(LENGTH)
    cache = PagedKV.allocate(talker, rows * pages, torch.float32, torch.device("cpu"))
    keys, values = cache.keys[0].normal_(), cache.values[0].normal_()
    page_table = torch.randperm(rows * pages).view(rows, pages)
    query = torch.randn(rows, talker.num_attention_heads, talker.head_dim)
    benchmark(paged_attention_reference, query, keys, values, page_table, torch.full((rows,), LENGTH))


@pytest.mark.benchmark(group="sampling")
@pytest.mark.parametrize("rows", [1, 8])
def test_sampling(benchmark, config, rows):
    talker = config.talker_config
    logits = torch.randn(rows, talker.vocab_size)
    seen = torch.rand(rows, talker.vocab_size) < 0.05
    seeds, frames = torch.arange(rows), torch.full((rows,), LENGTH)
    penalty, temperature, tail = torch.full((rows,), 1.05), torch.full((rows,), 0.9), torch.zeros(rows)
    top_k = torch.full((rows,), 50)

    def sample():
        uniforms = uniforms_reference(seeds, frames, talker.num_code_groups)
        return sample_reference(penalise_reference(logits, seen, penalty), uniforms[:, 0], temperature, top_k, tail)

    benchmark(sample)
