"""Spans, as a collector receives them."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from qwen3tts import __version__
from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import InputError
from qwen3tts.server.record import Call, Record
from qwen3tts.server.run import serve
from qwen3tts.server.settings import Settings
from qwen3tts.server.tracing import Tracing, check_otlp_endpoint

SAID = "what nobody else may read"
CALL = Call("websocket", "r1", SAID, voice="ryan", seed=7)
OK = Record(CALL, 1_700_000_000.5, queued=0.25, first_audio=0.5, elapsed=2.0, frames=25, audio_seconds=4.0, seed=7)


@dataclass
class Collector:
    """Receives OTLP over HTTP."""

    server: ThreadingHTTPServer
    paths: list[str] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def spans(self) -> list[Span]:
        """All that came, in the order of their beginnings."""
        groups = [scope for request in self.requests for resource in request.resource_spans for scope in resource.scope_spans]
        return sorted(
            (span for group in groups for span in group.spans), key=lambda s: (s.start_time_unix_nano, -s.end_time_unix_nano)
        )


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            collector.paths.append(self.path)
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    collector = Collector(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    thread = threading.Thread(target=collector.server.serve_forever, args=(0.01,))
    thread.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


def attributes(span: Span) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


def seconds(span: Span) -> tuple[float, float]:
    """Beginning and end since the request of `OK` arrived."""
    return tuple(round(time / 1e9 - OK.arrived, 4) for time in (span.start_time_unix_nano, span.end_time_unix_nano))


def test_a_request_is_a_span_with_its_stages(collector):
    tracing = Tracing(collector.endpoint)
    tracing.observe(OK)
    tracing.close()
    assert collector.paths == ["/v1/traces"]
    request, queue, first_audio, speech = collector.spans
    assert [(s.name, *seconds(s)) for s in collector.spans] == [
        ("speech request", 0, 2),
        ("queue", 0, 0.25),
        ("first audio", 0.25, 0.5),
        ("speech", 0.5, 2),
    ]
    assert request.kind == Span.SPAN_KIND_SERVER and not request.parent_span_id
    assert {s.parent_span_id for s in (queue, first_audio, speech)} == {request.span_id}
    assert {s.trace_id for s in collector.spans} == {request.trace_id}
    resource = {a.key: a.value.string_value for a in collector.requests[0].resource_spans[0].resource.attributes}
    assert (resource["service.name"], resource["service.version"]) == ("qwen3tts", __version__)


def test_attributes_are_the_figures_of_the_log_and_no_text(collector):
    tracing = Tracing(collector.endpoint)
    tracing.observe(OK)
    tracing.close()
    found = attributes(collector.spans[0])
    expected = {"request_id": "r1", "protocol": "websocket", "status": "ok", "characters": 25, "voice": "ryan", "frames": 25}
    assert {f"qwen3tts.{name}": value for name, value in expected.items()}.items() <= found.items()
    assert found["qwen3tts.real_time_factor"] == 0.5
    assert SAID.encode() not in b"".join(request.SerializeToString() for request in collector.requests)


def test_requests_are_traces_of_their_own_and_failures_are_marked(collector):
    tracing = Tracing(collector.endpoint)
    tracing.observe(OK)
    tracing.observe(Record(CALL, OK.arrived + 10, "error", elapsed=0.1, error="disk on fire"))
    tracing.observe(Record(CALL, OK.arrived + 20, "deadline", queued=0.1, elapsed=0.3))
    tracing.close()
    tops = [span for span in collector.spans if not span.parent_span_id]
    assert len({span.trace_id for span in tops}) == 3
    assert [span.status.code for span in tops] == [Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR, Status.STATUS_CODE_ERROR]
    assert tops[1].status.message == "disk on fire"
    assert [span.name for span in collector.spans if span.trace_id == tops[2].trace_id] == ["speech request", "queue"]


def test_a_seed_of_64_bits_is_no_obstacle(collector):
    tracing = Tracing(collector.endpoint)
    tracing.observe(Record(CALL, OK.arrived, "ok", elapsed=1.0, seed=2**64 - 1))
    tracing.close()
    assert attributes(collector.spans[0])["qwen3tts.seed"] == str(2**64 - 1)


def test_a_collector_that_is_gone_holds_nothing_up():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    tracing = Tracing(f"http://127.0.0.1:{port}")
    tracing.observe(OK)
    tracing.close()


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(InputError, match=r"^--otlp-endpoint needs opentelemetry, .*: pip install 'qwen3tts\[otel\]'$"):
        Tracing("http://127.0.0.1:4318")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://c.example/otlp", "https://c.example/otlp/v1/traces"),
        ("https://c.example/v1/traces", "https://c.example/v1/traces"),
    ],
)
def test_an_endpoint_is_a_collector_or_its_whole_address(given, url):
    assert check_otlp_endpoint(given) == url


@pytest.mark.parametrize("given", ["", "localhost:4318", "grpc://c.example", "http://", "http://[::1", "http://c:port"])
def test_an_endpoint_that_is_none(given):
    with pytest.raises(InputError, match=r"^--otlp-endpoint .* is no address of a collector"):
        check_otlp_endpoint(given)


def test_spans_of_a_served_request_arrive(collector, caplog):
    """The whole way: a request over HTTP, a signal, and a collector that has it all when the server has ended."""
    caplog.set_level(logging.INFO, "qwen3tts")
    settings = Settings("127.0.0.1:0", None, otlp_endpoint=collector.endpoint)

    async def main() -> None:
        serving = asyncio.create_task(serve(settings, AsyncTTS.load(device="cpu", max_batch=1)))
        while not (ready := [record for record in caplog.records if record.message == "ready"]):
            await asyncio.wait({serving}, timeout=0.01)
            assert not serving.done()
        async with httpx.AsyncClient(base_url=f"http://{ready[0].facts['http']}", timeout=60) as client:
            fields = {"model": "qwen3tts", "input": "Hello", "response_format": "pcm", "max_frames": 2}
            answer = await client.post("/v1/audio/speech", json=fields, headers={"X-Request-Id": "traced"})
            assert answer.status_code == 200
        os.kill(os.getpid(), signal.SIGTERM)
        await serving

    asyncio.run(main())
    assert [span.name for span in collector.spans] == ["speech request", "queue", "first audio", "speech"]
    assert {a.key: a.value.string_value for a in collector.spans[0].attributes}["qwen3tts.request_id"] == "traced"
