"""HTTP beside speech: health, what is served, keys, limits, and errors in OpenAI's form."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.metrics import Metrics
from qwen3tts.server.settings import Limits, Settings
from qwen3tts.server.speech import SpeechService

SECRET = "a-secret-of-the-tests"


@contextmanager
def served(hosted: Any, settings: Settings, service: SpeechService | None = None) -> Iterator[httpx.Client]:
    """A client of the application, on the event loop of a hosted service."""
    service = service or hosted.service
    metrics = Metrics(lambda: service.active, lambda: None)
    access = Access(settings.api_keys, settings.limits.requests_per_minute)
    app = create_app(service, settings, access, metrics)
    server = hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), settings))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
            yield client
    finally:
        hosted.run(server.stop(1))


@pytest.fixture(scope="module")
def client(hosted) -> Iterator[httpx.Client]:
    with served(hosted, Settings(limits=Limits(upload_bytes=200_000))) as client:
        yield client


def error(response: httpx.Response, status: int) -> dict[str, Any]:
    """The error of an answer of this status, which has OpenAI's form and an id."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    (name, told), *others = response.json().items()
    assert name == "error" and not others
    assert sorted(told) == ["code", "message", "param", "type"]
    assert told["message"] and "\n" not in told["message"]
    return told


def speech(**fields: Any) -> dict[str, Any]:
    """A request for little speech."""
    return {"model": "tts-1", "input": "Hello.", "response_format": "pcm", "max_frames": 2, "seed": 1, **fields}


def test_tells_how_it_is(client) -> None:
    health = client.get("/health")
    assert health.status_code == 200
    told = health.json()
    assert (told["status"], told["state"], told["active"]) == ("ok", "ready", 0)
    assert told["uptime_seconds"] > 0
    assert client.get("/healthz").status_code == 200
    assert client.get("/ready").json()["state"] == "ready"
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=")
    assert "qwen3tts_active_requests 0.0" in metrics.text.splitlines()
    openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")


def test_tells_what_it_serves(client, hosted) -> None:
    info = client.get("/info").json()
    assert info["kind"] == "custom_voice"
    assert info["speakers"] == ["vivian", "ryan", "dylan"]
    assert info["languages"] == list(hosted.service.languages)
    assert (info["sample_rate"], info["max_text_length"], info["device"]) == (24000, 10_000, "cpu")
    assert {"wav", "pcm", "flac", "mp3", "opus"} <= set(info["formats"])
    assert "noise" in info["warning"]
    (model,) = client.get("/v1/models").json()["data"]
    assert model == {"id": info["model"], "object": "model", "created": model["created"], "owned_by": "qwen3tts"}
    for name in (info["model"], "qwen3tts", "tts-1"):
        assert client.get(f"/v1/models/{name}").json() == model
    assert error(client.get("/v1/models/whisper-1"), 404)["code"] == "model_not_found"
    voices = client.get("/v1/voices").json()["data"]
    assert [(voice["name"], voice["kind"]) for voice in voices] == [(name, "built_in") for name in info["speakers"]]


def test_says_that_it_starts(hosted) -> None:
    """Alive, and nothing else, while there is no model."""

    async def make() -> SpeechService:
        return SpeechService(AsyncTTS.load(device="cpu"), Limits())

    with served(hosted, Settings(), hosted.run(make())) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/health").json()["status"] == "starting"
        answers = [client.get(path) for path in ("/ready", "/info", "/v1/models", "/v1/models/tts-1", "/v1/voices")]
        answers += [client.post("/v1/audio/speech", json=speech()), client.delete("/v1/voices/x")]
        for answer in answers:
            assert error(answer, 503)["code"] == "unavailable"
            assert int(answer.headers["retry-after"]) >= 1


def test_says_that_it_drains(host) -> None:
    hosted = host(max_batch=1)
    with served(hosted, Settings()) as client:
        hosted.loop.call_soon_threadsafe(hosted.service.drain)
        hosted.eventually(lambda: client.get("/health").json()["status"] == "draining")
        answer = client.post("/v1/audio/speech", json=speech())
        assert error(answer, 503)["code"] == "unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert error(client.get("/ready"), 503)
        assert client.get("/info").status_code == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": " \n"}, "input"),
        ({"input": "a" * 10_001}, "input"),
        ({"input": 5}, "input"),
        ({"input": "Hi <b>you</b>"}, "input"),
        ({"input": "Hi [pause:61s] you"}, "input"),
        ({"input": "Hi [pause:60s] you" * 11}, "input"),
        ({"normalize": "no"}, "normalize"),
        ({"marks": 1}, "marks"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": {"id": "nobody"}}, "voice"),
        ({"voice": {"id": "ryan", "name": "x"}}, "voice"),
        ({"voice": ["ryan"]}, "voice"),
        ({"voice": "a" * 100_000}, "voice"),
        ({"language": "a" * 100_000}, "language"),
        ({"language": "klingon"}, "language"),
        ({"response_format": "aac"}, "response_format"),
        ({"stream_format": "video"}, "stream_format"),
        ({"speed": 5}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"seed": "5"}, "seed"),
        ({"seed": 5.0}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"max_frames": 0}, "max_frames"),
        ({"max_frames": 10**9}, "max_frames"),
        ({"priority": "urgent"}, "priority"),
        ({"deadline_ms": 0}, "deadline_ms"),
        ({"timeout_ms": "1"}, "timeout_ms"),
        ({"ref_text": "Hello."}, "ref_text"),
        ({"ref_audio": "no base64!"}, "ref_audio"),
        ({"ref_audio": "data:audio/wav,abc"}, "ref_audio"),
        ({"ref_audio": "UklGRg=="}, "ref_audio"),
        ({"ref_audio": "UklGRg==", "voice": "ryan"}, "voice"),
        ({"temperature": 1}, "temperature"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_names_the_field_that_is_wrong(client, fields: dict[str, Any], param: str) -> None:
    told = error(client.post("/v1/audio/speech", json=speech(**fields)), 400)
    assert told["param"] == param
    assert param in told["message"]
    assert told["type"] == "invalid_request_error"
    assert len(told["message"]) < 400


@pytest.mark.parametrize("param", ["model", "input"])
def test_names_the_field_that_is_missing(client, param: str) -> None:
    body = speech()
    del body[param]
    told = error(client.post("/v1/audio/speech", json=body), 400)
    assert (told["param"], told["code"]) == (param, "missing_field")


def test_refuses_an_unknown_model(client) -> None:
    told = error(client.post("/v1/audio/speech", json=speech(model="tts-2")), 404)
    assert (told["param"], told["code"]) == ("model", "model_not_found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"model": "tts-1", "input": "\xff"}', 400),
        (b'{"model": "tts-1", "input": "\\ud83d"}', 400),
        (b'{"model": "tts-1", "input": "a", "speed": NaN}', 400),
        (b"[" * 100_000, 400),
        (json.dumps(speech()).encode("utf-16"), 400),
        (b" " * 200_001, 413),
    ],
)
def test_refuses_a_body_that_is_no_json(client, body: bytes, status: int) -> None:
    error(client.post("/v1/audio/speech", content=body, headers={"Content-Type": "application/json"}), status)


