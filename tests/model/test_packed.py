"""Packed and quantised weights against the checkpoint's own."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from qwen3tts import TTS
from qwen3tts.kernels.linear import Matrix
from qwen3tts.model.packed import PackedPredictor, PackedTalker, Placement, quantize_rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runner(small):
    """The torch runner of a small checkpoint: its weights as they are read."""
    return TTS.load(small / "custom_voice", device="cpu", backend="torch").engine.frames


def pack(runner, quantize):
    place = Placement.at(CPU, torch.float32, quantize)
    talker = PackedTalker.pack(runner.talker, runner.config, 64, place)
    predictor = PackedPredictor.pack(runner.predictor, runner.config.code_predictor_config, talker.codec_embedding, place)
    return talker, predictor, place


def matrices(packed):
    """Every matrix in a packed part."""
    for layer in packed.stack.layers:
        yield from (value for value in vars(layer).values() if isinstance(value, Matrix))


def test_packed_projections_are_the_separate_ones(runner):
    talker, predictor, place = pack(runner, None)
    for packed, read in ((talker, runner.talker), (predictor, runner.predictor)):
        for layer, weights in zip(packed.stack.layers, read.layers, strict=True):
            x = torch.randn(3, weights.q_proj.shape[1])
            parts = torch.cat([x @ w.float().T for w in (weights.q_proj, weights.k_proj, weights.v_proj)], 1)
            torch.testing.assert_close(x @ layer.qkv.values.T, parts)
            halves = torch.cat([x @ w.float().T for w in (weights.gate_proj, weights.up_proj)], 1)
            torch.testing.assert_close(x @ layer.gate_up.values.T, halves)
    assert place.error is None


def test_predictor_inputs_are_projected_once(runner):
    talker, predictor, _ = pack(runner, None)
    tables = (talker.codec_embedding, *runner.predictor.codec_embeddings)
    assert len(predictor.inputs) == runner.config.num_code_groups - 1
    for packed, table in zip(predictor.inputs, tables, strict=False):
        weight, bias = runner.predictor.input_proj, runner.predictor.input_proj_bias
        torch.testing.assert_close(packed, table.float() @ weight.float().T + bias)


def test_rows_are_quantised_within_half_a_step():
    weight = torch.randn(33, 100) * torch.logspace(-6, 3, 33)[:, None]
    weight[5] = 0
    matrix = quantize_rows(weight)
    assert matrix.values.dtype == torch.float8_e4m3fn
    error = (matrix.wide(torch.float32) - weight).abs()
    # Three bits behind the leading one: half a step is 1/16 of the number; below the normal range a step is the scale over 512.
    assert (error <= weight.abs() / 16 + matrix.scales[:, None] / 1024 * 1.001).all()
    assert (error[5] == 0).all()


def test_the_error_of_quantising_is_that_of_the_weights(runner):
    exact, exact_predictor, _ = pack(runner, None)
    talker, predictor, place = pack(runner, "fp8")
    pairs = [
        *zip(matrices(talker), matrices(exact), strict=True),
        *zip(matrices(predictor), matrices(exact_predictor), strict=True),
    ]
    error = sum((q.wide(torch.float64) - w.values.double()).square().sum() for q, w in pairs)
    power = sum(w.values.double().square().sum() for _, w in pairs)
    assert place.error == pytest.approx(float((error / power).sqrt()), rel=1e-5)
    assert 0.01 < place.error < 0.04
    assert all(q.scales is not None for q, _ in pairs)
    assert dataclasses.asdict(talker.head)["scales"] is None
