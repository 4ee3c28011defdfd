"""`POST /v1/audio/speech`: OpenAI's contract, the sound sent as it is made."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from contextlib import closing
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from starlette.types import Message, Receive, Scope, Send

from qwen3tts.errors import AudioError, InstructError, LanguageError, SpeakerError, TextError, VoiceError
from qwen3tts.server.http.bodies import read_speech_body
from qwen3tts.server.http.errors import ENGINE_NAMES, ApiError, Fields, internal_error
from qwen3tts.server.http.info import check_model
from qwen3tts.server.http.schemas import SPEECH_REQUEST, SPEECH_RESPONSES, SpeechBody
from qwen3tts.server.record import Call
from qwen3tts.server.sound import Encoder, check_format, media_type
from qwen3tts.server.speech import Speech, SpeechService
from qwen3tts.types import AudioChunk

log = logging.getLogger("qwen3tts")

SPEECH_PATH = "/v1/audio/speech"

_NAMES = {
    **ENGINE_NAMES,
    "text": "input",
    "deadline": "deadline_ms",
    "timeout": "timeout_ms",
    "text of the reference": "ref_text",
    "reference_text": "ref_text",
    "audio file ref_audio": "ref_audio",
    "reference audio": "ref_audio",
    "audio": "ref_audio",
}


def speech_router(service: SpeechService) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.post(SPEECH_PATH, response_class=Response, responses=SPEECH_RESPONSES, openapi_extra=SPEECH_REQUEST)
    async def create_speech(request: Request) -> Response:
        """Speak a text."""
        request_id, caller = request.scope["request_id"], request.scope["caller"]
        try:
            body, recording = await read_speech_body(request)
            check_model(service, body.model)
            call = _call(body, recording, request_id, caller)
            with _fields(call).told():
                check_format(body.response_format)
        except ApiError as error:
            service.refuse("http", request_id, error, caller)
            raise
        return SpeechResponse(service, call, body.response_format, body.stream_format)

    return router


def _call(body: SpeechBody, recording: bytes | None, request_id: str, caller: str) -> Call:
    if recording is None and body.ref_text is not None:
        raise ApiError(400, "ref_text is what ref_audio says: give both, or neither", param="ref_text")
    if recording is not None and body.voice_name not in (None, "default"):
        raise ApiError(400, "voice and ref_audio are two voices: leave one out", param="voice")
    return Call(
        protocol="http",
        request_id=request_id,
        text=body.input,
        voice=body.voice_name,
        language=body.language,
        instruct=body.instructions,
        reference=None if recording is None else ("ref_audio", recording),
        reference_text=body.ref_text,
        seed=body.seed,
        max_frames=body.max_frames,
        speed=body.speed,
        normalize=body.normalize,
        marks=body.marks,
        priority=body.priority,
        deadline=None if body.deadline_ms is None else body.deadline_ms / 1000,
        timeout=None if body.timeout_ms is None else body.timeout_ms / 1000,
        # A FLAC leaves its encoder at the end.
        whole=body.response_format == "flac",
        caller=caller,
    )


def _fields(call: Call) -> Fields:
    """How errors about a call name its fields."""
    voice = "voice" if call.reference is None else "ref_audio"
    others: dict[type[Exception], str] = {
        TextError: "input",
        SpeakerError: "voice",
        VoiceError: voice,
        LanguageError: "language",
        InstructError: "instructions",
        AudioError: "ref_audio",
    }
    return Fields(_NAMES, others)


class SpeechResponse(Response):
    """Speaks a call, and sends it as it is made. A client that goes away cancels.

    Nothing is sent before the first sound, so that what goes wrong until then has its status. Later, sound breaks off, and a stream
    of events ends with one of the error.
    """

    def __init__(self, service: SpeechService, call: Call, format: str, stream_format: Literal["audio", "sse"]) -> None:
        super().__init__()
        self._service, self._call, self._format, self._as_events = service, call, format, stream_format == "sse"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speaking = asyncio.ensure_future(self._speak(_Sender(send)))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((speaking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            speaking.cancel()
            leaving.cancel()
            await asyncio.wait((speaking, leaving))
        if not speaking.cancelled():
            speaking.result()

    async def _speak(self, sender: _Sender) -> None:
        late: ApiError | None = None
        try:
            with _fields(self._call).told():
                async with self._service.speak(self._call) as speech:
                    late = await self._send_speech(speech, sender)
            # Outside of its block, in which an exception would be a failure of the speech.
            if late is not None:
                raise late
        except Exception as error:
            if not sender.begun:
                raise
            if error is not late:
                log.exception("request %s failed while it was spoken", self._call.request_id)
            if self._as_events:
                await sender.send(_event({"type": "error", **(late or internal_error()).body}))
                await sender.end()

    async def _send_speech(self, speech: Speech, sender: _Sender) -> ApiError | None:
        """Send all of a speech; returns the error if it ran out of time."""
        with closing(Encoder(self._format, speech.sample_rate)) as encoder:
            async for chunk in speech:
                if (late := _late(chunk)) is not None:
                    return late
                if not len(chunk.samples) and not chunk.is_final:
                    continue
                if not sender.begun:
                    await sender.begin(self._headers_of(speech.sample_rate))
                await self._send_part(encoder.encode(chunk.samples), sender)
            await self._send_part(encoder.finish(), sender)
        if self._as_events:
            await sender.send(_event({"type": "speech.audio.done", "usage": self._usage(speech)}))
        await sender.end()
        return None

    async def _send_part(self, audio: bytes, sender: _Sender) -> None:
        if audio:
            delta = {"type": "speech.audio.delta", "audio": b64encode(audio).decode()} if self._as_events else None
            await sender.send(audio if delta is None else _event(delta))

    def _headers_of(self, sample_rate: int) -> dict[str, str]:
        kind = "text/event-stream" if self._as_events else media_type(self._format)
        # A proxy must not hold back what is sent as it is made.
        return {"Content-Type": kind, "X-Sample-Rate": str(sample_rate), "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

    def _usage(self, speech: Speech) -> dict[str, int]:
        """Tokens of the text, and frames of the speech."""
        assert isinstance(self._call.text, str)
        read, spoken = len(self._service.model.tts.tokenizer.encode(self._call.text)), speech.record.frames
        return {"input_tokens": read, "output_tokens": spoken, "total_tokens": read + spoken}


class _Sender:
    """The answer under way. begun: its status is sent."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False

    async def begin(self, headers: dict[str, str]) -> None:
        self.begun = True
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})

    async def send(self, data: bytes) -> None:
        """Send a part; waits until a slow client has room for it."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Say that it is whole: an answer without this is broken off."""
        await self._send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    message: Message = {"type": "http.request"}
    while message["type"] != "http.disconnect":
        message = await receive()


def _late(chunk: AudioChunk) -> ApiError | None:
    if chunk.finish_reason not in ("deadline", "timeout"):
        return None
    name = f"{chunk.finish_reason}_ms"
    return ApiError(
        504, f"{name} passed before the speech was ready: give it more", param=name, code=f"{chunk.finish_reason}_exceeded"
    )


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"
