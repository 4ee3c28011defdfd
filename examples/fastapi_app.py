"""Speech from a FastAPI server of your own: a WAV that is sent while it is made.

    pip install 'qwen3tts[server]'
    QWEN3TTS_MODEL=Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice uvicorn --factory examples.fastapi_app:create_app
    curl -N "http://127.0.0.1:8000/speak?text=Hello&speaker=ryan" | aplay

A browser plays it too: <audio controls src="/speak?text=Hello">. Who hangs up is not spoken to any longer.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from qwen3tts import AsyncTTS, SamplingParams
from qwen3tts.errors import BusyError, InputError
from qwen3tts.server.sound import Encoder
from qwen3tts.written import AsyncSpeech


class WavResponse(StreamingResponse):
    """A stream of speech as WAV; however the response ends, so does the speech."""

    def __init__(self, stream: AsyncSpeech, sample_rate: int) -> None:
        super().__init__(self._pieces(), media_type="audio/wav")
        self._stream, self._encoder = stream, Encoder("wav", sample_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()

    async def _pieces(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._encoder.encode(chunk.samples)
        yield self._encoder.finish()


def create_app(model: str | None = None) -> FastAPI:
    """The server. model: a folder or a Hugging Face repository; None is $QWEN3TTS_MODEL or the embedded voice."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncTTS.load(model) as tts:
            app.state.tts = tts
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/speak")
    async def speak(text: str, speaker: str | None = None, language: str = "auto", seed: int | None = None) -> WavResponse:
        tts: AsyncTTS = app.state.tts
        # Whatever is wrong with the request is raised here, before a byte is sent.
        stream = tts.stream(text, speaker=speaker, language=language, sampling=SamplingParams(seed=seed))
        return WavResponse(stream, tts.tts.sample_rate)

    @app.exception_handler(InputError)
    async def refuse(request: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    @app.exception_handler(BusyError)
    async def put_off(request: Request, error: BusyError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=429, headers={"Retry-After": str(math.ceil(error.retry_after))})

    return app
