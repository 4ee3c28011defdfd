"""The load bench against real servers: what it sends and when, how it judges what comes back, and bad input."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import subprocess
import sys
import threading

import pytest
import uvicorn

from qwen3tts.bench import throughput
from qwen3tts.bench.arrivals import arrivals
from qwen3tts.bench.workload import TEXTS

RATE = 24000
FRAME = b"\x01\x02" * 1920
KEY = "a key that is long enough"
MODELS = {
    "/v1/models": (200, b'{"data": [{"id": "a-model"}]}'),
    "/nowhere/v1/models": (404, b""),
    "/text/v1/models": (200, b"hello"),
    "/other/v1/models": (200, b"[]"),
    "/locked/v1/models": (401, b'{"error": {"message": "no such key"}}'),
}
"""What the server says of its models, by path."""

NAMES = [
    *(f"first_audio_ms_p{p}" for p in (50, 95, 99)),
    *("heard_first_audio_ms_p95", "underruns", "streams_with_underruns", "stall_ms_p99", "requests", "failed", "rejected"),
    *("audio_seconds", "audio_seconds_per_second", "real_time_factor", "send_delay_ms_p50", "send_delay_ms_p99"),
]


class Answer:
    """What a handler sends."""

    def __init__(self, send):
        self._send = send

    async def begin(self, status=200, **headers):
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def send(self, data):
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data=b""):
        await self._send({"type": "http.response.body", "body": data})

    async def refuse(self, status, message):
        await self.begin(status)
        await self.end(json.dumps({"error": {"message": message}}).encode())


class Server:
    """A server whose speech is what a test says: `handle(number, body, answer)`, with requests numbered from 0 as they come."""

    def __init__(self, handle):
        self.handle, self.bodies, self.keys = handle, [], []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        # Faults that a test asks for are none to be logged.
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", log_level="critical", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    async def _app(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer = Answer(send)
        if scope["path"] in MODELS:
            status, models = MODELS[scope["path"]]
            await answer.begin(status)
            await answer.end(models)
            return
        self.keys.append(dict(scope["headers"]).get(b"authorization"))
        self.bodies.append(json.loads(body))
        await self.handle(len(self.bodies) - 1, self.bodies[-1], answer)


async def speak(number, body, answer):
    """All frames at once."""
    await answer.begin(x_sample_rate=str(RATE))
    await answer.end(FRAME * 4)


def report(tmp_path, url, *options):
    """What a run writes."""
    file = tmp_path / "throughput.json"
    assert throughput.main(["--url", url, *options, "--json", str(file)]) == 0
    return json.loads(file.read_text())


def figures(tmp_path, url, *options):
    """The values that a run writes, by name."""
    return {result["name"]: result["value"] for result in report(tmp_path, url, *options)["results"]}


def test_every_request_is_sent_and_counted(tmp_path, capsys):
    plot = tmp_path / "load.png"
    with Server(speak) as server:
        options = ("--rps", "20,40", "--seconds", "1", "--seed", "3", "--max-frames", "9", "--voice", "ryan", "--api-key", KEY)
        written = report(tmp_path, server.url, *options, "--plot", str(plot))
    assert plot.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "first_audio_ms_p95_rps40" in capsys.readouterr().out
    assert written["bench"] == "throughput"
    expected = {"url": server.url, "model": "a-model", "rps": [20, 40], "seconds": 1, "seed": 3, "texts": 12, "warmup": 2}
    assert written["settings"].items() >= expected.items()
    assert KEY not in json.dumps(written)
    assert [result["name"] for result in written["results"]] == [f"{name}_rps{rps}" for rps in (20, 40) for name in NAMES]
    values = {result["name"]: result["value"] for result in written["results"]}
    counts = [len(arrivals(rps, 1, 3)) for rps in (20, 40)]
    assert len(server.bodies) == 2 + sum(counts)
    for rps, count in zip((20, 40), counts, strict=True):
        assert values[f"requests_rps{rps}"] == count
        assert values[f"audio_seconds_rps{rps}"] == pytest.approx(count * 4 * 0.08)
        assert values[f"failed_rps{rps}"] == values[f"rejected_rps{rps}"] == 0
        assert 0 < values[f"first_audio_ms_p50_rps{rps}"] <= values[f"first_audio_ms_p99_rps{rps}"]
        assert values[f"real_time_factor_rps{rps}"] * values[f"audio_seconds_per_second_rps{rps}"] == pytest.approx(1)
        assert 0 < values[f"send_delay_ms_p50_rps{rps}"] <= values[f"send_delay_ms_p99_rps{rps}"]
    assert set(server.keys) == {f"Bearer {KEY}".encode()}
    fixed = {"model": "a-model", "response_format": "pcm", "voice": "ryan", "max_frames": 9}
    assert all(body.items() >= fixed.items() for body in server.bodies)
    texts = {(body["language"], body["input"]) for body in server.bodies}
    assert texts <= set(TEXTS) and len(texts) > 3
    assert sorted(body["seed"] for body in server.bodies[2 : 2 + counts[0]]) == list(range(3, 3 + counts[0]))


def test_the_same_seed_sends_the_same_requests(tmp_path):
    def sent(seed):
        with Server(speak) as server:
            figures(tmp_path, server.url, "--rps", "20", "--seconds", "0.5", "--seed", seed, "--texts", "5", "--warmup", "0")
        return sorted(server.bodies, key=lambda body: body["seed"])

    one, again, other = (sent(seed) for seed in ("1", "1", "2"))
    assert one == again != other
    assert {body["input"] for body in one} <= {text for _, text in TEXTS[:5]}
    assert "max_frames" not in one[0] and "voice" not in one[0]


def test_a_late_server_does_not_slow_the_arrivals(tmp_path):
    count, all_there = len(arrivals(30, 1, 0)), threading.Event()

    async def handle(number, body, answer):
        if number == count - 1:
            all_there.set()
        # Whoever waited for an answer before the next request would wait for ever.
        while not all_there.is_set():
            await asyncio.sleep(0.01)
        await speak(number, body, answer)

    with Server(handle) as server:
        values = figures(tmp_path, server.url, "--rps", "30", "--seconds", "1", "--warmup", "0", "--timeout", "30")
    assert values["requests"] == count
    assert values["failed"] == 0


def test_failures_and_refusals_are_told_apart_and_count_as_never(tmp_path):
    async def handle(number, body, answer):
        kind = number % 5
        if kind == 0:
            await answer.refuse(429, "the line is full")
        elif kind == 1:
            await answer.refuse(500, "something\nbroke")
        elif kind == 2:
            await answer.begin()
            await answer.send(FRAME * 2)
            raise RuntimeError("in the middle")
        elif kind == 3:
            await answer.begin()
            await answer.end()
        else:
            await speak(number, body, answer)

    with Server(handle) as server:
        results = report(tmp_path, server.url, "--rps", "40", "--seconds", "1", "--warmup", "0")["results"]
    values = {result["name"]: result["value"] for result in results}
    kinds = [sum(number % 5 == kind for number in range(int(values["requests"]))) for kind in range(5)]
    assert values["rejected"] == kinds[0] > 0
    assert values["failed"] == kinds[1] + kinds[2] + kinds[3]
    assert next(r["note"] for r in results if r["name"] == "failed") in ("status 500: something broke", "an answer without sound")
    # Only one of five ended well; what broke off does not count as heard.
    assert values["first_audio_ms_p50"] is values["first_audio_ms_p95"] is None
    assert sum(kinds[:4]) > values["requests"] / 2
    assert values["heard_first_audio_ms_p95"] > 0
    assert values["audio_seconds"] == pytest.approx((2 * kinds[2] + 4 * kinds[4]) * 0.08)


def test_first_audio_is_the_first_whole_frame_and_a_late_chunk_underruns(tmp_path):
    async def handle(number, body, answer):
        await answer.begin(x_sample_rate=str(RATE))
        await answer.send(FRAME[:1001])
        await asyncio.sleep(0.3)
        await answer.send(FRAME[1001:] + FRAME)
        await asyncio.sleep(1)
        await answer.end(FRAME)

    with Server(handle) as server:
        values = figures(tmp_path, server.url, "--rps", "10", "--seconds", "0.5", "--warmup", "0")
    assert values["first_audio_ms_p50"] >= 300
    assert values["underruns"] == values["streams_with_underruns"] == values["requests"]
    assert values["stall_ms_p99"] > 100
    assert values["audio_seconds"] == pytest.approx(values["requests"] * 3 * 0.08)


def test_against_our_own_server(tmp_path):
    command = ["serve", "--http-addr", "127.0.0.1:0", "--grpc-addr", "none", "--device", "cpu", "--max-batch", "4"]
    code = "import sys; from qwen3tts.cli.main import run; sys.argv[0] = 'qwen3tts'; run()"
    with subprocess.Popen([sys.executable, "-c", code, *command], stderr=subprocess.PIPE, text=True) as process:
        try:
            ready = next(line for line in map(json.loads, process.stderr) if line["message"] == "ready")
            drain = threading.Thread(target=process.stderr.read)
            drain.start()
            options = ("--rps", "4", "--seconds", "1.5", "--max-frames", "3", "--texts", "5", "--warmup", "1")
            written = report(tmp_path, f"http://{ready['http']}", *options)
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    values = {result["name"]: result["value"] for result in written["results"]}
    assert written["settings"]["model"] == "qwen3tts-embedded"
    assert values["requests"] == len(arrivals(4, 1.5, 0))
    assert values["failed"] == values["rejected"] == 0
    assert 0 < values["first_audio_ms_p95"] < math.inf
    # A random model may stop by itself, but not before its second frame.
    assert values["requests"] * 2 * 0.08 <= values["audio_seconds"] + 1e-9 <= values["requests"] * 3 * 0.08 + 1e-6


def refusing(status, message):
    async def handle(number, body, answer):
        await answer.refuse(status, message)

    return handle


def test_a_warm_up_that_fails_ends_the_run(capsys):
    with Server(refusing(400, "voice='bob' is unknown")) as server:
        assert throughput.main(["--url", server.url, "--rps", "1", "--voice", "bob"]) == 2
    assert capsys.readouterr().err == "error: a warm-up request failed (status 400: voice='bob' is unknown): see to that first\n"
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/nowhere", "has no list of models (status 404): give the address of a running qwen3tts serve"),
        ("/text", "has no list of models (status 200)"),
        ("/other", "has no list of models (status 200)"),
        ("/locked", "(no such key): give one that is"),
    ],
)
def test_a_server_that_is_none_of_ours_is_refused(path, part, capsys):
    with Server(speak) as server:
        assert throughput.main(["--url", server.url + path, "--rps", "1"]) == 2
    assert part in capsys.readouterr().err
    assert server.bodies == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--url", "http://127.0.0.1:1"], "--url http://127.0.0.1:1 does not answer ("),
        (["--url", "127.0.0.1:1"], "--url 127.0.0.1:1 does not answer ("),
        (["--url", "http://[::1"], "--url 'http://[::1' is no address"),
        (["--rps", "0"], "--rps: '0' is out of range: give a number above 0"),
        (["--rps", "1,1"], "--rps: '1,1' names a load twice: give each once"),
        (["--rps", "much"], "--rps: 'much' is out of range"),
        (["--rps", "0.001", "--seconds", "1"], "--rps 0.001 lets nobody arrive within 1 s"),
        (["--seconds", "inf"], "--seconds: 'inf' is out of range"),
        (["--texts", "13"], "--texts 13 is out of range: there are 12"),
        (["--texts", "0"], "--texts: '0' is out of range"),
        (["--max-frames", "0"], "--max-frames: '0' is out of range"),
        (["--timeout", "0"], "--timeout: '0' is out of range"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    files = ["--json", str(tmp_path / "throughput.json"), "--plot", str(tmp_path / "plot.png")]
    assert throughput.main(["--url", "http://127.0.0.1:1", "--rps", "1", *options, *files]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []
