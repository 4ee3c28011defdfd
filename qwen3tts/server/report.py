"""What logs and spans say of a request: figures, and never its text."""

from __future__ import annotations

from qwen3tts.server.record import Record

Fact = str | int | float


def real_time_factor(record: Record) -> float | None:
    """Wall time over audio time as the caller saw it: below 1 is faster than speech. None for a request without sound."""
    return record.elapsed / record.audio_seconds if record.audio_seconds else None


def facts_of(record: Record) -> dict[str, Fact]:
    """Of a request that has ended; what is not known is left out. Times in milliseconds from its arrival.

    characters: of a text that came whole. The names are those of the log and, with "qwen3tts." before them, of the spans.
    """
    call, factor = record.call, real_time_factor(record)
    facts = {
        "request_id": call.request_id,
        "protocol": call.protocol,
        "status": record.status,
        "caller": call.caller,
        "characters": len(call.text) if isinstance(call.text, str) else None,
        "voice": "reference" if call.reference is not None else call.voice,
        "language": call.language,
        "queued_ms": _milliseconds(record.queued),
        "first_audio_ms": _milliseconds(record.first_audio),
        "total_ms": _milliseconds(record.elapsed),
        "audio_seconds": round(record.audio_seconds, 3),
        "frames": record.frames,
        "real_time_factor": None if factor is None else round(factor, 4),
        "finish_reason": record.finish_reason,
        "seed": record.seed,
        "error": record.error,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
