"""One request to a server, streamed, on a clock.

Time zero is the last byte of the request. What comes before it, a connection that a busy server is slow to take among it, is
`Answer.sent`, so that nothing goes unseen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from qwen3tts.errors import InputError

from .playback import Outcome, Playback

SAMPLE_RATE = 24000
"""Of OpenAI's `pcm`, where the answer does not say another."""

SAMPLE_BYTES = 2
TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class Answer:
    """outcome: of the request. sent: when its last byte was sent, by `time.perf_counter`."""

    outcome: Outcome
    sent: float


def open_client(url: str, api_key: str | None, timeout: float) -> httpx.AsyncClient:
    """A client with as many connections as it takes, and no proxy. timeout: seconds without a byte. Raises InputError."""
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    try:
        return httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=timeout, trust_env=False)
    except (httpx.InvalidURL, ValueError) as error:
        raise InputError(f"--url {url!r} is no address ({error}): give http://HOST:PORT") from error


async def served_model(client: httpx.AsyncClient) -> str:
    """The model that the server names first. Raises InputError where there is no such server, or the key is not its."""
    url, remedy = str(client.base_url).rstrip("/"), "give the address of a running qwen3tts serve"
    try:
        answer = await client.get("/v1/models")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(f"--url {url} does not answer ({_line(error)}): {remedy}") from error
    if answer.status_code in (401, 403):
        raise InputError(f"--api-key is not one of {url}'s ({_message(answer)}): give one that is")
    try:
        answer.raise_for_status()
        return str(answer.json()["data"][0]["id"])
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"--url {url} has no list of models (status {answer.status_code}): {remedy}") from error


async def ask(client: httpx.AsyncClient, body: Mapping[str, Any]) -> Answer:
    """Stream a speech; what goes wrong is in the answer. body: the request's fields."""
    sent = time.perf_counter()

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        nonlocal sent
        if event == "http11.send_request_body.complete":
            sent = time.perf_counter()

    playback, error, rejected = Playback(SAMPLE_RATE), None, False
    try:
        async with client.stream("POST", "/v1/audio/speech", json=dict(body), extensions={"trace": trace}) as answer:
            if answer.status_code == httpx.codes.OK:
                playback.sample_rate = int(answer.headers.get("X-Sample-Rate", SAMPLE_RATE))
                await _listen(answer, playback, sent)
                if not playback.samples:
                    error = "an answer without sound"
            else:
                await answer.aread()
                rejected = answer.status_code == TOO_MANY_REQUESTS
                error = None if rejected else f"status {answer.status_code}: {_message(answer)}"
    except httpx.HTTPError as caught:
        error = _line(caught)
    return Answer(Outcome(playback, rejected, error), sent)


async def _listen(answer: httpx.Response, playback: Playback, sent: float) -> None:
    """Play what comes as it comes; a sample may come in two parts."""
    received = 0
    async for data in answer.aiter_raw():
        before, received = received, received + len(data)
        playback.arrive(time.perf_counter() - sent, received // SAMPLE_BYTES - before // SAMPLE_BYTES)


def _message(answer: httpx.Response) -> str:
    """What a server says about an error, in a line."""
    try:
        return " ".join(str(json.loads(answer.content)["error"]["message"]).split())
    except (ValueError, LookupError, TypeError):
        return answer.reason_phrase


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
