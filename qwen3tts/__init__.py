"""Text to speech with the Qwen3-TTS 12 Hz models.

from qwen3tts import TTS, SamplingParams
audio = TTS.load().synthesize("Hello", sampling=SamplingParams(seed=0))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qwen3tts.async_tts import AsyncTTS
    from qwen3tts.stream import SpeechStream
    from qwen3tts.tts import TTS
    from qwen3tts.types import Audio, AudioChunk, SamplingParams, SpeechRequest
    from qwen3tts.voice import Voice

__version__ = "0.1.0"

_HOMES = {
    "TTS": "tts",
    "AsyncTTS": "async_tts",
    "SpeechStream": "stream",
    "Audio": "types",
    "AudioChunk": "types",
    "SamplingParams": "types",
    "SpeechRequest": "types",
    "Voice": "voice",
}

__all__ = ["TTS", "AsyncTTS", "Audio", "AudioChunk", "SamplingParams", "SpeechRequest", "SpeechStream", "Voice", "__version__"]


def __getattr__(name: str) -> object:
    """Import public names when they are first used: torch takes seconds, and `qwen3tts --help` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
