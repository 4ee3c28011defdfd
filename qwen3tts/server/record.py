"""What is known of a request when it has ended: what metrics, logs and traces are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from qwen3tts.server.speech import Call
    from qwen3tts.types import FinishReason

Status = Literal["ok", "cancelled", "invalid", "busy", "unavailable", "deadline", "timeout", "error"]


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
