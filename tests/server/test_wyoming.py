"""The Wyoming protocol over real sockets: what Home Assistant does, and what nobody should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.audio.files import to_pcm16
from qwen3tts.errors import BusyError, TextError, UnavailableError
from qwen3tts.server import wyoming_events
from qwen3tts.server.settings import Limits
from qwen3tts.server.speech import SpeechService
from qwen3tts.server.wyoming import MOST_ANSWERS, WyomingServer, serve_wyoming
from qwen3tts.server.wyoming_events import error_of
from qwen3tts.types import SamplingParams

TEXT = "Yes."
START, CHUNK, STOP = "audio-start", "audio-chunk", "audio-stop"


@pytest.fixture(scope="module")
def server(hosted) -> Iterator[WyomingServer]:
    server = hosted.run(serve_wyoming(hosted.service, "127.0.0.1:0"))
    yield server
    hosted.run(server.close())


@pytest.fixture(scope="module")
def brief(host) -> Any:
    """A service whose cache ends every utterance within three seconds: the protocol has no limit to ask for."""
    return host(max_batch=1, kv_positions=48)


@pytest.fixture(scope="module")
def brief_server(brief) -> Iterator[WyomingServer]:
    server = brief.run(serve_wyoming(brief.service, "127.0.0.1:0"))
    yield server
    brief.run(server.close())


def client_of(server: WyomingServer) -> AsyncTcpClient:
    return AsyncTcpClient("127.0.0.1", server.port, connect_timeout=20, read_timeout=60)


async def read_until(client: AsyncTcpClient, last: str) -> list[Event]:
    """The events up to one of this type."""
    events: list[Event] = []
    while not events or events[-1].type != last:
        event = await client.read_event()
        assert event is not None, f"the connection ended after {events}"
        events.append(event)
        assert event.type != STOP or last != CHUNK, f"there is no sound: {events}"
    return events


async def exchange(server: WyomingServer, *events: Any, last: str) -> list[Event]:
    """Send events, and read the answers up to one of this type."""
    async with client_of(server) as client:
        for event in events:
            await client.write_event(event.event() if hasattr(event, "event") else event)
        return await read_until(client, last)


def ask(server: WyomingServer, *events: Any, last: str) -> list[Event]:
    return asyncio.run(exchange(server, *events, last=last))


def test_describes_its_voices(server, hosted) -> None:
    (event,) = ask(server, Describe(), last="info")
    (program,) = Info.from_event(event).tts
    assert program.supports_synthesize_streaming and program.installed
    assert [voice.name for voice in program.voices] == list(hosted.service.speakers)
    assert all(voice.languages == ["zh", "en", "de", "ru"] for voice in program.voices)


def test_speaks(brief_server, brief) -> None:
    brief.records.clear()
    first, *chunks, stop, pong = ask(brief_server, Synthesize(TEXT), Ping("and then?"), last="pong")
    assert (first.type, stop.type, pong.data["text"]) == (START, STOP, "and then?")
    assert {chunk.type for chunk in chunks} == {CHUNK}
    layout = {"rate": 24_000, "width": 2, "channels": 1}
    assert all(layout.items() <= event.data.items() for event in (first, *chunks))
    (record,) = brief.records
    assert (record.status, record.call.protocol, record.call.voice, record.call.language) == ("ok", "wyoming", None, "auto")
    sizes = [len(chunk.payload) // 2 for chunk in chunks]
    assert [chunk.data["timestamp"] for chunk in chunks] == [int(start) // 24 for start in np.cumsum([0, *sizes[:-1]])]
    again = brief.run(brief.service.model.synthesize(TEXT, sampling=SamplingParams(seed=record.seed)))
    heard = np.frombuffer(b"".join(chunk.payload for chunk in chunks), "<i2")
    assert len(chunks) > 1 and heard.shape == again.samples.shape
    np.testing.assert_allclose(heard, to_pcm16(again.samples), atol=2)


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        (SynthesizeVoice(name="ryan"), ("ryan", "auto")),
        (SynthesizeVoice(language="en"), (None, "en")),
        (SynthesizeVoice(name="default"), ("default", "auto")),
    ],
)
def test_hanging_up_in_the_middle_gives_everything_back(server, hosted, voice, expected) -> None:
    hosted.records.clear()
    ask(server, Synthesize("A long sentence, so that there is something to cut off.", voice=voice), last=CHUNK)
    hosted.eventually(lambda: bool(hosted.records))
    (record,) = hosted.records
    assert (record.call.voice, record.call.language) == expected
    assert record.status == "cancelled"
    hosted.eventually(hosted.everything_is_free)


def test_speaks_while_the_text_is_written(brief_server, brief) -> None:
    async def talk() -> list[Event]:
        async with client_of(brief_server) as client:
            await client.write_event(SynthesizeStart(SynthesizeVoice(name="vivian")).event())
            await client.write_event(SynthesizeChunk("Hello there, my ").event())
            events = await read_until(client, CHUNK)
            # Home Assistant sends the whole text too, for servers that take no pieces.
            for event in (SynthesizeChunk("friend."), Synthesize("Hello there, my friend."), SynthesizeStop()):
                await client.write_event(event.event())
            return events + await read_until(client, "synthesize-stopped")

    brief.records.clear()
    first, *chunks, stop, _ = asyncio.run(talk())
    assert (first.type, stop.type) == (START, STOP)
    assert {chunk.type for chunk in chunks} == {CHUNK}
    (record,) = brief.records
    assert record.status == "ok"
    assert sum(len(chunk.payload) for chunk in chunks) == record.frames * 1920 * 2


def test_hanging_up_in_the_middle_of_a_text(server, hosted) -> None:
    hosted.records.clear()
    ask(server, SynthesizeStart(), SynthesizeChunk("Hello there, my "), last=CHUNK)
    hosted.eventually(lambda: bool(hosted.records))
    assert [record.status for record in hosted.records] == ["cancelled"]
    hosted.eventually(hosted.everything_is_free)


REFUSED = [
    ({"text": ""}, "text"),
    ({"text": " \n"}, "text"),
    ({}, "text of synthesize is NoneType"),
    ({"text": 5}, "text of synthesize is int"),
    ({"text": "\ud800"}, "lone surrogate, U\\+D800"),
    ({"text": "a" * 10_001}, "10,001 characters"),
    ({"text": TEXT, "voice": {"name": "nobody"}}, "voice='nobody' is unknown: choose one of default, vivian"),
    ({"text": TEXT, "voice": {"name": 1}}, "name of voice is int"),
    ({"text": TEXT, "voice": ["ryan"]}, "voice is list"),
    ({"text": TEXT, "voice": {"language": "xx"}}, "language='xx'"),
    ({"text": TEXT, "voice": {"name": "ryan", "speaker": "2"}}, "speaker='2'"),
    ({"text": TEXT, "text_format": "ssml"}, "text_format='ssml'"),
    ({"text": TEXT, "text_format": [1]}, r"text_format=\[1\]"),
]


def raw(type: str, data: Any) -> bytes:
    """An event as JSON's own escapes write it: the package cannot send half a surrogate pair."""
    return json.dumps({"type": type, "data": data}).encode() + b"\n"


