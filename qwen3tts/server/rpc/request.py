"""From a `SynthesizeRequest` to a `Call`, and the form in which its sound goes back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soxr

from qwen3tts.errors import InputError, SpeakerError
from qwen3tts.server.record import Call
from qwen3tts.server.rpc import tts_pb2
from qwen3tts.server.speech import SpeechService
from qwen3tts.types import Priority

LOWEST_RATE, HIGHEST_RATE = 8000, 48000
LONGEST_REQUEST_ID = 128

_LANGUAGES: Mapping[int, str] = {
    tts_pb2.LANGUAGE_UNSPECIFIED: "auto",
    tts_pb2.LANGUAGE_RU: "russian",
    tts_pb2.LANGUAGE_EN: "english",
    tts_pb2.LANGUAGE_MIXED: "auto",
}
_FORMATS: Mapping[int, Literal["pcm", "wav"]] = {
    tts_pb2.AUDIO_FORMAT_UNSPECIFIED: "pcm",
    tts_pb2.AUDIO_FORMAT_PCM_S16LE: "pcm",
    tts_pb2.AUDIO_FORMAT_WAV: "wav",
}
_PRIORITIES: Mapping[int, Priority] = {
    tts_pb2.PRIORITY_UNSPECIFIED: "normal",
    tts_pb2.PRIORITY_LOW: "low",
    tts_pb2.PRIORITY_NORMAL: "normal",
    tts_pb2.PRIORITY_HIGH: "high",
    tts_pb2.PRIORITY_CRITICAL: "critical",
}


@dataclass(frozen=True)
class Sound:
    """The form of an answer's sound. sample_rate: in Hz. native_rate: of the model."""

    format: Literal["pcm", "wav"]
    sample_rate: int
    native_rate: int


class Resampler:
    """From the model's rate to the one that was asked for, chunk by chunk; it holds back some milliseconds until the last."""

    def __init__(self, sound: Sound) -> None:
        same = sound.sample_rate == sound.native_rate
        self._stream = None if same else soxr.ResampleStream(sound.native_rate, sound.sample_rate, 1, dtype="float32")

    def resample(self, samples: np.ndarray, last: bool) -> np.ndarray:
        """float32 (n,) to float32 (m,), which may be empty unless it is the last."""
        return samples if self._stream is None else self._stream.resample_chunk(samples, last=last)


def call_of(
    request: tts_pb2.SynthesizeRequest, service: SpeechService, timeout: float | None, whole: bool, caller: str | None
) -> Call:
    """What a request asks for. timeout: in seconds, of the caller's deadline. Raises InputError and its children.

    The service has to have its model. What is no affair of the protocol is checked when the call is spoken.
    """
    request_id = request.request_id or uuid.uuid4().hex
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InputError(f"request_id has {len(request_id):,} characters, more than {LONGEST_REQUEST_ID}: give a shorter one")
    return Call(
        protocol="grpc",
        request_id=request_id,
        text=request.text,
        voice=_voice(request, service.speakers),
        language=_language(request),
        instruct=request.instructions or None,
        seed=request.seed if request.HasField("seed") else None,
        max_frames=request.max_frames if request.HasField("max_frames") else None,
        speed=request.speed if request.HasField("speed") else 1.0,
        priority=_PRIORITIES[_known("priority", request.priority, tts_pb2.Priority)],
        normalize=request.normalize if request.HasField("normalize") else True,
        marks=request.marks if request.HasField("marks") else True,
        timeout=timeout,
        whole=whole,
        caller=caller,
    )


def sound_of(request: tts_pb2.SynthesizeRequest, native_rate: int) -> Sound:
    """The form that a request asks for. native_rate: of the model, in Hz. Raises InputError."""
    rate = request.sample_rate or native_rate
    if rate != native_rate and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(
            f"sample_rate={rate} is out of range: give {LOWEST_RATE} to {HIGHEST_RATE} Hz, or 0 for the model's own {native_rate}"
        )
    return Sound(_FORMATS[_known("audio_format", request.audio_format, tts_pb2.AudioFormat)], rate, native_rate)


def _language(request: tts_pb2.SynthesizeRequest) -> str:
    language = _known("language", request.language, tts_pb2.Language)
    if not request.language_name:
        return _LANGUAGES[language]
    if language != tts_pb2.LANGUAGE_UNSPECIFIED:
        raise InputError(f"language_name={request.language_name!r} came with a language: give one of them")
    return request.language_name


def _voice(request: tts_pb2.SynthesizeRequest, speakers: tuple[str, ...]) -> str | None:
    if not request.HasField("speaker_id"):
        return request.voice or None
    index = request.speaker_id
    if request.voice:
        raise SpeakerError(f"speaker_id={index} came with voice={request.voice!r}: give one of them")
    if not speakers:
        raise SpeakerError(f"speaker_id={index} is out of range: this model has no built-in speakers, leave it out")
    if index >= len(speakers):
        raise SpeakerError(f"speaker_id={index} is out of range: give 0 ({speakers[0]}) to {len(speakers) - 1} ({speakers[-1]})")
    return speakers[index]


def _known(name: str, value: int, enum: type[tts_pb2.Language] | type[tts_pb2.AudioFormat] | type[tts_pb2.Priority]) -> int:
    """A value of an enumeration, which on the wire can be any number. Raises InputError."""
    if value not in enum.values():
        raise InputError(f"{name}={value} is unknown: give one of {', '.join(f'{number} ({key})' for key, number in enum.items())}")
    return value
