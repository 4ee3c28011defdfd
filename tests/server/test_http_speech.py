"""Speech over HTTP where things go otherwise than well: clients that leave, are slow or too many, time that runs out."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import numpy as np
import pytest

from qwen3tts.audio.files import AudioWriter
from qwen3tts.server.settings import Limits, Settings

LONG = 4000
"""Frames that take seconds to make, on any machine."""


@contextmanager
def served(hosted: Any, limits: Limits | None = None) -> Iterator[httpx.Client]:
    with (
        hosted.http(Settings(limits=limits or Limits())) as address,
        httpx.Client(base_url=f"http://{address}", timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(hosted) -> Iterator[httpx.Client]:
    with served(hosted) as client:
        yield client


@pytest.fixture(scope="module")
def base_client(hosted_base) -> Iterator[httpx.Client]:
    with served(hosted_base) as client:
        yield client


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> bytes:
    """A second of somebody's hum."""
    path = tmp_path_factory.mktemp("recording") / "hum.wav"
    seconds = np.arange(24000) / 24000
    with AudioWriter(path, 24000) as writer:
        writer.write((0.3 * np.sin(2 * np.pi * 150 * seconds) * np.sin(2 * np.pi * 3 * seconds)).astype(np.float32))
    return path.read_bytes()


def speech(**fields: Any) -> dict[str, Any]:
    return {"model": "tts-1", "input": "Hello.", "response_format": "pcm", "max_frames": 2, "seed": 1, **fields}


