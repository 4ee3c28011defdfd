"""The standard `grpc.health.v1`, which says what the service's state is at that moment."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from qwen3tts.server.rpc.status import Context
from qwen3tts.server.speech import SpeechService

POLL_SECONDS = 0.1
"""How often a watcher looks. Probes ask every few seconds."""

ServingStatus: TypeAlias = health_pb2.HealthCheckResponse.ServingStatus


class HealthServicer(health_pb2_grpc.HealthServicer):
    """SERVING while the service is ready. names: of the services that there are, "" for the server.

    It looks at the state instead of being told of it, so that there is nothing to be forgotten.
    """

    def __init__(self, service: SpeechService, names: tuple[str, ...]) -> None:
        self._service, self._names = service, names
        self._closed = False

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """The status of a service, NOT_FOUND for one that there is not."""
        if request.service not in self._names:
            known = ", ".join(map(repr, self._names))
            await context.abort(grpc.StatusCode.NOT_FOUND, f"service={request.service[:100]!r} is unknown: give one of {known}")
        return health_pb2.HealthCheckResponse(status=self._status(request.service))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """The status of a service, and each other that follows it, until the server stops."""
        last = None
        while not self._closed:
            if (status := self._status(request.service)) != last:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                last = status
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """End the watchers: a server waits for all calls when it stops."""
        self._closed = True

    def _status(self, name: str) -> ServingStatus:
        if name not in self._names:
            return health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        serving = self._service.state == "ready"
        return health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