@pytest.mark.parametrize(("data", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_bad_request_is_refused_and_the_connection_lives(server, data: dict[str, Any], message: str) -> None:
    async def talk() -> list[Event]:
        async with client_of(server) as client:
            client._writer.write(raw("synthesize", data))
            events = await read_until(client, STOP)
            await client.write_event(Ping("still there?").event())
            return events + await read_until(client, "pong")

    error, stop, pong = asyncio.run(talk())
    assert (error.type, error.data["code"]) == ("error", "invalid")
    assert stop.type == STOP and pong.data["text"] == "still there?"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(error.data["text"])
    assert "\n" not in error.data["text"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([SynthesizeStart(SynthesizeVoice(name="nobody")), SynthesizeChunk(TEXT)], "voice='nobody' is unknown"),
        ([SynthesizeStart()], "text is blank"),
        ([SynthesizeStart(), SynthesizeChunk("a" * 6000), SynthesizeChunk("b" * 6000), SynthesizeChunk("c")], "12,000 characters"),
        (
            [SynthesizeStart(), Event("synthesize-chunk", {"text": None}), SynthesizeChunk(TEXT)],
            "text of synthesize-chunk is NoneType",
        ),
    ],
    ids=["voice", "blank", "long", "type"],
)
def test_a_bad_text_in_pieces_is_refused_once(server, hosted, events: list[Any], message: str) -> None:
    error, stop, stopped, pong = ask(server, *events, SynthesizeStop(), Ping(), last="pong")
    assert (error.type, error.data["code"]) == ("error", "invalid")
    assert message in error.data["text"]
    assert (stop.type, stopped.type, pong.data.get("text")) == (STOP, "synthesize-stopped", None)
    hosted.eventually(hosted.everything_is_free)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([SynthesizeChunk(TEXT)], "synthesize-chunk came without a synthesize-start"),
        ([SynthesizeStop()], "synthesize-stop came without a synthesize-start"),
        ([Event("ping", {"text": 5})], "text of ping is int"),
    ],
)
def test_events_out_of_order(server, events: list[Any], message: str) -> None:
    error, pong = ask(server, *events, Ping("next"), last="pong")
    assert error.data["code"] == "invalid" and message in error.data["text"]
    assert pong.data["text"] == "next"


