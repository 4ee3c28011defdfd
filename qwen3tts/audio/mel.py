"""The mel front end of the speaker encoder. Official source: `mel_spectrogram` in `modeling_qwen3_tts.py`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# What the speaker encoder was trained on; no configuration file holds these.
N_FFT = 1024
HOP_LENGTH = 256
F_MAX = 12000.0


def mel_spectrogram(samples: Tensor, sample_rate: int, mel_dim: int) -> Tensor:
    """Log-mel magnitudes.

    samples: float32 (n,) in [-1, 1], n above 384. sample_rate: in Hz. mel_dim: number of bands, from 0 to 12,000 Hz.
    Returns float32 (n // 256, mel_dim), on the device of `samples`.
    """
    window = torch.hann_window(N_FFT, device=samples.device)
    margin = (N_FFT - HOP_LENGTH) // 2
    padded = F.pad(samples.unsqueeze(0), (margin, margin), mode="reflect").squeeze(0)
    spectrum = torch.stft(padded, N_FFT, HOP_LENGTH, window=window, center=False, return_complex=True)
    magnitude = (torch.view_as_real(spectrum).square().sum(-1) + 1e-9).sqrt()
    filters = torch.from_numpy(mel_filters(sample_rate, mel_dim)).to(samples.device)
    return (filters @ magnitude).clamp(min=1e-5).log().T


def mel_filters(sample_rate: int, mel_dim: int) -> np.ndarray:
    """Triangular filters of equal area on Slaney's mel scale, as `librosa.filters.mel` makes them by default.

    Returns float32 (mel_dim, N_FFT // 2 + 1).
    """
    bins = np.fft.rfftfreq(N_FFT, 1 / sample_rate)
    edges = _mel_to_hertz(np.linspace(0, _hertz_to_mel(F_MAX), mel_dim + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.minimum(rising, falling).clip(min=0).astype(np.float32)
    return (triangles * (2 / (high - low))).astype(np.float32)


# Slaney's Auditory Toolbox: linear up to 1 kHz (mel 15), then 27 mel for each factor of 6.4.
_LINEAR_HERTZ = 200 / 3
_KNEE_HERTZ = 1000.0
_KNEE_MEL = _KNEE_HERTZ / _LINEAR_HERTZ
_LOG_STEP = np.log(6.4) / 27


def _hertz_to_mel(hertz: float) -> float:
    if hertz < _KNEE_HERTZ:
        return hertz / _LINEAR_HERTZ
    return _KNEE_MEL + np.log(hertz / _KNEE_HERTZ) / _LOG_STEP


def _mel_to_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HERTZ, _KNEE_HERTZ * np.exp((mel - _KNEE_MEL) * _LOG_STEP))
