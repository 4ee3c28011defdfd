"""What stands between the wire and every method: keys, the parsing of messages, and the canonical code of whatever is raised."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError

from qwen3tts.errors import BusyError, InputError, UnavailableError
from qwen3tts.server.access import Access, AccessError

log = logging.getLogger("qwen3tts")

LONGEST_DETAILS = 500
"""In characters, at most 12 bytes each on the wire: clients refuse more than 8 KiB of metadata, and their callers learn nothing."""

_OPEN = ("/tts.v1.TtsService/Health", "/grpc.health.", "/grpc.reflection.")
_CODES = (
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (AccessError, grpc.StatusCode.UNAUTHENTICATED),
    (BusyError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
)

CALLER: ContextVar[str | None] = ContextVar("caller", default=None)
"""Of the method that runs, by `Access.check`: what grpc.aio lets an interceptor tell a method."""

Context: TypeAlias = grpc.aio.ServicerContext
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]]


class Boundary(grpc.aio.ServerInterceptor):
    """Wraps all methods. Health and reflection ask for no key.

    Messages are parsed here, because grpc answers UNKNOWN to one that cannot be, and not INVALID_ARGUMENT.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """The method's handler, wrapped; None for a method that does not exist."""
        handler, method = await continuation(handler_call_details), handler_call_details.method
        if handler is None:
            return None
        wrap, behaviour = self._wrapper(handler)

        async def unary(message: bytes, context: Context) -> Any:
            async with self._entered(method, context):
                return await behaviour(_parsed(message, handler.request_deserializer), context)

        async def stream(messages: AsyncIterable[bytes], context: Context) -> None:
            async with self._entered(method, context):
                async for answer in behaviour(_each_parsed(messages, handler.request_deserializer), context):
                    await context.write(answer)

        return wrap(stream if handler.request_streaming else unary, response_serializer=handler.response_serializer)

    @staticmethod
    def _wrapper(handler: grpc.RpcMethodHandler) -> tuple[Callable[..., grpc.RpcMethodHandler], Callable[..., Any]]:
        """How to wrap a handler, of the kinds that there are here, and the method that it calls."""
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler, handler.stream_stream
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler, handler.unary_stream
        return grpc.unary_unary_rpc_method_handler, handler.unary_unary

    @asynccontextmanager
    async def _entered(self, method: str, context: Context) -> AsyncIterator[None]:
        try:
            if not method.startswith(_OPEN):
                CALLER.set(self._access.check(_secret(context), _address(context.peer())))
            yield
        except grpc.aio.BaseError:  # its own: an abort that is under way, a caller that is gone
            raise
        except Exception as error:
            code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
            if code is None:
                log.exception("%s failed", method)
                await context.abort(grpc.StatusCode.INTERNAL, "internal error")
            retry = (("retry-after", str(math.ceil(error.retry_after))),) if isinstance(error, BusyError) else ()
            await context.abort(code, _details(error), retry)


def _parsed(message: bytes, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(message)
    except DecodeError:
        raise InputError(
            f"the request ({len(message):,} bytes) is no message of its type: see tts.proto, or use reflection"
        ) from None


async def _each_parsed(messages: AsyncIterable[bytes], parse: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    async for message in messages:
        yield _parsed(message, parse)


def _details(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST_DETAILS else text[: LONGEST_DETAILS - 1] + "…"


def _secret(context: Context) -> str | None:
    """The caller's key: `authorization: Bearer KEY`, or `x-api-key: KEY`."""
    given = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    scheme, _, token = given.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else given.get("x-api-key")


def _address(peer: str) -> str:
    """Of a peer as grpc names it, without the port: 127.0.0.1 of ipv4:127.0.0.1:5000, ::1 of ipv6:%5B::1%5D:5000."""
    address = unquote(peer).partition(":")[2]
    return address.rpartition(":")[0].strip("[]") or address
