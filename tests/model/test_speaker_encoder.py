"""The speaker encoder against the official one."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from qwen3tts.audio.mel import mel_spectrogram
from qwen3tts.config import ModelConfig, SpeakerEncoderConfig
from qwen3tts.model.speaker_encoder import SpeakerEncoderWeights, embed_speaker

DATA = Path(__file__).parents[1] / "data"
BASE = DATA / "small" / "base"


@pytest.mark.parametrize("case", ["clone_icl", "clone_icl_full_text", "clone_speaker_only"])
def test_embeddings_of_the_reference_recordings(case: str) -> None:
    model = ModelConfig.read(json.loads((BASE / "config.json").read_text()), "config.json")
    config = model.speaker_encoder_config
    golden = load_file(BASE / "golden" / f"{case}.safetensors")
    weights = SpeakerEncoderWeights.read(load_file(BASE / "model.safetensors"), config)
    mel = mel_spectrogram(golden["ref_audio"], config.sample_rate, config.mel_dim)
    torch.testing.assert_close(embed_speaker(weights, config, mel), golden["speaker_embedding"], rtol=0, atol=1e-4)


ODD = SpeakerEncoderConfig(
    enc_dim=10,
    mel_dim=20,
    enc_channels=(12, 12, 12, 24),
    enc_kernel_sizes=(4, 3, 2, 3),
    enc_dilations=(1, 2, 5, 1),
    enc_attention_channels=6,
    enc_res2net_scale=3,
    enc_se_channels=5,
)


def odd_case() -> dict[str, torch.Tensor]:
    """Made by tests/data/audio/make_goldens.py."""
    return {name: torch.from_numpy(value) for name, value in np.load(DATA / "audio" / "speaker_encoder.npz").items()}


def test_an_encoder_of_another_shape() -> None:
    tensors = odd_case()
    embedding = embed_speaker(SpeakerEncoderWeights.read(tensors, ODD), ODD, tensors["mel"])
    torch.testing.assert_close(embedding, tensors["embedding"], rtol=0, atol=1e-5)


def test_half_precision_weights_are_upcast() -> None:
    tensors = {name: value.bfloat16() if name.startswith("speaker_encoder.") else value for name, value in odd_case().items()}
    embedding = embed_speaker(SpeakerEncoderWeights.read(tensors, ODD), ODD, tensors["mel"])
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, tensors["embedding"], rtol=0.05, atol=0.05)


def test_one_channel_group_convolves_nothing() -> None:
    config = dataclasses.replace(ODD, enc_res2net_scale=1)
    tensors = {name: value for name, value in odd_case().items() if "res2net" not in name}
    assert embed_speaker(SpeakerEncoderWeights.read(tensors, config), config, tensors["mel"]).shape == (10,)
