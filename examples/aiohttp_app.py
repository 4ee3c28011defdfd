"""Speech from an aiohttp server of your own: PCM over HTTP, and over a WebSocket the words as they are written.

    pip install qwen3tts aiohttp
    QWEN3TTS_MODEL=Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice python -m aiohttp.web -P 8000 examples.aiohttp_app:create_app
    curl -N "http://127.0.0.1:8000/speak?text=Hello" | aplay -t raw -f S16_LE -r 24000 -c 1

A client of /words sends pieces of text as messages, an empty one at the end, and gets PCM as messages until the socket closes.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from qwen3tts import AsyncTTS, SamplingParams
from qwen3tts.errors import BusyError, Qwen3TTSError
from qwen3tts.written import AsyncSpeech

MODEL = web.AppKey("model", AsyncTTS)


def speak_text(request: web.Request, text: str | AsyncIterable[str]) -> AsyncSpeech:
    """The speech of a text as the query asks for it. Raises HTTPBadRequest and HTTPTooManyRequests."""
    query = request.query
    try:
        sampling = SamplingParams(seed=int(query["seed"]) if "seed" in query else None)
        options: dict[str, Any] = {name: query[name] for name in ("speaker", "language") if name in query}
        return request.app[MODEL].stream(text, sampling=sampling, **options)
    except BusyError as error:
        raise web.HTTPTooManyRequests(text=str(error), headers={"Retry-After": str(math.ceil(error.retry_after))}) from error
    except ValueError as error:
        # What qwen3tts says of wrong input is a ValueError, and so is a seed that is no number.
        raise web.HTTPBadRequest(text=str(error)) from error


async def speak(request: web.Request) -> web.StreamResponse:
    """GET /speak?text=...: 16-bit little-endian PCM, chunk by chunk."""
    # A client that hangs up fails the write; leaving the block cancels.
    async with aclosing(speak_text(request, request.query.get("text", ""))) as stream:
        rate = request.app[MODEL].tts.sample_rate
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm", "X-Sample-Rate": str(rate)})
        await response.prepare(request)
        async for chunk in stream:
            await response.write(chunk.pcm.tobytes())
    return response


async def words(request: web.Request) -> web.WebSocketResponse:
    """GET /words: a WebSocket that speaks a text while it is being written."""
    pieces: asyncio.Queue[str | None] = asyncio.Queue()

    async def written() -> AsyncIterator[str]:
        while (piece := await pieces.get()) is not None:
            yield piece

    async with aclosing(speak_text(request, written())) as stream:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        speaking = asyncio.create_task(send_speech(socket, stream))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                pieces.put_nowait(message.data or None)
        # The socket has closed: with the last chunk, or because nobody listens any more.
        speaking.cancel()
    return socket


async def send_speech(socket: web.WebSocketResponse, stream: AsyncSpeech) -> None:
    """Send the chunks as they are made, and close; a text that cannot be spoken closes with the reason."""
    try:
        async for chunk in stream:
            await socket.send_bytes(chunk.pcm.tobytes())
        await socket.close()
    except Qwen3TTSError as error:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:123])


def create_app(arguments: Sequence[str] | None = None) -> web.Application:
    """The server; `python -m aiohttp.web` gives arguments that it does not know, and there are none."""

    async def model(app: web.Application) -> AsyncIterator[None]:
        async with AsyncTTS.load() as tts:
            app[MODEL] = tts
            yield

    app = web.Application()
    app.cleanup_ctx.append(model)
    app.add_routes([web.get("/speak", speak), web.get("/words", words)])
    return app
