"""The tensors that the configuration asks for, against those of checkpoints that the official code wrote."""

from __future__ import annotations

import dataclasses
import json
from math import prod
from pathlib import Path

import pytest
from safetensors import safe_open

from qwen3tts.checkpoint import codec_tensors, model_tensors
from qwen3tts.config import CodecConfig, ModelConfig

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "data" / "small"
RELEASED = ROOT / "bench" / "released"


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    with safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping


def model_config(path: Path) -> ModelConfig:
    return ModelConfig.read(json.loads(path.read_text()), path.name)


def codec_config(path: Path) -> CodecConfig:
    return CodecConfig.read(json.loads(path.read_text()), path.name)


@pytest.mark.parametrize("kind", ["base", "custom_voice", "voice_design"])
def test_names_and_shapes(kind: str) -> None:
    folder = SMALL / kind
    codec = folder / "speech_tokenizer"
    assert model_tensors(model_config(folder / "config.json")) == shapes_of(folder / "model.safetensors")
    assert codec_tensors(codec_config(codec / "config.json")) == shapes_of(codec / "model.safetensors")


def test_predictor_of_the_talkers_width_has_no_input_projection() -> None:
    config = model_config(SMALL / "custom_voice" / "config.json")
    predictor = dataclasses.replace(config.talker_config.code_predictor_config, hidden_size=config.talker_config.hidden_size)
    equal = dataclasses.replace(config, talker_config=dataclasses.replace(config.talker_config, code_predictor_config=predictor))
    gone = set(model_tensors(config)) - set(model_tensors(equal))
    assert gone == {f"talker.code_predictor.small_to_mtp_projection.{part}" for part in ("weight", "bias")}


def test_every_residual_layer_of_the_encoder_is_asked_for() -> None:
    config = codec_config(SMALL / "base" / "speech_tokenizer" / "config.json")
    deeper = dataclasses.replace(config, encoder_config=dataclasses.replace(config.encoder_config, num_residual_layers=2))
    added = {name for name in codec_tensors(deeper) if ".block." in name and name.startswith("encoder.")}
    before = {name for name in codec_tensors(config) if ".block." in name and name.startswith("encoder.")}
    assert len(added) == 2 * len(before)


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [("0b6-base", 1.83), ("0b6-custom_voice", 1.81), ("1b7-base", 3.86), ("1b7-custom_voice", 3.83), ("1b7-voice_design", 3.83)],
)
def test_released_sizes(name: str, gigabytes: float) -> None:
    """bfloat16 bytes that the tensors of each release take, as published."""
    shapes = model_tensors(model_config(RELEASED / f"{name}.config.json"))
    assert 2 * sum(map(prod, shapes.values())) / 1e9 == pytest.approx(gigabytes, abs=0.005)


def test_released_codec_size() -> None:
    shapes = codec_tensors(codec_config(RELEASED / "speech_tokenizer.config.json"))
    assert 4 * sum(map(prod, shapes.values())) / 1e6 == pytest.approx(682, abs=0.5)
