"""`/v1/voices`: what can be spoken with, and recordings that become voices."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qwen3tts.errors import AudioError, TextError, VoiceError
from qwen3tts.server.http.bodies import read_form
from qwen3tts.server.http.errors import ApiError, Fields
from qwen3tts.server.http.schemas import ERRORS, VOICE_REQUEST, VoiceList, VoiceObject
from qwen3tts.server.speech import SpeechService

_RECORDINGS = ("audio_file", "audio")
_FIELDS = ("name", "text", *_RECORDINGS)


def voices_router(service: SpeechService) -> APIRouter:
    """The routes."""
    router = APIRouter(responses=ERRORS)

    @router.get("/v1/voices")
    async def list_voices() -> VoiceList:
        """The built-in voices, the default first, and those that were uploaded."""
        built_in = [VoiceObject(id=name, name=name, kind="built_in") for name in service.speakers]
        return VoiceList(data=built_in + [VoiceObject(id=name, name=name, kind="stored") for name in service.voices.names()])

    @router.post("/v1/voices", status_code=201, openapi_extra=VOICE_REQUEST)
    async def create_voice(request: Request) -> VoiceObject:
        """Make a voice from 0.5 to 60 s of somebody's speech, and keep it. text: what they say, for a voice closer to theirs."""
        form = await read_form(request, frozenset(_RECORDINGS))
        for field in form.texts:
            if field not in _FIELDS:
                raise ApiError(
                    400, f"{field[:128]!r}: no such field; give {', '.join(_FIELDS)}", param=field[:128], code="unknown_field"
                )
        if "name" not in form.texts:
            raise ApiError(400, "name is missing: give one to the voice", param="name", code="missing_field")
        if len(form.files) != 1:
            message = f"audio_file is {'missing' if not form.files else 'given twice'}: give one recording, as a file"
            raise ApiError(400, message, param="audio_file", code=None if form.files else "missing_field")
        field, recording = next(iter(form.files.items()))
        with _fields(field).told():
            voice = await service.voices.add(form.texts["name"], (field, recording), form.texts.get("text"))
        name = voice.name or form.texts["name"]
        return VoiceObject(id=name, name=name, kind="stored")

    @router.delete("/v1/voices/{name}", status_code=204, response_class=Response)
    async def delete_voice(name: str) -> Response:
        """Forget a voice that was uploaded."""
        if service.voices.find(name) is None:
            if name.strip().lower() in ("default", *(speaker.lower() for speaker in service.speakers)):
                raise ApiError(400, f"name={name[:128]!r} is a built-in voice: it stays", param="name")
            raise ApiError(
                404, f"name={name[:128]!r} is not a stored voice: see GET /v1/voices", param="name", code="voice_not_found"
            )
        with _fields("audio_file").told():
            await service.voices.remove(name)
        return Response(status_code=204)

    return router


def _fields(recording: str) -> Fields:
    """How errors about an upload name its fields. recording: that of the file."""
    names = {
        "name": "name",
        "text of the reference": "text",
        "text": "text",
        f"audio file {recording}": recording,
        "reference audio": recording,
        "audio": recording,
    }
    return Fields(names, {TextError: "text", AudioError: recording, VoiceError: recording})
