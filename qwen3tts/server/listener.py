"""The HTTP port: bound by us before anything is loaded, then served by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from qwen3tts.errors import InputError
from qwen3tts.server.http.errors import ApiError
from qwen3tts.server.http.middleware import send_error
from qwen3tts.server.settings import Settings, parse_address

BACKLOG = 1024
IDLE_SECONDS = 30
"""That a connection may be silent: before its first request is whole, and between two."""

MOST_HEADER_BYTES = 32 * 2**10
BYTES_A_CHARACTER = 12
"""Of JSON at most: an escaped surrogate pair."""

MESSAGE_OVERHEAD = 64 * 2**10


def bind(address: str, option: str) -> socket.socket:
    """A listening socket at HOST:PORT. option: that gave it. Raises InputError for an address that cannot be had."""
    host, port = parse_address(address, option)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InputError(f"{option} {address!r} names a host that cannot be found ({error.strerror}): check it") from error
    # A name may stand for several addresses: the older kind is the one that every client tries.
    family, kind, protocol, _, place = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listening = socket.socket(family, kind, protocol)
    try:
        # Ports of connections that have just ended may be taken again; one that somebody listens on may not.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise InputError(f"{option} {address!r} cannot be bound ({error.strerror}): choose another port or address") from error
    listening.setblocking(False)
    return listening


class _Protocol(H11Protocol):
    """Ends a connection that sends no whole request: uvicorn's own clock starts with the first answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._before: RequestResponseCycle | None = None  # the one after which the clock has started
        self._silence = self.loop.call_later(IDLE_SECONDS, self._end_if_silent)

    def data_received(self, data: bytes) -> None:
        """Start the clock for another request: uvicorn stops its own at the first byte of one."""
        super().data_received(data)
        if self.cycle is not self._before and self.cycle.response_complete and self.timeout_keep_alive_task is None:
            self._before = self.cycle
            self._silence.cancel()
            self._silence = self.loop.call_later(IDLE_SECONDS, self._end_if_silent)

    def _end_if_silent(self) -> None:
        # A connection that has become a WebSocket belongs to another protocol by now.
        between = self.cycle is None or (self.cycle.response_complete and self.timeout_keep_alive_task is None)
        if between and self in self.connections:
            self.transport.abort()


class _Crowd:
    """Refuses requests and WebSockets while more connections are open than may; uvicorn's own limit lets WebSockets pass."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self.connections: set[Any] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self.connections) <= self._most:
            await self._app(scope, receive, send)
            return
        error = ApiError(503, f"the server has {self._most} connections: try again later", code="unavailable", retry_after=1.0)
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        await send_error(partial(_as, send, kind), error)


async def _as(send: Send, kind: str, message: Message) -> None:
    """Send a part of an answer, or of the one that a WebSocket's handshake has."""
    await send({**message, "type": message["type"].replace("http.response", kind)})


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: when to end is not its affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # type: ignore[override]
        """Capture none."""
        yield


class HttpServer:
    """An application that is being served. port: the real one."""

    def __init__(self, server: _Server, serving: asyncio.Task[None], port: int) -> None:
        self._server, self._serving, self.port = server, serving, port

    async def stop(self, grace_seconds: float) -> None:
        """Take no more connections, and end: answers that are under way have so many seconds to become whole."""
        self._server.config.timeout_graceful_shutdown = grace_seconds  # type: ignore[assignment]
        self._server.should_exit = True
        await self._serving


async def serve_http(app: FastAPI, listening: socket.socket, settings: Settings) -> HttpServer:
    """Serve an application on a socket that `bind` made; it is closed with the server."""
    limits = settings.limits
    crowd = _Crowd(app, limits.connections)
    config = uvicorn.Config(
        crowd,
        http=_Protocol,
        ws="websockets-sansio",
        ws_max_size=BYTES_A_CHARACTER * limits.text_characters + MESSAGE_OVERHEAD,
        # PCM hardly gets smaller, and each connection would need memory for trying.
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Anybody could choose an address to be counted by.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    server = _Server(config)
    crowd.connections = server.server_state.connections
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.wait({serving}, timeout=0.005)
        if serving.done():
            await serving
    return HttpServer(server, serving, listening.getsockname()[1])
