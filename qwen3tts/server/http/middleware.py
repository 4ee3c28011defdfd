"""What every request goes through: its id, the size of its body, and the answer to a fault of ours."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qwen3tts.server.http.errors import ApiError, internal_error

log = logging.getLogger("qwen3tts")

REFUSED_BYTES, REFUSED_SECONDS = 2**28, 10.0
"""What is still read of a body that was refused, so that the answer reaches a client that has not stopped sending."""

BODY_SECONDS = 30.0
"""That a body may pause for: who stops sending must not keep a connection."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


def request_id(scope: Scope) -> str:
    """The id of a request or WebSocket: the caller's X-Request-Id if it is a plain token, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


class RequestIds:
    """Puts a request's id into its scope, and on its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = request_id(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = scope["request_id"]
            await send(message)

        await self.app(scope, receive, send_with_id)


class Faults:
    """Logs what nobody expected, and answers 500. An answer that had begun is broken off, which its client sees."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("request %s failed: %s %s", scope["request_id"], scope["method"], scope["path"])
            if not begun:
                await send_error(send, internal_error())


class BodyLimit:
    """Refuses a larger body with 413, by its Content-Length or else once that much has come."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.most:
            await self._refuse(receive, send)
            return
        size, whole = 0, False

        async def limited() -> Message:
            nonlocal size, whole
            # Whoever listens for the caller's leaving, once the body is whole, may wait for ever.
            try:
                message = await (receive() if whole else asyncio.wait_for(receive(), BODY_SECONDS))
            except asyncio.TimeoutError:
                raise _TooSlow from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > self.most:
                raise _TooLarge
            return message

        try:
            await self.app(scope, limited, send)
        except _TooLarge:
            await self._refuse(receive, send)
        except _TooSlow:
            await send_error(send, ApiError(408, f"the body did not go on for {BODY_SECONDS:g} s: send it without a pause"))

    async def _refuse(self, receive: Receive, send: Send) -> None:
        """Answer at once, and only then let the connection go: closed on a client that sends, it would take the answer with it."""
        error = ApiError(413, f"the body is larger than {self.most:,} bytes: send a shorter recording")
        await send_error(send, error, more_body=True)
        until, size = time.monotonic() + REFUSED_SECONDS, 0
        with suppress(asyncio.TimeoutError):
            while size < REFUSED_BYTES and (left := until - time.monotonic()) > 0:
                message = await asyncio.wait_for(receive(), left)
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    break
        await send({"type": "http.response.body", "body": b""})


class _TooLarge(Exception):
    """More of a body has come than may."""


class _TooSlow(Exception):
    """No more of a body has come for too long."""


async def send_error(send: Send, error: ApiError, more_body: bool = False) -> None:
    """Answer with an error, and close the connection after it."""
    body = json.dumps(error.body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close", **error.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
