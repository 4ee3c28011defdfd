"""Logs on standard error: one line an event, as JSON or for people, and one for each request at its end."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Literal, TextIO

from qwen3tts.server.record import Record
from qwen3tts.server.report import facts_of

LogFormat = Literal["json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]

_requests = logging.getLogger("qwen3tts.requests")


def set_up_logging(log_format: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send the logs of this process, other libraries' too, to a stream, standard error by default, and nowhere else.

    level: of the package's own; the others speak from "warning" on, as what they say below it may quote a request.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _number(level)), force=True)
    logging.getLogger("qwen3tts").setLevel(_number(level))
    logging.captureWarnings(True)


def log_request(record: Record) -> None:
    """The line of a request: an `Observer`. It has the figures, and neither the text nor a key."""
    level = logging.ERROR if record.status == "error" else logging.INFO
    _requests.log(level, "request", extra={"facts": facts_of(record)})


class JsonFormatter(logging.Formatter):
    """An object a line: time (RFC 3339, UTC), level, logger, message, the facts that came with it, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record."""
        line = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        line |= _facts(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Bytes that came as names of files or voices may be no Unicode; escaped they can be written anywhere.
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, logger, message and facts as name=value in a line; the lines of a traceback after it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a log record."""
        facts = "".join(f" {name}={_plain(value)}" for name, value in _facts(record).items())
        line = f"{_time(record)} {record.levelname.lower()} {record.name}: {_plain(record.getMessage(), spaces=True)}{facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _number(level: LogLevel) -> int:
    return int(getattr(logging, level.upper()))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    return getattr(record, "facts", {})


def _plain(value: object, spaces: bool = False) -> str:
    """As it is where nothing in it could be taken for another line or fact, else quoted."""
    text = str(value)
    return text if text.isprintable() and (spaces or not set(text) & set(' "=')) else json.dumps(text)
