"""The codec's decoder at full size, and the residual units that are most of it."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.native import Past, Signal, residual_unit


@pytest.mark.benchmark(group="codec_decode")
@pytest.mark.parametrize("frames", [1, 4, 25])
def test_codec_decode(benchmark, codec_config, decoder_tensors, frames):
    config = codec_config.decoder_config
    weights, state = DecoderWeights.read(decoder_tensors, config), DecoderState(config, 1)
    codes = torch.randint(config.codebook_size, (1, frames, config.num_quantizers))
    slots = torch.zeros(1, dtype=torch.int64)
    benchmark(decode, weights, config, codes, state, slots)


@pytest.mark.benchmark(group="residual_unit")
@pytest.mark.parametrize("block", range(4))
def test_residual_unit(benchmark, codec_config, decoder_tensors, block):
    """The widest dilation, over a frame."""
    config = codec_config.decoder_config
    rows = config.samples_per_frame
    for rate in config.upsample_rates[block + 1 :]:
        rows //= rate
    unit, state = DecoderWeights.read(decoder_tensors, config).blocks[block].units[-1], DecoderState(config, 1)
    signal = Signal(*torch.randn(2, 1, rows, unit.dilated.channels))
    past = Past(state.units[block][-1], torch.zeros(1, dtype=torch.int64), state.progress)
    benchmark(residual_unit, signal, unit.dilated, unit.pointwise, past)
