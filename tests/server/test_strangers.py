"""What callers do who mean no harm, or some: stop in the middle of a body, come in crowds, bring what does not fit."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
import soundfile
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import OutputError, UnavailableError, VoiceError
from qwen3tts.server import voices
from qwen3tts.server.http import middleware
from qwen3tts.server.rpc.health import HealthServicer
from qwen3tts.server.settings import Limits, Settings
from qwen3tts.server.speech import MOST_FAILURES
from qwen3tts.server.voices import VoiceStore

SPEECH = {"model": "tts-1", "input": "Hello.", "response_format": "pcm", "max_frames": 2, "seed": 1}


def hum(seconds: float) -> bytes:
    memory = io.BytesIO()
    samples = 0.3 * np.sin(np.arange(round(24000 * seconds)) / 24) * np.sin(np.arange(round(24000 * seconds)) / 1000)
    soundfile.write(memory, samples.astype(np.float32), 24000, format="FLAC")
    return memory.getvalue()


def answer(address: str, data: bytes) -> bytes:
    """All that a server says to some bytes, until it closes."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("body", [b"", b'{"model": "tts-1", '])
def test_a_body_that_does_not_go_on_is_not_waited_for(hosted, monkeypatch, body):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.3)
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with hosted.http() as address:
        said = answer(address, head + body)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert "did not go on" in json.loads(said.split(b"\r\n\r\n", 1)[1])["error"]["message"]


def test_a_body_that_is_too_large_and_does_not_come_is_let_go(hosted, monkeypatch):
    monkeypatch.setattr(middleware, "REFUSED_SECONDS", 0.3)
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
    with hosted.http() as address:
        assert answer(address, head).startswith(b"HTTP/1.1 413 ")


def test_a_crowd_is_refused_in_our_words_also_over_websockets(hosted):
    settings = Settings(limits=Limits(connections=3))
    with hosted.http(settings) as address, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connect(f"ws://{address}/v1/audio/speech/ws", proxy=None))
        with pytest.raises(InvalidStatus) as raised:
            connect(f"ws://{address}/v1/audio/speech/ws", proxy=None)
        refused = httpx.post(f"http://{address}/v1/audio/speech", json=SPEECH)
    assert raised.value.response.status_code == refused.status_code == 503
    assert refused.json()["error"]["code"] == "unavailable"
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_time_that_cloning_takes_counts(hosted_base):
    fields = {**SPEECH, "timeout_ms": 1}
    with hosted_base.http() as address:
        answer = httpx.post(f"http://{address}/v1/audio/speech", data=fields, files={"ref_audio": hum(2)}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["param"]) == (504, "timeout_ms")


def test_what_no_model_could_clone_is_not_even_decoded(models, monkeypatch):
    def read(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(voices, "read_audio", read)

    async def clone():
        model = AsyncTTS.of(models["custom_voice"])
        model.tts = models["custom_voice"]
        store = VoiceStore(None, model)
        with pytest.raises(VoiceError, match="clones no voices"):
            await store.clone(("bomb.flac", hum(1)), None)
        store.close()

    asyncio.run(clone())


def test_an_upload_that_meets_the_end_is_kept_and_the_next_refused(models, tmp_path):
    started, go_on = threading.Event(), threading.Event()

    async def upload():
        model = AsyncTTS.of(models["base"])
        model.tts = models["base"]
        store = VoiceStore(tmp_path, model)
        with pytest.MonkeyPatch.context() as patch:
            read = voices.read_audio
            patch.setattr(voices, "read_audio", lambda file: (started.set(), go_on.wait(20), read(file))[2])
            uploading = asyncio.create_task(store.add("me", ("me.flac", hum(1)), None))
            await asyncio.to_thread(started.wait, 20)
            store.close()
            with pytest.raises(UnavailableError, match="shutting down"):
                await store.add("you", ("you.flac", hum(1)), None)
            go_on.set()
            await uploading

    asyncio.run(upload())
    assert [path.name for path in tmp_path.iterdir()] == ["me.voice.safetensors"]


def test_a_folder_that_cannot_be_written_to_is_refused_at_the_start(models, tmp_path, monkeypatch):
    def full(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(voices.tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match=r"voices=.* Read-only file system; give a folder"):
        VoiceStore(tmp_path, AsyncTTS.of(models["base"]))


def test_an_engine_that_keeps_failing_is_not_ready_and_wants_a_restart_until_it_speaks(hosted, monkeypatch):
    health = HealthServicer(hosted.service, ("",))

    def broken(*_):
        raise MemoryError

    with hosted.http() as address, httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        with monkeypatch.context() as patch:
            patch.setattr("qwen3tts.engine.torch_runner.predict_codes", broken)
            for _ in range(MOST_FAILURES):
                assert client.post("/v1/audio/speech", json=SPEECH).status_code == 500
            hosted.eventually(lambda: hosted.service.state == "failing")
            assert [client.get(path).status_code for path in ("/healthz", "/ready", "/health")] == [503, 503, 200]
            assert client.get("/health").json()["status"] == "failing"
            assert health._status("") == 2
        assert client.post("/v1/audio/speech", json=SPEECH).status_code == 200
        assert [client.get(path).status_code for path in ("/healthz", "/ready")] == [200, 200]
        assert client.head("/healthz").status_code == 200
    assert health._status("") == 1


def test_no_error_repeats_what_was_to_be_said(hosted):
    with hosted.http() as address:
        answer = httpx.post(f"http://{address}/v1/audio/speech", json={**SPEECH, "input": ["my secret"]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    assert "secret" not in answer.text
    assert "secret" not in str(hosted.records[-1].error)
    assert (hosted.records[-1].status, hosted.records[-1].call.caller) == ("invalid", "127.0.0.1")
