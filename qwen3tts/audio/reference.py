"""Waveforms that a caller hands over, and the reference recording of a voice that is to be cloned: checked, brought to form."""

from __future__ import annotations

import numpy as np

from qwen3tts.audio.resample import resample
from qwen3tts.errors import AudioError

MIN_SECONDS = 0.5
MAX_SECONDS = 60.0
SILENCE_DBFS = -60.0
"""A recording whose loudest sample is below this holds no speech."""


def check_waveform(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """A caller's samples in the form of `read_audio`.

    samples: floating (n,) or (n, channels), in [-1, 1]; channels are averaged. sample_rate: in Hz.
    Returns float32 (n,). Raises AudioError for another type or shape, for no samples, and for samples that are not finite.
    """
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating) or samples.ndim not in (1, 2) or not samples.size:
        expected = "float32 samples in [-1, 1], (n,) or (n, channels)"
        raise AudioError(f"audio is {samples.dtype} of shape {samples.shape}; give {expected}")
    if sample_rate < 1:
        raise AudioError(f"audio has a rate of {sample_rate} Hz; give its samples a second")
    if not np.isfinite(samples).all():
        raise AudioError("audio holds samples that are not finite; record or convert it anew")
    return (samples.mean(axis=1) if samples.ndim == 2 else samples).astype(np.float32)


def check_reference(samples: np.ndarray, source_rate: int, sample_rate: int) -> np.ndarray:
    """A reference recording at the model's rate.

    samples: float32 (n,) from `read_audio` or `check_waveform`. source_rate, sample_rate: theirs and the model's, in Hz.
    Returns float32 (n,). Raises AudioError when the recording is too short, too long or silent.
    """
    seconds = len(samples) / source_rate
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise AudioError(f"reference audio lasts {seconds:.3f} s; give {MIN_SECONDS:g} to {MAX_SECONDS:g} s of speech")
    if np.abs(samples).max() < 10 ** (SILENCE_DBFS / 20):
        raise AudioError(f"reference audio is silent (nothing above {SILENCE_DBFS:g} dBFS); give a recording of speech")
    return resample(samples, source_rate, sample_rate)
