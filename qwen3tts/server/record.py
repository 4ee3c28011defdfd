"""A request, and what is known of it when it has ended: what metrics, logs and traces are made of."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Literal

from qwen3tts.types import FinishReason, Priority

Protocol = Literal["http", "grpc", "websocket", "wyoming"]
Status = Literal["ok", "cancelled", "invalid", "busy", "unavailable", "deadline", "timeout", "error"]


@dataclass(frozen=True)
class Call:
    """A request as all protocols understand it; what its fields may be is checked when it is spoken.

    text: a text, or its pieces as somebody writes them. voice: of a stored voice or a built-in speaker; None or "default" is the
    model's own. reference: (file name, bytes) of a recording to clone for this call alone, reference_text: what it says. deadline,
    timeout: in seconds, see `SpeechRequest`, also for normalize and marks. whole: nobody listens before the end, so that audio may
    come in large chunks. caller: whose key it came with, or from which address.
    """

    protocol: Protocol
    request_id: str
    text: str | AsyncIterable[str]
    voice: str | None = None
    language: str | None = "auto"
    instruct: str | None = None
    reference: tuple[str, bytes] | None = None
    reference_text: str | None = None
    seed: int | None = None
    max_frames: int | None = None
    speed: float = 1.0
    priority: Priority = "normal"
    deadline: float | None = None
    timeout: float | None = None
    normalize: bool = True
    marks: bool = True
    whole: bool = False
    caller: str | None = None


@dataclass
class Record:
    """Times are seconds since the request arrived, None for what did not happen.

    arrived: by `time.time()`. queued: until it had its place in the batch. first_audio: until the first chunk with sound was there
    for its protocol. elapsed: until its end. frames, audio_seconds: what it was given to hear, the seconds after `speed`. error: in
    a line, of a request that failed.
    """

    call: Call
    arrived: float
    status: Status = "ok"
    queued: float | None = None
    first_audio: float | None = None
    elapsed: float = 0.0
    frames: int = 0
    audio_seconds: float = 0.0
    finish_reason: FinishReason | None = None
    seed: int | None = None
    error: str | None = None


Observer = Callable[[Record], None]
"""Told of every request as it ends, on the event loop; returns at once."""
