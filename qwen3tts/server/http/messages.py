"""What the WebSocket's clients send, read and checked, and what they are told where that goes wrong."""

from __future__ import annotations

import reprlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from qwen3tts.errors import InstructError, LanguageError, SpeakerError, TextError, VoiceError
from qwen3tts.server.http.errors import ENGINE_NAMES, ApiError, Fields
from qwen3tts.types import Priority

FIELDS = Fields(
    names={**ENGINE_NAMES, "text": "text"},
    others={
        TextError: "text",
        SpeakerError: "voice",
        VoiceError: "voice",
        LanguageError: "language",
        InstructError: "instructions",
    },
)
"""How errors name what a client sent."""

LONGEST_ESCAPE = 12
"""Of one character in JSON: a pair of surrogates, each written \\uXXXX."""

_EXAMPLE = 'send an object such as {"type": "start"}'


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Start(_Message):
    """An utterance begins."""

    type: Literal["start"]
    voice: str | None = None
    language: str | None = "auto"
    instructions: str | None = None
    seed: int | None = None
    max_frames: int | None = None
    speed: float = 1.0
    normalize: bool = True
    priority: Priority = "normal"
    response_format: str = "pcm"


class Text(_Message):
    """A piece of its text."""

    type: Literal["text"]
    text: str


class End(_Message):
    """No more text comes."""

    type: Literal["end"]


class Cancel(_Message):
    """Nobody listens any more."""

    type: Literal["cancel"]


Message = Start | Text | End | Cancel
_KINDS: dict[str, type[Message]] = {"start": Start, "text": Text, "end": End, "cancel": Cancel}


def read_message(frame: Any, most_characters: int) -> Message:
    """A message out of a frame as ASGI has it. most_characters: of a text. Raises ApiError."""
    text = frame.get("text")
    if text is None:
        raise ApiError(400, f"the message is binary: {_EXAMPLE} as text", code="invalid_json")
    if len(text) > LONGEST_ESCAPE * most_characters + 4096:
        raise too_long(most_characters)
    try:
        fields = from_json(text)
    except ValueError as error:
        raise ApiError(400, f"the message is not JSON ({error}): {_EXAMPLE}", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise ApiError(400, f"the message is {type(fields).__name__}: {_EXAMPLE}", code="invalid_json")
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ApiError(400, f"type={reprlib.repr(kind)} is unknown: choose one of {', '.join(_KINDS)}", param="type")
    try:
        return _KINDS[kind].model_validate(fields)
    except ValidationError as error:
        raise _of_validation(kind, error) from error


def too_long(most_characters: int) -> ApiError:
    """Of a text beyond the limit."""
    return ApiError(400, f"text has more than {most_characters:,} characters: split it", param="text")


def error_event(error: ApiError) -> dict[str, Any]:
    """The message that tells a client of an error, with the seconds after which to try again."""
    event = {"type": "error", **error.body}
    if "Retry-After" in error.headers:
        event["retry_after"] = int(error.headers["Retry-After"])
    return event


def _of_validation(kind: str, error: ValidationError) -> ApiError:
    problem = error.errors(include_url=False)[0]
    field = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        message = f"{reprlib.repr(field)} is no field of {kind}: leave it out"
        return ApiError(400, message, param=field[:128], code="unknown_field")
    if problem["type"] == "missing":
        return ApiError(400, f"{field} is missing: give it", param=field, code="missing_field")
    reason = problem["msg"].replace("Input should be", "give")
    return ApiError(400, f"{field}={reprlib.repr(problem['input'])}: {reason[0].lower()}{reason[1:]}", param=field)
