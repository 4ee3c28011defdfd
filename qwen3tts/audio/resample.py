"""Change of sampling rate."""

from __future__ import annotations

import math

import numpy as np
import soxr


def resample(samples: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """Samples at another rate, by soxr's high-quality filter; what `librosa.resample` does unless told otherwise.

    samples: float32 (n,). Rates in Hz. Returns float32 (ceil(n * (target_rate / source_rate)),). The ratio is a float, as librosa
    has it: for some lengths it makes a sample more than exact arithmetic, and that sample is silence.
    """
    if source_rate == target_rate:
        return samples
    length = math.ceil(len(samples) * (target_rate / source_rate))
    resampled = soxr.resample(samples, source_rate, target_rate, quality="HQ")[:length]
    return np.pad(resampled, (0, length - len(resampled)))
