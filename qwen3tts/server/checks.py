"""What can be wrong about settings and be seen before anything is loaded. Torch-free."""

from __future__ import annotations

import re

from qwen3tts.errors import InputError
from qwen3tts.server.settings import Settings, parse_address
from qwen3tts.server.tls import check_certificate
from qwen3tts.server.tracing import check_otlp_endpoint

_ORIGIN = re.compile(r"\*|https?://[^/\s?#]+")


def check_settings(settings: Settings) -> None:
    """Raise InputError, in the words of the command line, for the first setting that no server can have."""
    addresses = {
        "--http-addr": settings.http_address,
        "--grpc-addr": settings.grpc_address,
        "--wyoming-addr": settings.wyoming_address,
    }
    for option, address in addresses.items():
        if address is not None:
            parse_address(address, option)
    if not any(addresses.values()):
        raise InputError(f"{', '.join(addresses)} are all none: give an address to one of them")
    check_certificate(settings.tls_certificate, settings.tls_key)
    for origin in settings.cors_origins:
        if not _ORIGIN.fullmatch(origin):
            raise InputError(f"--cors-origin {origin!r} is not an origin: give one like https://example.org, or *")
    if settings.otlp_endpoint is not None:
        check_otlp_endpoint(settings.otlp_endpoint)
