"""The options of `qwen3tts serve`, by the names that it gives them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

ADDRESSES, ENGINE, ACCESS, LIMITS, OPERATIONS = "Addresses", "Engine", "Access", "Limits", "Operations"
ADDRESS = "HOST:PORT|none"


class LogFormatChoice(str, Enum):
    """What a line of the log is."""

    json = "json"
    text = "text"


class LogLevelChoice(str, Enum):
    """The least that is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


HttpAddress = Annotated[
    str, typer.Option(metavar=ADDRESS, help="HTTP, WebSocket and the page; port 0 takes a free one.", rich_help_panel=ADDRESSES)
]
GrpcAddress = Annotated[str, typer.Option(metavar=ADDRESS, help="gRPC.", rich_help_panel=ADDRESSES)]
WyomingAddress = Annotated[str, typer.Option(metavar=ADDRESS, help="Wyoming, for Home Assistant.", rich_help_panel=ADDRESSES)]

MaxBatch = Annotated[
    int, typer.Option(min=1, max=1024, metavar="N", help="Utterances that are spoken at once.", rich_help_panel=ENGINE)
]
Profile = Annotated[
    str,
    typer.Option(metavar="latency|balanced|throughput|FILE", help="What the scheduler is tuned for.", rich_help_panel=ENGINE),
]
Voices = Annotated[
    str | None, typer.Option(metavar="DIR", help="Where uploaded voices are kept; else in memory.", rich_help_panel=ENGINE)
]

ApiKeys = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Keys that are let in, NAME=SECRET in each line; else those of $QWEN3TTS_API_KEYS, with commas between them.",
        rich_help_panel=ACCESS,
    ),
]
TlsCert = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Certificate chain (PEM) of the HTTP and the gRPC port.", rich_help_panel=ACCESS),
]
TlsKey = Annotated[str | None, typer.Option(metavar="FILE", help="The certificate's key (PEM).", rich_help_panel=ACCESS)]
CorsOrigin = Annotated[
    list[str] | None,
    typer.Option(metavar="ORIGIN", help="Pages that browsers may call from, * for all; repeat it.", rich_help_panel=ACCESS),
]

Queue = Annotated[
    int, typer.Option(min=1, metavar="N", help="Requests that wait for a place in the batch.", rich_help_panel=LIMITS)
]
MaxText = Annotated[int, typer.Option(min=1, max=10_000_000, metavar="N", help="Characters of a text.", rich_help_panel=LIMITS)]
MaxUploadMb = Annotated[
    int, typer.Option(min=1, max=1024, metavar="N", help="MB of a recording or a request.", rich_help_panel=LIMITS)
]
MaxConnections = Annotated[int, typer.Option(min=1, metavar="N", help="Connections of each port.", rich_help_panel=LIMITS)]
RequestsPerMinute = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Of a key, or without keys of an address.", rich_help_panel=LIMITS)
]
DrainSeconds = Annotated[
    float,
    typer.Option(min=0, max=3600, metavar="SECONDS", help="For live streams to end after SIGTERM.", rich_help_panel=LIMITS),
]

OtlpEndpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="Send OpenTelemetry spans to this collector.", rich_help_panel=OPERATIONS)
]
LogFormat = Annotated[LogFormatChoice, typer.Option(help="What a line of the log is.", rich_help_panel=OPERATIONS)]
LogLevel = Annotated[LogLevelChoice, typer.Option(help="The least that is logged.", rich_help_panel=OPERATIONS)]
