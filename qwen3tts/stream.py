"""A stream of chunks: pulls the engine forward until its next chunk is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType

from qwen3tts.engine.engine import Engine
from qwen3tts.engine.utterance import Utterance
from qwen3tts.types import AudioChunk


class SpeechStream(Iterator[AudioChunk]):
    """Chunks of one utterance as they are made. Closing or dropping it, or leaving its `with` block, cancels what is not spoken.

    The engine moves only while somebody waits for a chunk; a frame that one stream makes it run is run for all.
    """

    def __init__(self, engine: Engine, lock: threading.Lock, utterance: Utterance) -> None:
        self._engine, self._lock, self._utterance = engine, lock, utterance

    def __next__(self) -> AudioChunk:
        while True:
            with self._lock:
                if self._utterance.chunks:
                    return self._utterance.chunks.popleft()
                if self._utterance.failure is not None:
                    raise RuntimeError("the engine failed in the middle of this utterance") from self._utterance.failure
                if self._utterance.done:
                    raise StopIteration
                self._engine.step()

    def close(self) -> None:
        """Cancel the utterance; what it held is free at once, and the stream ends."""
        with self._lock:
            self._engine.cancel(self._utterance)
            self._utterance.chunks.clear()

    def __enter__(self) -> SpeechStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # The collector may come at any time, in the middle of a step too: the next step will see to it.
        self._utterance.abandoned = True
