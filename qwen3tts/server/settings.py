"""Everything that can be set about a server. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from qwen3tts.errors import InputError


@dataclass(frozen=True)
class Limits:
    """What callers may ask for.

    text_characters: of one request. upload_bytes: of a recording, or of a whole request. connections: open at once,
    for each port. requests_per_minute: of a key, or where there are no keys of a client's address; None is no limit. queue:
    requests that wait for a place in the batch. drain_seconds: that live streams have to end after SIGTERM. text_seconds: between
    two pieces of a text that is being written.
    """

    text_characters: int = 10_000
    upload_bytes: int = 20 * 2**20
    connections: int = 1024
    requests_per_minute: int | None = None
    queue: int = 64
    drain_seconds: float = 60.0
    text_seconds: float = 60.0


@dataclass(frozen=True)
class Settings:
    """Of a server. Addresses are HOST:PORT (port 0 takes a free one), None for no such listener.

    api_keys: name -> secret; none asks for no key. tls_certificate, tls_key: PEM files, for the HTTP and the gRPC port; both or
    neither. cors_origins: that browsers may call from; none is only the page itself. voices: the folder of uploaded voices; None
    keeps them in memory. otlp_endpoint: where spans go, None for none.
    """

    http_address: str | None = "127.0.0.1:8080"
    grpc_address: str | None = "127.0.0.1:50051"
    wyoming_address: str | None = None
    voices: Path | None = None
    api_keys: dict[str, str] = field(default_factory=dict)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    cors_origins: tuple[str, ...] = ()
    otlp_endpoint: str | None = None
    limits: Limits = field(default_factory=Limits)


def parse_address(address: str, option: str) -> tuple[str, int]:
    """Host and port of HOST:PORT; an IPv6 address stands in brackets. option: that gave it. Raises InputError."""
    host, colon, port = address.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    bare_ipv6 = ":" in host and not address.startswith("[")
    if not host or not colon or bare_ipv6 or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise InputError(f"{option} {address!r} is not HOST:PORT: give one like 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080")
    return host, int(port)
