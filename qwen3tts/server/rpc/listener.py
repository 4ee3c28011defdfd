"""The gRPC port."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection

from qwen3tts.errors import InputError
from qwen3tts.server.access import Access
from qwen3tts.server.rpc import tts_pb2, tts_pb2_grpc
from qwen3tts.server.rpc.health import HealthServicer, health_pb2_grpc
from qwen3tts.server.rpc.servicer import TtsServicer
from qwen3tts.server.rpc.status import Boundary
from qwen3tts.server.settings import Limits, parse_address
from qwen3tts.server.speech import SpeechService

TTS_SERVICE = tts_pb2.DESCRIPTOR.services_by_name["TtsService"].full_name
HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

OPTION = "--grpc-addr"
"""What the address is given by."""

KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS = 30_000, 10_000
"""A caller that vanished without a word is found out after so long, and what it was spoken ends."""


class GrpcServer:
    """A server that listens. port: that it is bound to."""

    def __init__(self, server: grpc.aio.Server, health: HealthServicer, port: int) -> None:
        self._server, self._health, self.port = server, health, port

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, give those that are open so long to end, cancel the rest, and free the port."""
        self._health.close()
        await self._server.stop(grace_seconds)


async def serve_grpc(
    service: SpeechService, address: str, access: Access, credentials: grpc.ServerCredentials | None = None
) -> GrpcServer:
    """Listen on HOST:PORT (port 0 takes a free one) with the service, health and reflection; over TLS with credentials.

    The model may still be loading: until the service is ready, health says so and speech is UNAVAILABLE. Raises InputError where
    the address cannot be bound.
    """
    # Left to grpc, an address without a port would be port 443, and port 70000 another one below 65536.
    parse_address(address, OPTION)
    server = grpc.aio.server(
        interceptors=(Boundary(access),), options=_options(service.limits), maximum_concurrent_rpcs=service.limits.connections
    )
    health = HealthServicer(service, ("", TTS_SERVICE))
    tts_pb2_grpc.add_TtsServiceServicer_to_server(TtsServicer(service), server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection((TTS_SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
    try:
        port = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise InputError(f"{OPTION} {address!r} is in use or cannot be bound: choose another port or address") from error
    await server.start()
    return GrpcServer(server, health, port)


def _options(limits: Limits) -> list[tuple[str, int]]:
    return [
        # Four bytes a character of UTF-8 at most, and room for what else a request says.
        ("grpc.max_receive_message_length", 4 * limits.text_characters + 2**16),
        # Only we write what we send, and a whole answer may be long: ten minutes of speech are 29 MB.
        ("grpc.max_send_message_length", -1),
        # A second server on the port would share it by chance.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ]
