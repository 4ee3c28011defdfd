"""The WebSocket `/v1/audio/speech/ws`: text as it is written, speech as it is made.

A client sends JSON in text frames:

    {"type": "start"}                   an utterance begins; all else is optional: voice, language, instructions, seed, max_frames,
                                        speed, priority, response_format ("pcm" unless told: 16-bit little-endian, one channel)
    {"type": "text", "text": "Words "}  more of its text, cut anywhere; an empty piece is nothing
    {"type": "end"}                     that was all of it
    {"type": "cancel"}                  be silent, and forget the text

and hears, the audio in binary frames and the rest as JSON in text frames:

    {"type": "started", "request_id", "sample_rate", "format"}
    audio, as it is made, which may begin long before `end`
    {"type": "finished", "finish_reason", "seed", "frames", "audio_seconds", "first_audio_ms"}

`first_audio_ms` counts from `start`. `cancel` is answered by {"type": "cancelled"}, also where nothing is spoken any more, and
nothing of the utterance comes after it. What goes wrong is {"type": "error", "error": {"message", "type", "param", "code"}}, which
is OpenAI's form, with `retry_after` in seconds where trying again makes sense. An error ends the utterance, not the connection: a
new start may come after it, as after `finished` and `cancelled`. Text and `end` that come after an error, or after an utterance
that ended before its text, are passed over: the client may have sent them before it knew. A server that starts or shuts down closes
with 1013 after its error.

Where keys are asked for, a client gives one as `Authorization: Bearer KEY`; or, as browsers cannot, by `?api_key=KEY` or among its
subprotocols as `api-key.` and the key in base64url, beside `qwen3tts`, which is then the one chosen. Who gives none is refused
before the handshake, as is a page of another host that is not among the CORS origins. The handshake pays for the first start.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketState

from qwen3tts.errors import BusyError
from qwen3tts.server.access import Access, AccessError
from qwen3tts.server.http.errors import ApiError, internal_error
from qwen3tts.server.http.messages import FIELDS, Cancel, End, Start, Text, error_event, read_message, too_long
from qwen3tts.server.record import Call
from qwen3tts.server.sound import Encoder, check_format
from qwen3tts.server.speech import Speech, SpeechService

log = logging.getLogger("qwen3tts")

SUBPROTOCOL, KEY_PREFIX = "qwen3tts", "api-key."
TRY_AGAIN_LATER = 1013


@dataclass
class Utterance:
    """What a client asked for last.

    speaking: None where there was no start. pieces: of its text, None after the last. characters: of all of them. ended: the client
    said that there is no more text. over: its last message is sent, or about to be.
    """

    speaking: asyncio.Task[None] | None = None
    pieces: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    characters: int = 0
    ended: bool = False
    over: bool = True

    async def silence(self) -> None:
        """Cancel it; nothing of it is sent afterwards."""
        if self.speaking is not None:
            self.speaking.cancel()
            await asyncio.wait([self.speaking])


def socket_router(service: SpeechService, access: Access, origins: Collection[str] = ()) -> APIRouter:
    """The WebSocket's route. origins: pages of other hosts that may use it, "*" for all; browsers ask nobody for leave here."""
    router = APIRouter()

    @router.websocket("/v1/audio/speech/ws")
    async def speech(websocket: WebSocket) -> None:
        peer = websocket.client.host if websocket.client else ""
        try:
            _check_origin(websocket, origins)
            secret = _secret(websocket)
            caller = _admit(access, secret, peer)
        except ApiError as error:
            cause = error.__cause__
            service.refuse("websocket", uuid.uuid4().hex, cause if isinstance(cause, BusyError) else error, peer)
            await websocket.send_denial_response(JSONResponse(error.body, error.status, error.headers))
            return
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
        await _converse(websocket, service, lambda: _admit(access, secret, peer), caller)

    return router


async def _converse(websocket: WebSocket, service: SpeechService, admit: Callable[[], object], caller: str) -> None:
    """Heed one client until it leaves. admit: called for every start but the first; raises ApiError."""
    utterance, starts = Utterance(ended=True), 0
    try:
        while (frame := await websocket.receive())["type"] != "websocket.disconnect":
            try:
                message = read_message(frame, service.limits.text_characters)
                if isinstance(message, Start):
                    if not utterance.over:
                        raise ApiError(400, "start while an utterance is spoken: cancel it, or wait for its end", param="type")
                    if utterance.speaking is not None:
                        await asyncio.wait([utterance.speaking])
                    starts += 1
                    if starts > 1:
                        admit()
                    utterance = Utterance(over=False)
                    utterance.speaking = asyncio.create_task(_speak(websocket, service, message, utterance, caller))
                elif isinstance(message, Cancel):
                    await utterance.silence()
                    utterance = Utterance(ended=True)
                    await _send(websocket, {"type": "cancelled"})
                else:
                    _write(utterance, message, service.limits.text_characters)
            except ApiError as error:
                await utterance.silence()
                utterance = Utterance()
                await _send(websocket, error_event(error))
    except WebSocketDisconnect:
        pass
    finally:
        await utterance.silence()


