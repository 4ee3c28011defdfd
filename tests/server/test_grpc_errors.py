"""gRPC's bad days: wrong requests, wrong keys, no room, callers that hang up, servers that start and stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import InputError
from qwen3tts.server.access import Access
from qwen3tts.server.rpc import tts_pb2 as pb
from qwen3tts.server.rpc.listener import GrpcServer, serve_grpc
from qwen3tts.server.rpc.tts_pb2_grpc import TtsServiceStub
from qwen3tts.server.settings import Limits
from qwen3tts.server.speech import SpeechService

LONG = 2000
"""Frames of a speech that no test waits for the end of."""

KEY = "a-key-for-the-tests"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@contextmanager
def listening(hosted, service: SpeechService, access: Access | None = None) -> Iterator[tuple[GrpcServer, grpc.Channel]]:
    server = hosted.run(serve_grpc(service, "127.0.0.1:0", access or Access({})))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield server, channel
    finally:
        hosted.run(server.stop(0))


@pytest.fixture(scope="module")
def channel(hosted) -> Iterator[grpc.Channel]:
    with listening(hosted, hosted.service) as (_, channel):
        yield channel


@pytest.fixture(scope="module")
def stub(channel) -> TtsServiceStub:
    return TtsServiceStub(channel)


@pytest.fixture
def another(hosted) -> Callable[..., SpeechService]:
    """Makes services of the same model that is loaded already: another(observers, **limits). They are not to be stopped."""

    def make(*observers: Any, **limits: Any) -> SpeechService:
        service = SpeechService(AsyncTTS.of(hosted.service.model.tts), Limits(**limits), observers)
        hosted.run(service.start(None))
        return service

    return make


def request(**fields: Any) -> pb.SynthesizeRequest:
    return pb.SynthesizeRequest(**{"text": "Hello.", "max_frames": 2, "seed": 1, **fields})


def refusal(call: Callable[[], Any]) -> grpc.RpcError:
    """The error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        answer = call()
        if isinstance(answer, grpc.Call):
            list(answer)
    return caught.value


BAD = {
    "empty text": ({"text": ""}, "text"),
    "blank text": ({"text": " \n"}, "text"),
    "long text": ({"text": "a" * 10_001}, "text"),
    "voice": ({"voice": "nobody"}, "voice='nobody'"),
    "long voice": ({"voice": "ü" * 30_000}, "voice="),
    "speaker_id": ({"speaker_id": 3}, "speaker_id=3"),
    "largest speaker_id": ({"speaker_id": 2**32 - 1}, "speaker_id=4294967295"),
    "speaker_id and voice": ({"speaker_id": 0, "voice": "ryan"}, "speaker_id=0"),
    "language": ({"language": 9}, "language=9"),
    "negative language": ({"language": -1}, "language=-1"),
    "language_name": ({"language_name": "klingon"}, "language='klingon'"),
    "two languages": ({"language": pb.LANGUAGE_EN, "language_name": "german"}, "language_name='german'"),
    "audio_format": ({"audio_format": 3}, "audio_format=3"),
    "priority": ({"priority": 5}, "priority=5"),
    "low sample_rate": ({"sample_rate": 7999}, "sample_rate=7999"),
    "high sample_rate": ({"sample_rate": 48_001}, "sample_rate=48001"),
    "max_frames": ({"max_frames": 0}, "max_frames=0"),
    "low speed": ({"speed": 0.2}, "speed=0.2"),
    "high speed": ({"speed": 4.5}, "speed=4.5"),
    "speed that is no number": ({"speed": float("nan")}, "speed=nan"),
    "request_id": ({"request_id": "x" * 129}, "request_id"),
}


@pytest.mark.parametrize("method", ["Synthesize", "SynthesizeStream"])
@pytest.mark.parametrize("fields, named", BAD.values(), ids=BAD)
def test_a_wrong_argument_is_named(stub, method: str, fields: dict[str, Any], named: str) -> None:
    error = refusal(lambda: getattr(stub, method)(request(**fields)))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert named in error.details()
    assert "\n" not in error.details()


@pytest.mark.parametrize("path", ["/tts.v1.TtsService/Synthesize", "/tts.v1.TtsService/GetInfo", "/grpc.health.v1.Health/Check"])
def test_bytes_that_are_no_message_are_an_invalid_argument(channel, path: str) -> None:
    error = refusal(lambda: channel.unary_unary(path)(b"\x0a\xff"))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "no message" in error.details()
    text = refusal(lambda: channel.unary_unary("/tts.v1.TtsService/Synthesize")(b"\x0a\x02\xc3\x28"))
    assert text.code() == grpc.StatusCode.INVALID_ARGUMENT  # not UTF-8


