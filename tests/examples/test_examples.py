"""The examples, run as they are: real servers, real clients, a real pipeline."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import httpx
import pytest
import uvicorn
from aiohttp import web

from qwen3tts import TTS, SamplingParams
from qwen3tts.async_tts import AsyncTTS

FOLDER = Path(__file__).parents[2] / "examples"
MOST_LINES = 100
TEXT = "Hi."
LONG_TEXT = "A text that takes minutes to speak. " * 200
WAV_HEADER = 44


def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(f"examples.{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples load what $QWEN3TTS_MODEL names; here that is the embedded model."""
    monkeypatch.delenv("QWEN3TTS_MODEL", raising=False)


@pytest.fixture(scope="module")
def alone() -> Callable[..., bytes]:
    """What the model says to a text when nobody else is there: alone(text, **options), as 16-bit PCM."""
    tts = TTS.load(device="cpu")

    def speak(text: str, seed: int, **options: Any) -> bytes:
        with tts.stream(text, sampling=SamplingParams(seed=seed), **options) as stream:
            return b"".join(chunk.pcm.tobytes() for chunk in stream)

    return speak


async def falls_silent(tts: AsyncTTS) -> None:
    """Wait until nobody speaks or waits."""

    async def wait() -> None:
        while (load := tts.tts.load_state()).running or load.waiting or load.pages_used:
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), 20)


@asynccontextmanager
async def fastapi_client() -> AsyncIterator[tuple[httpx.AsyncClient, AsyncTTS]]:
    """A client of the FastAPI example, which runs beside it in this loop, and its model."""
    app = example("fastapi_app").create_app()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client, app.state.tts
    finally:
        server.should_exit = True
        await serving


def test_fastapi_speaks_refuses_and_forgets_who_hangs_up(alone: Callable[..., bytes]) -> None:
    async def check() -> None:
        async with fastapi_client() as (client, tts):
            answer = await client.get("/speak", params={"text": TEXT, "seed": 7})
            assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
            assert answer.content[:4] == b"RIFF"
            assert answer.content[WAV_HEADER:] == alone(TEXT, 7)

            refused = await client.get("/speak", params={"text": TEXT, "speaker": "nobody"})
            assert refused.status_code == 400
            assert "nobody" in refused.json()["detail"]

            async with client.stream("GET", "/speak", params={"text": LONG_TEXT}) as response:
                # httpx hangs up when its iterator is dropped.
                pieces = response.aiter_raw()
                assert await anext(pieces)
                assert tts.tts.load_state().running == 1
            await falls_silent(tts)

    asyncio.run(check())


@asynccontextmanager
async def aiohttp_client() -> AsyncIterator[tuple[aiohttp.ClientSession, AsyncTTS]]:
    """A client of the aiohttp example, which runs beside it in this loop, and its model."""
    module = example("aiohttp_app")
    app = module.create_app()
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client, app[module.MODEL]
    finally:
        await runner.cleanup()


def test_aiohttp_speaks_refuses_and_forgets_who_hangs_up(alone: Callable[..., bytes]) -> None:
    async def check() -> None:
        async with aiohttp_client() as (client, tts):
            async with client.get("/speak", params={"text": TEXT, "seed": 7}) as response:
                assert response.headers["X-Sample-Rate"] == "24000"
                assert await response.read() == alone(TEXT, 7)

            for wrong in ({"text": ""}, {"text": TEXT, "seed": "x"}, {"text": TEXT, "language": "klingon"}):
                async with client.get("/speak", params=wrong) as response:
                    assert response.status == 400

            async with client.get("/speak", params={"text": LONG_TEXT}) as response:
                assert await response.content.readany()
                assert tts.tts.load_state().running == 1
                response.close()
            await falls_silent(tts)

    asyncio.run(check())


def test_aiohttp_speaks_words_as_they_are_written(alone: Callable[..., bytes]) -> None:
    async def check() -> None:
        async with aiohttp_client() as (client, tts):
            async with client.ws_connect("/words?seed=7") as socket:
                for piece in ("One, two, ", "three, four, ", "five."):
                    await socket.send_str(piece)
                await socket.send_str("")
                heard = [message.data async for message in socket]
                assert socket.close_code == 1000
            assert b"".join(heard) == alone("One, two, three, four, five.", 7, text_feed="step")

            async with client.ws_connect("/words") as socket:
                await socket.send_str("This goes on ")
                await socket.send_str("and on and on ")
                assert (await socket.receive()).type is aiohttp.WSMsgType.BINARY
            await falls_silent(tts)

            async with client.ws_connect("/words") as socket:
                await socket.send_str("")
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
                assert socket.close_code == 1008

    asyncio.run(check())


