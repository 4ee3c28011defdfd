"""One request for speech, whatever protocol it came by: admitted, spoken, counted and reported in one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.checkpoint import embedded_checkpoint
from qwen3tts.errors import BusyError, InputError, MarkError, TextError, UnavailableError, VoiceError
from qwen3tts.server.record import Call, Observer, Protocol, Record, Status
from qwen3tts.server.settings import Limits
from qwen3tts.server.sound import check_speed, stretched
from qwen3tts.server.voices import VoiceStore
from qwen3tts.text.marks import Pause, parse
from qwen3tts.text.normalize import normalize
from qwen3tts.types import AudioChunk, SamplingParams

State = Literal["starting", "ready", "failing", "draining"]

MOST_PAUSE_SECONDS = 600.0
"""Of all pauses of a text together."""

MOST_FAILURES = 5
"""Steps of the engine that may fail in a row: after so many nothing but a new process will help."""

WARMUP_TEXT = "Ready."
WARMUP_FRAMES = 4
WHOLE_CHUNK_MS = 2000.0


class Speech:
    """The chunks of a call that is being spoken. record: what is known of it so far. sample_rate: in Hz."""

    def __init__(self, chunks: AsyncIterator[AudioChunk], record: Record, sample_rate: int, started: float) -> None:
        self._chunks, self.record, self.sample_rate, self._started = chunks, record, sample_rate, started

    def __aiter__(self) -> Speech:
        return self

    async def __anext__(self) -> AudioChunk:
        chunk = await anext(self._chunks)
        record = self.record
        # A pause before the first word is no audio that anybody waited for.
        if record.first_audio is None and len(chunk.codes):
            record.first_audio = time.perf_counter() - self._started
        record.audio_seconds += len(chunk.samples) / self.sample_rate
        record.frames += len(chunk.codes)
        record.seed, record.finish_reason = chunk.seed, chunk.finish_reason
        return chunk


class SpeechService:
    """The model behind all listeners, and what becomes of their requests.

    observers: told of each request's end. voices: there once the model is.
    """

    voices: VoiceStore

    def __init__(self, model: AsyncTTS, limits: Limits, observers: Sequence[Observer] = ()) -> None:
        self.model, self.limits, self.observers = model, limits, observers
        self._state: State = "starting"
        self.active = 0
        self.started = time.monotonic()
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self, voices: Path | None) -> None:
        """Load the model, speak a few frames to warm up, and be ready. voices: the folder of stored voices, None for memory."""
        await self.model.__aenter__()
        self.voices = VoiceStore(voices, self.model)
        await self._warm_up()
        self._state = "ready"

    def drain(self) -> None:
        """Refuse new requests from now on; those that are being spoken go on."""
        self._state = "draining"

    async def stop(self, seconds: float) -> bool:
        """Wait for the requests that are being spoken, at most so long, and let the model go; returns whether all of them ended."""
        self.drain()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        ended = not self.active
        if hasattr(self, "voices"):
            self.voices.close()
        await self.model.__aexit__(None, None, None)
        return ended

    @property
    def state(self) -> State:
        """ "starting" until the model is loaded and has spoken, "failing" while its engine fails, "draining" from `drain` on.

        Requests are taken while it fails, too: the first one that is spoken ends it.
        """
        failing = self._state == "ready" and self.model.tts.load_state().failures >= MOST_FAILURES
        return "failing" if failing else self._state

    @property
    def model_name(self) -> str:
        """Of the model: OWNER/NAME of a Hugging Face repository, else the name of its folder."""
        folder = self.model.tts.checkpoint.folder
        if folder == embedded_checkpoint():
            return "qwen3tts-embedded"
        repository = folder.parent.parent.name
        if folder.parent.name == "snapshots" and repository.startswith("models--"):
            return repository.removeprefix("models--").replace("--", "/")
        return folder.resolve().name

    @property
    def speakers(self) -> tuple[str, ...]:
        """The built-in speakers of the model, the default first."""
        return tuple(self.model.tts.checkpoint.config.speakers)

    @property
    def languages(self) -> tuple[str, ...]:
        """What the model speaks, by its own names."""
        return tuple(self.model.tts.checkpoint.config.languages)

    @asynccontextmanager
    async def speak(self, call: Call) -> AsyncIterator[Speech]:
        """Admit a call; its chunks are made within the block, and leaving it early cancels.

        Entering checks everything and puts the call in line. Raises InputError and its children, BusyError where the line is full
        and UnavailableError where the server is not ready or shutting down. A call that misses its deadline or timeout raises
        nothing: its last chunk says so, and it has no sound if there was no time for any.
        """
        record, started = Record(call, time.time()), time.perf_counter()
        try:
            self._admit(call)
            self.active += 1
            self._idle.clear()
            try:
                async with self._stream(call, record) as chunks:
                    yield Speech(chunks, record, self.model.tts.sample_rate, started)
                record.status = _status(record)
            finally:
                self.active -= 1
                if not self.active:
                    self._idle.set()
        except BaseException as error:
            record.status, record.error = _status_of(error), _line(error)
            # A caller with a deadline of its own may have hung up on it.
            if record.status == "cancelled" and call.timeout is not None and time.perf_counter() - started >= call.timeout:
                record.status = "timeout"
            raise
        finally:
            record.elapsed = time.perf_counter() - started
            self._report(record)

    def refuse(self, protocol: Protocol, request_id: str, error: Exception, caller: str | None = None) -> None:
        """Report a request that its protocol refused before there was a call to speak."""
        status = _status_of(error)
        call = Call(protocol, request_id, "", caller=caller)
        self._report(Record(call, time.time(), "invalid" if status == "error" else status, error=_line(error)))

    def _report(self, record: Record) -> None:
        for observer in self.observers:
            observer(record)

    def _admit(self, call: Call) -> None:
        if self._state != "ready":
            doing = "starting" if self._state == "starting" else "shutting down"
            raise UnavailableError(f"the server is {doing}: try again later")
        check_speed(call.speed)
        if isinstance(call.text, str):
            self._check_length(len(call.text))
            if call.marks:
                _check_pauses(call.text)

    def _check_length(self, characters: int) -> None:
        most = self.limits.text_characters
        if characters > most:
            raise TextError(f"text has {characters:,} characters, more than {most:,}: split it")

    async def _bounded(self, pieces: AsyncIterable[str]) -> AsyncIterator[str]:
        """The pieces of a text, up to its limits. Raises TextError beyond them: who stops writing must not keep a place."""
        characters, iterator, seconds = 0, aiter(pieces), self.limits.text_seconds
        while True:
            reading = asyncio.ensure_future(anext(iterator))
            # Whoever hangs up while it fails leaves nobody to hear of that.
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
            try:
                await asyncio.wait({reading}, timeout=seconds)
                if not reading.done():
                    raise TextError(f"text has neither gone on nor ended for {seconds:g} s: send more of it, or its end")
                piece = reading.result()
            except StopAsyncIteration:
                return
            finally:
                reading.cancel()
            characters += len(piece)
            self._check_length(characters)
            yield piece

    @asynccontextmanager
    async def _stream(self, call: Call, record: Record) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        options: dict[str, Any] = {
            "language": call.language,
            "instruct": call.instruct,
            "sampling": SamplingParams(seed=call.seed),
            "max_frames": call.max_frames,
            "priority": call.priority,
            "normalize": call.normalize,
            "marks": call.marks,
            **await self._voice(call),
        }
        # Cloning a recording is a part of what they bound.
        gone = time.time() - record.arrived
        options |= {"deadline": _left(call.deadline, gone), "timeout": _left(call.timeout, gone)}
        text = call.text if isinstance(call.text, str) else self._bounded(call.text)
        stream = self.model.stream(text, chunk_ms=WHOLE_CHUNK_MS if call.whole else None, **options)
        try:
            async with aclosing(stretched(stream, call.speed)) as chunks:
                yield chunks
        finally:
            record.queued = stream.queued
            await stream.aclose()

    async def _voice(self, call: Call) -> dict[str, Any]:
        """The options that choose a call's voice. Raises VoiceError and AudioError."""
        if call.reference is not None:
            return {"voice": await self.voices.clone(call.reference, call.reference_text)}
        if call.voice is None or call.voice == "default":
            return {}
        if (voice := self.voices.find(call.voice)) is not None:
            return {"voice": voice}
        if call.voice.lower() in (speaker.lower() for speaker in self.speakers):
            return {"speaker": call.voice}
        known = ", ".join(["default", *self.speakers, *self.voices.names()])
        raise VoiceError(f"voice={call.voice!r} is unknown: choose one of {known}")

    async def _warm_up(self) -> None:
        """Speak a few frames that nobody hears, where the model can without a voice; Russian needs its dictionary."""
        tts = self.model.tts
        voice: dict[str, Any] = {}
        if tts.checkpoint.config.kind == "base":
            rate = tts.sample_rate
            noise = np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32)
            voice["voice"] = await self.model.clone_voice((noise, rate))
        elif tts.checkpoint.config.kind == "voice_design":
            voice["instruct"] = "A calm voice."
        await asyncio.to_thread(normalize, "5 км", "ru")
        await self.model.synthesize(WARMUP_TEXT, max_frames=WARMUP_FRAMES, **voice)