def test_a_huge_message_and_an_unknown_method_are_refused(channel, stub) -> None:
    assert refusal(lambda: stub.Synthesize(request(text="a" * 200_000))).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal(lambda: channel.unary_unary("/tts.v1.TtsService/Sing")(b"")).code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_full_line_says_when_to_try_again(host) -> None:
    hosted = host(max_batch=1, queue=1)
    with listening(hosted, hosted.service) as (_, channel):
        stub = TtsServiceStub(channel)
        speaking = stub.SynthesizeStream(request(max_frames=LONG))
        next(speaking)
        waiting = stub.SynthesizeStream(request(max_frames=1))
        hosted.eventually(lambda: hosted.service.model.tts.load_state().waiting == 1)
        error = refusal(lambda: stub.Synthesize(request()))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(error.trailing_metadata())["retry-after"]) >= 1
        speaking.cancel()
        assert [chunk.is_final for chunk in waiting] == [True]


def test_keys(hosted) -> None:
    with listening(hosted, hosted.service, Access({"tests": KEY})) as (_, channel):
        stub = TtsServiceStub(channel)
        for metadata in ((), [("authorization", "Bearer wrong")], [("x-api-key", "wrong")], [("authorization", KEY)]):
            for call in (stub.Synthesize, stub.SynthesizeStream):
                error = refusal(lambda call=call, metadata=metadata: call(request(), metadata=metadata))
                assert error.code() == grpc.StatusCode.UNAUTHENTICATED
                assert KEY not in error.details()
            assert refusal(lambda: stub.GetInfo(pb.InfoRequest())).code() == grpc.StatusCode.UNAUTHENTICATED
        for metadata in ([("authorization", f"Bearer {KEY}")], [("authorization", f"bearer {KEY}")], [("x-api-key", KEY)]):
            assert stub.Synthesize(request(), metadata=metadata).num_samples
            assert list(stub.SynthesizeStream(request(), metadata=metadata))[-1].is_final
        assert stub.Health(pb.HealthRequest()).status == pb.HealthResponse.STATUS_SERVING
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status == SERVING


def test_a_rate_counts_requests_of_an_address(hosted) -> None:
    with listening(hosted, hosted.service, Access({}, requests_per_minute=2)) as (server, channel):
        assert TtsServiceStub(channel).Synthesize(request()).num_samples
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)]) as other_port:
            stub = TtsServiceStub(other_port)
            assert stub.Synthesize(request()).num_samples
            error = refusal(lambda: stub.Synthesize(request()))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert 1 <= int(dict(error.trailing_metadata())["retry-after"]) <= 30


def test_hanging_up_ends_the_speech(hosted, stub) -> None:
    calls = [stub.SynthesizeStream(request(max_frames=LONG, request_id=f"hung-up-{i}")) for i in range(3)]
    for call in calls:
        next(call)
    whole = stub.Synthesize.future(request(max_frames=LONG, request_id="hung-up-3"))
    hosted.eventually(lambda: hosted.service.active == 4)
    for call in (*calls, whole):
        call.cancel()
    hosted.eventually(hosted.everything_is_free)
    statuses = {record.call.request_id: record.status for record in hosted.records}
    assert [statuses[f"hung-up-{i}"] for i in range(4)] == ["cancelled"] * 4


def test_who_does_not_read_holds_up_nobody(hosted, stub) -> None:
    unread = stub.SynthesizeStream(request(max_frames=LONG))
    next(unread)
    chunks = list(stub.SynthesizeStream(request(max_frames=20)))
    assert chunks[-1].is_final
    assert hosted.service.active == 1
    unread.cancel()
    hosted.eventually(hosted.everything_is_free)


@pytest.mark.parametrize("method", ["Synthesize", "SynthesizeStream"])
def test_a_deadline_ends_the_speech(hosted, stub, method: str) -> None:
    error = refusal(lambda: getattr(stub, method)(request(max_frames=LONG, request_id=f"late-{method}"), timeout=0.3))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    hosted.eventually(hosted.everything_is_free)
    (record,) = (record for record in hosted.records if record.call.request_id == f"late-{method}")
    assert record.status in ("timeout", "cancelled")  # whichever of engine and grpc was first
    assert 0 < record.call.timeout < 0.4
    assert record.frames < LONG


