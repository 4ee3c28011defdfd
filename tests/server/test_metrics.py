"""What /metrics shows: exactly the names that were promised, and true numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from qwen3tts.server.metrics import Metrics
from qwen3tts.server.record import Call, Record
from qwen3tts.types import EngineLoad

CALL = Call("http", "r1", "Hello")
OK = Record(CALL, 0.0, "ok", queued=0.01, first_audio=0.05, elapsed=0.5, frames=25, audio_seconds=2.0, finish_reason="stop", seed=1)
FAMILIES = {
    "qwen3tts_requests",
    "qwen3tts_time_to_first_audio_seconds",
    "qwen3tts_request_seconds",
    "qwen3tts_frame_seconds",
    "qwen3tts_real_time_factor",
    "qwen3tts_active_requests",
    "qwen3tts_queue_size",
    "qwen3tts_kv_pages",
    "qwen3tts_audio_seconds",
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: 3, lambda: EngineLoad(waiting=5, running=2, pages_used=7, pages_free=11, failures=0))


def samples(metrics: Metrics) -> dict[str, float]:
    """Name -> value, labels but those of buckets with the name."""
    body, _ = metrics.exposition(None)
    return _samples(parse_text(body.decode()))


def _samples(families: Iterable) -> dict[str, float]:
    found = [sample for family in families for sample in family.samples]
    return {"".join([sample.name, *(f"{{{k}={v}}}" for k, v in sample.labels.items())]): sample.value for sample in found}


def test_the_names_are_the_promised_ones(metrics):
    body, kind = metrics.exposition("text/plain")
    assert {family.name for family in parse_text(body.decode())} == FAMILIES
    assert kind.startswith("text/plain; version=0.0.4")


def test_openmetrics_for_who_accepts_it(metrics):
    metrics.observe(OK)
    body, kind = metrics.exposition("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    families = list(parse_openmetrics(body.decode()))
    assert {family.name for family in families} == FAMILIES
    assert kind.startswith("application/openmetrics-text")
    assert _samples(families) == samples(metrics)


def test_every_status_is_there_from_the_start(metrics):
    statuses = ("ok", "cancelled", "invalid", "busy", "unavailable", "deadline", "timeout", "error")
    assert {f"qwen3tts_requests_total{{status={status}}}": 0.0 for status in statuses}.items() <= samples(metrics).items()


def test_a_request_is_counted_once_in_each(metrics):
    metrics.observe(OK)
    found = samples(metrics)
    assert found["qwen3tts_requests_total{status=ok}"] == 1
    assert found["qwen3tts_audio_seconds_total"] == 2
    assert found["qwen3tts_time_to_first_audio_seconds_sum"] == 0.05
    assert found["qwen3tts_request_seconds_sum"] == 0.5
    assert found["qwen3tts_real_time_factor_sum"] == 0.25
    assert found["qwen3tts_time_to_first_audio_seconds_bucket{le=0.04}"] == 0
    assert found["qwen3tts_time_to_first_audio_seconds_bucket{le=0.06}"] == 1


def test_what_was_not_spoken_to_its_end_has_no_duration(metrics):
    metrics.observe(replace(OK, status="cancelled"))
    metrics.observe(Record(CALL, 0.0, "busy", elapsed=0.001))
    metrics.observe(Record(CALL, 0.0, "error", elapsed=0.1))
    found = samples(metrics)
    assert [found[f"qwen3tts_requests_total{{status={status}}}"] for status in ("ok", "cancelled", "busy", "error")] == [0, 1, 1, 1]
    assert found["qwen3tts_request_seconds_count"] == found["qwen3tts_real_time_factor_count"] == 0
    assert found["qwen3tts_time_to_first_audio_seconds_count"] == 1
    assert found["qwen3tts_audio_seconds_total"] == 2


def test_a_request_that_said_nothing_has_no_real_time_factor(metrics):
    metrics.observe(Record(CALL, 0.0, "ok", elapsed=0.1))
    found = samples(metrics)
    assert (found["qwen3tts_request_seconds_count"], found["qwen3tts_real_time_factor_count"]) == (1, 0)


def test_gauges_are_asked_when_somebody_looks():
    loads = [None, EngineLoad(1, 2, 3, 4, 0), EngineLoad(5, 6, 7, 8, 0)]
    active = iter([0, 1, 2])
    metrics = Metrics(lambda: next(active), lambda: loads.pop(0))
    names = ("active_requests", "queue_size", "kv_pages{state=used}", "kv_pages{state=free}")
    seen = [[found[f"qwen3tts_{name}"] for name in names] for found in (samples(metrics) for _ in range(3))]
    assert seen == [[0, 0, 0, 0], [1, 1, 3, 4], [2, 5, 7, 8]]


def test_frames_come_from_any_thread(metrics):
    threads = [threading.Thread(target=lambda: [metrics.observe_frame(0.02) for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = samples(metrics)
    assert found["qwen3tts_frame_seconds_count"] == found["qwen3tts_frame_seconds_bucket{le=0.02}"] == 4000
    assert found["qwen3tts_frame_seconds_bucket{le=0.015}"] == 0


def test_two_servers_in_a_process_count_apart(metrics):
    other = Metrics(lambda: 0, lambda: None)
    metrics.observe(OK)
    assert samples(other)["qwen3tts_requests_total{status=ok}"] == 0


def test_the_numbers_of_a_service(hosted):
    """A stream that waits in the middle is seen as active and holds pages; at its end everything adds up."""
    service, tts = hosted.service, hosted.service.model.tts
    metrics = Metrics(lambda: service.active, tts.load_state)
    tts.on_frame(metrics.observe_frame)
    before = tuple(service.observers)
    service.observers = [*before, metrics.observe]

    async def speak() -> dict[str, float]:
        async with service.speak(Call("http", "m1", "Hello", seed=7, max_frames=6)) as speech:
            await anext(speech)
            during = samples(metrics)
            async for _ in speech:
                pass
        return during

    during = hosted.run(speak())
    service.observers = before
    assert during["qwen3tts_active_requests"] == 1
    assert during["qwen3tts_requests_total{status=ok}"] == 0
    hosted.eventually(hosted.everything_is_free)
    found = samples(metrics)
    record = hosted.records[-1]
    assert found["qwen3tts_requests_total{status=ok}"] == 1
    assert found["qwen3tts_audio_seconds_total"] == pytest.approx(record.frames * 0.08)
    assert found["qwen3tts_time_to_first_audio_seconds_sum"] == record.first_audio
    assert found["qwen3tts_request_seconds_sum"] == record.elapsed
    assert found["qwen3tts_frame_seconds_count"] >= record.frames - 1  # a step is counted after its chunk is sent
    assert (found["qwen3tts_active_requests"], found["qwen3tts_kv_pages{state=used}"]) == (0, 0)
    assert found["qwen3tts_kv_pages{state=free}"] == tts.load_state().pages_free > 0
