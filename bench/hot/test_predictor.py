"""A frame of the code predictor at full size: codes 1 to 15, sampled."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.kernels.philox import uniforms_reference
from qwen3tts.kernels.sampling import sample_reference
from qwen3tts.model.code_predictor import predict_codes
from qwen3tts.model.weights import CodePredictorWeights


@pytest.mark.benchmark(group="predictor_frame")
@pytest.mark.parametrize("rows", [1, 8])
@pytest.mark.parametrize("config", ["0b6", "1b7"], indirect=True)
def test_predictor_frame(benchmark, config, predictor_tensors, rows):
    talker, predictor = config.talker_config, config.talker_config.code_predictor_config
    weights = CodePredictorWeights.read(predictor_tensors, predictor, torch.float32)
    hidden, embedding = torch.randn(2, rows, talker.hidden_size)
    code0 = torch.zeros(rows, dtype=torch.int64)
    uniforms = uniforms_reference(torch.arange(rows), torch.zeros(rows, dtype=torch.int64), predictor.num_code_groups)
    settings = torch.full((rows,), 0.9), torch.full((rows,), 50), torch.zeros(rows)

    def draw(logits, book):
        return sample_reference(logits, uniforms[:, book], *settings)

    benchmark(predict_codes, weights, predictor, hidden, code0, embedding, draw)
