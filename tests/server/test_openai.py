"""OpenAI's own client speaks with this server."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
import soundfile

from qwen3tts import SamplingParams
from qwen3tts.audio.files import to_pcm16
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.settings import Settings

SECRET = "a-secret-of-the-tests"
TEXT, SEED, FRAMES = "Hello there.", 7, 4
OURS = {"seed": SEED, "max_frames": FRAMES}


@pytest.fixture(scope="module")
def client(hosted) -> Iterator[openai.OpenAI]:
    settings = Settings(api_keys={"test": SECRET})
    app = create_app(hosted.service, settings, Access(settings.api_keys), None)
    server = hosted.run(serve_http(app, bind("127.0.0.1:0", "--http-addr"), settings))
    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key=SECRET, max_retries=0, timeout=60) as client:
        yield client
    hosted.run(server.stop(1))


@pytest.fixture(scope="module")
def spoken(hosted) -> np.ndarray:
    """What the model says, asked without a server: int16 (n,)."""
    audio = hosted.service.model.tts.synthesize(TEXT, speaker="ryan", sampling=SamplingParams(seed=SEED), max_frames=FRAMES)
    return to_pcm16(audio.samples)


def create(client: openai.OpenAI, **fields: Any) -> bytes:
    """The whole answer to a request for the fixture's speech."""
    ours = {**OURS, **fields.pop("extra_body", {})}
    return client.audio.speech.create(**{"model": "tts-1", "input": TEXT, "voice": "ryan", **fields}, extra_body=ours).content


@pytest.mark.parametrize("format", ["wav", "pcm", "flac"])
def test_speaks_what_the_model_speaks(client, spoken, format: str) -> None:
    data = create(client, response_format=format)
    if format == "pcm":
        samples = np.frombuffer(data, "<i2")
    else:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
        assert rate == 24000
    np.testing.assert_array_equal(samples, spoken)


@pytest.mark.parametrize(
    ("format", "kind"), [("mp3", "MP3"), ("opus", "OGG"), (openai.omit, "MP3")], ids=["mp3", "opus", "unless told"]
)
def test_speaks_in_compressed_formats(client, spoken, format: Any, kind: str) -> None:
    data = create(client, response_format=format)
    assert soundfile.info(io.BytesIO(data)).format == kind
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate == 24000
    # An encoder works in blocks and may begin with silence of its own: 50 ms at most.
    assert len(spoken) <= len(samples) + 1200 and len(samples) <= len(spoken) + 2 * 1200
    assert 0.5 < np.square(samples).sum() / np.square(spoken / 32768).sum() < 1.5


def test_takes_a_voice_by_its_id_and_the_default_voice(client, spoken) -> None:
    assert create(client, voice={"id": "ryan"}, response_format="pcm") == spoken.tobytes()
    default = create(client, voice="default", response_format="pcm")
    assert default == create(client, voice="vivian", response_format="pcm") != spoken.tobytes()


def test_sends_sound_as_it_is_made(client, hosted) -> None:
    """The first of it is there long before the last is made; then the client has heard enough."""
    request = {"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "ryan", "response_format": "pcm"}
    headers = {"X-Request-Id": "streamed"}
    with client.audio.speech.with_streaming_response.create(
        **request, extra_body={"seed": SEED, "max_frames": 3000}, extra_headers=headers
    ) as response:
        assert response.headers["content-type"] == "audio/pcm"
        assert response.headers["x-sample-rate"] == "24000"
        parts = response.iter_bytes()
        first, second = next(parts), next(parts)
        assert len(first) and len(second)
        assert all(record.call.request_id != "streamed" for record in hosted.records)
    hosted.eventually(lambda: hosted.records[-1].call.request_id == "streamed")
    assert hosted.records[-1].status == "cancelled"
    hosted.eventually(hosted.everything_is_free)


def test_streams_the_same_as_whole(client, spoken) -> None:
    request = {"model": "tts-1", "input": TEXT, "voice": "ryan", "response_format": "pcm"}
    with client.audio.speech.with_streaming_response.create(**request, extra_body=OURS) as response:
        assert b"".join(response.iter_bytes()) == spoken.tobytes()


def test_sends_events(client, spoken, hosted) -> None:
    request = {"model": "tts-1", "input": TEXT, "voice": "ryan", "response_format": "pcm", "stream_format": "sse"}
    with client.audio.speech.with_streaming_response.create(**request, extra_body=OURS) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    *deltas, done = (json.loads(line.removeprefix("data: ")) for line in lines)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(delta["audio"]) for delta in deltas) == spoken.tobytes()
    read = len(hosted.service.model.tts.tokenizer.encode(TEXT))
    usage = {"input_tokens": read, "output_tokens": FRAMES, "total_tokens": read + FRAMES}
    assert done == {"type": "speech.audio.done", "usage": usage}


@pytest.mark.parametrize("speed", [0.25, 2.0])
def test_speaks_at_another_speed(client, spoken, speed: float) -> None:
    samples = len(create(client, response_format="pcm", speed=speed)) / 2
    assert samples == pytest.approx(len(spoken) / speed, rel=0.25)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"voice": "alloy"}, "voice"),
        ({"response_format": "aac"}, "response_format"),
        ({"speed": 4.5}, "speed"),
        ({"extra_body": {"language": "latin"}}, "language"),
        ({"extra_body": {"tempo": 2}}, "tempo"),
    ],
)
def test_names_the_parameter_that_is_wrong(client, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, **fields)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id


def test_raises_its_own_errors(client) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        create(client, model="tts-3")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError) as unknown:
        create(client.with_options(api_key="another"))
    assert unknown.value.code == "invalid_api_key"


def test_lists_models(client) -> None:
    (model,) = client.models.list()
    assert client.models.retrieve(model.id) == model
    assert create(client, model=model.id, response_format="pcm")
