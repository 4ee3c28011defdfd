"""What schemathesis makes of the OpenAPI document, and bytes that nobody documented: answers, and no fault of ours."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.exceptions import ChunkedEncodingError
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.metrics import Metrics
from qwen3tts.server.settings import Settings

TIMES = [pytest.param(1, id="quick"), pytest.param(12, id="soak", marks=pytest.mark.soak)]

SPEECH = {"model": "tts-1", "input": "Hello.", "response_format": "pcm", "max_frames": 2, "seed": 1}

UNFIT = ("positive_data_acceptance", "not_a_server_error")
"""Checks of schemathesis: a schema does not know which voices there are, and 504 is what a caller without patience asks for."""


@pytest.fixture(scope="module")
def url(hosted) -> Iterator[str]:
    metrics = Metrics(lambda: hosted.service.active, hosted.service.model.tts.load_state)
    app = create_app(hosted.service, Settings(), Access({}), metrics)
    server = hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), Settings()))
    yield f"http://127.0.0.1:{server.port}"
    hosted.run(server.stop(1))


@pytest.fixture(scope="module")
def operations(url: str) -> list[APIOperation]:
    """What the document offers."""
    load_all_checks()
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations()]


@pytest.fixture
def still_speaks(url: str, hosted) -> Iterator[None]:
    """After a test, nothing is left of it, and speech is what it was."""
    before = httpx.post(f"{url}/v1/audio/speech", json=SPEECH).content
    yield
    hosted.eventually(hosted.everything_is_free)
    assert httpx.post(f"{url}/v1/audio/speech", json=SPEECH).content == before


def answerable(body: Any) -> Any:
    """A request with names that exist, for so little speech that many of them take little time; what is wrong with it stays."""
    if not isinstance(body, dict):
        return body
    known = {"model": "tts-1", "voice": "ryan", "language": "english"}
    body = {name: known.get(name, value) if isinstance(value, str) else value for name, value in body.items()}
    most = body.get("max_frames")
    return {**body, "max_frames": 2} if most is None or (type(most) is int and most > 2) else body


def check(case: schemathesis.Case) -> None:
    """The answer is one that the document promises, and no fault."""
    if case.path == "/v1/audio/speech":
        case.body = answerable(case.body)
    try:
        response = case.call()
    except ChunkedEncodingError:
        # A speech that runs out of time after its first sound is broken off.
        assert isinstance(case.body, dict) and case.body.get("timeout_ms") is not None
        return
    assert response.status_code < 500 or (response.status_code == 504 and "_ms passed" in response.text), response.text
    assert response.headers["x-request-id"]
    case.validate_response(response, excluded_checks=CHECKS.get_by_names(UNFIT))


def run(operation: APIOperation, mode: GenerationMode, examples: int) -> None:
    many = settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    many(given(case=operation.as_strategy(generation_mode=mode))(check))()


@pytest.mark.parametrize("times", TIMES)
def test_keeps_to_its_document(operations, hosted, still_speaks, times: int) -> None:
    before = len(hosted.records)
    assert {"/v1/audio/speech", "/v1/voices", "/info", "/health"} <= {operation.path for operation in operations}
    for operation in operations:
        run(operation, GenerationMode.POSITIVE, times * (50 if operation.method == "post" else 3))
    assert any(record.status == "ok" for record in hosted.records[before:])


@pytest.mark.parametrize("times", TIMES)
def test_refuses_what_its_document_does_not_allow(operations, still_speaks, times: int) -> None:
    """Forms are texts, and their schema's types no more than a hint."""
    for operation in operations:
        if operation.method == "post":
            run(operation, GenerationMode.NEGATIVE, times * 60)


NEARLY = json.dumps(SPEECH).encode()

PIECES = st.sampled_from([b"POST ", b"GET ", b"/v1/audio/speech", b"/v1/voices", b" HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n", NEARLY])
HEADERS = st.sampled_from(
    [b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Content-Type: multipart/form-data; boundary=b\r\n"]
)
LINES = st.sampled_from([b"--b\r\n", b"--b--\r\n", b'Content-Disposition: form-data; name="input"\r\n\r\n', b"5\r\n", b"-1\r\n"])
MESSAGES = st.lists(PIECES | HEADERS | LINES | st.binary(max_size=40), max_size=12).map(b"".join)


def answer(url: str, message: bytes, hangs_up: bool = True) -> bytes:
    """All that a connection answers to a message. hangs_up: half of it is closed then; a request may end that, too."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(message)
        if hangs_up:
            connection.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("times", TIMES)
def test_answers_any_bytes_or_hangs_up(url: str, still_speaks, times: int) -> None:
    @settings(max_examples=times * 60)
    @given(MESSAGES)
    def send(message: bytes) -> None:
        said = answer(url, message)
        assert not said or said.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), said
        assert b"Traceback" not in said

    send()


FORM = b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n"
PARTS = st.lists(PIECES | HEADERS | LINES | st.binary(max_size=40), max_size=12).map(b"".join)


@pytest.mark.parametrize("times", TIMES)
def test_answers_any_form(url: str, still_speaks, times: int) -> None:
    @settings(max_examples=times * 60)
    @given(PARTS)
    def send(body: bytes) -> None:
        said = answer(url, FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body, hangs_up=False)
        assert said.startswith(b"HTTP/1.1 4"), said

    send()