def _left(limit: float | None, gone: float) -> float | None:
    """Of a limit, in seconds; of one that has passed, as little as there can be: it is missed like any other."""
    return None if limit is None else max(limit - gone, 1e-6) if limit > 0 else limit


def _status(record: Record) -> Status:
    """Of a call whose block ended well."""
    if record.finish_reason is None:
        return "cancelled"
    return record.finish_reason if record.finish_reason in ("deadline", "timeout") else "ok"


def _check_pauses(text: str) -> None:
    """Raise TextError where a text is silent for too long: whoever asks for it whole has it in memory. Raises MarkError."""
    seconds = sum(mark.seconds for mark in parse(text) if isinstance(mark, Pause))
    if seconds > MOST_PAUSE_SECONDS:
        raise TextError(f"text has pauses of {seconds:g} s together, more than {MOST_PAUSE_SECONDS:g} s: split it")


def _line(error: BaseException) -> str:
    # It quotes the text, which nobody is to find in a log.
    if isinstance(error, MarkError):
        return "a mark in the text is wrong"
    return " ".join(str(error).split()) or type(error).__name__


def _status_of(error: BaseException) -> Status:
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return "cancelled"
    kinds: tuple[tuple[type[BaseException], Status], ...] = (
        (InputError, "invalid"),
        (BusyError, "busy"),
        (UnavailableError, "unavailable"),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), "error")
