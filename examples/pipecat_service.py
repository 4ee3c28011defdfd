"""A voice for Pipecat: words are spoken while the LLM writes them, and an interruption silences them at once.

    pip install qwen3tts 'pipecat-ai>=1.14'

    async with AsyncTTS.load("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice") as tts:
        voice = Qwen3TTSService(tts, speaker="ryan", language="en")
        pipeline = Pipeline([transport.input(), stt, user_context, llm, voice, transport.output(), assistant_context])

Several bots may share one model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from pipecat.frames.frames import ErrorFrame, Frame, TTSStoppedFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TextAggregationMode, TTSService

from qwen3tts import AsyncTTS
from qwen3tts.errors import Qwen3TTSError


class Turn:
    """What the LLM says at a stretch. words: as they come, None at the end. written: that came. speaking: makes them sound."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str | None] = asyncio.Queue()
        self.written = asyncio.Event()
        self.speaking: asyncio.Task[None] | None = None


class Qwen3TTSService(TTSService):
    """Speaks with a loaded model; `options` as for `AsyncTTS.stream` (instruct, voice, sampling and so on)."""

    def __init__(self, tts: AsyncTTS, *, speaker: str | None = None, language: str | None = None, **options: Any) -> None:
        super().__init__(
            text_aggregation_mode=TextAggregationMode.TOKEN,
            push_start_frame=True,
            stop_frame_timeout_s=30.0,  # that an LLM may pause between words, to call a tool say, before its turn counts as over
            settings=TTSSettings(model="qwen3tts", voice=speaker, language=language),
        )
        self._tts, self._options = tts, options
        self._turns: dict[str, Turn] = {}

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Take a word of the LLM's. Its sound comes from the turn's task, which is what None says."""
        turn = self._turns.get(context_id)
        if turn is None:
            turn = self._turns[context_id] = Turn()
            turn.speaking = self.create_task(self._speak(turn, context_id))
        turn.words.put_nowait(text)
        yield None

    async def flush_audio(self, context_id: str | None = None) -> None:
        """The LLM has said all it wanted to."""
        if context_id in self._turns:
            self._turns[context_id].words.put_nowait(None)
            self._turns[context_id].written.set()

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Somebody speaks: what is left of the turn is not made."""
        turn = self._turns.pop(context_id, None)
        if turn is not None and turn.speaking is not None:
            await self.cancel_task(turn.speaking)

    # It was heard to its end, or the pause was too long: nothing is left to be made.
    on_audio_context_completed = on_audio_context_interrupted

    async def cleanup(self) -> None:
        """The pipeline has ended."""
        for context_id in list(self._turns):
            await self.on_audio_context_interrupted(context_id)
        await super().cleanup()

    async def _speak(self, turn: Turn, context_id: str) -> None:
        async def words() -> AsyncIterator[str]:
            while (word := await turn.words.get()) is not None:
                yield word

        # Pipecat's "en-US" is the model's "en".
        language = str(self._settings.language or "auto").split("-")[0]
        try:
            rate = self._tts.tts.sample_rate
            speech = self._tts.stream(words(), speaker=self._settings.voice, language=language, **self._options)
            async with aclosing(speech):
                pcm = (chunk.pcm.tobytes() async for chunk in speech)
                async for frame in self._stream_audio_frames_from_iterator(pcm, in_sample_rate=rate, context_id=context_id):
                    await self.append_to_audio_context(context_id, frame)
        except Qwen3TTSError as error:
            await self.append_to_audio_context(context_id, ErrorFrame(error=str(error)))
        # It may have ended before its words, at the frame limit say; the rest of them is not spoken.
        await turn.written.wait()
        del self._turns[context_id]
        await self.append_to_audio_context(context_id, TTSStoppedFrame(context_id=context_id))
        await self.remove_audio_context(context_id)
