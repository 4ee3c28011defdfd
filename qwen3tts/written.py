"""Speech of a text that is still being written: it begins with the first word, and a frame waits where its word is missing.

The talker can read a token a frame (`text_feed="step"`), so the text only has to stay ahead of the speech by a token. A text
becomes one utterance after another, each of a sentence or a few; the codes of each are those of its text given whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, replace
from functools import partial

from qwen3tts.checkpoint import Checkpoint
from qwen3tts.engine.loop import EngineLoop
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import TextError
from qwen3tts.prepare import prepare
from qwen3tts.recital import check_reading, normalizer_of, remaining, with_seed
from qwen3tts.stream import Arrival, AsyncSpeechStream, chunk_of, post
from qwen3tts.text.prompt import text_ending
from qwen3tts.text.tokenizer import Tokenizer, check_unicode
from qwen3tts.text.words import ends_sentence
from qwen3tts.text.writing import Writing
from qwen3tts.types import AudioChunk, FinishReason, SpeechRequest

SENTENCE_TOKENS, MOST_TOKENS = 24, 96
"""An utterance ends with the first sentence after so many tokens, or with the first word after so many."""


PAUSE_SECONDS = 3.0
"""Without a word or a sound, after which an utterance takes its text for ended: its place in the batch is wanted by others. What is
written later is another utterance."""


@dataclass(frozen=True)
class Written:
    """A piece of text; the last is None."""

    piece: str | None


@dataclass(frozen=True)
class Broken:
    """The text cannot be read further."""

    error: Exception


class WrittenStream(AsyncIterator[AudioChunk]):
    """The chunks of a text that is being written, on the event loop that this is made on. One task reads it.

    The last chunk is empty and says why the speech ended. A voice that is cloned in context, and text_feed="full", need the words
    of an utterance before it begins: there the speech is a sentence or two behind the text.
    """

    def __init__(
        self,
        loop: EngineLoop,
        checkpoint: Checkpoint,
        tokenizer: Tokenizer,
        pieces: AsyncIterable[str],
        request: SpeechRequest,
        chunk_frames: int | None,
    ) -> None:
        self._loop, self._checkpoint, self._tokenizer, self._request = loop, checkpoint, tokenizer, with_seed(request)
        self._chunk_frames = chunk_frames
        self._whole = request.text_feed == "full" or (request.voice is not None and request.voice.in_context)
        self._words: deque[str] = deque()
        self._writing = Writing(normalizer_of(request))
        self._all_written = False
        self._first: Utterance | None = None
        self._utterance: Utterance | None = None
        self._tokens = self._frames = self._samples = 0
        # Every argument but the text is checked now.
        check_reading(request)
        self._until = self._prepare("A word.").timeout
        self._last: AudioChunk | None = None
        self._reason: FinishReason | None = None
        self._ended = self._open = False
        self.queued: float | None = None
        self._arrived: asyncio.Queue[Written | Broken | Arrival | None] = asyncio.Queue()
        self._event_loop = asyncio.get_running_loop()
        self._writer = self._event_loop.create_task(_forward(pieces, self._arrived))

    async def __anext__(self) -> AudioChunk:
        while not self._ended:
            if self._utterance is None and self._all_written and not self._words:
                return self._end()
            try:
                arrival = await asyncio.wait_for(self._arrived.get(), PAUSE_SECONDS if self._open else None)
            except asyncio.TimeoutError:
                if self._utterance is not None and not self._utterance.launchable:
                    self._close_text()
                continue
            if arrival is None:
                break
            try:
                chunk = self._take(arrival)
                self._advance()
            except BaseException:
                self._stop()
                raise
            if chunk is not None and len(chunk.samples):
                return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Cancel what is not spoken, and stop reading the text."""
        self._stop()
        self._arrived.put_nowait(None)

    def __del__(self) -> None:
        if hasattr(self, "_writer") and not self._event_loop.is_closed():
            self._event_loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._ended = True
        self._writer.cancel()
        if self._utterance is not None:
            self._loop.cancel(self._utterance)
            self._utterance = None

    def _take(self, arrival: Written | Broken | Arrival) -> AudioChunk | None:
        """Take in text or sound; returns the sound."""
        if isinstance(arrival, Broken):
            raise arrival.error
        if not isinstance(arrival, Written):
            return self._hear(arrival)
        self._write(arrival.piece)
        return None

    def _write(self, piece: str | None) -> None:
        """Take in a piece of text."""
        if piece is None:
            self._all_written = True
        elif not isinstance(piece, str):
            raise TextError(f"text has a piece of {type(piece).__name__}: give strings")
        else:
            check_unicode(piece, "text")
        self._words.extend(self._writing.take(piece or "", self._all_written))

    def _hear(self, arrival: Arrival) -> AudioChunk:
        """A chunk of the utterance that speaks, as a chunk of the whole."""
        chunk = chunk_of(arrival)
        if self._utterance is not None and self.queued is None:
            self.queued = self._utterance.admitted - self._utterance.arrived
        part = replace(chunk, start=self._samples, is_final=False, finish_reason=None)
        self._samples += len(chunk.samples)
        self._frames += len(chunk.codes)
        if chunk.is_final:
            self._utterance, self._last = None, chunk
            if chunk.finish_reason in ("deadline", "timeout"):
                self._finish(chunk.finish_reason)
            elif self._request.max_frames is not None and self._frames >= self._request.max_frames:
                self._finish("length")
        return part

    def _finish(self, reason: FinishReason) -> None:
        """Forget the rest of the text."""
        self._writer.cancel()
        self._words.clear()
        self._all_written, self._reason = True, reason

    def _end(self) -> AudioChunk:
        self._ended = True
        if self._last is None:
            raise TextError("text is blank: give it at least one word")
        last, reason = self._last, self._reason or self._last.finish_reason
        nothing = {name: getattr(last, name)[:0] for name in ("samples", "pcm", "codes")}
        return replace(last, **nothing, start=self._samples, is_final=True, finish_reason=reason)

    def _advance(self) -> None:
        """Give the words that are there to the utterance that speaks, or to a new one."""
        if self._utterance is None:
            text = self._group() if self._whole else self._first_word()
            if not text:
                return
            self._open = not self._whole
            self._utterance = self._prepare(text)
            self._tokens = len(self._utterance.prompt)
            self._utterance.deliver = partial(post, self._event_loop, self._arrived)
            if self._first is None:
                self._first = self._utterance
            self._utterance.arrived = self._first.arrived
            self._utterance.begun = self._utterance is not self._first
            self._loop.submit([self._utterance])
        if self._open:
            self._feed(self._utterance)

    def _feed(self, utterance: Utterance) -> None:
        """Hand on the words of an utterance whose text is open, and end it where a sentence does."""
        text_ids: list[int] = []
        while self._words and self._open:
            word = self._words.popleft()
            text_ids += self._tokenizer.encode(word)
            self._open = not self._closes(word, self._tokens + len(text_ids))
        self._open = self._open and not (self._all_written and not self._words)
        self._tokens += len(text_ids)
        if text_ids:
            self._loop.extend(utterance, tuple(text_ids), ends=False)
        if not self._open:
            self._close_text()

    def _close_text(self) -> None:
        """End the text of the utterance that speaks."""
        self._open = False
        if self._utterance is not None:
            self._loop.extend(self._utterance, text_ending(self._checkpoint.config, self._tokenizer), ends=True)

    def _first_word(self) -> str:
        while self._words:
            if word := self._words.popleft().lstrip():
                return word
        return ""

    def _group(self) -> str:
        """The words of a whole utterance, or nothing while some of them are missing."""
        text, tokens = "", 0
        for count, word in enumerate(self._words, 1):
            text, tokens = text + word, tokens + len(self._tokenizer.encode(word))
            if self._closes(word, tokens) or (self._all_written and count == len(self._words)):
                for _ in range(count):
                    self._words.popleft()
                return text.strip()
        return ""

    def _closes(self, word: str, tokens: int) -> bool:
        return tokens >= MOST_TOKENS or (tokens >= SENTENCE_TOKENS and ends_sentence(word))

    def _prepare(self, text: str) -> Utterance:
        request = replace(self._request, text=text)
        if self._frames:
            request = remaining(request, self._frames, self._until)
        return prepare(
            *(self._checkpoint, self._tokenizer, request, self._chunk_frames, self._loop.positions),
            open_tokens=None if self._whole else MOST_TOKENS,
        )


AsyncSpeech = AsyncSpeechStream | WrittenStream
"""Chunks for asyncio; `queued`: seconds that it waited for its place in the batch, None before it has one."""


async def _forward(pieces: AsyncIterable[str], arrived: asyncio.Queue[Written | Broken | Arrival | None]) -> None:
    """Bring the pieces to the reader, and what goes wrong with them."""
    try:
        async for piece in pieces:
            arrived.put_nowait(Written(piece))
        arrived.put_nowait(Written(None))
    except Exception as error:
        arrived.put_nowait(Broken(error))
