"""`qwen3tts serve`: one engine for many callers."""

from __future__ import annotations

import os
from pathlib import Path

from qwen3tts.backend import require_graphs
from qwen3tts.cli import options
from qwen3tts.cli import serve_options as its
from qwen3tts.server.access import API_KEYS_VARIABLE, parse_api_keys, read_api_keys
from qwen3tts.server.checks import check_settings
from qwen3tts.server.logs import set_up_logging
from qwen3tts.server.settings import Limits, Settings

NONE = "none"
_DEFAULT, _LIMITS = Settings(), Limits()


def serve(
    http_addr: its.HttpAddress = str(_DEFAULT.http_address),
    grpc_addr: its.GrpcAddress = str(_DEFAULT.grpc_address),
    wyoming_addr: its.WyomingAddress = NONE,
    model: options.Model = None,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    backend: options.Backend = None,
    cuda_graphs: options.CudaGraphs = None,
    quantize: options.Quantize = "none",
    max_batch: its.MaxBatch = 8,
    profile: its.Profile = "latency",
    voices: its.Voices = None,
    api_keys: its.ApiKeys = None,
    tls_cert: its.TlsCert = None,
    tls_key: its.TlsKey = None,
    cors_origin: its.CorsOrigin = None,
    queue: its.Queue = _LIMITS.queue,
    max_text: its.MaxText = _LIMITS.text_characters,
    max_upload_mb: its.MaxUploadMb = _LIMITS.upload_bytes >> 20,
    max_connections: its.MaxConnections = _LIMITS.connections,
    requests_per_minute: its.RequestsPerMinute = None,
    drain_seconds: its.DrainSeconds = _LIMITS.drain_seconds,
    otlp_endpoint: its.OtlpEndpoint = None,
    log_format: its.LogFormat = its.LogFormatChoice.json,
    log_level: its.LogLevel = its.LogLevelChoice.info,
) -> None:
    """Speak for many callers, over HTTP, WebSocket, gRPC and Wyoming, until SIGTERM or Ctrl-C."""
    settings = Settings(
        http_address=_address(http_addr),
        grpc_address=_address(grpc_addr),
        wyoming_address=_address(wyoming_addr),
        voices=_path(voices),
        api_keys=_api_keys(api_keys),
        tls_certificate=_path(tls_cert),
        tls_key=_path(tls_key),
        cors_origins=tuple(cors_origin or ()),
        otlp_endpoint=otlp_endpoint,
        limits=Limits(
            text_characters=max_text,
            upload_bytes=max_upload_mb << 20,
            connections=max_connections,
            requests_per_minute=requests_per_minute,
            queue=queue,
            drain_seconds=drain_seconds,
        ),
    )
    check_settings(settings)
    set_up_logging(log_format.value, log_level.value)
    # Torch takes seconds to import: all that can be checked without it has been.
    from qwen3tts.async_tts import AsyncTTS
    from qwen3tts.server.run import run

    if cuda_graphs:
        require_graphs(device, dtype, backend)
    parts = {"dtype": dtype, "backend": backend, "quantize": quantize, "cuda_graphs": cuda_graphs is not False}
    run(settings, AsyncTTS.load(model, device, **parts, max_batch=max_batch, profile=profile, queue=queue))


def _address(given: str) -> str | None:
    return None if given == NONE else given


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)


def _api_keys(file: str | None) -> dict[str, str]:
    """Those of a file, else of the environment, else none."""
    if file is not None:
        return read_api_keys(file)
    return parse_api_keys(os.environ[API_KEYS_VARIABLE]) if API_KEYS_VARIABLE in os.environ else {}