async def pipe(tts: AsyncTTS, sent: list[Any], **options: Any) -> tuple[list[Any], list[Any]]:
    """What comes out of both ends of a pipeline that is the Pipecat example and nothing else."""
    utils = pytest.importorskip("pipecat.tests.utils", reason="pipecat-ai is not installed")
    service = example("pipecat_service").Qwen3TTSService(tts, **options)
    down, up = await utils.run_test(service, frames_to_send=sent, start_timeout=20)
    return list(down), list(up)


def test_pipecat_speaks_words_as_they_come(alone: Callable[..., bytes]) -> None:
    frames = pytest.importorskip("pipecat.frames.frames", reason="pipecat-ai is not installed")
    sound = (frames.TTSStartedFrame, frames.TTSAudioRawFrame, frames.TTSStoppedFrame)

    async def check() -> None:
        words = [frames.LLMTextFrame(word) for word in ("One, two, ", "three, ", "four, five.")]
        async with AsyncTTS.load(device="cpu") as tts:
            sent = [frames.LLMFullResponseStartFrame(), *words, frames.LLMFullResponseEndFrame()]
            down, _ = await pipe(tts, sent, language="en-US", sampling=SamplingParams(seed=7))
            heard = [frame for frame in down if isinstance(frame, sound)]
            assert [type(frame) for frame in heard] == [sound[0], *[sound[1]] * (len(heard) - 2), sound[2]]
            spoken = alone("One, two, three, four, five.", 7, language="en", text_feed="step")
            assert b"".join(frame.audio for frame in heard[1:-1]) == spoken
            assert "".join(frame.text for frame in down if isinstance(frame, frames.TTSTextFrame)) == "One, two, three, four, five."
            await falls_silent(tts)

    asyncio.run(check())


def test_pipecat_falls_silent_when_interrupted_and_speaks_again() -> None:
    frames = pytest.importorskip("pipecat.frames.frames", reason="pipecat-ai is not installed")
    sleep = pytest.importorskip("pipecat.tests.utils").SleepFrame

    async def check() -> None:
        async with AsyncTTS.load(device="cpu") as tts:
            # Nobody says that the first text ends: without the interruption the pipeline would not either.
            first = [frames.LLMFullResponseStartFrame(), frames.LLMTextFrame("This goes on and on "), sleep(1.0)]
            second = [frames.LLMFullResponseStartFrame(), frames.LLMTextFrame("Yes. "), frames.LLMFullResponseEndFrame()]
            sent = [*first, frames.InterruptionFrame(), sleep(0.1), *second]
            down, up = await pipe(tts, sent, sampling=SamplingParams(seed=7))
            cut = next(i for i, frame in enumerate(down) if isinstance(frame, frames.InterruptionFrame))
            heard = {frame.context_id for frame in down[:cut] if isinstance(frame, frames.TTSAudioRawFrame)}
            later = {frame.context_id for frame in down[cut:] if isinstance(frame, frames.TTSAudioRawFrame)}
            assert len(heard) == len(later) == 1
            assert heard != later
            assert not [frame for frame in up if isinstance(frame, frames.ErrorFrame)]
            await falls_silent(tts)

    asyncio.run(check())


def test_pipecat_reports_what_cannot_be_spoken() -> None:
    frames = pytest.importorskip("pipecat.frames.frames", reason="pipecat-ai is not installed")

    async def check() -> None:
        async with AsyncTTS.load(device="cpu") as tts:
            sent = [frames.LLMFullResponseStartFrame(), frames.LLMTextFrame("Yes. "), frames.LLMFullResponseEndFrame()]
            _, up = await pipe(tts, sent, speaker="nobody")
            assert any("nobody" in frame.error for frame in up if isinstance(frame, frames.ErrorFrame))

    asyncio.run(check())


def test_examples_are_short_enough_to_be_read() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in FOLDER.glob("*.py")}
    assert len(lengths) == 3
    assert max(lengths.values()) <= MOST_LINES
