"""Speech over gRPC: what the contract says, and that it is the same speech as in process."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import soxr
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import qwen3tts
from qwen3tts import SamplingParams
from qwen3tts.audio.files import read_audio, to_pcm16
from qwen3tts.server.access import Access
from qwen3tts.server.rpc import tts_pb2 as pb
from qwen3tts.server.rpc import tts_pb2_grpc
from qwen3tts.server.rpc.listener import serve_grpc

TEXT = "The quick brown fox."
FRAMES = 4
RATE = 24000

CONTRACT = {
    "Language": {"LANGUAGE_UNSPECIFIED": 0, "LANGUAGE_RU": 1, "LANGUAGE_EN": 2, "LANGUAGE_MIXED": 3},
    "AudioFormat": {"AUDIO_FORMAT_UNSPECIFIED": 0, "AUDIO_FORMAT_PCM_S16LE": 1, "AUDIO_FORMAT_WAV": 2},
    "HealthResponse.Status": {"STATUS_UNSPECIFIED": 0, "STATUS_SERVING": 1, "STATUS_NOT_SERVING": 2},
    "SynthesizeRequest": {
        "text": (1, "string"),
        "language": (2, "enum"),
        "speaker_id": (3, "optional uint32"),
        "audio_format": (4, "enum"),
        "sample_rate": (5, "uint32"),
        "seed": (6, "optional uint64"),
        "request_id": (7, "string"),
    },
    "SynthesizeResponse": {
        "audio_data": (1, "bytes"),
        "audio_format": (2, "enum"),
        "sample_rate": (3, "uint32"),
        "num_samples": (4, "uint64"),
        "duration_ms": (5, "float"),
        "processing_time_ms": (6, "float"),
        "rtf": (7, "float"),
        "request_id": (8, "string"),
    },
    "AudioChunk": {
        "chunk_index": (1, "uint32"),
        "audio_data": (2, "bytes"),
        "sample_rate": (3, "uint32"),
        "num_samples": (4, "uint64"),
        "start_ms": (5, "float"),
        "duration_ms": (6, "float"),
        "is_final": (7, "bool"),
        "request_id": (8, "string"),
    },
    "HealthResponse": {"status": (1, "enum"), "version": (2, "string"), "uptime_seconds": (3, "float")},
    "InfoResponse": {
        "name": (1, "string"),
        "version": (2, "string"),
        "model_name": (3, "string"),
        "supported_languages": (4, "string"),
        "default_sample_rate": (5, "uint32"),
        "max_text_length": (6, "uint32"),
        "num_speakers": (7, "uint32"),
    },
}

TYPES = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_ENUM: "enum",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
}


@pytest.fixture(scope="module")
def channel(hosted) -> Iterator[grpc.Channel]:
    server = hosted.run(serve_grpc(hosted.service, "127.0.0.1:0", Access({})))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    hosted.run(server.stop(5))


@pytest.fixture(scope="module")
def stub(channel) -> tts_pb2_grpc.TtsServiceStub:
    return tts_pb2_grpc.TtsServiceStub(channel)


@pytest.fixture(scope="module")
def spoken(hosted) -> Any:
    """What the model itself makes of the request that most tests send."""
    return hosted.service.model.tts.synthesize(TEXT, max_frames=FRAMES, sampling=SamplingParams(seed=7))


def request(**fields: Any) -> pb.SynthesizeRequest:
    return pb.SynthesizeRequest(**{"text": TEXT, "max_frames": FRAMES, "seed": 7, **fields})


def pcm(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2")


def described(field: FieldDescriptor) -> tuple[int, str]:
    optional = "optional " if field.containing_oneof is not None else ""
    return field.number, optional + TYPES[field.type]


def test_reflection_tells_the_contract(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {"tts.v1.TtsService", "grpc.health.v1.Health"} <= set(database.get_services())
    pool = DescriptorPool(database)
    methods = pool.FindServiceByName("tts.v1.TtsService").methods_by_name
    assert {name: (m.input_type.name, m.output_type.name, m.server_streaming) for name, m in methods.items()} == {
        "Synthesize": ("SynthesizeRequest", "SynthesizeResponse", False),
        "SynthesizeStream": ("SynthesizeRequest", "AudioChunk", True),
        "Health": ("HealthRequest", "HealthResponse", False),
        "GetInfo": ("InfoRequest", "InfoResponse", False),
    }
    for name, numbers in CONTRACT.items():
        if all(isinstance(number, int) for number in numbers.values()):
            assert {value.name: value.number for value in pool.FindEnumTypeByName(f"tts.v1.{name}").values} == numbers
            continue
        fields = {field.name: described(field) for field in pool.FindMessageTypeByName(f"tts.v1.{name}").fields}
        assert {field: fields[field] for field in numbers} == numbers
        assert all(fields[field][0] > max(number for number, _ in numbers.values()) for field in fields.keys() - numbers.keys())


def test_a_client_that_knows_only_reflection_can_speak(channel: grpc.Channel, spoken) -> None:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName("tts.v1.TtsService").methods_by_name["Synthesize"]
    message, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = channel.unary_unary("/tts.v1.TtsService/Synthesize", message.SerializeToString, answer.FromString)
    assert call(message(text=TEXT, max_frames=FRAMES, seed=7)).num_samples == len(spoken.samples)


def test_a_whole_answer_is_what_the_model_speaks(stub, spoken) -> None:
    answer = stub.Synthesize(request(request_id="mine"))
    assert (pcm(answer.audio_data) == to_pcm16(spoken.samples)).all()
    assert answer.audio_format == pb.AUDIO_FORMAT_PCM_S16LE
    assert (answer.sample_rate, answer.num_samples, answer.request_id) == (RATE, len(spoken.samples), "mine")
    assert answer.duration_ms == pytest.approx(spoken.seconds * 1000)
    assert answer.processing_time_ms > 0
    assert answer.rtf == pytest.approx(answer.processing_time_ms / answer.duration_ms)


def test_a_stream_is_the_same_in_chunks(stub, spoken) -> None:
    chunks = list(stub.SynthesizeStream(request(request_id="mine")))
    assert (pcm(b"".join(chunk.audio_data for chunk in chunks)) == to_pcm16(spoken.samples)).all()
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {(chunk.sample_rate, chunk.request_id) for chunk in chunks} == {(RATE, "mine")}
    lengths = [chunk.num_samples for chunk in chunks]
    assert len(chunks) > 1
    assert lengths == [len(chunk.audio_data) // 2 for chunk in chunks]
    assert [chunk.duration_ms for chunk in chunks] == pytest.approx([length / RATE * 1000 for length in lengths])
    assert [chunk.start_ms for chunk in chunks] == pytest.approx([sum(lengths[:i]) / RATE * 1000 for i in range(len(lengths))])


def test_a_wav_has_its_length_and_a_stream_of_one_does_not(stub, spoken) -> None:
    wav = stub.Synthesize(request(audio_format=pb.AUDIO_FORMAT_WAV))
    samples, rate = read_audio(io.BytesIO(wav.audio_data))
    assert wav.audio_format == pb.AUDIO_FORMAT_WAV
    assert rate == RATE
    assert (to_pcm16(samples) == to_pcm16(spoken.samples)).all()
    assert int.from_bytes(wav.audio_data[40:44], "little") == 2 * wav.num_samples == len(wav.audio_data) - 44
    chunks = list(stub.SynthesizeStream(request(audio_format=pb.AUDIO_FORMAT_WAV)))
    data = b"".join(chunk.audio_data for chunk in chunks)
    assert data[:4] == b"RIFF"
    assert data[40:44] == b"\xff" * 4
    assert data[44:] == wav.audio_data[44:]
    assert sum(chunk.num_samples for chunk in chunks) == wav.num_samples


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_another_rate_is_the_same_sound(stub, spoken, rate: int) -> None:
    answer = stub.Synthesize(request(sample_rate=rate))
    expected = soxr.resample(spoken.samples, RATE, rate)
    assert answer.sample_rate == rate
    assert answer.num_samples == len(expected) == pytest.approx(len(spoken.samples) * rate / RATE, abs=1)
    assert answer.duration_ms == pytest.approx(spoken.seconds * 1000, abs=0.2)
    assert np.abs(pcm(answer.audio_data).astype(float) - to_pcm16(expected)).max() <= 1
    chunks = list(stub.SynthesizeStream(request(sample_rate=rate)))
    assert b"".join(chunk.audio_data for chunk in chunks) == answer.audio_data
    assert len(chunks) > 1
    assert chunks[-1].start_ms + chunks[-1].duration_ms == pytest.approx(answer.duration_ms, abs=0.01)


def test_a_request_is_passed_on(hosted, stub) -> None:
    fields = {"voice": "RYAN", "speed": 1.5, "priority": pb.PRIORITY_HIGH, "language_name": "German", "request_id": "passed-on"}
    stub.Synthesize(request(**fields))
    call = hosted.records[-1].call
    assert (call.voice, call.speed, call.priority, call.language) == ("RYAN", 1.5, "high", "German")
    assert (call.protocol, call.request_id, call.seed, call.max_frames, call.whole) == ("grpc", "passed-on", 7, FRAMES, True)
    assert call.timeout is None


def test_reads_signs_and_marks_unless_told_not_to(stub) -> None:
    def answer(text: str, **fields: Any) -> pb.SynthesizeResponse:
        return stub.Synthesize(request(**{**fields, "text": text}))

    assert answer("$5").audio_data == answer("five dollars").audio_data != answer("$5", normalize=False).audio_data
    assert answer("[pause:100ms] Hi").num_samples == answer("Hi").num_samples + 2400
    assert answer("[pause:100ms] Hi", marks=False).num_samples == answer("Hi").num_samples


def test_speakers_and_languages_by_number_are_those_by_name(hosted, stub) -> None:
    assert len(hosted.service.speakers) > 1
    for index, name in enumerate(hosted.service.speakers):
        assert stub.Synthesize(request(speaker_id=index)).audio_data == stub.Synthesize(request(voice=name)).audio_data
    languages = {pb.LANGUAGE_RU: "russian", pb.LANGUAGE_EN: "english", pb.LANGUAGE_MIXED: "auto", pb.LANGUAGE_UNSPECIFIED: "auto"}
    for number, name in languages.items():
        assert stub.Synthesize(request(language=number)).audio_data == stub.Synthesize(request(language_name=name)).audio_data


def test_a_request_without_id_gets_one(stub) -> None:
    ids = [stub.Synthesize(request(max_frames=1)).request_id for _ in range(2)]
    ids += [chunk.request_id for chunk in stub.SynthesizeStream(request(max_frames=1))]
    assert len(set(ids)) == len(ids) == 3
    assert all(len(request_id) == 32 for request_id in ids)


def test_info(hosted, stub) -> None:
    info = stub.GetInfo(pb.InfoRequest())
    assert (info.name, info.version) == ("qwen3tts", qwen3tts.__version__)
    assert tuple(info.supported_languages) == hosted.service.languages
    assert (info.default_sample_rate, info.max_text_length) == (RATE, hosted.service.limits.text_characters)
    assert info.num_speakers == len(hosted.service.speakers)
    assert info.model_name == "qwen3tts-embedded"


def test_health(stub) -> None:
    first, second = stub.Health(pb.HealthRequest()), stub.Health(pb.HealthRequest())
    assert first.status == pb.HealthResponse.STATUS_SERVING
    assert first.version == qwen3tts.__version__
    assert 0 < first.uptime_seconds <= second.uptime_seconds
