"""`qwen3tts serve` as a process: what it answers, what it logs, and how it ends."""

from __future__ import annotations

import os
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from qwen3tts.server.rpc import tts_pb2, tts_pb2_grpc

TIMEOUT = 60
SECRET = "alice-secret-0123456789"
SAID = "what nobody else may read"
FRAME_BYTES = 1920 * 2


@pytest.fixture
def serve(launch) -> Iterator[Callable[..., Any]]:
    """Starts servers: serve(*arguments)."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(launch(*arguments))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(launch, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server with TLS on both ports and one key."""
    folder = tmp_path_factory.mktemp("secure")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    (folder / "keys").write_text(f"alice={SECRET}\n")
    options = ("--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem", "--api-keys", folder / "keys")
    with launch(*options) as server:
        server.logged("ready")
        yield server


@pytest.fixture
def https(secure, authority: trustme.CA) -> Iterator[httpx.Client]:
    """A client that trusts the certificate and has a key."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with secure.http(verify=context, headers={"Authorization": f"Bearer {SECRET}"}) as client:
        yield client


@pytest.fixture
def channel(secure, authority: trustme.CA) -> Iterator[grpc.Channel]:
    """A gRPC channel that trusts the certificate."""
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with grpc.secure_channel(secure.logged("ready")["grpc"], credentials) as channel:
        yield channel


def request(**fields: object) -> dict[str, object]:
    """A short request over HTTP."""
    return {"model": "qwen3tts", "input": SAID, "response_format": "pcm", "seed": 7, "max_frames": 4, **fields}


def test_both_ports_speak_over_tls_and_say_the_same(https, channel):
    over_http = https.post("/v1/audio/speech", json=request())
    said = tts_pb2.SynthesizeRequest(text=SAID, seed=7, max_frames=4)
    over_grpc = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(said, metadata=[("authorization", f"Bearer {SECRET}")])
    assert over_http.status_code == 200
    assert len(over_http.content) == 4 * FRAME_BYTES
    assert over_grpc.audio_data == over_http.content


def test_without_tls_nobody_is_answered(secure, https):
    for port in ("http", "grpc"):
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{secure.logged('ready')[port]}/healthz", timeout=TIMEOUT)
    assert https.get("/healthz").status_code == 200


def test_only_the_key_opens(https, channel):
    for given in ("", "Bearer wrong", f"Bearer {SECRET}x"):
        refused = https.post("/v1/audio/speech", json=request(), headers={"Authorization": given})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    stub = tts_pb2_grpc.TtsServiceStub(channel)
    with pytest.raises(grpc.RpcError) as refused:
        stub.Synthesize(tts_pb2.SynthesizeRequest(text=SAID))
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert stub.Health(tts_pb2.HealthRequest()).status == tts_pb2.HealthResponse.STATUS_SERVING
    assert https.get("/metrics", headers={"Authorization": ""}).status_code == 200


def test_metrics_move_by_what_was_asked(secure, https):
    before = secure.figures(https)
    assert https.post("/v1/audio/speech", json=request(max_frames=5)).status_code == 200
    assert https.post("/v1/audio/speech", json=request(voice="nobody")).status_code == 400
    after = secure.figures(https)
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name] and "_bucket" not in name}
    assert moved.pop("qwen3tts_requests_total ok") == moved.pop("qwen3tts_requests_total invalid") == 1
    assert moved.pop("qwen3tts_audio_seconds_total") == pytest.approx(0.4)
    for name in ("time_to_first_audio_seconds", "request_seconds", "real_time_factor"):
        assert moved.pop(f"qwen3tts_{name}_count") == 1
        assert moved.pop(f"qwen3tts_{name}_sum") > 0
    assert moved.pop("qwen3tts_frame_seconds_count") >= 5
    assert moved.pop("qwen3tts_frame_seconds_sum") > 0
    assert moved == {}
    assert after["qwen3tts_active_requests"] == after["qwen3tts_queue_size"] == after["qwen3tts_kv_pages used"] == 0
    assert after["qwen3tts_kv_pages free"] > 0


def test_the_log_has_a_line_for_each_request_and_no_secret(secure, https, channel):
    https.post("/v1/audio/speech", json=request(), headers={"X-Request-Id": "log-http"})
    https.post("/v1/audio/speech", json=request(language="klingon"), headers={"X-Request-Id": "log-wrong"})
    said = tts_pb2.SynthesizeRequest(text=SAID, request_id="log-grpc", max_frames=3)
    list(tts_pb2_grpc.TtsServiceStub(channel).SynthesizeStream(said, metadata=[("x-api-key", SECRET)]))
    line = secure.logged("request", request_id="log-http")
    assert line | {"protocol": "http", "status": "ok", "characters": len(SAID), "frames": 4, "seed": 7} == line
    assert 0 < line["queued_ms"] <= line["first_audio_ms"] <= line["total_ms"]
    assert line["real_time_factor"] == pytest.approx(line["total_ms"] / 320, rel=0.01)
    line = secure.logged("request", request_id="log-wrong", status="invalid")
    assert "klingon" in line["error"]
    secure.logged("request", request_id="log-grpc", protocol="grpc", status="ok", frames=3)
    assert [line.get("request_id") for line in secure.log].count("log-http") == 1
    assert not [line for line in secure.lines if SAID in line or SECRET in line]


@pytest.fixture
def slow_model(small: Path, tmp_path: Path) -> Path:
    """A model that is loaded once its last file, a named pipe, has been written."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (small / "custom_voice").iterdir():
        if path.name != "generation_config.json":
            (folder / path.name).symlink_to(path)
    os.mkfifo(folder / "generation_config.json")
    return folder


