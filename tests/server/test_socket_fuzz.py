"""Malformed messages to the WebSocket: none is a fault of the server's, and it speaks afterwards."""

from __future__ import annotations

import json
import logging
import os
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.settings import Settings

PATH = "/v1/audio/speech/ws"
FIELDS = [
    "type",
    "text",
    "voice",
    "language",
    "instructions",
    "seed",
    "max_frames",
    "speed",
    "priority",
    "response_format",
    "pitch",
]

words = st.sampled_from(["start", "text", "end", "cancel", "default", "en", "high", "wav", "opus", "Hello there. ", "", " "])
numbers = st.one_of(st.integers(-2, 5), st.integers(), st.floats(), st.sampled_from([2**64, 1e308]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words, st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
objects = st.builds(
    lambda kind, rest: {"type": kind, **rest},
    st.sampled_from(["start", "text", "end", "cancel"]) | values,
    st.dictionaries(st.sampled_from(FIELDS[1:]) | st.text(max_size=8), values, max_size=4),
)
mistyped = st.builds(lambda text, at, end: text[:at] + text[end:], objects.map(json.dumps), st.integers(0, 60), st.integers(0, 60))
messages = st.one_of(
    objects.map(json.dumps),
    values.map(json.dumps),
    mistyped,
    st.text(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.binary(max_size=60),
    st.builds(lambda depth, mark: mark * depth, st.integers(1, 5000), st.sampled_from(["[", '{"type":', "9"])),
    st.builds(lambda size: json.dumps({"type": "text", "text": "a " * size}), st.integers(0, 7000)),
)
dialogues = st.lists(st.tuples(messages, st.booleans()), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def port(hosted) -> Iterator[int]:
    app = create_app(hosted.service, Settings(), Access({}), None)
    server = hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings()))
    yield server.port
    hosted.run(server.stop(1))


def open_socket(port: int) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}{PATH}", proxy=None, max_size=None)


def events_until(client: ClientConnection, last: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != last:
        message = client.recv(timeout=60)
        if isinstance(message, str):
            events.append(json.loads(message))
    return events


def send_all(client: ClientConnection, dialogue: list[tuple[str | bytes, bool]]) -> list[dict[str, Any]]:
    """Send messages, bytes as text where told so, and return the answers up to that of the last `cancel`."""
    mark = "what was answered up to here"
    for message, as_text in dialogue:
        client.send(message, text=as_text or isinstance(message, str))
    client.send(json.dumps({"type": mark}))
    client.send(json.dumps({"type": "cancel"}))
    events: list[dict[str, Any]] = []
    while not any(mark in event.get("error", {}).get("message", "") for event in events):
        events += events_until(client, "error")
    return events + events_until(client, "cancelled")


def check_speaks(port: int) -> None:
    with open_socket(port) as client:
        start = {"type": "start", "seed": 1, "max_frames": 3}
        for message in (start, {"type": "text", "text": "Hello there."}, {"type": "end"}):
            client.send(json.dumps(message))
        assert [event["type"] for event in events_until(client, "finished")] == ["started", "finished"]


def is_utf8(message: str | bytes) -> bool:
    return isinstance(message, str) or "\ufffd" not in message.decode(errors="replace")


def bombard(port: int, examples: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(open_socket(port))]

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
        @given(dialogues)
        def check(dialogue: list[tuple[str | bytes, bool]]) -> None:
            try:
                events = send_all(clients[-1], dialogue)
            except ConnectionClosed:
                clients.append(stack.enter_context(open_socket(port)))
                # The protocol has the connection closed for this alone, of what is sent here.
                assert any(as_text and not is_utf8(message) for message, as_text in dialogue)
                return
            assert {event["type"] for event in events} <= {"started", "finished", "cancelled", "error"}
            for error in (event["error"] for event in events if event["type"] == "error"):
                assert error["type"] == "invalid_request_error" and "Traceback" not in error["message"]

        check()


def check_aftermath(port: int, hosted: Any, caplog: pytest.LogCaptureFixture) -> None:
    check_speaks(port)
    hosted.eventually(hosted.everything_is_free)
    # uvicorn logs text that is not UTF-8 as an error, before it closes the connection with 1007.
    ours = [
        record for record in caplog.records if record.name.startswith(("qwen3tts", "uvicorn")) and "UTF-8" not in record.message
    ]
    faults = [record.message for record in ours if record.levelno >= logging.ERROR]
    assert faults == []


def test_malformed_messages(port, hosted, caplog) -> None:
    bombard(port, 300)
    check_aftermath(port, hosted, caplog)


@pytest.mark.soak
def test_many_malformed_messages(port, hosted, caplog) -> None:
    bombard(port, 1250)
    check_aftermath(port, hosted, caplog)


def test_what_is_no_websocket(port, hosted, caplog) -> None:
    """Bytes that are no frames, after a handshake; and handshakes that are none."""
    key = b64encode(os.urandom(16)).decode()
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    handshake = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"

    @settings(max_examples=60)
    @given(st.binary(max_size=200), st.integers(0, len(handshake)))
    def check(data: bytes, cut: int) -> None:
        for head in (handshake, handshake[:cut] + "\r\n\r\n", handshake.replace(key, "no key")):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(head.encode() + data)
                answer = client.recv(4096)
                assert not answer.startswith(b"HTTP/1.1 5")

    check()
    check_aftermath(port, hosted, caplog)
