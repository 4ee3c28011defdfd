"""The WebSocket, by a real client over a real socket."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from qwen3tts import SamplingParams
from qwen3tts.audio.files import read_audio, to_pcm16
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.settings import Settings

TEXT = "The quick brown fox jumps over the lazy dog."
START = {"type": "start", "seed": 7, "max_frames": 4}
LONG = {"type": "start", "seed": 7, "max_frames": 1500}


@dataclass
class Heard:
    """What a server said up to the end of an utterance: its events, and the audio."""

    events: list[dict[str, Any]] = field(default_factory=list)
    audio: bytes = b""

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def say(client: ClientConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await client.send(json.dumps(message))


async def hear(client: ClientConnection, *until: str) -> Heard:
    """Listen to an event of one of these types; to the end of the utterance where none is given."""
    heard = Heard()
    while not heard.events or heard.types[-1] not in (until or ("finished", "cancelled", "error")):
        message = await asyncio.wait_for(client.recv(), 60)
        if isinstance(message, bytes):
            heard.audio += message
        else:
            heard.events.append(json.loads(message))
    return heard


async def hear_sound(client: ClientConnection) -> bytes:
    """Listen to the first audio."""
    while isinstance(message := await asyncio.wait_for(client.recv(), 60), str):
        assert json.loads(message)["type"] == "started"
    return message


async def speak(client: ClientConnection, *pieces: str, **start: Any) -> Heard:
    texts = [{"type": "text", "text": piece} for piece in pieces]
    await say(client, {**START, **start}, *texts, {"type": "end"})
    return await hear(client)


def talk(url: str, dialogue: Callable[[ClientConnection], Awaitable[Any]], **options: Any) -> Any:
    """What a dialogue with the server returns."""

    async def run() -> Any:
        async with connect(url, proxy=None, **options) as client:
            return await dialogue(client)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def url(hosted) -> Iterator[str]:
    """The WebSocket's address."""
    app = create_app(hosted.service, Settings(), Access({}), None)
    server = hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings()))
    yield f"ws://127.0.0.1:{server.port}/v1/audio/speech/ws"
    hosted.run(server.stop(1))


@pytest.fixture(scope="module")
def expected(hosted) -> np.ndarray:
    """TEXT as the engine speaks it, a token a frame."""
    audio = hosted.service.model.tts.synthesize(TEXT, text_feed="step", sampling=SamplingParams(seed=7), max_frames=4)
    return to_pcm16(audio.samples)


@pytest.mark.parametrize("pieces", [[TEXT], list(TEXT), ["The quick ", "", "brown fox jumps", " over the lazy", " dog."]])
def test_audio_is_the_engines(url, expected, pieces) -> None:
    heard = talk(url, lambda client: speak(client, *pieces))
    assert heard.types == ["started", "finished"]
    assert heard.audio == expected.astype("<i2").tobytes()
    started, finished = heard.events
    assert started["sample_rate"] == 24000 and started["format"] == "pcm" and len(started["request_id"]) >= 16
    assert (finished["finish_reason"], finished["seed"], finished["frames"]) == ("length", 7, 4)
    assert finished["audio_seconds"] == len(expected) / 24000
    assert finished["first_audio_ms"] > 0


def test_speech_begins_before_the_text_ends(url, expected) -> None:
    async def dialogue(client: ClientConnection) -> bytes:
        await say(client, START, {"type": "text", "text": TEXT[:30]})
        first = await hear_sound(client)
        await say(client, {"type": "text", "text": TEXT[30:]}, {"type": "end"})
        return first + (await hear(client, "finished")).audio

    assert talk(url, dialogue) == expected.astype("<i2").tobytes()


def test_one_utterance_after_another(url) -> None:
    async def dialogue(client: ClientConnection) -> list[Heard]:
        return [await speak(client, TEXT, seed=seed) for seed in (7, 8, 7)]

    first, second, third = talk(url, dialogue)
    assert first.audio == third.audio != second.audio
    assert first.events[0]["request_id"] != third.events[0]["request_id"]


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus"])
def test_formats(url, expected, format) -> None:
    heard = talk(url, lambda client: speak(client, TEXT, response_format=format))
    samples, rate = read_audio(io.BytesIO(heard.audio))
    assert heard.events[0]["format"] == format
    assert len(samples) / rate == pytest.approx(len(expected) / 24000, abs=0.1)
    if format in ("wav", "flac"):
        assert np.array_equal(to_pcm16(samples), expected)


def test_cancel_silences_and_the_connection_lives(url, hosted) -> None:
    async def dialogue(client: ClientConnection) -> tuple[Heard, Heard]:
        await say(client, LONG, {"type": "text", "text": TEXT})
        await hear_sound(client)
        await say(client, {"type": "cancel"})
        cancelled = await hear(client)
        return cancelled, await speak(client, TEXT)

    cancelled, heard = talk(url, dialogue)
    assert cancelled.types == ["cancelled"]
    # What comes next is the next utterance's alone.
    assert heard.types == ["started", "finished"] and len(heard.audio) == 4 * 1920 * 2
    hosted.eventually(hosted.everything_is_free)
    assert [record.status for record in hosted.records[-2:]] == ["cancelled", "ok"]


