"""The program, run in this process or in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from qwen3tts.cli.main import main

PROGRAM = [sys.executable, "-c", "from qwen3tts.cli.main import run; run()"]


@dataclass(frozen=True)
class Done:
    """A command line that has ended: its exit code and what it printed."""

    code: int
    out: bytes
    err: str


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Done]:
    """Runs a command line in this process: cli(*arguments, stdin=b"")."""
    monkeypatch.delenv("QWEN3TTS_MODEL", raising=False)

    def run(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Done(code, out, err.decode())

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a command line in a process of its own: start(*arguments, **options of Popen)."""
    environment = {name: value for name, value in os.environ.items() if name != "QWEN3TTS_MODEL"}
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        processes.append(subprocess.Popen([*PROGRAM, *map(str, arguments)], env=environment, **streams))  # type: ignore[call-overload]
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()
