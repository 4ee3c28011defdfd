"""What a server tells of itself: health, readiness, metrics, and what it serves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from qwen3tts import __version__
from qwen3tts.checkpoint import embedded_checkpoint
from qwen3tts.server.http.errors import RETRY_SECONDS, ApiError
from qwen3tts.server.http.schemas import ERRORS, Health, Info, ModelList, ModelObject
from qwen3tts.server.metrics import Metrics
from qwen3tts.server.sound import FORMATS
from qwen3tts.server.speech import SpeechService

OWN_NAME = "qwen3tts"
ALIASES = (OWN_NAME, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""What OpenAI's clients call the model, whichever it is."""

NOISE = "The embedded model has random weights and makes noise, not speech: start the server with --model to hear a voice."


def health_router(service: SpeechService, metrics: Metrics | None) -> APIRouter:
    """What probes ask, without a key."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> Health:
        """How the server is."""
        return Health(
            status="ok" if service.state == "ready" else service.state,
            version=__version__,
            uptime_seconds=round(time.monotonic() - service.started, 3),
            state=service.state,
            active=service.active,
        )

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", response_class=Response, responses={200: {"content": {"text/plain": {}}}, 503: ERRORS[503]})
    async def alive() -> Response:
        """Liveness: whether there is nothing that a restart would mend."""
        if service.state == "failing":
            raise ApiError(503, "the engine fails, step after step: restart the server", code="unavailable")
        return Response("ok\n", media_type="text/plain")

    @router.head("/ready", include_in_schema=False)
    @router.get("/ready", responses={503: ERRORS[503]})
    async def ready() -> Health:
        """Readiness: whether new requests are taken."""
        if service.state != "ready":
            raise ApiError(503, f"the server is {service.state}", code="unavailable", retry_after=RETRY_SECONDS)
        return await health()

    if metrics is not None:
        _add_metrics(router, metrics)
    return router


def _add_metrics(router: APIRouter, metrics: Metrics) -> None:
    @router.get(
        "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}}
    )
    async def exposition(request: Request) -> Response:
        """Figures for Prometheus."""
        body, content_type = metrics.exposition(request.headers.get("accept"))
        return Response(body, headers={"Content-Type": content_type})


def info_router(service: SpeechService) -> APIRouter:
    """What is served, once it is loaded."""
    router = APIRouter(responses=ERRORS)
    created = int(time.time())

    @router.get("/info")
    async def info() -> Info:
        """The model, and what it can be asked for."""
        tts = service.model.tts
        return Info(
            name=OWN_NAME,
            version=__version__,
            model=service.model_name,
            kind=tts.checkpoint.config.kind,
            languages=list(service.languages),
            speakers=list(service.speakers),
            sample_rate=tts.sample_rate,
            takes_instructions=tts.checkpoint.config.takes_instruct,
            max_text_length=service.limits.text_characters,
            formats=list(FORMATS),
            device=str(tts.device),
            warning=NOISE if tts.checkpoint.folder == embedded_checkpoint() else None,
        )

    def served() -> ModelObject:
        return ModelObject(id=service.model_name, created=created)

    @router.get("/v1/models")
    async def list_models() -> ModelList:
        """The one model."""
        return ModelList(data=[served()])

    @router.get("/v1/models/{id:path}")
    async def retrieve_model(id: str) -> ModelObject:
        """The model, by its id or one of the names that speech takes."""
        check_model(service, id)
        return served()

    return router


def loaded(service: SpeechService) -> Callable[[], Awaitable[None]]:
    """A dependency of routes that need the model: 503 until it is loaded."""

    async def check() -> None:
        if not hasattr(service, "voices"):
            raise ApiError(503, "the server is starting: try again soon", code="unavailable", retry_after=RETRY_SECONDS)

    return check


def check_model(service: SpeechService, id: str) -> None:
    """Raise ApiError for a model that is not the one served."""
    served = service.model_name
    if id not in (served, *ALIASES):
        names = ", ".join((served, *ALIASES))
        raise ApiError(404, f"model={id[:128]!r} does not exist: choose one of {names}", param="model", code="model_not_found")
