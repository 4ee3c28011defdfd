"""A server under work: many streams at once, callers that hang up, callers that do not read, and a line that is full."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from websockets.asyncio.client import connect

from qwen3tts.server.rpc import tts_pb2, tts_pb2_grpc

pytestmark = pytest.mark.soak

TIMEOUT = 60
SPEECH = "/v1/audio/speech"
FRAME_BYTES = 1920 * 2
HELD_BYTES = 12 * 2**10
"""Of a frame that nobody has read yet: its samples in float32 (7,680) and as PCM (3,840), its codes, their objects."""

FLAT = 1.03
"""That memory may grow to without having grown."""

LONG_FRAMES = 160
"""So much speech that a connection with small buffers does not hold it."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants to hear. leaves: and hangs up at the first sound."""

    text: str
    seed: int
    frames: int
    leaves: bool = False

    @property
    def body(self) -> dict[str, object]:
        """As it is sent over HTTP."""
        return {"model": "qwen3tts", "input": self.text, "response_format": "pcm", "seed": self.seed, "max_frames": self.frames}


Hear = Callable[[Wish], Awaitable[bytes]]
Over = Callable[[Any], AbstractAsyncContextManager[Hear]]
"""A client of a server, by one of its protocols."""


@asynccontextmanager
async def over_http(server) -> AsyncIterator[Hear]:
    url = f"http://{server.logged('ready')['http']}"
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT) as client:

        async def hear(wish: Wish) -> bytes:
            heard = b""
            async with client.stream("POST", SPEECH, json=wish.body) as answer:
                assert answer.status_code == 200, await answer.aread()
                async for piece in answer.aiter_raw():
                    heard += piece
                    if wish.leaves:
                        break
            return heard

        yield hear


@asynccontextmanager
async def over_websocket(server) -> AsyncIterator[Hear]:
    url = f"ws://{server.logged('ready')['http']}{SPEECH}/ws"

    async def hear(wish: Wish) -> bytes:
        start = {"type": "start", "seed": wish.seed, "max_frames": wish.frames}
        heard = b""
        async with connect(url, proxy=None) as client:
            for message in (start, {"type": "text", "text": wish.text}, {"type": "end"}):
                await client.send(json.dumps(message))
            while not isinstance(message := await client.recv(), str) or json.loads(message)["type"] == "started":
                heard += message if isinstance(message, bytes) else b""
                if heard and wish.leaves:
                    client.transport.abort()
                    return heard
        assert json.loads(message)["type"] == "finished", message
        return heard

    yield hear


@asynccontextmanager
async def over_grpc(server) -> AsyncIterator[Hear]:
    async with grpc.aio.insecure_channel(server.logged("ready")["grpc"]) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)

        async def hear(wish: Wish) -> bytes:
            heard = b""
            call = stub.SynthesizeStream(tts_pb2.SynthesizeRequest(text=wish.text, seed=wish.seed, max_frames=wish.frames))
            async for chunk in call:
                heard += chunk.audio_data
                if wish.leaves:
                    call.cancel()
                    break
            return heard

        yield hear


def listen(server, over: Over, wishes: Sequence[Wish], at_once: int) -> list[bytes]:
    """What each caller hears, so many of them at once."""

    async def run() -> list[bytes]:
        room = asyncio.Semaphore(at_once)
        async with over(server) as hear:

            async def one(wish: Wish) -> bytes:
                async with room:
                    return await hear(wish)

            return await asyncio.gather(*map(one, wishes))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def server(launch) -> Iterator[Any]:
    with launch("--max-batch", 8) as server:
        server.logged("ready")
        yield server
        faults = [line for line in server.log if line["level"] in ("warning", "error") and "random weights" not in line["message"]]
        assert faults == []


@pytest.fixture(scope="module")
def client(server) -> Iterator[httpx.Client]:
    with server.http() as client:
        yield client


def figures_when(server, client: httpx.Client, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """The server's figures, once something can be said of them."""
    until = time.monotonic() + TIMEOUT
    while not condition(figures := server.figures(client)):
        assert time.monotonic() < until, figures
        time.sleep(0.02)
    return figures


def is_idle(figures: dict[str, float]) -> bool:
    """Whether nobody speaks or waits, and all pages are back."""
    return not any(figures[f"qwen3tts_{name}"] for name in ("active_requests", "queue_size", "kv_pages used"))


def resident_bytes(server) -> int:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def ended(before: dict[str, float], after: dict[str, float]) -> dict[str, int]:
    """How many requests have ended, by how."""
    prefix = "qwen3tts_requests_total "
    counts = {name.removeprefix(prefix): int(after[name] - before[name]) for name in after if name.startswith(prefix)}
    return {status: count for status, count in counts.items() if count}


def test_streams_at_once_are_each_their_own(server, client) -> None:
    wishes = [Wish(f"I am caller number {i}, and nobody else.", seed=i, frames=40 + 2 * i) for i in range(32)]
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(listen, server, over_http, wishes, len(wishes))
        figures_when(server, client, lambda figures: figures["qwen3tts_active_requests"] == len(wishes))
        together = listening.result()
    assert together == listen(server, over_http, wishes, at_once=1)
    assert len(set(together)) == len(wishes)
    assert all(len(heard) >= FRAME_BYTES for heard in together)


WISHES = [Wish(f"Caller {i} is here.", seed=i, frames=4 + i % 5, leaves=i % 5 == 4) for i in range(20)]
"""Every fifth hangs up, and would have heard eight frames."""


def check_crowd(server, over: Over, alone: dict[int, bytes], count: int) -> None:
    """Sixteen callers at once, until so many have been there: each hears its own, and who leaves the beginning of it."""
    wishes = list(islice(cycle(WISHES), count))
    for wish, heard in zip(wishes, listen(server, over, wishes, at_once=16), strict=True):
        if wish.leaves:
            assert heard and alone[wish.seed].startswith(heard)
        else:
            assert heard == alone[wish.seed]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("over", "count"), [(over_http, 1000), (over_websocket, 200), (over_grpc, 200)])
