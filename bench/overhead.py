"""What the HTTP layer adds to first audio: `python -m bench.overhead`.

One engine is asked in turn by the program that holds it and by a client of its server, in the same process, over loopback and on a
connection that stays open. Time zero is the call; over HTTP that is before the request is written, so that sending it counts too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from qwen3tts.async_tts import AsyncTTS
from qwen3tts.errors import InputError
from qwen3tts.server.access import Access
from qwen3tts.server.http.app import create_app
from qwen3tts.server.http.speech import SPEECH_PATH
from qwen3tts.server.listener import bind, serve_http
from qwen3tts.server.run import SWITCH_SECONDS
from qwen3tts.server.settings import Limits, Settings
from qwen3tts.server.speech import SpeechService
from qwen3tts.types import SamplingParams

from .command import Parser, run_bench, whole_number
from .report import Result, percentile
from .workload import TEXTS

TEXT = TEXTS[2]
"""A phrase; always the same, as medians of mixed lengths would hide a difference of microseconds."""

SAMPLE_BYTES = 2
STOP_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("overhead", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Ask both ways in turn: settings and results. Raises the errors of loading and speaking."""
    model = AsyncTTS.load(options.model, options.device)
    with _switching():
        direct, http = asyncio.run(_ask_in_turn(model, options))
    added = [over - at for at, over in zip(direct, http, strict=True)]
    of = f"of {options.requests} requests"

    def median(name: str, seconds: list[float], note: str) -> Result:
        return Result(name, percentile(seconds[options.warmup :], 50) * 1e3, "ms", note=note)

    results = [
        median("first_audio_ms_p50_direct", direct, of),
        median("first_audio_ms_p50_http", http, of),
        median("added_ms_p50", added, f"{of}: what each took longer over HTTP than directly"),
    ]
    names = ("requests", "warmup", "max_frames", "seed")
    settings = {"model": model.tts.checkpoint.folder.name, "device": str(model.tts.device)}
    return settings | {name: getattr(options, name) for name in names}, results


async def _ask_in_turn(model: AsyncTTS, options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Seconds to the first audio of each request, in process and over HTTP; warm-up is among them."""
    direct, http = [], []
    async with _serving(model) as port:
        with closing(HTTPConnection("127.0.0.1", port)) as connection:
            for i in range(options.warmup + options.requests):
                seed, frames = options.seed + i, options.max_frames
                # Who comes second finds caches warm: each way does so every other time.
                for over_http in (True, False) if i % 2 else (False, True):
                    if over_http:
                        http.append(await asyncio.to_thread(_ask_over_http, model, connection, seed, frames))
                    else:
                        direct.append(await _ask_directly(model, seed, frames))
    return direct, http


@asynccontextmanager
async def _serving(model: AsyncTTS) -> AsyncIterator[int]:
    """Load a model and serve it; yields the port."""
    service, settings = SpeechService(model, Limits()), Settings()
    async with AsyncExitStack() as stack:
        await service.start(None)
        stack.push_async_callback(service.stop, STOP_SECONDS)
        server = await serve_http(create_app(service, settings, Access({}), None), bind("127.0.0.1:0", "port"), settings)
        stack.push_async_callback(server.stop, STOP_SECONDS)
        yield server.port


async def _ask_directly(model: AsyncTTS, seed: int, frames: int) -> float:
    """Seconds until the first chunk of a speech, all of which is made."""
    language, text = TEXT
    start = time.perf_counter()
    stream = model.stream(text, language=language, sampling=SamplingParams(seed=seed), max_frames=frames)
    await anext(stream)
    elapsed = time.perf_counter() - start
    async for _ in stream:
        pass
    return elapsed


def _ask_over_http(model: AsyncTTS, connection: HTTPConnection, seed: int, frames: int) -> float:
    """Seconds until the first frame of a speech, all of which is read."""
    language, text = TEXT
    frame_bytes = round(model.tts.frame_seconds * model.tts.sample_rate) * SAMPLE_BYTES
    fields = {"model": "qwen3tts", "input": text, "language": language, "seed": seed, "max_frames": frames}
    body = json.dumps({**fields, "response_format": "pcm"})
    start = time.perf_counter()
    connection.request("POST", SPEECH_PATH, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    first = answer.read(frame_bytes)
    elapsed = time.perf_counter() - start
    rest = answer.read()
    if answer.status != HTTPStatus.OK:
        raise InputError(f"a request over HTTP failed (status {answer.status}: {(first + rest).decode()}): give one that speaks")
    return elapsed


@contextmanager
def _switching() -> Iterator[None]:
    """Share the interpreter between threads as a server does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.overhead", description="What the HTTP layer adds to first audio.")
    parser.add_argument("--model", metavar="DIR|REPO", help="default: $QWEN3TTS_MODEL, else the embedded checkpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda[:N] (auto)")
    parser.add_argument("--requests", type=whole_number(1), default=100, metavar="N", help="to measure, of each way (100)")
    parser.add_argument("--warmup", type=whole_number(0), default=5, metavar="N", help="requests before them, of each way (5)")
    parser.add_argument("--max-frames", type=whole_number(1), default=3, metavar="N", help="frame limit of a request (3)")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of the first request, the next takes N + 1 (0)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
