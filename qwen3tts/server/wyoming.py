"""The Wyoming protocol, by which Home Assistant speaks: events of a line of JSON, its data and a payload, over TCP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from qwen3tts.errors import BusyError, InputError, TextError, UnavailableError
from qwen3tts.server.listener import BYTES_A_CHARACTER, MESSAGE_OVERHEAD, bind
from qwen3tts.server.speech import Speech, SpeechService
from qwen3tts.server.wyoming_events import EventReader, HungUp, WrittenText, call_of, error_of, info_of, text_of

log = logging.getLogger("qwen3tts")

MOST_ANSWERS = 32
"""That a client may wait for at once."""

CLOSE_SECONDS = 5.0
"""That a client has to read what it was sent before its connection was closed."""

Answer = Callable[[], Awaitable[None]]


async def serve_wyoming(service: SpeechService, address: str) -> WyomingServer:
    """Listen at HOST:PORT (port 0 takes a free one). Raises InputError for an address that cannot be had."""
    server = WyomingServer(service)
    await server.listen(address)
    return server


class WyomingServer:
    """A port, and the connections that came by it. port: the real one."""

    port: int

    def __init__(self, service: SpeechService) -> None:
        self._service = service
        self._most_bytes = BYTES_A_CHARACTER * service.limits.text_characters + MESSAGE_OVERHEAD
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self, address: str) -> None:
        """Begin to take connections. Raises InputError for an address that cannot be had."""
        listening = bind(address, "--wyoming-addr")
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=self._most_bytes)

    async def close(self) -> None:
        """Take no more connections, and end those that there are; what was written to them still arrives."""
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) < self._service.limits.connections:
            # So that clients that vanish do not count for ever.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = asyncio.create_task(_Connection(self._service, EventReader(reader, self._most_bytes), writer).run())
        else:
            connection = asyncio.create_task(_turn_away(writer, len(self._connections)))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)


async def _turn_away(writer: asyncio.StreamWriter, connections: int) -> None:
    error = error_of(BusyError(f"the server has {connections} connections: try again later", 1.0))
    with suppress(OSError):
        await async_write_event(error.event(), writer)
    writer.close()


class _Connection:
    """A client. It is read all the time, so that its hanging up is noticed; answers go out one after another."""

    def __init__(self, service: SpeechService, reader: EventReader, writer: asyncio.StreamWriter) -> None:
        self._service, self._reader, self._writer = service, reader, writer
        self._answers: asyncio.Queue[Answer] = asyncio.Queue(MOST_ANSWERS)
        self._text: WrittenText | None = None

    async def run(self) -> None:
        """Answer until the client hangs up or sends what is no event."""
        reading, answering = asyncio.create_task(self._read()), asyncio.create_task(self._answer())
        try:
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            await _end(answering)
            error = reading.result() if reading.done() else None
            if error is not None:
                with suppress(HungUp):
                    await self._refuse(error)
        finally:
            await _end(reading)
            await _end(answering)
            await self._close()

    async def _close(self) -> None:
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), CLOSE_SECONDS)
        except (OSError, asyncio.TimeoutError):
            self._writer.transport.abort()

    async def _read(self) -> Exception | None:
        """Read until the end of the connection, or of its sense: returns what is wrong with it, if anything is."""
        try:
            while True:
                answer = self._take(await self._reader.event())
                if answer is not None:
                    self._answers.put_nowait(answer)
        except HungUp:
            return None
        except InputError as error:
            return error
        except asyncio.QueueFull:
            return BusyError(f"{MOST_ANSWERS} answers are on their way: wait for them", 1.0)

    async def _answer(self) -> None:
        with suppress(HungUp):
            while True:
                answer = await self._answers.get()
                try:
                    await answer()
                except InputError as error:
                    await self._refuse(error)

    def _take(self, event: Event) -> Answer | None:
        """What an event is answered with; what this knows nothing of is dropped, as the protocol has it."""
        if Describe.is_type(event.type):
            return self._describe
        if Ping.is_type(event.type):
            return partial(self._pong, event)
        if SynthesizeStart.is_type(event.type):
            return self._begin(event)
        if SynthesizeChunk.is_type(event.type) or SynthesizeStop.is_type(event.type):
            return self._go_on(event)
        # Inside a text that is being written it is that text once more, for servers that take no pieces.
        if Synthesize.is_type(event.type) and self._text is None:
            return partial(self._speak, event, None)
        return None

    def _begin(self, event: Event) -> Answer:
        if self._text is not None:
            return partial(self._refuse, InputError("synthesize-start came before the synthesize-stop of the text before it"))
        self._text = WrittenText(self._service.limits.text_characters)
        return partial(self._speak_written, event, self._text)

    def _go_on(self, event: Event) -> Answer | None:
        if self._text is None:
            return partial(self._refuse, InputError(f"{event.type} came without a synthesize-start: send that first"))
        if SynthesizeStop.is_type(event.type):
            self._text.end()
            self._text = None
            return None
        try:
            self._text.write(text_of(event))
        except TextError as error:
            self._text.spoil(error)
        return None

    async def _pong(self, event: Event) -> None:
        text = None if event.data.get("text") is None else text_of(event)
        await self._write(Pong(text).event())

    async def _describe(self) -> None:
        if self._service.state == "starting":
            await self._refuse(UnavailableError("the server is starting: try again soon"))
        else:
            await self._write(info_of(self._service).event())

    async def _speak_written(self, event: Event, text: WrittenText) -> None:
        await self._speak(event, text)
        await text.ended.wait()
        await self._write(SynthesizeStopped().event())

    async def _speak(self, event: Event, written: WrittenText | None) -> None:
        """Answer with sound, or an error; an audio-stop comes after both, because there are clients that wait for nothing else."""
        try:
            text = text_of(event) if written is None else written
            async with self._service.speak(call_of(event, text)) as speech:
                # Leaving the block before the end cancels.
                with suppress(HungUp):
                    await self._send(speech)
        except Exception as error:
            await self._refuse(error)
        await self._write(AudioStop().event())

    async def _send(self, speech: Speech) -> None:
        started, layout = False, {"rate": speech.sample_rate, "width": 2, "channels": 1}
        async for chunk in speech:
            if not len(chunk.pcm):
                continue
            milliseconds = chunk.start * 1000 // speech.sample_rate
            if not started:
                await self._write(AudioStart(**layout, timestamp=milliseconds).event())
                started = True
            await self._write(AudioChunk(**layout, audio=chunk.pcm.astype("<i2").tobytes(), timestamp=milliseconds).event())

    async def _refuse(self, error: Exception) -> None:
        told = error_of(error)
        if told.code == "error":
            log.error("a Wyoming request failed", exc_info=error)
        await self._write(told.event())

    async def _write(self, event: Event) -> None:
        try:
            await async_write_event(event, self._writer)
        except OSError as error:
            raise HungUp from error


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