def _write(utterance: Utterance, message: Text | End, most_characters: int) -> None:
    """Add to an utterance's text. Raises ApiError."""
    if utterance.ended:
        raise ApiError(400, f"{message.type} without a start: send one before it", param="type")
    if isinstance(message, End):
        utterance.ended = True
        utterance.pieces.put_nowait(None)
    elif message.text and not utterance.over:
        utterance.characters += len(message.text)
        if utterance.characters > most_characters:
            raise too_long(most_characters)
        utterance.pieces.put_nowait(message.text)


async def _speak(websocket: WebSocket, service: SpeechService, start: Start, utterance: Utterance, caller: str) -> None:
    """Speak one utterance to its end, or say why not."""
    try:
        with FIELDS.told():
            check_format(start.response_format)
            async with service.speak(_call(start, _pieces(utterance.pieces), caller)) as speech:
                with suppress(WebSocketDisconnect):
                    await _utter(websocket, speech, start.response_format, utterance)
        return
    except ApiError as told:
        error = told
    except Exception:
        log.exception("an utterance over the WebSocket failed")
        error = internal_error()
    utterance.over = True
    with suppress(WebSocketDisconnect):
        await _send(websocket, error_event(error))
        if error.status == 503:
            await websocket.close(TRY_AGAIN_LATER)


async def _utter(websocket: WebSocket, speech: Speech, format: str, utterance: Utterance) -> None:
    """Send an utterance. Its end is sent within its block, for which a server that shuts down waits."""
    with closing(Encoder(format, speech.sample_rate)) as encoder:
        request_id = speech.record.call.request_id
        await _send(websocket, {"type": "started", "request_id": request_id, "sample_rate": speech.sample_rate, "format": format})
        async for chunk in speech:
            if data := encoder.encode(chunk.samples):
                await _send(websocket, data)
        if data := encoder.finish():
            await _send(websocket, data)
    record = speech.record
    event = {
        "type": "finished",
        "finish_reason": record.finish_reason,
        "seed": record.seed,
        "frames": record.frames,
        "audio_seconds": round(record.audio_seconds, 6),
        "first_audio_ms": None if record.first_audio is None else round(record.first_audio * 1000, 3),
    }
    utterance.over = True
    await _send(websocket, event)


def _call(start: Start, text: AsyncIterator[str], caller: str) -> Call:
    return Call(
        protocol="websocket",
        request_id=uuid.uuid4().hex,
        text=text,
        voice=start.voice,
        language=start.language,
        instruct=start.instructions,
        seed=start.seed,
        max_frames=start.max_frames,
        speed=start.speed,
        normalize=start.normalize,
        priority=start.priority,
        caller=caller,
    )


async def _pieces(queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (piece := await queue.get()) is not None:
        yield piece


async def _send(websocket: WebSocket, message: bytes | dict[str, Any]) -> None:
    """Wait until a slow client has room for a message, and send it. Raises WebSocketDisconnect."""
    if websocket.application_state is not WebSocketState.CONNECTED:
        raise WebSocketDisconnect(1006)
    try:
        if isinstance(message, bytes):
            await websocket.send_bytes(message)
        else:
            await websocket.send_json(message)
    except RuntimeError as error:
        # So says uvicorn where it has closed a connection on its own account, for text that is not UTF-8 say.
        raise WebSocketDisconnect(1006) from error


def _admit(access: Access, secret: str | None, peer: str) -> str:
    """The caller's name. Raises ApiError for one that may not, or not yet."""
    try:
        return access.check(secret, peer)
    except AccessError as error:
        raise ApiError(401, str(error)) from error
    except BusyError as error:
        raise ApiError(429, str(error), code="rate_limit_exceeded", retry_after=error.retry_after) from error


def _secret(websocket: WebSocket) -> str | None:
    """The key that a handshake brings, the header's before the others'. Raises ApiError for one that cannot be read."""
    scheme, _, secret = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    if secret := websocket.query_params.get("api_key", ""):
        # The listener logs a handshake's query, and a key is no matter for logs.
        websocket.scope["query_string"] = b""
        return secret
    encoded = next((name[len(KEY_PREFIX) :] for name in websocket.scope["subprotocols"] if name.startswith(KEY_PREFIX)), None)
    if encoded is None:
        return None
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError as error:
        raise ApiError(401, f"api key after {KEY_PREFIX!r} is not base64url: encode it so") from error


def _check_origin(websocket: WebSocket, origins: Collection[str]) -> None:
    """Raise ApiError for a page of another host that was not let in."""
    origin = websocket.headers.get("origin")
    if origin is None or "*" in origins or origin in origins or origin.partition("://")[2] == websocket.headers.get("host"):
        return
    raise ApiError(403, f"origin={origin!r} is not let in: start the server with it as a CORS origin", code="origin_not_allowed")