def test_a_second_start(brief_server) -> None:
    *sound, stopped, error = ask(
        brief_server, SynthesizeStart(), SynthesizeChunk(TEXT), SynthesizeStart(), SynthesizeStop(), last="error"
    )
    assert (sound[0].type, sound[-1].type, stopped.type) == (START, STOP, "synthesize-stopped")
    assert "before the synthesize-stop" in error.data["text"]


def test_a_text_that_does_not_go_on(server, hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wyoming_events, "SILENT_SECONDS", 0.05)
    error = ask(server, SynthesizeStart(), SynthesizeChunk("Well, "), last=STOP)[-2]
    assert error.data["code"] == "invalid" and "did not go on for 0.05 s" in error.data["text"]
    hosted.eventually(hosted.everything_is_free)


def test_unknown_events_are_dropped(server) -> None:
    (pong,) = ask(server, Event("transcribe", {"language": "en"}), Event("select-program", {"name": "x"}), Ping(), last="pong")
    assert pong.type == "pong"


def test_a_client_that_asks_for_too_much_at_once(server, hosted) -> None:
    async def talk() -> Event:
        async with client_of(server) as client:
            # At once: the connection may end before the last is sent.
            client._writer.write(raw("synthesize-start", {}) + raw("ping", {}) * (MOST_ANSWERS + 2))
            return (await read_until(client, "error"))[0]

    error = asyncio.run(talk())
    assert error.data["code"] == "busy" and "wait for them" in error.data["text"]
    hosted.eventually(hosted.everything_is_free)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TextError("text is blank"), "invalid"),
        (BusyError("the line is full", 1.0), "busy"),
        (UnavailableError("shutting down"), "unavailable"),
        (RuntimeError("secret"), "error"),
    ],
)
def test_what_callers_are_told(error: Exception, code: str) -> None:
    told = error_of(error)
    assert told.code == code
    assert (told.text == str(error)) == (code != "error") and "secret" not in told.text


def test_a_server_that_is_starting() -> None:
    async def talk() -> list[Event]:
        server = await serve_wyoming(SpeechService(AsyncTTS.load(), Limits()), "127.0.0.1:0")
        events = await exchange(server, Describe(), Synthesize(TEXT), last=STOP)
        await server.close()
        return events

    described, spoken, _ = asyncio.run(talk())
    assert described.data["code"] == spoken.data["code"] == "unavailable"
