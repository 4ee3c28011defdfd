"""The WebSocket where there is too much to do, not yet, not any more, or somebody who should not be here."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.settings import Settings
from qwen3tts.server.speech import SpeechService

TEXT = {"type": "text", "text": "The quick brown fox jumps over the lazy dog."}
END = {"type": "end"}
KEY = "a-secret/with+signs="
ACCESS = Access({"me": KEY})
SPEAK = ({"type": "start", "seed": 7, "max_frames": 3}, TEXT, END)
SPEAK_LONG = ({"type": "start", "seed": 7, "max_frames": 1500}, TEXT)


def say(client: ClientConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        client.send(json.dumps(message))


def hear(client: ClientConnection, *until: str) -> dict[str, Any]:
    """The next event of one of these types."""
    event: dict[str, Any] = {"type": None}
    while event["type"] not in until:
        message = client.recv(timeout=60)
        event = event if isinstance(message, bytes) else json.loads(message)
    return event


def hear_sound(client: ClientConnection) -> None:
    while isinstance(client.recv(timeout=60), str):
        pass


@pytest.fixture(scope="module")
def serving(hosted) -> Iterator[Callable[..., str]]:
    """Serves a service, and returns the WebSocket's address."""
    servers = []

    def serve(host=hosted, service: SpeechService | None = None, access: Access | None = None, **settings: Any) -> str:
        app = create_app(service or host.service, Settings(**settings), access or Access({}), None)
        servers.append((host, host.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings()))))
        return f"ws://127.0.0.1:{servers[-1][1].port}/v1/audio/speech/ws"

    yield serve
    for host, server in servers:
        host.run(server.stop(1))


def subprotocol(key: str) -> str:
    return "api-key." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {"additional_headers": {"Authorization": f"Bearer {KEY}"}}),
        ("?api_key=a-secret/with%2Bsigns%3D", {}),
        ("", {"subprotocols": ["qwen3tts", subprotocol(KEY)]}),
    ],
)
def test_a_key_is_taken_and_not_logged(serving, caplog, query, options) -> None:
    with caplog.at_level(logging.INFO, "uvicorn.error"), connect(serving(access=ACCESS) + query, proxy=None, **options) as client:
        say(client, *SPEAK)
        assert hear(client, "finished", "error")["type"] == "finished"
    assert "WebSocket" in caplog.text and "api_key" not in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {}),
        ("?api_key=another", {}),
        ("", {"additional_headers": {"Authorization": "Bearer another"}}),
        ("", {"additional_headers": {"Authorization": KEY}}),
        ("", {"subprotocols": [subprotocol("another")]}),
        ("", {"subprotocols": ["api-key.!"]}),
        ("", {"subprotocols": ["api-key._"]}),
    ],
)
def test_without_a_key_there_is_no_handshake(serving, query, options) -> None:
    with pytest.raises(InvalidStatus) as raised:
        connect(serving(access=ACCESS) + query, proxy=None, **options)
    response = raised.value.response
    assert response.status_code == 401 and response.headers["WWW-Authenticate"] == "Bearer"
    assert json.loads(response.body)["error"]["code"] == "invalid_api_key"


def test_more_requests_than_a_caller_may_send(serving) -> None:
    url = serving(access=Access({}, requests_per_minute=2))
    with connect(url, proxy=None) as client:
        for _ in range(2):
            say(client, *SPEAK)
            assert hear(client, "finished", "error")["type"] == "finished"
        say(client, *SPEAK)
        event = hear(client, "finished", "error")
        assert (event["error"]["code"], event["error"]["type"]) == ("rate_limit_exceeded", "rate_limit_error")
        assert 1 <= event["retry_after"] <= 60
    with pytest.raises(InvalidStatus) as raised:
        connect(url, proxy=None)
    assert raised.value.response.status_code == 429
    assert int(raised.value.response.headers["Retry-After"]) >= 1


