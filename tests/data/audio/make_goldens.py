"""Writes audio.npz and speaker_encoder.npz beside itself, from librosa and the official implementation.

Needs an environment of its own: qwen-tts 0.1.1, transformers 4.57.3, librosa, torch, torchaudio. The tests read the files alone.
"""

from pathlib import Path

import librosa
import numpy as np
import torch
from qwen_tts.core.models.configuration_qwen3_tts import Qwen3TTSSpeakerEncoderConfig
from qwen_tts.core.models.modeling_qwen3_tts import Qwen3TTSSpeakerEncoder, mel_spectrogram

HERE = Path(__file__).parent


def write_audio() -> None:
    """A second of noise under a slow envelope: its official mel, and what librosa makes of the first samples at other rates."""
    envelope = np.abs(np.sin(np.arange(24000) / 4000))
    samples = (np.random.default_rng(0).standard_normal(24000) * 0.2 * envelope).clip(-1, 1)
    samples = (np.rint(samples * 32767) / 32768).astype(np.float32)
    mel = mel_spectrogram(torch.from_numpy(samples)[None], 1024, 128, 24000, 256, 1024, 0, 12000)[0].T.numpy()
    data = {"samples": samples, "mel": mel}
    for rate, bands in ((24000, 128), (16000, 40)):
        data[f"filters_{rate}_{bands}"] = librosa.filters.mel(sr=rate, n_fft=1024, n_mels=bands, fmin=0, fmax=12000)
    for rate in (8000, 16000, 22050, 44100, 48000):
        data[f"resampled_{rate}"] = librosa.resample(samples[:2205], orig_sr=rate, target_sr=24000)
    np.savez_compressed(HERE / "audio.npz", **data)


def write_speaker_encoder() -> None:
    """An encoder of another shape than the releases': 3 channel groups, kernels of even width, uneven edges."""
    torch.manual_seed(0)
    encoder = Qwen3TTSSpeakerEncoder(
        Qwen3TTSSpeakerEncoderConfig(
            enc_dim=10,
            mel_dim=20,
            enc_channels=[12, 12, 12, 24],
            enc_kernel_sizes=[4, 3, 2, 3],
            enc_dilations=[1, 2, 5, 1],
            enc_attention_channels=6,
            enc_res2net_scale=3,
            enc_se_channels=5,
        )
    ).eval()
    mel = torch.randn(50, 20) * 2 - 4
    with torch.no_grad():
        embedding = encoder(mel[None])[0]
    weights = {f"speaker_encoder.{name}": tensor.numpy() for name, tensor in encoder.state_dict().items()}
    np.savez_compressed(HERE / "speaker_encoder.npz", mel=mel.numpy(), embedding=embedding.numpy(), **weights)


if __name__ == "__main__":
    write_audio()
    write_speaker_encoder()
