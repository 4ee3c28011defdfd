"""Bodies of requests, read and decoded: JSON, forms with recordings, base64."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from pydantic import ValidationError
from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header
from starlette.requests import Request

from qwen3tts.server.http.errors import ApiError, of_validation
from qwen3tts.server.http.schemas import SpeechBody


@dataclass
class Form:
    """multipart/form-data: texts and files by the names of their fields."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


async def read_speech_body(request: Request) -> tuple[SpeechBody, bytes | None]:
    """A request for speech and, where it brings one, its recording. Raises ApiError."""
    kind, _ = _content_type(request)
    try:
        if kind == "application/json":
            body = SpeechBody.model_validate_json(await request.body())
            return body, None if body.ref_audio is None else _decode(body.ref_audio)
        if kind != "multipart/form-data":
            raise ApiError(415, f"Content-Type {kind!r} is not taken here: send application/json or multipart/form-data")
        form = await read_form(request, frozenset({"ref_audio"}))
        body = SpeechBody.model_validate_strings(form.texts)
    except ValidationError as error:
        raise of_validation(error) from error
    if "ref_audio" in form.files:
        return body, form.files["ref_audio"]
    return body, None if body.ref_audio is None else _decode(body.ref_audio)


async def read_form(request: Request, recordings: frozenset[str]) -> Form:
    """A form, its texts in UTF-8. recordings: fields that may be files. Raises ApiError."""
    kind, boundary = _content_type(request)
    if kind != "multipart/form-data":
        raise ApiError(415, f"Content-Type {kind!r} is not taken here: send multipart/form-data")
    if not boundary:
        raise ApiError(400, "Content-Type has no boundary: let your HTTP library write it")
    form, ends = Form(), list[bool]()

    def take(name: bytes | None, value: bytes, is_file: bool) -> None:
        shown = _utf8(name or b"", None)
        if shown in form.texts or shown in form.files:
            raise ApiError(400, f"{shown[:128]} is given twice: give it once", param=shown[:128])
        if not is_file:
            form.texts[shown] = _utf8(value, shown[:128])
        elif shown in recordings:
            form.files[shown] = value
        else:
            raise ApiError(400, f"{shown[:128]} is a file: only {', '.join(sorted(recordings))} may be one", param=shown[:128])

    def take_file(file: File) -> None:
        stream = file.file_object
        stream.seek(0)
        take(file.field_name, stream.read(), True)

    def take_field(given: Field) -> None:
        take(given.field_name, given.value or b"", False)

    # In memory: the whole body is bounded, and a disk would hold up the event loop.
    in_memory = {"MAX_MEMORY_FILE_SIZE": float("inf"), "UPLOAD_ERROR_ON_BAD_CTE": True}
    parser = FormParser(kind, take_field, take_file, lambda: ends.append(True), boundary=boundary, config=in_memory)
    try:
        async for data in request.stream():
            parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise ApiError(400, f"the form is malformed ({error}): let your HTTP library write it") from error
    finally:
        parser.close()
    if not ends:
        raise ApiError(400, "the form ends in the middle: let your HTTP library write it")
    return form


def _content_type(request: Request) -> tuple[str, bytes]:
    """The kind of a body, and the boundary of a form's parts."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1"), options.get(b"boundary", b"")


def _utf8(value: bytes, field: str | None) -> str:
    """The text of a field, or the name of one."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        name = field or "the name of a field"
        raise ApiError(400, f"{name} is not UTF-8 at byte {error.start}: encode it so", param=field) from error


def _decode(recording: str) -> bytes:
    """The bytes of base64 or of a data: URL. Raises ApiError."""
    if recording.startswith("data:"):
        kind, comma, recording = recording.partition(",")
        if not comma or not kind.endswith(";base64"):
            raise ApiError(400, "ref_audio is a data: URL without base64: write data:audio/wav;base64,...", param="ref_audio")
    try:
        return base64.b64decode("".join(recording.split()), validate=True)
    except ValueError as error:
        raise ApiError(400, f"ref_audio is not base64 ({error}): encode the audio file so", param="ref_audio") from error
