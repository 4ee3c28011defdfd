"""Ten minutes of audio leave nothing behind, at the size of a release."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
import torch

from qwen3tts.bench.random_weights import draw
from qwen3tts.bench.roofline import released_configs
from qwen3tts.checkpoint import codec_tensors
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.native import one_torch_thread

MINUTES = 10
FRAMES_A_CALL = 4


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@torch.inference_mode()
def test_ten_minutes_leave_memory_flat() -> None:
    codec = released_configs("0.6B")[1]
    config = codec.decoder_config
    shapes = {name: shape for name, shape in codec_tensors(codec).items() if name.startswith("decoder.")}
    weights = DecoderWeights.read(dict(draw(shapes, torch.float32, torch.Generator().manual_seed(0))), config)
    state, slots = DecoderState(config, 1), torch.zeros(1, dtype=torch.int64)
    calls = round(MINUTES * 60 / codec.frame_seconds / FRAMES_A_CALL)
    memory = []
    with one_torch_thread():
        for _ in range(calls):
            codes = torch.randint(config.codebook_size, (1, FRAMES_A_CALL, config.num_quantizers))
            assert decode(weights, config, codes, state, slots).samples.isfinite().all()
            memory.append(resident_bytes())
    tenth = calls // 10
    assert max(memory[-tenth:]) <= 1.01 * max(memory[tenth : 2 * tenth])
