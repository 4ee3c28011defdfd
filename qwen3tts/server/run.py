"""One process that serves: ports first, then the model, then requests, and an end that cuts nobody off."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from qwen3tts import __version__
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.server.access import Access
from qwen3tts.server.extras import needs
from qwen3tts.server.logs import log_request
from qwen3tts.server.settings import Settings
from qwen3tts.server.speech import SpeechService
from qwen3tts.server.tracing import Tracing

if TYPE_CHECKING:
    from grpc import ServerCredentials

    from qwen3tts.server.metrics import Metrics
    from qwen3tts.types import EngineLoad

log = logging.getLogger("qwen3tts")

SWITCH_SECONDS = 0.0005
"""The event loop shares the interpreter with the engine's thread, which would by default keep it for 5 ms at a time: a chunk that
is ready would wait for that long."""

PORTS, OTHER_FILES = 3, 512
"""What is open at once: connections of each port, and everything else."""

GRACE_SECONDS = 5.0
"""That answers have to reach their callers once nobody speaks any more."""


def run(settings: Settings, model: AsyncTTS) -> None:
    """`serve`, in an event loop of its own: what a process does until it ends."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _allow_files(PORTS * settings.limits.connections + OTHER_FILES)
    asyncio.run(serve(settings, model))


def _allow_files(count: int) -> None:
    """Let this process have so many files open at once, a connection being one: by default it may have 1,024."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        log.warning(f"the system allows {most} open files, fewer than all connections would need: lower --max-connections")
    if allowed != resource.RLIM_INFINITY and allowed < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count if most == resource.RLIM_INFINITY else min(count, most), most))


async def serve(settings: Settings, model: AsyncTTS) -> None:
    """Bind the ports, load the model, speak, and return after SIGTERM or SIGINT.

    The ports answer from the beginning, and say that the server is starting. The first signal drains: new requests are refused,
    those that are being spoken end whole, within `limits.drain_seconds`. A second one ends the process at once, with exit code 128
    plus its number. Runs in the main thread of a process that does nothing else.

    settings: as `check_settings` lets them pass. Raises InputError for an address that cannot be bound or an extra that is not
    installed, before a weight is read, and the errors of loading the model.
    """
    service = SpeechService(model, settings.limits)
    async with AsyncExitStack() as stack:
        asked = stack.enter_context(_ending_signals())
        metrics = _observe(service, settings, stack)
        addresses = await _listen(service, settings, metrics, stack)
        log.info("starting", extra={"facts": {"version": __version__, **addresses}})
        if not await _start(service, settings, asked):
            await stack.aclose()
            # A thread that loads a model can be neither stopped nor waited for.
            _leave(0)
        model.tts.on_frame(metrics.observe_frame)
        log.info("ready", extra={"facts": addresses})
        await asked.wait()
        log.info("draining", extra={"facts": {"active": service.active}})
        if not await service.stop(settings.limits.drain_seconds):
            log.warning(f"cut off what was still being spoken after {settings.limits.drain_seconds:g} s")
    log.info("stopped")


def _observe(service: SpeechService, settings: Settings, stack: AsyncExitStack) -> Metrics:
    """Tell metrics, log and, where they are asked for, spans of every request."""
    with needs("server", "serve"):
        from qwen3tts.server.metrics import Metrics
    metrics = Metrics(lambda: service.active, lambda: _load(service.model))
    service.observers = [metrics.observe, log_request]
    if settings.otlp_endpoint is not None:
        tracing = Tracing(settings.otlp_endpoint)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        service.observers.append(tracing.observe)
    return metrics


def _load(model: AsyncTTS) -> EngineLoad | None:
    return model.tts.load_state() if hasattr(model, "tts") else None


async def _listen(service: SpeechService, settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> dict[str, str]:
    """Bind all ports, and answer on them; returns protocol -> address. The stack closes them."""
    access = Access(settings.api_keys, settings.limits.requests_per_minute)
    addresses: dict[str, str] = {}
    if settings.http_address is not None:
        with needs("server", "--http-addr"):
            from qwen3tts.server.http.app import create_app
            from qwen3tts.server.listener import bind, serve_http
        app = create_app(service, settings, access, metrics)
        http = await serve_http(app, bind(settings.http_address, "--http-addr"), settings)
        stack.push_async_callback(http.stop, GRACE_SECONDS)
        addresses["http"] = _bound(settings.http_address, http.port)
    if settings.grpc_address is not None:
        # Its core writes lines of its own to standard error, which are no lines of a log.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        with needs("server", "--grpc-addr"):
            from qwen3tts.server.rpc.listener import serve_grpc
        grpc = await serve_grpc(service, settings.grpc_address, access, _grpc_credentials(settings))
        stack.push_async_callback(grpc.stop, GRACE_SECONDS)
        addresses["grpc"] = _bound(settings.grpc_address, grpc.port)
    if settings.wyoming_address is not None:
        with needs("server", "--wyoming-addr"):
            from qwen3tts.server.wyoming import serve_wyoming
        wyoming = await serve_wyoming(service, settings.wyoming_address)
        stack.push_async_callback(wyoming.close)
        addresses["wyoming"] = _bound(settings.wyoming_address, wyoming.port)
        if settings.api_keys or settings.tls_key:
            log.warning("the Wyoming protocol knows neither keys nor TLS: whoever reaches its port is let in")
    return addresses


def _bound(address: str, port: int) -> str:
    """HOST:PORT with the port that was taken, which for port 0 is another."""
    return f"{address.rpartition(':')[0]}:{port}"


def _grpc_credentials(settings: Settings) -> ServerCredentials | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    from grpc import ssl_server_credentials

    return ssl_server_credentials([(settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())])


async def _start(service: SpeechService, settings: Settings, asked: asyncio.Event) -> bool:
    """Load the model and warm it up; returns False as soon as a signal asks for an end before that is done."""
    starting, asking = asyncio.ensure_future(service.start(settings.voices)), asyncio.ensure_future(asked.wait())
    await asyncio.wait({starting, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    if starting.done():
        await starting
        return True
    service.drain()
    starting.cancel()
    return False


@contextmanager
def _ending_signals() -> Iterator[asyncio.Event]:
    """Yields what the first SIGTERM or SIGINT sets; the second leaves at once."""
    asked, loop, signals = asyncio.Event(), asyncio.get_running_loop(), []

    # Not the event loop's own handlers: a loop that hangs would not call them.
    def handle(number: int, frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            _leave(128 + number)
        loop.call_soon_threadsafe(asked.set)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(code: int) -> NoReturn:
    """End the process without waiting for its threads."""
    logging.shutdown()
    os._exit(code)
