"""The mel front end against the official one (tests/data/audio/make_goldens.py)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from qwen3tts.audio.mel import mel_filters, mel_spectrogram

GOLDEN = Path(__file__).parents[1] / "data" / "audio" / "audio.npz"


@pytest.mark.parametrize(("rate", "bands"), [(24000, 128), (16000, 40)])
def test_filters_are_librosas(rate: int, bands: int) -> None:
    filters = mel_filters(rate, bands)
    assert filters.dtype == np.float32
    np.testing.assert_allclose(filters, np.load(GOLDEN)[f"filters_{rate}_{bands}"], rtol=1e-6, atol=1e-9)


def test_spectrogram_is_the_official_one() -> None:
    golden = np.load(GOLDEN)
    mel = mel_spectrogram(torch.from_numpy(golden["samples"]), 24000, 128)
    assert mel.dtype == torch.float32
    np.testing.assert_allclose(mel, golden["mel"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("n", [385, 511, 512, 12000, 12031, 12032])
def test_a_frame_every_256_samples(n: int) -> None:
    assert mel_spectrogram(torch.zeros(n), 24000, 80).shape == (n // 256, 80)


def test_silence_is_the_floor() -> None:
    floor = np.log(1e-5)
    np.testing.assert_allclose(mel_spectrogram(torch.zeros(1000), 24000, 16), floor, atol=1e-5)
