"""Runs the parts one after another, each in a process of its own, and puts together what they find."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwen3tts.output import OutputFile

from ..report import Result, write_json
from ..source_tree import ROOT
from .record import Record, Table, number

GRACE_SECONDS = 20
"""A part begins nothing new when its time is up; so long it may take to end."""


@dataclass(frozen=True)
class Part:
    """A module with a function `run(scope, record)`, and the seconds that it has at most. gpu: it makes no sense without one."""

    module: str
    seconds: float
    gpu: bool = False


PARTS = {
    "compile": Part(".warm", 120, gpu=True),
    "projections": Part(".projections", 40),
    "attention": Part(".attention", 40),
    "drawing": Part(".drawing", 30),
    "codec_operations": Part(".codec_operations", 40),
    "codec": Part(".codec", 40),
    "model": Part(".model_checks", 90),
    "frames": Part(".frames", 90),
    "kernels": Part("..kernels", 80),
    "first_audio": Part(".first_audio", 90),
}
"""In their order: nothing is worth measuring that is wrong."""


@dataclass
class Conductor:
    """One call of the bench. out: an existing folder. budget: seconds for all of it."""

    out: Path
    sizes: Sequence[str]
    batches: Sequence[int]
    dry_run: bool
    budget: float
    record: Record = field(default_factory=Record)
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def run(self, parts: Sequence[str], build: bool) -> int:
        """Run the parts of these names; returns 0, or 1 where a check failed."""
        if build and not self._build():
            return 1
        for name in (name for name in PARTS if name in parts):
            part, left = PARTS[name], self.started + self.budget - time.monotonic()
            if part.gpu and self.dry_run:
                self.record.remark(f"{name}: left out, it needs a GPU")
            elif left <= 0:
                self.record.remark(f"{name}: left out, the time was up")
            else:
                self._announce(name)
                begun = time.monotonic()
                self.record.extend(self._part(name, part, min(part.seconds, left)))
                self.seconds[name] = time.monotonic() - begun
            self._write()
        self._announce(f"{len(self.record.failures)} failed, {self.out / 'gpu.json'}, {self.out / 'gpu.md'}")
        return 1 if self.record.failures else 0

    def _announce(self, what: str) -> None:
        print(f"[{time.monotonic() - self.started:4.0f} s] {what}", flush=True)

    def _build(self) -> bool:
        """Build the extension in the source tree; says whether it is there."""
        if not (ROOT / "setup.py").is_file():
            self.record.remark("build: left out, this is no source tree")
            return True
        self._announce("build")
        begun = time.monotonic()
        command = [sys.executable, "setup.py", "build_ext", "--inplace"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(f"{done.stdout}\nthe extension does not build, and nothing runs without it", file=sys.stderr)
            return False
        self.seconds["build"] = time.monotonic() - begun
        self.record.add(Result("build_seconds", self.seconds["build"], "s"))
        return True

    def _part(self, name: str, part: Part, seconds: float) -> Record:
        """Run a part, and whatever it starts, until it ends or its time and the grace are over."""
        kept = self.out / "part.json"
        kept.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"{__package__}.part", part.module, str(kept), f"--seconds={seconds}"]
        command += ["--sizes", *self.sizes, "--batches", *map(str, self.batches), *(["--dry-run"] if self.dry_run else [])]
        environment = {**os.environ, **({"TRITON_INTERPRET": "1"} if self.dry_run else {})}
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            code: int | None = process.wait(seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        record = Record.load(kept)
        kept.unlink(missing_ok=True)
        if code is None:
            record.fail(f"{name} did not end, and was stopped after {seconds + GRACE_SECONDS:.0f} s")
        elif code:
            record.fail(f"{name} ended with exit code {code}")
        return record

    def _write(self) -> None:
        """gpu.json and gpu.md with all there is so far."""
        # Imported here because the first part builds it.
        from qwen3tts import _C

        settings = {
            "sizes": list(self.sizes),
            "batches": list(self.batches),
            "dry_run": self.dry_run,
            "build": _C.build_info(),
            "seconds": {name: round(seconds, 1) for name, seconds in self.seconds.items()},
            "failures": self.record.failures,
            "remarks": self.record.remarks,
        }
        with OutputFile(self.out / "gpu.json") as file:
            write_json(file, "gpu", settings, self.record.results)
        with OutputFile(self.out / "gpu.md") as file:
            file.write(markdown(self.record, settings).encode())


def markdown(record: Record, settings: dict[str, Any]) -> str:
    """All that was found, failures first."""
    checks = sum(result.name.startswith("check.") for result in record.results)
    verdict = f"{len(record.failures)} failures, {checks} checks." if record.failures else f"All {checks} checks passed."
    figures = [[r.name, number(r.value), r.unit, "" if r.floor is None else number(r.floor), r.note] for r in record.results]
    return "\n\n".join(
        [
            "# bench.gpu",
            "A dry run on a CPU: its times mean nothing." if settings["dry_run"] else verdict,
            "\n".join(f"- FAILED: {failure}" for failure in record.failures),
            "\n".join(f"- {remark}" for remark in record.remarks),
            "Seconds: " + ", ".join(f"{name} {seconds}" for name, seconds in settings["seconds"].items()),
            *(table.markdown() for table in record.tables),
            Table("All figures", ("name", "value", "unit", "floor", "note"), figures).markdown(),
        ]
    )
