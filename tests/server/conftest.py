"""A service that is ready, on an event loop of its own thread, as servers have it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.server.record import Record
from qwen3tts.server.settings import Limits
from qwen3tts.server.speech import SpeechService

T = TypeVar("T")


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
