"""What a part finds, printed and written down as it is found, so that a part that is cut off leaves what it has."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..report import Result


@dataclass(frozen=True)
class Table:
    """Rows of text under headings, of one length."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table as Markdown; the first column is left-aligned, the others right."""
        lines = [self.headings, ["---", *["---:"] * (len(self.headings) - 1)], *self.rows]
        return "\n".join([f"### {self.title}\n", *(f"| {' | '.join(line)} |" for line in lines)])


@dataclass
class Record:
    """Figures, tables, remarks, and the checks that failed. path: where they are kept, None for nowhere."""

    path: Path | None = None
    results: list[Result] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, *results: Result) -> None:
        """Keep figures."""
        for result in results:
            print(f"  {result.name}: {result.value:.4g} {result.unit} {result.note}".rstrip(), flush=True)
        self.results.extend(results)
        self._save()

    def check(self, name: str, error: float, tolerance: float, note: str = "") -> None:
        """Keep a check, which fails unless `error` is at most `tolerance`; an error that is no number fails, too."""
        passed = error <= tolerance
        verdict = f"{'passed' if passed else 'FAILED'}: at most {tolerance:.3g}"
        self.add(Result(f"check.{name}", error, "", note=f"{verdict}; {note}" if note else verdict))
        if not passed:
            self.fail(f"{name}: {error:.4g} is more than {tolerance:.3g} {note}".rstrip())

    def fail(self, message: str) -> None:
        """Keep a failure, in one line."""
        print(f"  FAILED {message}", flush=True)
        self.failures.append(message)
        self._save()

    def remark(self, text: str) -> None:
        """Keep a remark, such as what was left out, and why."""
        print(f"  {text}", flush=True)
        self.remarks.append(text)
        self._save()

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Keep a table."""
        self.tables.append(Table(title, headings, rows))
        self._save()

    def extend(self, other: Record) -> None:
        """Take over what another record has."""
        self.results += other.results
        self.tables += other.tables
        self.remarks += other.remarks
        self.failures += other.failures

    @classmethod
    def load(cls, path: Path) -> Record:
        """What was kept under `path`; nothing where there is no such file."""
        if not path.exists():
            return cls()
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            None,
            [Result(**result) for result in kept["results"]],
            [Table(**table) for table in kept["tables"]],
            kept["remarks"],
            kept["failures"],
        )

    def _save(self) -> None:
        if self.path is not None:
            kept = {name: value for name, value in asdict(self).items() if name != "path"}
            # Moved into place, so that a process that is killed while it writes leaves the file before.
            partial = self.path.with_suffix(".part")
            partial.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
            partial.replace(self.path)


def number(value: float) -> str:
    """A figure in a table: three significant digits."""
    return "-" if math.isnan(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def one_line(error: BaseException) -> str:
    """What went wrong, without its details."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