def test_refuses_other_content_types(client) -> None:
    body = json.dumps(speech()).encode()
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        assert error(client.post("/v1/audio/speech", content=body, headers=headers), 415)["message"].startswith("Content-Type")
    for headers in ({"Content-Type": "multipart/form-data"}, {"Content-Type": "multipart/form-data; boundary=x"}):
        error(client.post("/v1/audio/speech", content=body, headers=headers), 400)


def test_reads_no_more_of_a_body_than_it_takes(client) -> None:
    """A client that says no length is told so in the middle, and is still listened to until it hears it."""

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    for content in (endless(), b" " * 1_000_000):
        answer = client.post("/v1/audio/speech", content=content, headers={"Content-Type": "application/json"})
        assert "200,000" in error(answer, 413)["message"]
        assert answer.headers["connection"] == "close"


def test_answers_before_a_body_that_is_too_large(client) -> None:
    """Nothing of it needs to come."""
    with closing(socket.create_connection((client.base_url.host, client.base_url.port), timeout=20)) as connection:
        connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_refuses_what_is_not_there(client) -> None:
    assert error(client.get("/v1/chat"), 404)["code"] == "not_found"
    for page in ("/docs", "/redoc", "/v1/models/"):
        error(client.get(page), 404)
    answer = client.get("/v1/audio/speech")
    assert error(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"


def test_gives_every_request_an_id(client, hosted) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = [client.get("/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"] for bad in ("", "a b", "a" * 129)]
    assert len({*made, "", "a b"}) == 5 and all(len(each) == 32 for each in made)
    client.post("/v1/audio/speech", json=speech(), headers={"X-Request-Id": "mine-2"})
    hosted.eventually(lambda: hosted.records[-1].call.request_id == "mine-2")


def test_asks_for_a_key(hosted) -> None:
    with served(hosted, Settings(api_keys={"test": SECRET})) as client:
        for path in ("/", "/health", "/healthz", "/ready", "/metrics"):
            assert client.get(path).status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": SECRET}, {"Authorization": f"Basic {SECRET}"}):
            for answer in (client.get("/info", headers=headers), client.post("/v1/audio/speech", json={}, headers=headers)):
                assert error(answer, 401)["code"] == "invalid_api_key"
                assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/info", headers={"Authorization": f"bearer {SECRET}"}).status_code == 200
        schemes = client.get("/openapi.json").json()["components"]["securitySchemes"]
        assert schemes == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def test_limits_the_rate_of_a_caller(hosted) -> None:
    with served(hosted, Settings(limits=Limits(requests_per_minute=2))) as client:
        answers = [client.get("/info") for _ in range(3)]
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        assert error(answers[2], 429)["code"] == "rate_limit_exceeded"
        assert 1 <= int(answers[2].headers["retry-after"]) <= 30
        assert client.get("/health").status_code == 200


def test_lets_other_pages_call_only_where_told_to(client, hosted) -> None:
    asks = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.get("/info", headers=asks).headers
    error(client.options("/v1/audio/speech", headers=asks), 405)
    with served(hosted, Settings(cors_origins=("https://page.example",))) as open_client:
        assert open_client.options("/v1/audio/speech", headers=asks).headers["access-control-allow-origin"] == asks["Origin"]
        refused = open_client.post("/v1/audio/speech", json={}, headers=asks)
        assert error(refused, 400) and refused.headers["access-control-allow-origin"] == asks["Origin"]
        other = open_client.get("/info", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


def test_tells_nothing_of_its_own_faults(client, hosted, caplog) -> None:
    """An observer that fails is a fault like any other."""

    def fail(record: object) -> None:
        raise RuntimeError("not for everybody's eyes")

    hosted.service.observers.append(fail)
    try:
        answer = client.post("/v1/audio/speech", json=speech(voice="nobody"), headers={"X-Request-Id": "unlucky"})
    finally:
        hosted.service.observers.remove(fail)
    told = error(answer, 500)
    assert (told["type"], told["code"]) == ("server_error", "internal_error")
    assert "eyes" not in answer.text and "Traceback" not in answer.text
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "unlucky" in logged.getMessage() and logged.exc_info
