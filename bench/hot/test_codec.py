"""The codec's decoder at full size, and the activation that takes most of its elementwise time."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.codec.convolution import Snake
from qwen3tts.native import snake


@pytest.mark.benchmark(group="codec_decode")
@pytest.mark.parametrize("frames", [1, 4, 25])
def test_codec_decode(benchmark, codec_config, decoder_tensors, frames):
    config = codec_config.decoder_config
    weights, state = DecoderWeights.read(decoder_tensors, config), DecoderState(config, 1)
    codes = torch.randint(config.codebook_size, (1, frames, config.num_quantizers))
    slots = torch.zeros(1, dtype=torch.int64)
    benchmark(decode, weights, config, codes, state, slots)


@pytest.mark.benchmark(group="snake")
@pytest.mark.parametrize("block", range(4))
def test_snake(benchmark, codec_config, decoder_tensors, block):
    config = codec_config.decoder_config
    frame_steps = config.samples_per_frame
    for rate in reversed(config.upsample_rates[block + 1 :]):
        frame_steps //= rate
    weights = Snake.read(decoder_tensors, f"decoder.decoder.{block + 1}.block.2.act1")
    benchmark(snake, torch.randn(frame_steps, len(weights.frequency)), weights.frequency, weights.amplitude)
