"""The engine on Ray Serve: replicas that share a load over GPUs and machines, each with the whole HTTP API.

    pip install 'qwen3tts[server,ray]'
    serve run deploy.ray_serve:app model=Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice gpus=0.5 replicas=2 max_replicas=8

What can be set is in `Arguments`; keys are taken from $QWEN3TTS_API_KEYS, as by `qwen3tts serve`. Sound goes to the caller as it is
made. A replica takes no more requests than it can speak at once; the others wait in a line at the proxy, so a replica that dies
takes nothing with it but what it was speaking. Beyond the line is 429 with Retry-After. Load balancers ask Ray's own `/-/healthz`:
the API's paths wait in the line with everybody else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, model_validator
from ray import serve
from ray.serve import metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import UnavailableError
from qwen3tts.server.access import Access, parse_api_keys
from qwen3tts.server.http.app import create_app
from qwen3tts.server.record import Record
from qwen3tts.server.run import SWITCH_SECONDS
from qwen3tts.server.settings import Limits, Settings
from qwen3tts.server.speech import SpeechService

MOST_FAILURES = 3
FIRST_AUDIO_BOUNDARIES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12)


class Arguments(BaseModel):
    """What the application takes, by name; anything else is an error that names it.

    model, dtype, quantize, profile, max_batch, kv_positions: as for `TTS.load`. gpus, cpus: of one replica; a fraction of a GPU
    shares it, and without GPUs the replica speaks on the CPU. Replicas on one GPU share its memory: give `kv_positions`. replicas:
    how many there are; with max_replicas, as many between these numbers as it takes for `target` requests each, those in the line
    included (three quarters of `max_batch` unless given). line: requests that wait at each proxy, among them those that came just
    now and go to a replica in a moment. retry_after: seconds, for those beyond the line. requests_per_minute: of a key or an
    address, at each replica. voices: a folder of stored voices that every replica reads when it starts. drain_seconds: that live
    streams have to end when a replica has to go.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    profile: str = "latency"
    max_batch: int = Field(8, ge=1)
    kv_positions: int | None = Field(None, ge=1)
    gpus: float = Field(0, ge=0)
    cpus: float = Field(1, gt=0)
    replicas: int = Field(1, ge=1)
    max_replicas: int | None = Field(None, ge=1)
    target: float | None = Field(None, gt=0)
    line: int = Field(64, ge=1)
    retry_after: float = Field(1.0, gt=0)
    voices: Path | None = None
    requests_per_minute: int | None = Field(None, ge=1)
    drain_seconds: float = Field(60.0, gt=0)

    @model_validator(mode="after")
    def _check_replicas(self) -> Arguments:
        if self.max_replicas is not None and self.max_replicas < self.replicas:
            raise ValueError(f"max_replicas={self.max_replicas} is below replicas={self.replicas}: give as many or more")
        return self

    @property
    def settings(self) -> Settings:
        """Of the server in each replica."""
        limits = Limits(requests_per_minute=self.requests_per_minute, drain_seconds=self.drain_seconds)
        keys = os.environ.get("QWEN3TTS_API_KEYS")
        return Settings(voices=self.voices, api_keys=parse_api_keys(keys) if keys else {}, limits=limits)

    @property
    def load(self) -> AsyncTTS:
        """The model of a replica, to be loaded there. Ray shows a replica no GPU but its own."""
        return AsyncTTS.load(
            self.model,
            device="cuda" if self.gpus else "cpu",
            dtype=self.dtype,
            quantize=self.quantize,
            profile=self.profile,
            max_batch=self.max_batch,
            kv_positions=self.kv_positions,
        )


class Failures:
    """An observer that counts the requests in a row that failed by a fault of ours: a broken GPU fails them all."""

    def __init__(self) -> None:
        self.in_a_row = 0

    def __call__(self, record: Record) -> None:
        if record.status == "error":
            self.in_a_row += 1
        elif record.status == "ok":
            self.in_a_row = 0

    def check(self) -> None:
        """Raise UnavailableError when there were too many."""
        if self.in_a_row >= MOST_FAILURES:
            raise UnavailableError(f"the last {self.in_a_row} requests failed by a fault of the engine: see its log")


