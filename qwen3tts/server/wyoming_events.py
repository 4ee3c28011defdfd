"""Events of the Wyoming protocol: read within bounds, and as calls; what the server says of itself."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import cast

from wyoming.error import Error
from wyoming.event import Event, async_read_event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from qwen3tts import __version__
from qwen3tts.errors import BusyError, InputError, TextError, UnavailableError
from qwen3tts.server.record import Call
from qwen3tts.server.speech import SpeechService
from qwen3tts.text.languages import ISO_639
from qwen3tts.text.tokenizer import check_unicode

# Home Assistant knows languages by these codes; what has none goes by its own name.
_MAKER = Attribution(name="qwen3tts", url="https://github.com/QwenLM/Qwen3-TTS")


SILENT_SECONDS = 60.0
"""That a text may pause for while it is being written: it keeps its place in the batch."""


class HungUp(Exception):
    """The client is not there any more."""


class EventReader:
    """Of events. The package would read as much as a client says is coming."""

    def __init__(self, reader: asyncio.StreamReader, most_bytes: int) -> None:
        self._reader, self._most_bytes = reader, most_bytes

    async def event(self) -> Event:
        """The next event. Raises HungUp at the end of the connection, InputError for what is no event."""
        try:
            event = await async_read_event(cast(asyncio.StreamReader, self))
        except (EOFError, OSError) as error:
            raise HungUp from error
        except (AttributeError, KeyError, TypeError, RecursionError):
            # JSON of another form; what is no JSON, or too long, comes as None.
            event = None
        if event is not None and isinstance(event.type, str) and isinstance(event.data, dict):
            return event
        if event is None and self._reader.at_eof():
            raise HungUp
        raise InputError("this is no Wyoming event, or too long a one: send a line of JSON with type, data and payload_length")

    async def readline(self) -> bytes:
        """Raises ValueError for a line that is too long."""
        return await self._reader.readline()

    async def readexactly(self, size: int) -> bytes:
        """Raises ValueError for what is no size, or too large a one."""
        if not isinstance(size, int) or size > self._most_bytes:
            raise ValueError(f"{size} is not a number of bytes up to {self._most_bytes}")
        return await self._reader.readexactly(size)


class WrittenText:
    """A text whose pieces come in events, as an async iterable. What makes it impossible is its last piece."""

    def __init__(self, most_characters: int) -> None:
        self._pieces: asyncio.Queue[str | TextError | None] = asyncio.Queue()
        self._room = most_characters
        self.ended = asyncio.Event()

    def write(self, piece: str) -> None:
        """Append a piece. One that makes the text too long is handed on: whoever reads it counts too, and refuses it."""
        if piece and self._room >= 0:
            self._room -= len(piece)
            self._pieces.put_nowait(piece)

    def spoil(self, error: TextError) -> None:
        """Raise an error to the reader, in place of a piece."""
        if self._room >= 0:
            self._room = -1
            self._pieces.put_nowait(error)

    def end(self) -> None:
        """Nothing more comes."""
        self._pieces.put_nowait(None)
        self.ended.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._next()) is not None:
            yield piece

    async def _next(self) -> str | None:
        try:
            piece = await asyncio.wait_for(self._pieces.get(), SILENT_SECONDS)
        except asyncio.TimeoutError:
            raise TextError(f"text did not go on for {SILENT_SECONDS:g} s: send its pieces, or its end") from None
        if isinstance(piece, TextError):
            raise piece
        return piece


def error_of(error: Exception) -> Error:
    """What the caller is told: whose fault it is, as code (invalid, busy, unavailable, error), and of ours nothing more."""
    kinds = ((InputError, "invalid"), (BusyError, "busy"), (UnavailableError, "unavailable"))
    for kind, code in kinds:
        if isinstance(error, kind):
            return Error(str(error), code)
    return Error("the server failed: its log says why", "error")


def text_of(event: Event) -> str:
    """The text that an event brings. Raises TextError for none, or one that is not Unicode."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise TextError(f"text of {event.type} is {type(text).__name__}: give a string")
    check_unicode(text, f"text of {event.type}")
    return text


def call_of(event: Event, text: str | WrittenText) -> Call:
    """What a synthesize or a synthesize-start asks for. Raises InputError for a field of another type or without a meaning here."""
    voice = event.data.get("voice")
    voice = {} if voice is None else voice
    if not isinstance(voice, dict):
        raise InputError(f"voice is {type(voice).__name__}: give an object with name or language")
    for field in ("name", "language", "speaker"):
        if not isinstance(voice.get(field), str | None):
            raise InputError(f"{field} of voice is {type(voice[field]).__name__}: give a string")
    if voice.get("speaker") is not None:
        raise InputError(f"speaker={voice['speaker']!r:.80}: no voice has speakers: give the name of a voice alone")
    if event.data.get("text_format") not in (None, "text"):
        raise InputError(f"text_format={event.data['text_format']!r:.80} is not one that is spoken: give text")
    language = voice.get("language")
    return Call(
        protocol="wyoming",
        request_id=uuid.uuid4().hex,
        text=text,
        voice=voice.get("name"),
        language="auto" if language is None else language,
    )


def info_of(service: SpeechService) -> Info:
    """What the server speaks with: a voice for each built-in speaker and each stored voice."""
    codes = {language: code for code, language in ISO_639.items()}
    languages = [codes.get(language, language) for language in service.languages if language != "auto"]
    names = [*service.speakers, *service.voices.names()]
    voices = [
        TtsVoice(name=name, attribution=_MAKER, installed=True, description=name, version=__version__, languages=languages)
        for name in names
    ]
    program = TtsProgram(
        name="qwen3tts",
        attribution=_MAKER,
        installed=True,
        description="Qwen3-TTS text to speech",
        version=__version__,
        voices=voices,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])
