"""A stream of chunks: what the engine's thread makes of one utterance, for threads and for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import numpy as np

from qwen3tts.engine.loop import EngineLoop
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import Qwen3TTSError
from qwen3tts.types import Audio, AudioChunk

Arrival = AudioChunk | BaseException


class SpeechStream(Iterator[AudioChunk]):
    """Chunks of one utterance as they are made. Closing or dropping it, or leaving its `with` block, cancels what is not spoken.

    The engine does not wait for whoever reads: what is made and not read yet is kept.
    """

    def __init__(self, loop: EngineLoop, utterance: Utterance) -> None:
        self._loop, self._utterance, self._ended = loop, utterance, False
        self._arrived: SimpleQueue[Arrival | None] = SimpleQueue()
        utterance.deliver = self._arrived.put

    def __next__(self) -> AudioChunk:
        if self._ended or (arrival := self._arrived.get()) is None:
            raise StopIteration
        self._ended = _is_last(arrival)
        return chunk_of(arrival)

    def close(self) -> None:
        """Cancel the utterance; what it held is free before the next frame, and the stream ends, also for a thread that waits."""
        if not self._ended:
            self._ended = True
            self._loop.cancel(self._utterance)
            self._arrived.put(None)

    def __enter__(self) -> SpeechStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._ended:
            self._loop.cancel(self._utterance)


class AsyncSpeechStream(AsyncIterator[AudioChunk]):
    """`SpeechStream` for the event loop that it is made on. One task reads it; dropping it or `aclose` cancels."""

    def __init__(self, loop: EngineLoop, utterance: Utterance) -> None:
        self._loop, self._utterance, self._ended = loop, utterance, False
        self._arrived: asyncio.Queue[Arrival | None] = asyncio.Queue()
        utterance.deliver = partial(post, asyncio.get_running_loop(), self._arrived)

    @property
    def queued(self) -> float | None:
        """Seconds that it waited for its place in the batch, None before it has one."""
        seconds = self._utterance.admitted - self._utterance.arrived
        return seconds if 0 <= seconds < float("inf") else None

    async def __anext__(self) -> AudioChunk:
        if self._ended or (arrival := await self._arrived.get()) is None:
            raise StopAsyncIteration
        self._ended = _is_last(arrival)
        return chunk_of(arrival)

    async def aclose(self) -> None:
        """Cancel the utterance; what it held is free before the next frame, and the stream ends."""
        if not self._ended:
            self._ended = True
            self._loop.cancel(self._utterance)
            self._arrived.put_nowait(None)

    def __del__(self) -> None:
        if not self._ended:
            self._loop.cancel(self._utterance)


def join(chunks: Sequence[AudioChunk]) -> Audio:
    """All chunks of an utterance as one."""
    last = chunks[-1]
    assert last.finish_reason is not None  # only the final chunk ends a stream
    return Audio(
        samples=np.concatenate([chunk.samples for chunk in chunks]),
        sample_rate=last.sample_rate,
        codes=np.concatenate([chunk.codes for chunk in chunks]),
        finish_reason=last.finish_reason,
        seed=last.seed,
    )


def post(event_loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Any], arrival: Arrival) -> None:
    """Bring an arrival to the reader's event loop; where that has ended, nobody reads."""
    with contextlib.suppress(RuntimeError):
        event_loop.call_soon_threadsafe(queue.put_nowait, arrival)


def _is_last(arrival: Arrival) -> bool:
    return isinstance(arrival, BaseException) or arrival.is_final


def chunk_of(arrival: Arrival) -> AudioChunk:
    """The chunk that arrived. Raises RuntimeError where the engine failed, UnavailableError where it was closed."""
    if isinstance(arrival, AudioChunk):
        return arrival
    if isinstance(arrival, Qwen3TTSError):
        raise arrival
    raise RuntimeError("the engine failed in the middle of this utterance") from arrival