class RequestMetrics:
    """An observer that tells Ray's metrics of each request; Ray adds the replica, and its exporter the prefix `ray_`."""

    def __init__(self) -> None:
        self._requests = metrics.Counter("qwen3tts_requests_total", "Requests that ended.", tag_keys=("status",))
        self._audio = metrics.Counter("qwen3tts_audio_seconds_total", "Seconds of audio made.")
        self._first_audio = metrics.Histogram(
            "qwen3tts_time_to_first_audio_seconds", "From arrival to first audio.", boundaries=list(FIRST_AUDIO_BOUNDARIES)
        )

    def __call__(self, record: Record) -> None:
        self._requests.inc(tags={"status": record.status})
        if record.first_audio is not None:
            self._first_audio.observe(record.first_audio)
            self._audio.inc(record.audio_seconds)


class ReplicaHeader:
    """ASGI middleware: every response says in `X-Replica` who made it, and leaves `X-Request-Id` to Ray, which sets it too."""

    def __init__(self, app: ASGIApp, replica: str) -> None:
        self._app, self._header = app, (b"x-replica", replica.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name.lower() != b"x-request-id"]
                message["headers"] = [*headers, self._header]
            await send(message)

        await self._app(scope, receive, send_with_header)


class Replica:
    """A model with the HTTP API of `qwen3tts serve`. Ray makes it ready, asks for its health, and lets its streams end."""

    async def __init__(self, arguments: Arguments) -> None:  # type: ignore[misc]  # Ray awaits it
        sys.setswitchinterval(SWITCH_SECONDS)
        self._settings, self._failures = arguments.settings, Failures()
        self._service = SpeechService(arguments.load, self._settings.limits, [self._failures, RequestMetrics()])
        await self._service.start(self._settings.voices)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """The HTTP API, once the model is there. It has no /metrics: a scrape would meet a different replica each time."""
        access = Access(self._settings.api_keys, self._settings.limits.requests_per_minute)
        api = create_app(self._service, self._settings, access, None)
        api.add_middleware(ReplicaHeader, replica=serve.get_replica_context().replica_id.unique_id)
        return api

    def check_health(self) -> None:
        """Raise UnavailableError when nothing can be spoken any more; Ray then puts another replica in its place."""
        self._failures.check()

    async def __del__(self) -> None:
        """Ray has let the live streams end, or their time is up."""
        await self._service.stop(0)


def scaling(arguments: Arguments) -> dict[str, Any]:
    """How many replicas there are: a fixed number, or as many as the load takes."""
    if arguments.max_replicas is None:
        return {"num_replicas": arguments.replicas}
    target = arguments.target or 0.75 * arguments.max_batch
    scale = {"min_replicas": arguments.replicas, "max_replicas": arguments.max_replicas, "target_ongoing_requests": target}
    return {"autoscaling_config": {**scale, "upscale_delay_s": 5, "downscale_delay_s": 300}}


def deployment(arguments: Arguments) -> serve.Deployment:
    """The replicas, their share of the machines, and what becomes of a load that is too high for them."""
    deploy = serve.deployment(
        name="speech",
        ray_actor_options={"num_cpus": arguments.cpus, "num_gpus": arguments.gpus},
        max_ongoing_requests=arguments.max_batch,
        max_queued_requests=arguments.line,
        backpressure_config={"status_code": 429, "retry_after_s": arguments.retry_after},
        health_check_period_s=5,
        health_check_timeout_s=15,
        graceful_shutdown_wait_loop_s=0.5,
        graceful_shutdown_timeout_s=arguments.drain_seconds,
        **scaling(arguments),
    )
    return deploy(serve.ingress()(Replica))


def app(arguments: dict[str, Any]) -> serve.Application:
    """What `serve run deploy.ray_serve:app NAME=VALUE...` runs. Raises a ValidationError that names the argument."""
    checked = Arguments.model_validate(arguments)
    return deployment(checked).bind(checked)