def test_cancel_of_nothing_is_answered(url) -> None:
    async def dialogue(client: ClientConnection) -> list[str]:
        await say(client, {"type": "cancel"})
        first = await hear(client)
        await speak(client, TEXT)
        await say(client, {"type": "cancel"})
        return first.types + (await hear(client)).types

    assert talk(url, dialogue) == ["cancelled", "cancelled"]


MALFORMED = {
    "not JSON": (["{"], None),
    "no object": (["[1]"], None),
    "binary": ([b"{}"], None),
    "half a character": (['{"type": "text", "text": "\\ud800"}'], None),
    "no type": (["{}"], "type"),
    "unknown type": ([{"type": "shout"}], "type"),
    "type of another type": ([{"type": ["start"]}], "type"),
    "unknown field": ([{"type": "start", "pitch": 1}], "pitch"),
    "number for a text": ([START, {"type": "text", "text": 1}], "text"),
    "text without text": ([START, {"type": "text"}], "text"),
    "text before start": ([{"type": "text", "text": "a"}], "type"),
    "end before start": ([{"type": "end"}], "type"),
    "text after end": ([LONG, {"type": "text", "text": TEXT}, {"type": "end"}, {"type": "text", "text": "a"}], "type"),
    "start while speaking": ([LONG, START], "type"),
    "string for a seed": ([{"type": "start", "seed": "7"}], "seed"),
    "seed below 0": ([{"type": "start", "seed": -1}], "seed"),
    "no frames": ([{"type": "start", "max_frames": 0}], "max_frames"),
    "speed": ([{"type": "start", "speed": 9}], "speed"),
    "priority": ([{"type": "start", "priority": "now"}], "priority"),
    "voice": ([{"type": "start", "voice": "nobody"}], "voice"),
    "language": ([{"type": "start", "language": "elvish"}], "language"),
    "format": ([{"type": "start", "response_format": "aac"}], "response_format"),
    "no text": ([START, {"type": "end"}], "text"),
    "blank text": ([START, {"type": "text", "text": " \n"}, {"type": "end"}], "text"),
    "too much text": ([LONG, *[{"type": "text", "text": "a " * 2000}] * 3], "text"),
    "a huge message": ([START, {"type": "text", "text": "a" * 10_001}], "text"),
}


@pytest.mark.parametrize(("messages", "param"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_messages_are_told_and_the_connection_lives(url, messages, param) -> None:
    async def dialogue(client: ClientConnection) -> tuple[Heard, Heard]:
        for message in messages:
            await client.send(json.dumps(message) if isinstance(message, dict) else message)
        return await hear(client, "error"), await speak(client, TEXT)

    told, heard = talk(url, dialogue)
    error = told.events[-1]["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert "\n" not in error["message"] and len(error["message"]) < 300
    assert heard.types == ["started", "finished"]


def test_what_was_sent_before_an_error_was_known_is_passed_over(url) -> None:
    async def dialogue(client: ClientConnection) -> Heard:
        await say(client, {**START, "voice": "nobody"}, {"type": "text", "text": TEXT}, {"type": "end"})
        assert (await hear(client)).types == ["error"]
        return await speak(client, TEXT)

    assert talk(url, dialogue).types == ["started", "finished"]


def test_text_of_an_utterance_that_is_over_is_passed_over(url) -> None:
    async def dialogue(client: ClientConnection) -> Heard:
        await say(client, START, {"type": "text", "text": TEXT})
        assert (await hear(client)).types == ["started", "finished"]
        await say(client, {"type": "text", "text": "more"}, {"type": "end"})
        return await speak(client, TEXT)

    assert talk(url, dialogue).types == ["started", "finished"]


def test_a_client_that_leaves_cancels(url, hosted) -> None:
    async def dialogue(client: ClientConnection) -> None:
        await say(client, LONG, {"type": "text", "text": TEXT})
        await hear_sound(client)
        client.transport.abort()

    talk(url, dialogue)
    hosted.eventually(hosted.everything_is_free)
    assert hosted.records[-1].status == "cancelled"


def test_a_client_that_does_not_read_holds_up_nobody(hosted) -> None:
    """More sound than the sockets between them hold, which are small."""
    listening, small = bind("127.0.0.1:0", "--http-addr"), socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    small.connect(listening.getsockname())
    server = hosted.run(serve_http(create_app(hosted.service, Settings(), Access({}), None), listening, Settings()))
    url = f"ws://127.0.0.1:{server.port}/v1/audio/speech/ws"

    async def run() -> tuple[bytes, Heard]:
        async with connect(url, proxy=None, sock=small, max_queue=1) as slow, connect(url, proxy=None) as quick:
            await say(slow, {**START, "max_frames": 80}, {"type": "text", "text": TEXT}, {"type": "end"})
            first = await hear_sound(slow)
            heard = await speak(quick, TEXT)
            while hosted.service.model.tts.load_state().running:
                await asyncio.sleep(0.02)
            # The engine is done with it, its sound is not through, and others are heard.
            assert hosted.service.active == 1
            assert heard.audio == (await speak(quick, TEXT)).audio
            return first, await hear(slow)

    first, rest = asyncio.run(run())
    hosted.run(server.stop(1))
    assert rest.types == ["finished"]
    assert rest.events[-1]["frames"] * 1920 * 2 == len(first + rest.audio) > 200_000