def ask(client: httpx.Client, **fields: Any) -> socket.socket:
    """A connection on which speech was asked for, and nothing of the answer read."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=30)
    body = json.dumps(speech(**fields)).encode()
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_a_client_that_leaves_cancels(client, hosted) -> None:
    connection = ask(client, max_frames=LONG)
    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert hosted.service.active
    connection.close()
    hosted.eventually(hosted.everything_is_free)
    assert hosted.records[-1].status == "cancelled"
    assert hosted.records[-1].frames < LONG


def test_clients_that_leave_before_the_first_sound_cancel(client, hosted) -> None:
    """The batch is full of others, so that nothing comes for the last ones."""
    with ExitStack() as stack:
        speaking = [stack.enter_context(ask(client, max_frames=LONG)) for _ in range(4)]
        for connection in speaking:
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        waiting = [ask(client, max_frames=LONG) for _ in range(3)]
        hosted.eventually(lambda: hosted.service.active == 7)
        for connection in waiting:
            connection.close()
        hosted.eventually(lambda: hosted.service.active == 4)
        assert [(record.status, record.frames) for record in hosted.records[-3:]] == [("cancelled", 0)] * 3
    hosted.eventually(hosted.everything_is_free)


def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_matter(client, hosted) -> None:
    before = len(hosted.records)
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
        )
    assert client.post("/v1/audio/speech", json=speech()).status_code == 200
    hosted.eventually(lambda: len(hosted.records) == before + 1)


def test_a_slow_reader_holds_up_nobody(client, hosted) -> None:
    expected = client.post("/v1/audio/speech", json=speech()).content
    with ask(client, max_frames=LONG) as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
        for _ in range(3):
            assert client.post("/v1/audio/speech", json=speech()).content == expected
        hosted.eventually(lambda: hosted.service.active == 1)
    hosted.eventually(hosted.everything_is_free)


def test_a_full_line_is_too_many_requests(host) -> None:
    hosted = host(max_batch=1, queue=1)
    with served(hosted) as client, ExitStack() as stack:
        stack.enter_context(ask(client, max_frames=LONG)).recv(1)
        stack.enter_context(ask(client, max_frames=LONG))
        hosted.eventually(lambda: hosted.service.active == 2)
        answer = client.post("/v1/audio/speech", json=speech())
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "queue_full"
        assert int(answer.headers["retry-after"]) >= 1
        stack.close()
        hosted.eventually(hosted.everything_is_free)
        assert client.post("/v1/audio/speech", json=speech()).status_code == 200


@pytest.mark.parametrize("field", ["deadline_ms", "timeout_ms"])
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_no_time_at_all_is_a_gateway_timeout(client, field: str, stream_format: str) -> None:
    answer = client.post("/v1/audio/speech", json=speech(stream_format=stream_format, **{field: 1e-6}))
    assert answer.status_code == 504
    assert answer.json()["error"]["param"] == field


def run_out_of_time(client: httpx.Client, **fields: Any) -> Iterator[bytes]:
    """The body of an answer that began and ran out of time, with as much time as this machine needs to begin."""
    for timeout_ms in (250, 1000, 4000, 16000):
        body = speech(max_frames=12_000, timeout_ms=timeout_ms, **fields)
        with client.stream("POST", "/v1/audio/speech", json=body) as answer:
            if answer.status_code == 200:
                yield from answer.iter_bytes()
                return
            assert answer.status_code == 504
    raise AssertionError("it never began")


def test_speech_that_runs_out_of_time_breaks_off(client, hosted) -> None:
    parts = []
    with pytest.raises(httpx.RemoteProtocolError):
        parts.extend(run_out_of_time(client))
    hosted.eventually(hosted.everything_is_free)
    assert hosted.records[-1].status == "timeout"


def test_events_end_with_the_error(client, hosted) -> None:
    *deltas, last = b"".join(run_out_of_time(client, stream_format="sse")).decode().strip().split("\n\n")
    assert deltas and all('"speech.audio.delta"' in delta for delta in deltas)
    told = json.loads(last.removeprefix("data: "))
    assert told["type"] == "error"
    assert (told["error"]["param"], told["error"]["code"]) == ("timeout_ms", "timeout_exceeded")
    hosted.eventually(hosted.everything_is_free)


def test_speaks_with_a_recorded_voice(base_client, recording: bytes) -> None:
    """As a file of a form, as base64 and as a data: URL it is one voice."""

    encoded = base64.b64encode(recording).decode()
    fields = speech(ref_text="Hum.")
    as_file = base_client.post("/v1/audio/speech", data=fields, files={"ref_audio": ("hum.wav", recording, "audio/wav")})
    assert as_file.status_code == 200, as_file.text
    assert len(as_file.content) == 2 * 1920 * 2
    for ref_audio in (encoded, f"data:audio/wav;base64,{encoded}"):
        assert base_client.post("/v1/audio/speech", json={**fields, "ref_audio": ref_audio}).content == as_file.content
    in_form = base_client.post("/v1/audio/speech", data={**fields, "ref_audio": encoded}, files={})
    assert in_form.status_code == 415


def test_a_form_that_ends_early_is_none(client) -> None:
    """The field that was cut off is not taken for one that was not given."""
    parts = {"model": "tts-1", "input": "Hello.", "max_frames": "2", "seed": "1"}
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post("/v1/audio/speech", content=body + "--b--\r\n", headers=headers).status_code == 200
    for cut in (body, body + "--b\r\n", body[:-5]):
        answer = client.post("/v1/audio/speech", content=cut, headers=headers)
        assert answer.status_code == 400 and "ends in the middle" in answer.text


def test_keeps_voices(base_client, recording: bytes) -> None:
    files = {"audio_file": ("hum.wav", recording, "audio/wav")}
    made = base_client.post("/v1/voices", data={"name": "Zoë", "text": "Hum."}, files=files)
    assert made.status_code == 201, made.text
    voice = {"id": "Zoë", "object": "audio.voice", "name": "Zoë", "kind": "stored"}
    assert made.json() == voice
    assert voice in base_client.get("/v1/voices").json()["data"]
    spoken = base_client.post("/v1/audio/speech", json=speech(voice={"id": "Zoë"}))
    assert spoken.status_code == 200
    taken = base_client.post("/v1/voices", data={"name": "Zoë"}, files=files)
    assert (taken.status_code, taken.json()["error"]["param"]) == (400, "name")
    assert base_client.delete("/v1/voices/Zoë").status_code == 204
    gone = base_client.delete("/v1/voices/Zoë")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "voice_not_found")
    assert base_client.post("/v1/audio/speech", json=speech(voice="Zoë")).json()["error"]["param"] == "voice"


@pytest.mark.parametrize(
    ("data", "files", "param"),
    [
        ({}, {"audio": b"x"}, "name"),
        ({"name": "a/b"}, {"audio": b"x"}, "name"),
        ({"name": ""}, {"audio": b"x"}, "name"),
        ({"name": "default"}, {"audio": b"x"}, "name"),
        ({"name": "a", "text": " "}, {"audio": None}, "text"),
        ({"name": "a", "speed": "2"}, {"audio": b"x"}, "speed"),
        ({"name": "a"}, {"audio": b"no audio"}, "audio"),
        ({"name": "a"}, {"audio_file": b""}, "audio_file"),
        ({"name": "a"}, {"audio": b"x", "audio_file": b"x"}, "audio_file"),
        ({"name": "a"}, {"voice": b"x"}, "voice"),
        ({"name": ["a", "b"]}, {"audio": b"x"}, "name"),
        ({"name": b"\xff"}, {"audio": b"x"}, "name"),
    ],
)
def test_names_what_is_wrong_with_an_upload(base_client, recording: bytes, data: Any, files: Any, param: str) -> None:
    uploads = {name: (f"{name}.wav", recording if content is None else content) for name, content in files.items()}
    answer = base_client.post("/v1/voices", data=data, files=uploads)
    assert answer.status_code == 400, answer.text
    told = answer.json()["error"]
    assert told["param"] == param and param in told["message"]


def test_takes_voices_only_where_the_model_does(client, recording: bytes) -> None:
    upload = client.post("/v1/voices", data={"name": "a"}, files={"audio": ("a.wav", recording)})
    assert (upload.status_code, upload.json()["error"]["param"]) == (400, "audio")
    clone = client.post("/v1/audio/speech", data=speech(), files={"ref_audio": ("a.wav", recording)})
    assert (clone.status_code, clone.json()["error"]["param"]) == (400, "ref_audio")
    assert client.delete("/v1/voices/ryan").json()["error"]["param"] == "name"


def test_reads_signs_and_marks_unless_told_not_to(client) -> None:
    def sound(**fields: Any) -> bytes:
        answer = client.post("/v1/audio/speech", json=speech(**fields))
        assert answer.status_code == 200
        return answer.content

    assert sound(input="$5") == sound(input="five dollars") != sound(input="$5", normalize=False)
    paused = sound(input="[pause:100ms] $5")
    assert paused[: 2 * 2400] == bytes(2 * 2400)
    assert paused[2 * (2400 + 120) :] == sound(input="$5")[2 * 120 :]  # what follows a pause is faded in
    assert len(sound(input="[pause:100ms] $5", marks=False)) == 2 * 2 * 1920
