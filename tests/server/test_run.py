"""`serve` and the HTTP listener within this process: addresses, connections, and what is left when it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from fastapi import FastAPI

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import CheckpointError, InputError
from qwen3tts.server import listener
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.run import serve
from qwen3tts.server.settings import Limits, Settings

NOT_LOADED = AsyncTTS(partial(pytest.fail, "the model was loaded"))
PORTS = ("http_address", "grpc_address", "wyoming_address")
NONE = dict.fromkeys(PORTS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("name", PORTS)
def test_a_port_in_use_is_told_before_the_model_is_loaded(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        other = "http_address" if name != "http_address" else "grpc_address"
        settings = Settings(**NONE | {other: f"127.0.0.1:{free_port()}", name: address})
        with pytest.raises(InputError, match=address):
            asyncio.run(serve(settings, NOT_LOADED))


@pytest.mark.parametrize(
    ("name", "package", "module"),
    [
        ("http_address", "fastapi", "qwen3tts.server.http.app"),
        ("grpc_address", "grpc_health", "qwen3tts.server.rpc.listener"),
        ("wyoming_address", "wyoming", "qwen3tts.server.wyoming"),
    ],
)
def test_a_listener_whose_extra_is_not_installed_names_it(monkeypatch, name, package, module):
    monkeypatch.delitem(sys.modules, module, raising=False)
    for known in [known for known in sys.modules if known.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, known, None)
    monkeypatch.setitem(sys.modules, package, None)
    option = {"http_address": "--http-addr", "grpc_address": "--grpc-addr", "wyoming_address": "--wyoming-addr"}[name]
    with pytest.raises(InputError, match=rf"^{option} needs {package}, .*: pip install 'qwen3tts\[server\]'$"):
        asyncio.run(serve(Settings(**NONE | {name: "127.0.0.1:0"}), NOT_LOADED))


@pytest.mark.parametrize("address", ["256.0.0.1:0", "no-such-host.invalid:0", "192.0.2.1:0"])
def test_a_host_that_is_not_ours(address):
    with pytest.raises(InputError, match=f"^--http-addr '{address}' (names a host|cannot be bound)"):
        bind(address, "--http-addr")


def test_a_name_is_bound_at_the_address_that_all_clients_try():
    with bind("localhost:0", "--http-addr") as server:
        socket.create_connection(("127.0.0.1", server.getsockname()[1])).close()


def test_a_model_that_cannot_be_loaded_leaves_no_port_bound(tmp_path):
    ports = [free_port() for _ in PORTS]
    settings = Settings(**{name: f"127.0.0.1:{port}" for name, port in zip(PORTS, ports, strict=True)})
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(CheckpointError):
        asyncio.run(serve(settings, AsyncTTS.load(tmp_path)))
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_keys_do_not_guard_the_wyoming_port_and_that_is_said(tmp_path, caplog):
    settings = Settings(**NONE | {"wyoming_address": "127.0.0.1:0", "api_keys": {"alice": "alice-secret-0123456789"}})
    with pytest.raises(CheckpointError):
        asyncio.run(serve(settings, AsyncTTS.load(tmp_path)))
    assert "the Wyoming protocol knows neither keys nor TLS: whoever reaches its port is let in" in caplog.messages


def test_voices_that_cannot_be_kept_are_told(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(**NONE | {"http_address": "127.0.0.1:0", "voices": tmp_path / "file" / "voices"})
    with pytest.raises(InputError, match="voices"):
        asyncio.run(serve(settings, AsyncTTS.load(device="cpu")))


def listening(limits: Limits, talk: Callable[[int], Awaitable[None]]) -> None:
    """Serve a page that says ok, talk to its port, and stop."""
    app = FastAPI()
    app.get("/")(lambda: "ok")

    async def main() -> None:
        server = await serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings(limits=limits))
        try:
            await asyncio.wait_for(talk(server.port), 30)
        finally:
            await server.stop(5)
        with socket.create_server(("127.0.0.1", server.port)):
            pass

    asyncio.run(main())


async def answered(port: int) -> int:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
        assert "server" not in answer.headers
        return answer.status_code


def test_more_connections_than_there_may_be_are_turned_away():
    async def talk(port: int) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        assert await answered(port) == 200
        silent.append(await asyncio.open_connection("127.0.0.1", port))
        assert await answered(port) == 503
        silent[0][1].close()
        while await answered(port) != 200:
            await asyncio.sleep(0.01)

    listening(Limits(connections=3), talk)


def test_who_sends_no_whole_request_is_sent_away(monkeypatch):
    monkeypatch.setattr(listener, "IDLE_SECONDS", 0.2)

    async def talk(port: int) -> None:
        for beginning in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(beginning)
            assert await reader.read() == b""
            writer.close()
        assert await answered(port) == 200

    listening(Limits(), talk)


def test_a_head_without_end_is_refused():
    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 2 * listener.MOST_HEADER_BYTES)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        assert await answered(port) == 200

    listening(Limits(), talk)