def test_a_fault_of_ours_is_logged_and_not_shown(hosted, another, caplog: pytest.LogCaptureFixture) -> None:
    def broken(record: Any) -> None:
        raise RuntimeError("the inside")

    with listening(hosted, another(broken)) as (_, channel), caplog.at_level(logging.ERROR, "qwen3tts"):
        for method in ("Synthesize", "SynthesizeStream"):
            error = refusal(lambda method=method: getattr(TtsServiceStub(channel), method)(request()))
            assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    logged = [record for record in caplog.records if record.name == "qwen3tts" and record.exc_info]
    assert [str(record.exc_info[1]) for record in logged] == ["the inside"] * 2


def test_health_follows_the_service(hosted) -> None:
    service = SpeechService(AsyncTTS.of(hosted.service.model.tts), Limits())
    with listening(hosted, service) as (_, channel):
        stub, health = TtsServiceStub(channel), health_pb2_grpc.HealthStub(channel)
        names = ("", "tts.v1.TtsService")
        watchers = [health.Watch(health_pb2.HealthCheckRequest(service=name)) for name in names]

        def agree(state: int) -> None:
            assert [next(watcher).status for watcher in watchers] == [state] * 2
            assert [health.Check(health_pb2.HealthCheckRequest(service=name)).status for name in names] == [state] * 2
            assert stub.Health(pb.HealthRequest()).status == {SERVING: 1, NOT_SERVING: 2}[state]

        agree(NOT_SERVING)
        for call in (lambda: stub.GetInfo(pb.InfoRequest()), lambda: stub.Synthesize(request(speaker_id=0))):
            assert refusal(call).code() == grpc.StatusCode.UNAVAILABLE
        hosted.run(service.start(None))
        agree(SERVING)
        assert stub.Synthesize(request()).num_samples
        service.drain()
        agree(NOT_SERVING)
        assert refusal(lambda: stub.Synthesize(request())).code() == grpc.StatusCode.UNAVAILABLE
        unknown = health_pb2.HealthCheckRequest(service="nothing")
        assert refusal(lambda: health.Check(unknown)).code() == grpc.StatusCode.NOT_FOUND
        assert next(health.Watch(unknown)).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_stopping_lets_a_speech_end_whole(hosted, another) -> None:
    service = another()
    with listening(hosted, service) as (server, channel):
        watcher = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watcher).status == SERVING
        speaking = TtsServiceStub(channel).SynthesizeStream(request(max_frames=20))
        next(speaking)
        stopping = threading.Thread(target=hosted.run, args=(server.stop(60),))
        stopping.start()
        assert list(watcher) == []
        assert list(speaking)[-1].is_final
        stopping.join(20)  # a third of what it was given: it waits for nothing that has ended
        assert not stopping.is_alive()


def test_calls_at_once_are_limited(hosted, another) -> None:
    with listening(hosted, another(connections=1)) as (_, channel):
        watcher = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        next(watcher)
        stub = TtsServiceStub(channel)
        assert refusal(lambda: stub.Synthesize(request())).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        watcher.cancel()
        hosted.eventually(lambda: isinstance(stub.Synthesize.future(request()).exception(), type(None)))


def test_tls(hosted) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    key, chain = certificate.private_key_pem.bytes(), b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(key, chain)])
    server = hosted.run(serve_grpc(hosted.service, "localhost:0", Access({}), credentials))
    trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with grpc.secure_channel(f"localhost:{server.port}", trusting) as channel:
        assert TtsServiceStub(channel).Synthesize(request()).num_samples
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        assert refusal(lambda: TtsServiceStub(channel).Health(pb.HealthRequest())).code() == grpc.StatusCode.UNAVAILABLE
    hosted.run(server.stop(0))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:70000", "nowhere.invalid:0", "127.0.0.1:port", ""])
def test_an_address_that_cannot_be_had_is_named(hosted, address: str) -> None:
    with pytest.raises(InputError, match=f"--grpc-addr '{address}'"):
        hosted.run(serve_grpc(hosted.service, address, Access({})))


def test_a_port_in_use_is_an_error(hosted) -> None:
    with listening(hosted, hosted.service) as (server, _), pytest.raises(InputError, match=rf":{server.port}' is in use"):
        hosted.run(serve_grpc(hosted.service, f"127.0.0.1:{server.port}", Access({})))
