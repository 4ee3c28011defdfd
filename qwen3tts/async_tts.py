"""`TTS` for asyncio: the engine runs on a thread of its own, and the event loop only passes messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from functools import partial
from types import TracebackType
from typing import Any

from qwen3tts.tts import TTS, AudioSource
from qwen3tts.types import Audio
from qwen3tts.voice import Voice
from qwen3tts.written import AsyncSpeech


class AsyncTTS:
    """A model for servers: `async with AsyncTTS.load(...) as tts: async for chunk in tts.stream("Hello")`.

    tts: the model, from the beginning of the block on.
    """

    tts: TTS

    def __init__(self, load: partial[TTS]) -> None:
        self._load = load

    @classmethod
    def load(cls, *args: Any, **options: Any) -> AsyncTTS:
        """A model to load where the `async with` block begins, in a worker thread; the arguments are those of `TTS.load`."""
        return cls(partial(TTS.load, *args, **options))

    @classmethod
    def of(cls, tts: TTS) -> AsyncTTS:
        """A model that is loaded already; the block closes it at its end."""
        return cls(partial(lambda: tts))

    async def __aenter__(self) -> AsyncTTS:
        self.tts = await asyncio.to_thread(self._load)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.tts.close)

    def stream(self, text: str | AsyncIterable[str], *, chunk_ms: float | None = None, **options: Any) -> AsyncSpeech:
        """Speak in chunks as they are made; leaving the loop, or closing the stream, cancels.

        text: a text; or its pieces as somebody writes them, an LLM say, and then speech begins before the text ends. chunk_ms: as
        for `TTS.stream`. `options` as for `TTS.synthesize`. Every argument is checked here. Raises the errors of `qwen3tts.errors`.
        """
        return self.tts.astream(text, chunk_ms=chunk_ms, **options)

    async def synthesize(self, text: str, **options: Any) -> Audio:
        """Speak a text whole. `options` as for `TTS.synthesize`."""
        return await self.tts.asynthesize(text, **options)

    async def clone_voice(self, audio: AudioSource, text: str | None = None, **options: Any) -> Voice:
        """`TTS.clone_voice` in a worker thread."""
        return await asyncio.to_thread(partial(self.tts.clone_voice, audio, text, **options))
