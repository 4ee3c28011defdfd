"""Resampling is librosa's, length and all."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.audio.resample import resample

GOLDEN = Path(__file__).parents[1] / "data" / "audio" / "audio.npz"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_equals_librosa(rate: int) -> None:
    golden = np.load(GOLDEN)
    resampled = resample(golden["samples"][:2205], rate, 24000)
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled, golden[f"resampled_{rate}"], rtol=0, atol=1e-6)


@given(st.integers(1, 5000), st.integers(4000, 96000))
def test_length(n: int, rate: int) -> None:
    exact = n * 24000 / rate
    assert exact - 1e-6 <= len(resample(np.zeros(n, np.float32), rate, 24000)) < exact + 1 + 1e-6


def test_a_tone_stays_where_it_is() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    expected = np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)
    middle = slice(2000, -2000)
    np.testing.assert_allclose(resample(tone, 16000, 24000)[middle], expected[middle], atol=1e-4)


def test_the_same_rate_changes_nothing() -> None:
    samples = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    np.testing.assert_array_equal(resample(samples, 24000, 24000), samples)
