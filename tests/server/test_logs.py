"""The log: an object a line, the figures of each request, and never what was said."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys

import pytest

from qwen3tts.server.logs import JsonFormatter, TextFormatter, log_request
from qwen3tts.server.record import Call, Record

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SAID = "what nobody else may read"
CALL = Call("grpc", "r1", SAID, voice="ryan", language="english", instruct=SAID, reference_text=SAID, seed=7)
OK = Record(CALL, 0.0, "ok", queued=0.01, first_audio=0.05, elapsed=0.5, frames=25, audio_seconds=2.0, finish_reason="stop", seed=7)


@pytest.fixture
def lines(request):
    """What the package logs in the test, in the format of the test's parameter or as JSON."""
    stream, logger = io.StringIO(), logging.getLogger("qwen3tts")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(getattr(request, "param", JsonFormatter)())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_request_is_a_line_of_figures(lines):
    log_request(OK)
    (line,) = lines()
    entry = json.loads(line)
    assert TIME.fullmatch(entry.pop("time"))
    assert entry == {
        "level": "info",
        "logger": "qwen3tts.requests",
        "message": "request",
        "request_id": "r1",
        "protocol": "grpc",
        "status": "ok",
        "characters": 25,
        "voice": "ryan",
        "language": "english",
        "queued_ms": 10.0,
        "first_audio_ms": 50.0,
        "total_ms": 500.0,
        "audio_seconds": 2.0,
        "frames": 25,
        "real_time_factor": 0.25,
        "finish_reason": "stop",
        "seed": 7,
    }


def test_what_is_not_known_is_left_out(lines):
    log_request(Record(Call("http", "r2", SAID, language=None), 0.0, "invalid", elapsed=0.001, error="voice='x' is unknown"))
    entry = json.loads(lines()[0])
    assert entry.keys() == {
        *("time", "level", "logger", "message", "request_id", "protocol", "status", "characters", "total_ms", "audio_seconds"),
        *("frames", "error"),
    }


def test_a_fault_is_an_error(lines):
    log_request(Record(CALL, 0.0, "error", error="disk on fire"))
    assert json.loads(lines()[0])["level"] == "error"


@pytest.mark.parametrize("lines", [JsonFormatter, TextFormatter], indirect=True)
def test_neither_text_nor_recording_is_logged(lines):
    log_request(OK)
    log_request(Record(Call("http", "r3", SAID, reference=("me.wav", b"RIFF")), 0.0, "cancelled"))
    assert len(lines()) == 2
    assert not any(word in line for line in lines() for word in (SAID, "RIFF", "me.wav"))


def test_a_traceback_stays_in_its_line(lines):
    try:
        raise ZeroDivisionError("by\nzero")
    except ZeroDivisionError:
        logging.getLogger("qwen3tts").exception("it failed")
    (line,) = lines()
    assert "ZeroDivisionError: by\nzero" in json.loads(line)["exception"]


@pytest.mark.parametrize("lines", [JsonFormatter, TextFormatter], indirect=True)
def test_nothing_that_a_caller_sends_starts_a_line(lines):
    hostile = 'r4\n{"level": "error"}\x1b[31m status=ok \u2028'
    log_request(Record(Call("http", hostile, SAID, voice=hostile), 0.0, "invalid", error=hostile))
    (line,) = lines()
    assert "\x1b" not in line
    assert line.count("status=ok") <= line.count('\\" status=ok') + line.count("[31m status=ok")


@pytest.mark.parametrize("lines", [TextFormatter], indirect=True)
def test_text_is_for_people(lines):
    log_request(OK)
    (line,) = lines()
    time, rest = line.split(" ", 1)
    assert TIME.fullmatch(time)
    assert rest.startswith("info qwen3tts.requests: request request_id=r1 protocol=grpc status=ok characters=25 ")


def test_other_libraries_speak_through_the_log_from_warning_on():
    script = """
import logging, warnings
from qwen3tts.server.logs import set_up_logging
set_up_logging("json", "debug")
for name in ("uvicorn.error", "uvicorn.access", "grpc", "asyncio", "qwen3tts"):
    logging.getLogger(name).debug("quiet")
    logging.getLogger(name).info("quiet")
    logging.getLogger(name).warning("loud")
warnings.warn("old")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    loud = [entry["logger"] for entry in entries if entry["message"] == "loud"]
    assert loud == ["uvicorn.error", "uvicorn.access", "grpc", "asyncio", "qwen3tts"]
    assert {entry["logger"] for entry in entries if entry["message"] == "quiet"} == {"qwen3tts"}
    assert [entry for entry in entries if entry["logger"] == "py.warnings"]
    assert done.stdout == ""
