"""What only a process of its own shows: pipes, signals, terminals, exit codes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from qwen3tts.cli import main as program

CUSTOM = Path(__file__).parents[1] / "data" / "small" / "custom_voice"
ENDLESS = ("--model", CUSTOM, "--greedy", "--max-frames", "3000", "--stream")
TIMEOUT = 60
FULL = Path("/dev/full")


def test_help_and_wrong_use_come_without_torch(tmp_path):
    script = """
import sys
from qwen3tts.cli.main import main
lines = ["--help", "--version", "synth --help", "synth", "synth Hi", "synth --loud", "synth @/none -o a.wav", "synth Hi -o a.xyz"]
codes = [main(line.split()) for line in lines]
assert codes == [0, 0, 0, 2, 2, 2, 2, 2], codes
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=TIMEOUT, cwd=tmp_path, capture_output=True)


def test_pcm_arrives_in_a_pipe_while_it_is_made(start):
    process = start("synth", "-", "--model", CUSTOM, "--greedy", "--max-frames", "20", "--stream", "-o", "-")
    out, err = process.communicate("Привет\n".encode(), timeout=TIMEOUT)
    assert (process.returncode, len(out), err) == (0, 20 * 1920 * 2, b"")


def test_a_closed_pipe_ends_quietly(start):
    process = start("synth", "Hello", *ENDLESS, "-o", "-")
    assert len(process.stdout.read(1000)) == 1000
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (0, b"")


def test_an_interruption_leaves_nothing(start, tmp_path):
    process = start("synth", "Hello", *ENDLESS, "-o", tmp_path / "a.wav", "--save-codes", tmp_path / "c.npy")
    _wait_until(lambda: any(path.stat().st_size > 10_000 for path in tmp_path.iterdir()))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("synth", "Hello", "--model", CUSTOM, "--max-frames", "3", "-o", "-"),
        ("synth", "Hello", "--model", CUSTOM, "--max-frames", "3", "-o", FULL),
        ("tokenize", "Hello", "--model", CUSTOM),
        ("--version",),
    ],
    ids=["pcm", "wav", "tokenize", "version"],
)
def test_a_full_disk_is_one_line(start, arguments):
    with FULL.open("wb") as full:
        process = start(*arguments, stdout=full)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert err.startswith(b"qwen3tts: error: ") and err.count(b"\n") == 1 and b"full" in err


def test_a_terminal_sees_the_seconds_spoken(start, tmp_path):
    ours, theirs = pty.openpty()
    process = start("synth", "Hello", "--model", CUSTOM, "--max-frames", "5", "--greedy", "-o", tmp_path / "a.wav", stderr=theirs)
    os.close(theirs)
    assert b"0.4 s of speech" in _read_to_end(ours)
    assert process.wait(timeout=TIMEOUT) == 0


def test_a_named_pipe_is_written(start, tmp_path):
    pipe = tmp_path / "speech.pcm"
    os.mkfifo(pipe)
    process = start("synth", "Hello", "--model", CUSTOM, "--max-frames", "3", "--greedy", "-o", pipe)
    assert len(pipe.read_bytes()) == 3 * 1920 * 2
    assert process.wait(timeout=TIMEOUT) == 0


def test_a_fault_of_ours_asks_for_a_report(monkeypatch, capsys):
    faulty = typer.Typer()

    @faulty.command()
    def divide() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(program, "app", faulty)
    assert program.main([]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: by zero" in err
    assert "please report" in err.splitlines()[-1]


def _wait_until(happened) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def _read_to_end(descriptor: int) -> bytes:
    """All that comes through a pseudoterminal; its other end closing is an error on Linux."""
    data = b""
    try:
        while piece := os.read(descriptor, 4096):
            data += piece
    except OSError:
        pass
    os.close(descriptor)
    return data
