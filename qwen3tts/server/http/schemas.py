"""What is asked and answered over HTTP, as checked and as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from qwen3tts.server.sound import FORMATS, media_type
from qwen3tts.types import Priority

LONGEST_MS = 24 * 60 * 60 * 1000
LONGEST_NAME = 256
"""Longer than any: messages repeat a name that does not exist."""

_Name = Annotated[str, Field(max_length=LONGEST_NAME)]

_STRING: dict[str, Any] = {"type": "string"}
_NAME_SCHEMA = {**_STRING, "maxLength": LONGEST_NAME}
_BY_ID = {"type": "object", "properties": {"id": _NAME_SCHEMA}, "required": ["id"], "additionalProperties": False}
_RECORDING: dict[str, Any] = {"type": "string", "format": "binary"}
_EVENT = {
    "type": "object",
    "description": "speech.audio.delta with its sound in base64, at the end speech.audio.done with usage, or error.",
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["data"],
}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class VoiceId(_Asked):
    """A voice as OpenAI's clients give one of their own."""

    id: _Name


class SpeechBody(_Asked):
    """OpenAI's request for speech, and from `language` on what is ours."""

    model: _Name
    input: str
    voice: Annotated[_Name | VoiceId | None, WithJsonSchema({"anyOf": [_NAME_SCHEMA, _BY_ID, {"type": "null"}]})] = None
    instructions: str | None = None
    response_format: Annotated[_Name, WithJsonSchema({"type": "string", "enum": list(FORMATS)})] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4)
    stream_format: Literal["audio", "sse"] = "audio"
    language: _Name | None = "auto"
    seed: int | None = Field(None, ge=0, le=2**64 - 1)
    ref_audio: str | None = Field(
        None, description="A recording of the voice to speak with: base64 of an audio file, or a data: URL."
    )
    ref_text: str | None = Field(None, description="What the recording says.")
    max_frames: int | None = Field(None, ge=1, description="At most so many frames of 80 ms.")
    normalize: bool = Field(True, description="Read numbers, dates and signs as words, in Russian and English.")
    marks: bool = Field(True, description="Take [pause:400ms] and SSML for what they are.")
    priority: Priority = "normal"
    deadline_ms: float | None = Field(None, gt=0, le=LONGEST_MS, description="Within which its first audio is worth having.")
    timeout_ms: float | None = Field(None, gt=0, le=LONGEST_MS, description="Within which it has to end.")

    @property
    def voice_name(self) -> str | None:
        """The voice in either form."""
        return self.voice.id if isinstance(self.voice, VoiceId) else self.voice


class ErrorDetail(BaseModel):
    """What went wrong. param: the field that is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Every answer that is not a success."""

    error: ErrorDetail


class ModelObject(BaseModel):
    """A model, as OpenAI shows one. created: when it was loaded, as seconds since 1970."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "qwen3tts"


class ModelList(BaseModel):
    """All models: one."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


class VoiceObject(BaseModel):
    """A voice to speak with: by its id, which is its name."""

    id: str
    object: Literal["audio.voice"] = "audio.voice"
    name: str
    kind: Literal["built_in", "stored"]


class VoiceList(BaseModel):
    """All voices, the built-in ones first."""

    object: Literal["list"] = "list"
    data: list[VoiceObject]


class Health(BaseModel):
    """status: "ok", or the state of a server that should get no requests. active: requests that are being served."""

    status: Literal["ok", "starting", "failing", "draining"]
    version: str
    uptime_seconds: float
    state: Literal["starting", "ready", "failing", "draining"]
    active: int


class Info(BaseModel):
    """What is served. speakers: the built-in voices, the default first. warning: what a listener should know."""

    name: str
    version: str
    model: str
    kind: str
    languages: list[str]
    speakers: list[str]
    sample_rate: int
    takes_instructions: bool
    max_text_length: int
    formats: list[str]
    device: str
    warning: str | None


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request is wrong, not allowed, or comes at a bad time."},
    500: {"model": ErrorBody, "description": "A fault of the server's."},
    503: {"model": ErrorBody, "description": "The server is starting or shutting down."},
}

SPEECH_RESPONSES: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    200: {
        "description": "The speech, sent as it is made.",
        "headers": {"X-Sample-Rate": {"description": "In Hz.", "schema": {"type": "integer"}}},
        "content": {
            **{media_type(format): {"schema": _RECORDING} for format in FORMATS},
            "text/event-stream": {"schema": _EVENT},
        },
    },
    504: {"model": ErrorBody, "description": "The request's own deadline or timeout passed before there was any speech."},
}


def _with_recording() -> dict[str, Any]:
    """The form of a request for speech: the fields of its JSON, and a recording as a file."""
    schema = SpeechBody.model_json_schema()
    simple = {name: _STRING if name == "voice" else field for name, field in schema["properties"].items()}
    return {**schema, "properties": {**simple, "ref_audio": _RECORDING}}


SPEECH_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": SpeechBody.model_json_schema()},
            "multipart/form-data": {"schema": _with_recording()},
        },
    }
}

VOICE_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"name": _STRING, "audio_file": _RECORDING, "text": _STRING},
                    "required": ["name", "audio_file"],
                    "additionalProperties": False,
                }
            }
        },
    }
}
