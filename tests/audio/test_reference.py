"""What is taken as a waveform and as a reference recording, and what is refused."""

import numpy as np
import pytest

from qwen3tts.audio.reference import check_reference, check_waveform
from qwen3tts.errors import AudioError


def tone(seconds: float, rate: int = 24000, peak: float = 0.3) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_a_reference_comes_out_at_the_models_rate(rate: int) -> None:
    samples = check_reference(tone(1.0, rate), rate, 24000)
    assert samples.dtype == np.float32 and len(samples) - 24000 in (0, 1)  # librosa's length: see `resample`
    middle = slice(1000, 23000)
    np.testing.assert_allclose(samples[middle], tone(1.0)[middle], atol=1e-3)


@pytest.mark.parametrize("seconds", [0.5, 60.0])
def test_the_limits_are_within(seconds: float) -> None:
    assert len(check_reference(tone(seconds), 24000, 24000)) == int(seconds * 24000)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (tone(0.499), "lasts 0.499 s"),
        (tone(60.01), "lasts 60.010 s"),
        (np.zeros(24000, np.float32), "is silent"),
        (tone(1.0, peak=0.0009), "is silent"),
    ],
)
def test_a_recording_that_is_no_reference(samples: np.ndarray, message: str) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        check_reference(samples, 24000, 24000)
    assert "\n" not in str(caught.value)


def test_a_waveform_is_mono_float32() -> None:
    left = tone(0.1).astype(np.float64)
    mono = check_waveform(np.stack([left, np.zeros_like(left)], axis=1), 24000)
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, left / 2, atol=1e-7)
    np.testing.assert_array_equal(check_waveform(left, 24000), tone(0.1))


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(0, np.float32), 24000, r"float32 of shape \(0,\)"),
        (np.zeros((2, 2, 8), np.float32), 24000, r"of shape \(2, 2, 8\)"),
        (np.zeros(8, np.int16), 24000, "is int16 of shape"),
        (np.array([0, np.nan]), 24000, "not finite"),
        (np.array([[0, -np.inf]]), 24000, "not finite"),
        (np.zeros(8, np.float32), 0, "rate of 0 Hz"),
    ],
)
def test_what_is_no_waveform(samples: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        check_waveform(samples, rate)
    assert "\n" not in str(caught.value)
