"""A stream of chunks: what the engine's thread makes of a text, for threads and for asyncio."""

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
from qwen3tts.engine.utterance import Deliver
from qwen3tts.errors import Qwen3TTSError
from qwen3tts.recital import Recital
from qwen3tts.types import Audio, AudioChunk

Arrival = AudioChunk | BaseException


class _Listening:
    """What a stream does with what arrives from the engine, for either kind of reader."""

    def __init__(self, loop: EngineLoop, recital: Recital, deliver: Deliver) -> None:
        self._loop, self._recital, self._deliver = loop, recital, deliver
        self._ready, self._ended = iter(recital.opening), False
        recital.utterance.deliver = deliver

    def _hear(self, arrival: Arrival) -> None:
        """Make a chunk of the whole of what arrived, and go on to the next utterance behind the last of one."""
        try:
            chunks, following = self._recital.hear(chunk_of(arrival))
            self._ready = iter(chunks)
            if following is not None:
                following.deliver = self._deliver
                self._loop.submit([following])
                # Somebody may have closed the stream meanwhile, and cancelled the utterance before.
                if self._ended:
                    self._loop.cancel(following)
        except BaseException:
            self._ended = True
            raise

    def _next_ready(self) -> AudioChunk | None:
        chunk = None if self._ended else next(self._ready, None)
        self._ended = self._ended or (chunk is not None and chunk.is_final)
        return chunk

    def _cancel(self) -> bool:
        """Forget what is not spoken; returns whether there was anything."""
        if self._ended:
            return False
        self._ended = True
        self._loop.cancel(self._recital.utterance)
        return True

    def __del__(self) -> None:
        if hasattr(self, "_ended"):
            self._cancel()


class SpeechStream(_Listening, Iterator[AudioChunk]):
    """Chunks of a text as they are made. Closing or dropping it, or leaving its `with` block, cancels what is not spoken.

    The engine does not wait for whoever reads: what is made and not read yet is kept. A text of several utterances goes on to the
    next when the last one has been read.
    """

    def __init__(self, loop: EngineLoop, recital: Recital) -> None:
        self._arrived: SimpleQueue[Arrival | None] = SimpleQueue()
        super().__init__(loop, recital, self._arrived.put)

    def __next__(self) -> AudioChunk:
        while (chunk := self._next_ready()) is None:
            if self._ended or (arrival := self._arrived.get()) is None:
                raise StopIteration
            self._hear(arrival)
        return chunk

    def close(self) -> None:
        """Cancel the speech; what it held is free before the next frame, and the stream ends, also for a thread that waits."""
        if self._cancel():
            self._arrived.put(None)

    def __enter__(self) -> SpeechStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncSpeechStream(_Listening, AsyncIterator[AudioChunk]):
    """`SpeechStream` for the event loop that it is made on. One task reads it; dropping it or `aclose` cancels."""

    def __init__(self, loop: EngineLoop, recital: Recital) -> None:
        self._arrived: asyncio.Queue[Arrival | None] = asyncio.Queue()
        super().__init__(loop, recital, partial(post, asyncio.get_running_loop(), self._arrived))

    @property
    def queued(self) -> float | None:
        """Seconds that it waited for its place in the batch, None before it has one."""
        seconds = self._recital.first.admitted - self._recital.first.arrived
        return seconds if 0 <= seconds < float("inf") else None

    async def __anext__(self) -> AudioChunk:
        while (chunk := self._next_ready()) is None:
            if self._ended or (arrival := await self._arrived.get()) is None:
                raise StopAsyncIteration
            self._hear(arrival)
        return chunk

    async def aclose(self) -> None:
        """Cancel the speech; what it held is free before the next frame, and the stream ends."""
        if self._cancel():
            self._arrived.put_nowait(None)


def join(chunks: Sequence[AudioChunk]) -> Audio:
    """All chunks of a stream as one."""
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


def chunk_of(arrival: Arrival) -> AudioChunk:
    """The chunk that arrived. Raises RuntimeError where the engine failed, UnavailableError where it was closed."""
    if isinstance(arrival, AudioChunk):
        return arrival
    if isinstance(arrival, Qwen3TTSError):
        raise arrival
    raise RuntimeError("the engine failed in the middle of this utterance") from arrival
