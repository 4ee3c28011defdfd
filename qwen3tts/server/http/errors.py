"""Errors as OpenAI's clients know them: a status, and `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from qwen3tts.errors import BusyError, InputError, OutputError, UnavailableError

RETRY_SECONDS = 5
"""After which to try a server again that is starting or shutting down."""

PRIVATE = ("input", "instructions", "ref_text", "ref_audio", "text")
"""Fields whose values are no matter for logs."""

_CODES = {401: "invalid_api_key", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


class ApiError(Exception):
    """What a caller is told. status: of HTTP. param: the field that is wrong. code: for programs to tell errors apart by."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param
        self.code = code or _CODES.get(status, "invalid_value" if status == 400 else None)
        self.headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"

    @property
    def type(self) -> str:
        """OpenAI's kind of error."""
        return "server_error" if self.status >= 500 else "rate_limit_error" if self.status == 429 else "invalid_request_error"

    @property
    def body(self) -> dict[str, Any]:
        """What is sent, as JSON."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def internal_error() -> ApiError:
    """A fault of ours, of which the caller learns nothing but that."""
    return ApiError(500, "the server failed: this is not your fault, and the log has more", code="internal_error")


ENGINE_NAMES = {
    "instruct": "instructions",
    "speaker": "voice",
    "voice": "voice",
    "language": "language",
    "seed": "seed",
    "max_frames": "max_frames",
    "speed": "speed",
    "priority": "priority",
    "format": "response_format",
}
"""The engine's word -> the field, of what HTTP and the WebSocket call alike."""


@dataclass(frozen=True)
class Fields:
    """How a request's fields are called by its protocol and by the engine, whose messages begin with an argument.

    names: the engine's word -> the field. others: class of error -> field, for messages that begin with no argument.
    """

    names: Mapping[str, str]
    others: Mapping[type[Exception], str]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise what the block raises of `qwen3tts.errors` as ApiError, in the caller's words."""
        try:
            yield
        except OutputError:
            # The caller has no say in where we write.
            raise
        except InputError as error:
            param, message = self._named(error)
            raise ApiError(400, message, param=param) from error
        except BusyError as error:
            raise ApiError(429, str(error), code="queue_full", retry_after=error.retry_after) from error
        except UnavailableError as error:
            raise ApiError(503, str(error), code="unavailable", retry_after=RETRY_SECONDS) from error

    def _named(self, error: InputError) -> tuple[str | None, str]:
        message = str(error)
        for name in sorted(self.names, key=len, reverse=True):
            if re.match(rf"{re.escape(name)}(?!\w)", message):
                return self.names[name], self.names[name] + message[len(name) :]
        param = next((field for kind, field in self.others.items() if isinstance(error, kind)), None)
        return param, message if param is None else f"{param}: {message}"


def of_validation(error: ValidationError) -> ApiError:
    """What is wrong with a body, in a line that names the field."""
    problems = error.errors(include_url=False)
    unknown = [str(problem["loc"][0]) for problem in problems if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1]
    if unknown:
        names = ", ".join(map(reprlib.repr, unknown[:10]))
        return ApiError(400, f"{names}: no such field; see /openapi.json", param=unknown[0][:128], code="unknown_field")
    problem = problems[0]
    if problem["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON in UTF-8: {problem['ctx']['error']}", code="invalid_json")
    if not problem["loc"]:
        return ApiError(400, f"the body is {type(problem['input']).__name__}: give a JSON object", code="invalid_json")
    param = str(problem["loc"][0])
    if problem["type"] == "missing":
        return ApiError(400, f"{param} is missing: give it", param=param, code="missing_field")
    reason = problem["msg"].replace("Input should", "it should")
    # What is private goes into no message: messages go into logs.
    given = param if param in PRIVATE else f"{param}={reprlib.repr(problem['input'])}"
    return ApiError(400, f"{given}: {reason}", param=param)


def install_handlers(app: FastAPI) -> None:
    """Answer every error of the framework and of ours in this form."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        told = error if isinstance(error, ApiError) else _of_framework(request, error)
        headers = {**(getattr(error, "headers", None) or {}), **told.headers}
        return JSONResponse(told.body, told.status, headers)

    for kind in (ApiError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def _of_framework(request: Request, error: Exception) -> ApiError:
    if not isinstance(error, HTTPException):
        return ApiError(400, "the request is malformed: see /openapi.json")
    wrong = {
        404: f"{request.method} {request.url.path} is not here: see /openapi.json",
        405: f"{request.url.path} takes no {request.method}: see /openapi.json",
    }
    return ApiError(error.status_code, wrong.get(error.status_code, str(error.detail)))
