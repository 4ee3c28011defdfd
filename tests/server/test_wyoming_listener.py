"""The Wyoming port: how many may come, how it closes, and that what is no Wyoming ends its own connection and that is all."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.client import AsyncTcpClient
from wyoming.ping import Ping

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import InputError
from qwen3tts.server.settings import Limits
from qwen3tts.server.speech import SpeechService
from qwen3tts.server.wyoming import WyomingServer, serve_wyoming


@pytest.fixture(scope="module")
def server(hosted) -> Iterator[WyomingServer]:
    server = hosted.run(serve_wyoming(hosted.service, "127.0.0.1:0"))
    yield server
    hosted.run(server.close())


def client_of(server: WyomingServer) -> AsyncTcpClient:
    return AsyncTcpClient("127.0.0.1", server.port, read_timeout=60)


async def pongs(client: AsyncTcpClient) -> bool:
    """Whether a client is answered."""
    await client.write_event(Ping().event())
    event = await client.read_event()
    return event is not None and event.type == "pong"


def hurl(server: WyomingServer, message: bytes, patience: float = 0.05) -> bytes:
    """Send bytes and a ping, and hang up after the pong, or when none has come for so many seconds; returns what came."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        answer = b""
        try:
            connection.sendall(message + b'{"type": "ping"}\n')
            connection.settimeout(patience)
            with suppress(TimeoutError):
                while b'"pong"' not in answer and (piece := connection.recv(65536)):
                    answer += piece
            connection.settimeout(30)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError as error:
            assert error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN), error
        return answer


NO_EVENTS = [
    b"no JSON\n",
    b"\n",
    b"[]\n",
    b"5\n",
    b"{}\n",
    b'{"type": 5}\n',
    b'{"type": "ping", "data": null}\n',
    b'{"type": "ping", "data": []}\n',
    b'{"type": "ping", "data_length": "5"}\n',
    b'{"type": "ping", "data_length": 3}\n[1]',
    b'{"type": "ping", "data_length": 3}\n\xff\xff\xff',
    b'{"type": "ping", "data_length": 1000000000000}\n',
    b'{"type": "ping", "payload_length": 1000000000000}\n',
    b'{"type": "ping", "payload_length": 1.5}\n',
    b'{"type": "ping", "payload_length": Infinity}\n',
    b"[" * 100_000 + b"\n",
    b"x" * 400_000 + b"\n",
    b"\x16\x03\x01\x02\x00\x01\n",
]


@pytest.mark.parametrize("message", NO_EVENTS, ids=lambda message: repr(message[:50]))
def test_what_is_no_event_ends_its_connection_and_no_other(server, message: bytes) -> None:
    async def talk() -> None:
        async with client_of(server) as bystander:
            assert await pongs(bystander)
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                connection.sendall(message)
                answer = b""
                try:
                    while piece := await asyncio.to_thread(connection.recv, 65536):
                        answer += piece
                except ConnectionResetError:
                    pass
            assert not answer or b"this is no Wyoming event" in answer
            assert await pongs(bystander)

    asyncio.run(talk())


@pytest.mark.parametrize("message", [b"", b'{"type": "describe"', b'{"type": "ping", "data_length": 10}\n{"te'])
def test_half_an_event_is_no_error(server, message: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TYPES = ["describe", "ping", "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop", "audio-chunk", "info"]
VOICE = st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "language", "speaker"), JSON | st.text()))
DATA = st.fixed_dictionaries({}, optional={"text": JSON | st.text(), "voice": JSON | VOICE, "text_format": JSON, "context": JSON})
WILD = st.fixed_dictionaries({"type": st.sampled_from(TYPES), "data": DATA})
BROKEN = st.fixed_dictionaries(
    {}, optional={"type": JSON | st.sampled_from(TYPES), "data": JSON, "data_length": JSON, "payload_length": JSON}
)
LONG = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(("data_length", "payload_length"), st.integers(-5, 99))
)
EVENTS = WILD.map(lambda header: json.dumps(header).encode() + b"\n")
NONSENSE = st.builds(lambda header, rest: json.dumps(header).encode() + b"\n" + rest, BROKEN | LONG, st.binary()) | st.binary()
MESSAGES = st.lists(EVENTS, min_size=1, max_size=4).map(b"".join) | st.builds(bytes.__add__, EVENTS, NONSENSE) | NONSENSE


@pytest.mark.parametrize("count", [300, pytest.param(1250, marks=pytest.mark.soak)])
def test_malformed_messages(server, hosted, caplog: pytest.LogCaptureFixture, count: int) -> None:
    hosted.records.clear()

    @settings(max_examples=count)
    @given(MESSAGES)
    def send(message: bytes) -> None:
        assert b"Traceback" not in hurl(server, message)

    with caplog.at_level(logging.WARNING):
        send()
        hosted.eventually(lambda: hosted.everything_is_free() and not server._connections)
    assert caplog.records == []
    assert {record.status for record in hosted.records} <= {"ok", "invalid", "cancelled"}
    spoken = json.dumps({"type": "synthesize", "data": {"text": "Yes."}}).encode() + b"\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(spoken)
        assert b"audio-start" in connection.recv(65536)


def test_too_many_connections() -> None:
    async def talk() -> None:
        server = await serve_wyoming(SpeechService(AsyncTTS.load(), Limits(connections=2)), "127.0.0.1:0")
        async with client_of(server) as first:
            async with client_of(server) as second:
                assert await pongs(first) and await pongs(second)
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                refusal = (await reader.read()).decode()
                writer.close()
                assert '"busy"' in refusal and "2 connections" in refusal
                assert await pongs(first) and await pongs(second)
            while not await gets_in(server):
                await asyncio.sleep(0.01)
        await server.close()

    async def gets_in(server: WyomingServer) -> bool:
        try:
            async with client_of(server) as client:
                return await pongs(client)
        except OSError:
            return False

    asyncio.run(asyncio.wait_for(talk(), 60))


def test_closing_ends_the_connections() -> None:
    async def talk() -> None:
        server = await serve_wyoming(SpeechService(AsyncTTS.load(), Limits()), "127.0.0.1:0")
        async with client_of(server) as client:
            assert await pongs(client)
            await server.close()
            assert await client.read_event() is None
        with pytest.raises(OSError):
            await client.connect()

    asyncio.run(talk())


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999"])
def test_a_bad_address(hosted, address: str) -> None:
    with pytest.raises(InputError, match=f"--wyoming-addr '{address}' is not HOST:PORT"):
        hosted.run(serve_wyoming(hosted.service, address))


def test_a_port_in_use(server, hosted) -> None:
    with pytest.raises(InputError, match="in use"):
        hosted.run(serve_wyoming(hosted.service, f"127.0.0.1:{server.port}"))