def test_callers_that_hang_up_leave_nothing(server, client, over: Over, count: int) -> None:
    patient = [replace(wish, leaves=False) for wish in WISHES]
    alone = dict(enumerate(listen(server, over, patient, at_once=1)))
    before = figures_when(server, client, is_idle)
    check_crowd(server, over, alone, count // 4)
    figures_when(server, client, is_idle)
    memory = resident_bytes(server)
    check_crowd(server, over, alone, count - count // 4)
    statuses = ended(before, figures_when(server, client, is_idle))
    assert set(statuses) == {"ok", "cancelled"} and sum(statuses.values()) == count
    # Some of them are spoken to the end before their hang-up is seen.
    assert 0.75 * count / 5 < statuses["cancelled"] <= count / 5
    assert resident_bytes(server) < FLAT * memory
    assert listen(server, over, patient, at_once=1) == list(alone.values())


def ask_and_not_read(server, wish: Wish) -> HTTPConnection:
    """A connection on which a speech was asked for. Its buffers are small: at the server's end they grow with the segments."""
    host, port = server.logged("ready")["http"].split(":")
    connection = HTTPConnection(host, int(port))
    connection.sock = socket.socket()
    connection.sock.settimeout(TIMEOUT)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    connection.sock.connect((host, int(port)))
    connection.request("POST", SPEECH, json.dumps(wish.body), {"Content-Type": "application/json"})
    return connection


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_who_does_not_read_holds_up_nobody(server, client) -> None:
    # Some seeds end sooner.
    tries = (Wish("This is going to take a while.", seed=seed, frames=LONG_FRAMES) for seed in range(100))
    heard = ((wish, *listen(server, over_http, [wish], at_once=1)) for wish in tries)
    long, whole = next((wish, whole) for wish, whole in heard if len(whole) == LONG_FRAMES * FRAME_BYTES)
    others = [Wish(f"Other caller {i} is here.", seed=i, frames=4 + i % 5) for i in range(20)]
    alone = listen(server, over_http, others, at_once=1)
    figures_when(server, client, is_idle)
    memory = resident_bytes(server)
    with closing(ask_and_not_read(server, long)) as reads_late, closing(ask_and_not_read(server, long)) as reads_nothing:
        figures_when(server, client, lambda figures: figures["qwen3tts_active_requests"] == 2)
        assert listen(server, over_http, others, at_once=4) == alone
        # The engine does not wait for them: all of their speech is made, and most of it held.
        figures = figures_when(server, client, lambda figures: figures["qwen3tts_kv_pages used"] == 0)
        assert figures["qwen3tts_active_requests"] == 2
        assert resident_bytes(server) < FLAT * memory + 2 * LONG_FRAMES * HELD_BYTES
        reads_nothing.close()
        figures_when(server, client, lambda figures: figures["qwen3tts_active_requests"] == 1)
        assert reads_late.getresponse().read() == whole
    figures_when(server, client, is_idle)


def test_who_finds_the_line_full_is_told_when_to_come_back(launch) -> None:
    wishes = [Wish(f"I am caller number {i}.", seed=i, frames=60) for i in range(10)]

    async def ask(server) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=f"http://{server.logged('ready')['http']}", timeout=TIMEOUT) as client:
            return await asyncio.gather(*(client.post(SPEECH, json=wish.body) for wish in wishes))

    with launch("--max-batch", 1, "--queue", 2) as server, server.http() as client:
        alone = listen(server, over_http, wishes, at_once=1)
        before = figures_when(server, client, is_idle)
        answers = asyncio.run(ask(server))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 3 <= len(answers) - len(refused) < len(answers)
        for answer in refused:
            assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
            error = answer.json()["error"]
            assert error == {"message": error["message"], "type": "rate_limit_error", "param": None, "code": "queue_full"}
            assert "the line is full" in error["message"]
        heard = {i: answer.content for i, answer in enumerate(answers) if answer.status_code == 200}
        assert heard == {i: alone[i] for i in heard}
        assert ended(before, figures_when(server, client, is_idle)) == {"ok": len(heard), "busy": len(refused)}
        assert listen(server, over_http, wishes, at_once=1) == alone