def test_the_ports_answer_while_the_model_is_loaded(serve, slow_model, small):
    server = serve("--model", slow_model)
    address = server.logged("starting")["grpc"]
    with server.http() as client, grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        def seen() -> tuple[int, int, int, int]:
            answer = health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True).status
            spoken = client.post("/v1/audio/speech", json=request())
            return client.get("/healthz").status_code, client.get("/ready").status_code, spoken.status_code, answer

        assert seen() == (200, 503, 503, health_pb2.HealthCheckResponse.NOT_SERVING)
        assert client.get("/metrics").status_code == 200
        (slow_model / "generation_config.json").write_bytes((small / "custom_voice" / "generation_config.json").read_bytes())
        server.logged("ready")
        assert seen() == (200, 200, 200, health_pb2.HealthCheckResponse.SERVING)
    server.process.send_signal(signal.SIGINT)
    assert server.exit_code() == 0


def test_a_server_that_is_still_loading_ends_at_once(serve, slow_model):
    server = serve("--model", slow_model)
    server.logged("starting")
    server.process.send_signal(signal.SIGTERM)
    assert server.exit_code() == 0


def stream(server, seed: int, frames: int, begun: threading.Semaphore) -> bytes:
    """All that one caller hears; `begun` is released at its first sound."""
    with server.http() as client, client.stream("POST", "/v1/audio/speech", json=request(seed=seed, max_frames=frames)) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        heard = next(pieces)
        begun.release()
        return heard + b"".join(pieces)


@pytest.mark.parametrize("streams", [4, pytest.param(16, marks=pytest.mark.soak)])
def test_sigterm_ends_every_stream_whole(serve, streams):
    server = serve("--max-batch", streams)
    server.logged("ready")
    frames, begun = 40, threading.Semaphore(0)
    runs = ((seed, stream(server, seed, frames, threading.Semaphore(0))) for seed in range(100))
    # Some seeds end sooner, and could be over when the signal comes.
    alone = dict(islice((run for run in runs if len(run[1]) == frames * FRAME_BYTES), streams))
    with ThreadPoolExecutor(streams) as pool, server.http() as client:
        heard = {seed: pool.submit(stream, server, seed, frames, begun) for seed in alone}
        for _ in alone:
            assert begun.acquire(timeout=TIMEOUT)
        server.process.send_signal(signal.SIGTERM)
        assert 1 <= server.logged("draining")["active"] <= streams
        refused = client.post("/v1/audio/speech", json=request())
        assert (refused.status_code, client.get("/ready").status_code, client.get("/healthz").status_code) == (503, 503, 200)
        assert "Retry-After" in refused.headers
        assert {seed: future.result(TIMEOUT) for seed, future in heard.items()} == alone
    assert server.exit_code() == 0
    assert len(set(alone.values())) == streams
    assert server.log[-1]["message"] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once(serve, number, code):
    server = serve()
    server.logged("ready")
    begun = threading.Semaphore(0)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(stream, server, 0, 3000, begun)
        assert begun.acquire(timeout=TIMEOUT)
        server.process.send_signal(number)
        server.logged("draining")
        server.process.send_signal(number)
        assert server.exit_code() == code
        with pytest.raises(httpx.TransportError):
            heard.result(TIMEOUT)


def test_who_speaks_for_longer_than_the_drain_is_cut_off(serve):
    server = serve("--drain-seconds", "0.2")
    server.logged("ready")
    begun = threading.Semaphore(0)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(stream, server, 0, 3000, begun)
        assert begun.acquire(timeout=TIMEOUT)
        server.process.send_signal(signal.SIGTERM)
        # A caller must not take the beginning for the whole.
        with pytest.raises(httpx.TransportError):
            heard.result(TIMEOUT)
    assert server.exit_code() == 0
    server.logged("cut off what was still being spoken after 0.2 s")
