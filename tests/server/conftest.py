"""A service that is ready, on an event loop of its own thread, as servers have it; and `qwen3tts serve` as a process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.record import Record
from qwen3tts.server.settings import Limits, Settings
from qwen3tts.server.speech import SpeechService

T = TypeVar("T")

PROGRAM = [sys.executable, "-c", "from qwen3tts.cli.main import run; run()"]
TIMEOUT = 60


class Hosted:
    """A `SpeechService` and the event loop that it runs on. records: of all requests that have ended."""

    def __init__(self, model: AsyncTTS, limits: Limits) -> None:
        self.records: list[Record] = []
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.service = self.run(_serve(model, limits, self.records))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=120)

    def eventually(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.01)

    def everything_is_free(self) -> bool:
        """Whether nobody speaks or waits, and all rows and pages are back."""
        load = self.service.model.tts.load_state()
        return not (self.service.active or load.waiting or load.running or load.pages_used)

    @contextmanager
    def http(self, settings: Settings | None = None, access: Access | None = None) -> Iterator[str]:
        """Serve it over HTTP; yields HOST:PORT."""
        settings = settings or Settings()
        app = create_app(self.service, settings, access or Access({}), None)
        server = self.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), settings))
        yield f"127.0.0.1:{server.port}"
        self.run(server.stop(1))

    def close(self) -> None:
        """Let the service go."""
        self.run(self.service.stop(10))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _serve(model: AsyncTTS, limits: Limits, records: list[Record]) -> SpeechService:
    service = SpeechService(model, limits, [records.append])
    await service.start(None)
    return service


@pytest.fixture(scope="session")
def hosted() -> Iterator[Hosted]:
    """The embedded model, four at a time."""
    hosted = Hosted(AsyncTTS.load(device="cpu", max_batch=4), Limits())
    yield hosted
    hosted.close()


@pytest.fixture(scope="session")
def hosted_base(small) -> Iterator[Hosted]:
    """The small base model, which clones voices."""
    hosted = Hosted(AsyncTTS.load(small / "base", device="cpu", max_batch=4), Limits())
    yield hosted
    hosted.close()


@pytest.fixture(scope="session")
def host() -> Iterator[Callable[..., Hosted]]:
    """Makes services with other limits: host(Limits(...), **options of TTS.load)."""
    made: list[Hosted] = []

    def make(limits: Limits | None = None, **options: Any) -> Hosted:
        made.append(Hosted(AsyncTTS.load(device="cpu", **options), limits or Limits()))
        return made[-1]

    yield make
    for hosted in made:
        hosted.close()


class Server:
    """A server on free ports, and its log. Without keys of the environment."""

    def __init__(self, *arguments: object) -> None:
        ports = ("--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--device", "cpu")
        command = [*PROGRAM, "serve", *ports, *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("QWEN3TTS_")}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stderr.readline, "")))
        self._reader.start()

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def logged(self, message: str, **facts: object) -> dict[str, Any]:
        """Wait for a line of the log."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            for line in self.log:
                if line["message"] == message and facts.items() <= line.items():
                    return line
            time.sleep(0.01)
        raise AssertionError(f"never logged: {message} {facts}; but {self.lines}")

    def http(self, **options: Any) -> httpx.Client:
        """A client of the HTTP port, which may still say that it is starting."""
        scheme = "https" if "verify" in options else "http"
        return httpx.Client(base_url=f"{scheme}://{self.logged('starting')['http']}", timeout=TIMEOUT, **options)

    def figures(self, client: httpx.Client) -> dict[str, float]:
        """Of /metrics, labels with the name."""
        families = text_string_to_metric_families(client.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}

    def exit_code(self) -> int:
        """Wait for the end."""
        code = self.process.wait(TIMEOUT)
        self._reader.join()
        return code

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.exit_code()
        self.process.stderr.close()


@pytest.fixture(scope="session")
def launch() -> type[Server]:
    """Starts servers: `with launch(*arguments) as server`."""
    return Server
