"""OpenTelemetry: a span for each request, with its stages below it, sent to a collector by OTLP over HTTP."""

from __future__ import annotations

from urllib.parse import urlsplit

from qwen3tts import __version__
from qwen3tts.errors import InputError
from qwen3tts.server.extras import needs
from qwen3tts.server.record import Record
from qwen3tts.server.report import Fact, facts_of

SEND_SECONDS = 3.0
"""That the collector has to take spans, in all tries together: at the server's end one that is gone must not hold it up."""

TRACES_PATH = "/v1/traces"


def check_otlp_endpoint(url: str) -> str:
    """The address that spans are posted to: `url`, with OTLP's path behind it unless it is there. Raises InputError."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"--otlp-endpoint {url!r} is no address of a collector: give one like http://127.0.0.1:4318")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(TRACES_PATH) else path + TRACES_PATH).geturl()


class Tracing:
    """Spans of requests. `observe` is an `Observer`; sending is done on a thread of its own.

    A request's span has the facts of its log line as attributes "qwen3tts.*". Its children are the stages that it reached: "queue",
    until it had its place in the batch; "first audio", until its first chunk was ready; "speech", until its end.
    """

    def __init__(self, endpoint: str) -> None:
        """endpoint: of a collector, like http://127.0.0.1:4318. Raises InputError where the extra is not installed."""
        url = check_otlp_endpoint(endpoint)
        with needs("otel", "--otlp-endpoint"):
            from opentelemetry.context import Context
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
        resource = Resource.create({"service.name": "qwen3tts", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=SEND_SECONDS)))
        self._tracer = self._provider.get_tracer("qwen3tts", __version__)
        self._root, self._server, self._below = Context(), SpanKind.SERVER, set_span_in_context
        self._failed = lambda why: Status(StatusCode.ERROR, why)

    def observe(self, record: Record) -> None:
        """Hand a request that has ended to the sender."""
        attributes = {f"qwen3tts.{name}": _attribute(value) for name, value in facts_of(record).items()}
        start, end = _nanoseconds(record, 0.0), _nanoseconds(record, record.elapsed)
        span = self._tracer.start_span("speech request", self._root, self._server, attributes, start_time=start)
        if record.status not in ("ok", "cancelled"):
            span.set_status(self._failed(record.error or record.status))
        for name, began, ended in _stages(record):
            stage = self._tracer.start_span(name, self._below(span), start_time=_nanoseconds(record, began))
            stage.end(_nanoseconds(record, ended))
        span.end(end)

    def close(self) -> None:
        """Send what is left, and stop."""
        self._provider.shutdown()


def _stages(record: Record) -> list[tuple[str, float, float]]:
    """(name, start, end) of the stages that a request reached, in seconds since it arrived."""
    stages, began = [], 0.0
    for name, ended in (("queue", record.queued), ("first audio", record.first_audio)):
        if ended is not None:
            stages.append((name, began, ended))
            began = ended
    return [*stages, ("speech", began, record.elapsed)] if record.first_audio is not None else stages


def _attribute(value: Fact) -> Fact:
    """As OTLP can carry it, whose integers have 63 bits and a sign: seeds have 64."""
    return str(value) if isinstance(value, int) and value >= 2**63 else value


def _nanoseconds(record: Record, seconds: float) -> int:
    """A moment of a request, since 1970."""
    return int((record.arrived + seconds) * 1e9)
