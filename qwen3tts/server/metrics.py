"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qwen3tts.server.record import Record, Status
from qwen3tts.server.report import real_time_factor

if TYPE_CHECKING:
    from qwen3tts.types import EngineLoad

FIRST_AUDIO_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30)
REQUEST_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
# Around 0.08 s, the frame's own duration, it is decided whether speech keeps up.
FRAME_BUCKETS = (0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.5, 1, 2)
FACTOR_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 5, 10)


class Metrics:
    """What /metrics shows. `observe` is an `Observer`.

    active: how many requests are being served. load: the engine's own count, None while there is no engine. Both are asked when
    somebody reads the metrics.
    """

    def __init__(self, active: Callable[[], int], load: Callable[[], EngineLoad | None]) -> None:
        registry = CollectorRegistry()
        self._requests = Counter("qwen3tts_requests", "Requests that have ended, by how.", ["status"], registry=registry)
        for status in get_args(Status):
            self._requests.labels(status)
        self._audio_seconds = Counter("qwen3tts_audio_seconds", "Seconds of speech handed out.", registry=registry)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"qwen3tts_{name}", meaning, buckets=buckets, registry=registry)

        self._first_audio = histogram(
            "time_to_first_audio_seconds", "From a request's arrival to its first chunk of speech.", FIRST_AUDIO_BUCKETS
        )
        self._request = histogram("request_seconds", "Duration of requests that were spoken to their end.", REQUEST_BUCKETS)
        self._frame = histogram("frame_seconds", "Duration of engine steps that ran a frame.", FRAME_BUCKETS)
        self._factor = histogram(
            "real_time_factor", "Duration over seconds of speech, of requests spoken to their end.", FACTOR_BUCKETS
        )
        registry.register(_Gauges(active, load))
        self._shown = _WithoutCreationTimes(registry)

    def observe(self, record: Record) -> None:
        """Count a request that has ended."""
        self._requests.labels(record.status).inc()
        self._audio_seconds.inc(record.audio_seconds)
        if record.first_audio is not None:
            self._first_audio.observe(record.first_audio)
        if record.status == "ok":
            self._request.observe(record.elapsed)
            if (factor := real_time_factor(record)) is not None:
                self._factor.observe(factor)

    def observe_frame(self, seconds: float) -> None:
        """Count an engine step that ran a frame. May be called on any thread, and takes microseconds."""
        self._frame.observe(seconds)

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """All metrics and their content type: OpenMetrics for who accepts it, else Prometheus' text. accept: that header."""
        encode, content_type = choose_encoder(accept or "")
        return encode(self._shown), content_type


class _Gauges(Collector):
    """What is known at the moment of asking."""

    def __init__(self, active: Callable[[], int], load: Callable[[], EngineLoad | None]) -> None:
        self._active, self._load = active, load

    def collect(self) -> Iterator[Metric]:
        """The gauges; 0 for an engine that is not there yet."""
        load = self._load()
        yield GaugeMetricFamily("qwen3tts_active_requests", "Requests that are being served.", self._active())
        yield GaugeMetricFamily("qwen3tts_queue_size", "Requests that wait for a place in the batch.", load.waiting if load else 0)
        pages = GaugeMetricFamily("qwen3tts_kv_pages", "Pages of the KV cache.", labels=["state"])
        pages.add_metric(["used"], load.pages_used if load else 0)
        pages.add_metric(["free"], load.pages_free if load else 0)
        yield pages


class _WithoutCreationTimes(Collector):
    """The metrics of a registry without the `_created` series, which double their number and tell when this process began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Metrics made for this call alone."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
