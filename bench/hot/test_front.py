"""What happens once an utterance: text to ids, and the mel spectrogram of a reference."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.audio.mel import mel_spectrogram
from qwen3tts.checkpoint import embedded_checkpoint
from qwen3tts.text.tokenizer import Tokenizer

from ..workload import TEXTS, tone_glide


@pytest.mark.benchmark(group="tokenizer")
@pytest.mark.parametrize(("language", "text"), TEXTS[-2:], ids=[language for language, _ in TEXTS[-2:]])
def test_tokenizer(benchmark, language, text):
    benchmark(Tokenizer.load(embedded_checkpoint()).encode, text)


@pytest.mark.benchmark(group="mel")
def test_mel_spectrogram(benchmark, config):
    encoder = config.speaker_encoder_config
    samples = torch.from_numpy(tone_glide(encoder.sample_rate))
    benchmark(mel_spectrogram, samples, encoder.sample_rate, encoder.mel_dim)
