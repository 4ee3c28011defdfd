"""From a recording to a voice, or to codes: what the encoders of a checkpoint make of sound. On the CPU, in float32."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from qwen3tts import codec
from qwen3tts.audio.files import read_audio
from qwen3tts.audio.mel import mel_spectrogram
from qwen3tts.audio.reference import check_reference, check_waveform
from qwen3tts.audio.resample import resample
from qwen3tts.checkpoint import Checkpoint
from qwen3tts.errors import VoiceError
from qwen3tts.model.speaker_encoder import SpeakerEncoderWeights, embed_speaker
from qwen3tts.text.prompt import check_text
from qwen3tts.voice import Voice

REFERENCE_SILENCE_SECONDS = 0.5

AudioSource = str | Path | tuple[np.ndarray, int]
"""An audio file, or (samples (n,) or (n, channels), sample rate in Hz)."""


class Encoders:
    """The encoders of a checkpoint; their weights are read when they are first used."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def clone_voice(self, audio: AudioSource, text: str | None, ref_silence: bool, name: str | None) -> Voice:
        """See `TTS.clone_voice`."""
        config = self._checkpoint.config
        if config.kind != "base":
            raise VoiceError(f"a {config.kind} model clones no voices: load a base model")
        if text is not None:
            check_text(text, "text of the reference")
        rate = config.speaker_encoder_config.sample_rate
        waveform, source_rate = _waveform(audio)
        reference = torch.from_numpy(check_reference(waveform, source_rate, rate))
        with torch.inference_mode():
            mel = mel_spectrogram(reference, rate, config.speaker_encoder_config.mel_dim)
            embedding = embed_speaker(self._speaker_encoder, config.speaker_encoder_config, mel)
        codes = None
        if text is not None:
            silence = np.zeros(round(REFERENCE_SILENCE_SECONDS * source_rate) if ref_silence else 0, np.float32)
            codes = self._encode(np.concatenate((waveform, silence)), source_rate)
        return Voice(speaker_embedding=embedding.numpy(), codes=codes, text=text, name=name)

    def encode(self, audio: AudioSource) -> np.ndarray:
        """See `TTS.encode`."""
        return self._encode(*_waveform(audio))

    def _encode(self, waveform: np.ndarray, source_rate: int) -> np.ndarray:
        config = self._checkpoint.codec_config
        samples = torch.from_numpy(resample(waveform, source_rate, config.input_sample_rate))
        with torch.inference_mode():
            return codec.encode(self._codec_encoder, config, samples).numpy()

    @cached_property
    def _speaker_encoder(self) -> SpeakerEncoderWeights:
        return SpeakerEncoderWeights.read(self._checkpoint.model, self._checkpoint.config.speaker_encoder_config)

    @cached_property
    def _codec_encoder(self) -> codec.EncoderWeights:
        return codec.EncoderWeights.read(self._checkpoint.read_codec(), self._checkpoint.codec_config)


def _waveform(audio: AudioSource) -> tuple[np.ndarray, int]:
    """Mono float32 samples and their rate, of a file or an array."""
    if isinstance(audio, (str, Path)):
        return read_audio(audio)
    samples, rate = audio
    return check_waveform(samples, rate), rate
