"""Whatever is sent to the gRPC port: it says what is wrong with it, and goes on speaking."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.server.access import Access
from qwen3tts.server.rpc import tts_pb2 as pb
from qwen3tts.server.rpc.listener import serve_grpc
from qwen3tts.server.rpc.tts_pb2_grpc import TtsServiceStub

Code = grpc.StatusCode

SOUND = pb.SynthesizeRequest(text="Hello.", max_frames=1, seed=1, voice="ryan", speed=1.0, language_name="english", request_id="a")
SECONDS = 1.0
"""That a speech has whose frame limit was garbled."""

UNARY = [
    "/tts.v1.TtsService/Synthesize",
    "/tts.v1.TtsService/Health",
    "/tts.v1.TtsService/GetInfo",
    "/grpc.health.v1.Health/Check",
]
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
EXAMPLES = pytest.mark.parametrize("examples", [150, pytest.param(625, marks=pytest.mark.soak)])


@pytest.fixture(scope="module")
def port(hosted) -> Iterator[int]:
    server = hosted.run(serve_grpc(hosted.service, "127.0.0.1:0", Access({})))
    yield server.port
    hosted.run(server.stop(5))


@pytest.fixture(scope="module")
def channel(port: int) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


@pytest.fixture(autouse=True)
def unharmed(hosted, channel: grpc.Channel, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After each test nothing was a fault of ours, nothing is held, and the server speaks."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    hosted.eventually(hosted.everything_is_free)
    assert TtsServiceStub(channel).Synthesize(SOUND).num_samples


@st.composite
def garbled(draw: st.DrawFn) -> bytes:
    """A message with some of its bytes cut out, and others in their place."""
    data = SOUND.SerializeToString()
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 8)))
    return data[:start] + draw(st.binary(max_size=8)) + data[end:]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
UINT32 = st.integers(0, 2**32 - 1)
ENUM = st.integers(0, 4) | st.integers(-(2**31), 2**31 - 1)
VALUES: dict[str, st.SearchStrategy] = {
    "text": TEXT,
    "language": ENUM,
    "speaker_id": st.integers(0, 3) | UINT32,
    "audio_format": ENUM,
    "sample_rate": st.integers(8000, 48000) | UINT32,
    "seed": st.integers(0, 2**64 - 1),
    "request_id": TEXT | st.text("x", max_size=140),
    "voice": st.sampled_from(["", "RYAN", "default"]) | TEXT,
    "instructions": TEXT,
    "max_frames": st.integers(0, 2),
    "speed": st.floats(0.25, 4, width=32) | st.floats(width=32),
    "priority": ENUM,
    "language_name": st.sampled_from(["", "German"]) | TEXT,
}


@st.composite
def requests(draw: st.DrawFn) -> pb.SynthesizeRequest:
    """A request that is right but for a few fields, which have any value of their type (only that none takes long to speak)."""
    fields = {"text": "Hello.", "max_frames": 1}
    for name in draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=3)):
        fields[name] = draw(VALUES[name])
    return pb.SynthesizeRequest(**fields)


def code_of(call: grpc.Call) -> Code:
    """What a call ends with, when all that it answers is read."""
    try:
        list(call)
    except grpc.RpcError as error:
        return error.code()
    return Code.OK


@EXAMPLES
def test_garbled_messages(channel: grpc.Channel, examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.sampled_from([*UNARY, "/tts.v1.TtsService/SynthesizeStream", REFLECTION]), st.binary(max_size=64) | garbled())
    def send(path: str, message: bytes) -> None:
        if path in UNARY:
            error = channel.unary_unary(path).future(message, timeout=SECONDS).exception()
            code = Code.OK if error is None else error.code()
        elif path == REFLECTION:
            code = code_of(channel.stream_stream(path)(iter([message]), timeout=SECONDS))
        else:
            code = code_of(channel.unary_stream(path)(message, timeout=SECONDS))
        assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.DEADLINE_EXCEEDED, Code.NOT_FOUND)

    send()


@EXAMPLES
def test_any_values(channel: grpc.Channel, examples: int) -> None:
    stub, codes = TtsServiceStub(channel), set[Code]()

    @settings(max_examples=examples)
    @given(requests(), st.booleans())
    def send(request: pb.SynthesizeRequest, streamed: bool) -> None:
        call = stub.SynthesizeStream(request) if streamed else stub.Synthesize.future(request)
        try:
            answers = list(call) if streamed else [call.result()]
            header = 44 if request.audio_format == pb.AUDIO_FORMAT_WAV else 0
            assert (
                sum(len(answer.audio_data) for answer in answers)
                == header + 2 * sum(answer.num_samples for answer in answers)
                > header
            )
        except grpc.RpcError:
            assert call.code() is Code.INVALID_ARGUMENT, call.details()
            assert call.details()
        codes.add(call.code())

    send()
    assert len(codes) == 2


@pytest.mark.parametrize(
    "data", [b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500, b""]
)
def test_bytes_that_are_no_http2(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
