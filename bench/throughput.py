"""A server under load: `python -m bench.throughput --url http://127.0.0.1:8080 --rps 2`.

Requests arrive as a Poisson process that is drawn beforehand and waits for nobody. Texts are mixed. Each is streamed as PCM, and
played as it comes, without a buffer. Run it on another machine than the server, or leave the server its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import httpx
from rich.console import Console

from qwen3tts.errors import InputError
from qwen3tts.output import OutputFile

from .arrivals import arrivals, loads_of, positive
from .client import Answer, ask, open_client, served_model
from .command import Parser, run_bench, whole_number
from .playback import Load, results_of
from .plot import plot_loads, require_matplotlib
from .report import Result, percentiles
from .workload import TEXTS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench from command-line arguments (without the program's name); returns the exit code, 0 or 2."""
    return run_bench("throughput", _parser(), measure, argv)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Result]]:
    """Put each load on the server in turn, and draw where that is asked for: settings and results.

    Raises InputError for a server that cannot be had, or that refuses a warm-up request.
    """
    if options.plot is not None:
        require_matplotlib()
    if options.texts > len(TEXTS):
        raise InputError(f"--texts {options.texts} is out of range: there are {len(TEXTS)}")
    with nullcontext() if options.plot is None else OutputFile(options.plot) as plot:
        model, loads = asyncio.run(_measure(options))
        if plot is not None:
            plot_loads(plot, loads, f"{model} at {options.url}, measured by a client")
    names = ("url", "seconds", "seed", "texts", "max_frames", "voice", "instructions", "warmup", "timeout")
    settings = {name: getattr(options, name) for name in names}
    return {**settings, "model": model, "rps": list(options.rps)}, results_of(loads)


async def _measure(options: argparse.Namespace) -> tuple[str, list[Load]]:
    console, loads = Console(stderr=True), []
    # Before anything is asked, so that a load that lets nobody arrive costs nothing.
    planned = [(rps, arrivals(rps, options.seconds, options.seed)) for rps in options.rps]
    async with open_client(options.url, options.api_key, options.timeout) as client:
        model = await served_model(client)
        for i in range(options.warmup):
            outcome = (await ask(client, request(options, model, i))).outcome
            if outcome.rejected or outcome.error is not None:
                raise InputError(f"a warm-up request failed ({outcome.error or 'too many requests'}): see to that first")
        for rps, times in planned:
            if console.is_terminal:
                console.print(f"{len(times)} requests, {rps:g} a second ...", style="dim")
            loads.append(await run_load(client, rps, times, [request(options, model, i) for i in range(len(times))]))
    return model, loads


def request(options: argparse.Namespace, model: str, i: int) -> dict[str, Any]:
    """The body of the i-th request: its text and seed follow from its number and the run's seed."""
    language, text = TEXTS[random.Random(f"{options.seed} {i}").randrange(options.texts)]
    fields = {
        "model": model,
        "input": text,
        "language": language,
        "response_format": "pcm",
        "seed": options.seed + i,
        "voice": options.voice,
        "instructions": options.instructions,
        "max_frames": options.max_frames,
    }
    return {name: value for name, value in fields.items() if value is not None}


async def run_load(client: httpx.AsyncClient, rps: float, times: Sequence[float], bodies: Sequence[dict[str, Any]]) -> Load:
    """Send each request at its time, however late the others are, and wait for the last one's end.

    times: seconds from now, ascending.
    """
    start = time.perf_counter()

    async def arrive(i: int) -> Answer:
        await asyncio.sleep(start + times[i] - time.perf_counter())
        return await ask(client, bodies[i])

    answers = await asyncio.gather(*(arrive(i) for i in range(len(times))))
    seconds = time.perf_counter() - start
    delays = [answer.sent - start - planned for answer, planned in zip(answers, times, strict=True)]
    delay = percentiles("send_delay_ms", delays, (50, 99), "from the arrival to the request's last byte, connecting included")
    return Load(rps, [answer.outcome for answer in answers], seconds, delay)


def _parser() -> Parser:
    parser = Parser(prog="python -m bench.throughput", description="A server under load.")
    parser.add_argument("--url", required=True, metavar="http://HOST:PORT", help="of the server")
    parser.add_argument("--rps", required=True, type=loads_of, metavar="X[,X]", help="requests a second, one run each")
    parser.add_argument("--seconds", type=positive, default=30.0, metavar="N", help="in which requests arrive (30)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of arrivals, texts and speech (0)")
    parser.add_argument(
        "--texts", type=whole_number(1), default=len(TEXTS), metavar="N", help=f"the N shortest texts alone ({len(TEXTS)}: all)"
    )
    parser.add_argument("--max-frames", type=whole_number(1), metavar="N", help="frame limit of a request; default: by its text")
    parser.add_argument("--voice", metavar="NAME", help="default: the model's own")
    parser.add_argument("--instructions", metavar="TEXT", help="how to speak; a voice_design model needs it")
    parser.add_argument("--api-key", metavar="KEY", help="where the server wants one")
    parser.add_argument("--warmup", type=whole_number(0), default=2, metavar="N", help="requests before all others (2)")
    parser.add_argument("--timeout", type=positive, default=60.0, metavar="S", help="without a byte, after which it failed (60)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw first audio against load there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