def test_a_full_queue_is_told_and_passes(serving, host) -> None:
    full = host(max_batch=1, queue=1)
    url = serving(full)
    with connect(url, proxy=None) as speaking, connect(url, proxy=None) as waiting, connect(url, proxy=None) as refused:
        say(speaking, *SPEAK_LONG)
        hear_sound(speaking)
        say(waiting, *SPEAK)
        hear(waiting, "started")
        full.eventually(lambda: full.service.model.tts.load_state().waiting == 1)
        say(refused, *SPEAK)
        event = hear(refused, "finished", "error")
        assert event["error"]["code"] == "queue_full" and event["retry_after"] >= 1
        say(speaking, {"type": "cancel"})
        assert hear(waiting, "finished", "error")["type"] == "finished"
        say(refused, *SPEAK)
        assert hear(refused, "finished", "error")["type"] == "finished"


@pytest.mark.parametrize(
    ("origin", "allowed", "welcome"),
    [
        ("http://elsewhere.example", (), False),
        ("null", (), False),
        ("http://elsewhere.example", ("http://elsewhere.example",), True),
        ("http://elsewhere.example", ("*",), True),
        ("http://{host}", (), True),
    ],
)
def test_pages_of_other_hosts(serving, origin, allowed, welcome) -> None:
    url = serving(cors_origins=allowed)
    options = {"proxy": None, "origin": origin.format(host=url.split("/")[2])}
    if welcome:
        with connect(url, **options) as client:
            say(client, {"type": "cancel"})
            assert hear(client, "cancelled", "error")["type"] == "cancelled"
        return
    with pytest.raises(InvalidStatus) as raised:
        connect(url, **options)
    assert raised.value.response.status_code == 403
    assert json.loads(raised.value.response.body)["error"]["message"].startswith(f"origin={origin!r}")


def refused_and_closed(client: ClientConnection) -> None:
    """Assert that a start is refused for now. Nothing follows it: the connection may be closed already."""
    say(client, {"type": "start"})
    assert hear(client, "error", "finished")["error"]["code"] == "unavailable"
    with pytest.raises(ConnectionClosed) as raised:
        client.recv(timeout=20)
    assert raised.value.rcvd.code == 1013


def test_a_server_that_starts(serving, hosted) -> None:
    url = serving(service=SpeechService(AsyncTTS.load(device="cpu"), hosted.service.limits))
    with connect(url, proxy=None) as client:
        refused_and_closed(client)


def test_a_server_that_drains_ends_what_it_speaks(serving, host) -> None:
    draining = host(max_batch=2)
    url = serving(draining)
    with connect(url, proxy=None) as speaking, connect(url, proxy=None) as late:
        say(speaking, {"type": "start", "seed": 7, "max_frames": 30}, TEXT)
        hear_sound(speaking)
        draining.loop.call_soon_threadsafe(draining.service.drain)
        draining.eventually(lambda: draining.service.state == "draining")
        refused_and_closed(late)
        say(speaking, END)
        event = hear(speaking, "finished", "error")
        assert (event["type"], event["frames"]) == ("finished", 30)


def test_a_fault_of_ours_is_told_without_its_reason(serving, hosted, monkeypatch, caplog) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError("a secret of ours")

    with connect(serving(), proxy=None) as client:
        with monkeypatch.context() as broken:
            broken.setattr(hosted.service.model, "stream", fail)
            say(client, *SPEAK)
            error = hear(client, "error", "finished")["error"]
        assert (error["type"], error["code"]) == ("server_error", "internal_error")
        assert "secret" not in error["message"] and "Zero" not in error["message"]
        assert "ZeroDivisionError: a secret of ours" in caplog.text
        say(client, *SPEAK)
        assert hear(client, "finished", "error")["type"] == "finished"


def test_a_message_of_many_megabytes_ends_the_connection_alone(serving) -> None:
    url = serving()
    with connect(url, proxy=None) as rude, connect(url, proxy=None) as other:
        with pytest.raises(ConnectionClosed) as raised:
            rude.send("a" * 8_000_000)
            rude.recv(timeout=60)
        assert raised.value.rcvd is None or raised.value.rcvd.code == 1009
        say(other, *SPEAK)
        assert hear(other, "finished", "error")["type"] == "finished"
