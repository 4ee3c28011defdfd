"""The HTTP application: who may ask, what there is, and what every request goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer

from qwen3tts import __version__
from qwen3tts.errors import BusyError
from qwen3tts.server.access import Access, AccessError
from qwen3tts.server.http.errors import ApiError, install_handlers
from qwen3tts.server.http.info import health_router, info_router, loaded
from qwen3tts.server.http.middleware import BodyLimit, Faults, RequestIds
from qwen3tts.server.http.page import page_router
from qwen3tts.server.http.socket import socket_router
from qwen3tts.server.http.speech import SPEECH_PATH, speech_router
from qwen3tts.server.http.voices import voices_router
from qwen3tts.server.metrics import Metrics
from qwen3tts.server.settings import Settings
from qwen3tts.server.speech import SpeechService

EXPOSED = ("X-Request-Id", "X-Sample-Rate", "Retry-After")


def create_app(service: SpeechService, settings: Settings, access: Access, metrics: Metrics | None) -> FastAPI:
    """An ASGI application in front of a service, which may still be starting. metrics: of /metrics; without it there is none."""
    app = FastAPI(
        title="qwen3tts",
        version=__version__,
        description="Text to speech with the Qwen3-TTS 12 Hz models.",
        # Their pages load scripts from foreign hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_handlers(app)
    guards: list[Any] = [Depends(_guard(service, access)), Depends(loaded(service))]
    if access.needs_key:
        guards.append(Security(HTTPBearer(auto_error=False)))
    app.include_router(health_router(service, metrics))
    app.include_router(page_router())
    app.include_router(socket_router(service, access, settings.cors_origins))
    for router in (info_router(service), speech_router(service), voices_router(service)):
        app.include_router(router, dependencies=guards)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, most=settings.limits.upload_bytes)
    app.add_middleware(Faults)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app.add_middleware(RequestIds)
    return app


def _guard(service: SpeechService, access: Access) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets a request in and notes its caller in its scope, or answers 401 or 429."""

    async def check(request: Request) -> None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        peer = request.client.host if request.client else ""
        try:
            request.scope["caller"] = access.check(secret.strip() if scheme.lower() == "bearer" else None, peer)
        except (AccessError, BusyError) as error:
            if request.url.path == SPEECH_PATH:
                service.refuse("http", request.scope["request_id"], error, peer)
            if isinstance(error, BusyError):
                raise ApiError(429, str(error), code="rate_limit_exceeded", retry_after=error.retry_after) from error
            raise ApiError(401, str(error)) from error

    return check
