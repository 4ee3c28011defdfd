"""What the Ray application makes of its arguments, without a cluster."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from qwen3tts.errors import UnavailableError
from qwen3tts.server.record import Call, Record


def test_arguments_become_replicas(ray_serve: ModuleType) -> None:
    given = {"gpus": "0.5", "cpus": "4", "replicas": "2", "max_batch": "16", "line": "32", "retry_after": "2.5"}
    made = ray_serve.deployment(ray_serve.Arguments.model_validate(given))
    assert made.num_replicas == 2
    assert made.ray_actor_options == {"num_gpus": 0.5, "num_cpus": 4}
    assert (made.max_ongoing_requests, made.max_queued_requests) == (16, 32)
    assert (made.backpressure_config.status_code, made.backpressure_config.retry_after_s) == (429, 2.5)


def test_replicas_follow_the_load_between_two_numbers(ray_serve: ModuleType) -> None:
    scale = ray_serve.scaling(ray_serve.Arguments(replicas=1, max_replicas=8, max_batch=16))["autoscaling_config"]
    assert (scale["min_replicas"], scale["max_replicas"], scale["target_ongoing_requests"]) == (1, 8, 12)
    assert ray_serve.scaling(ray_serve.Arguments(replicas=3)) == {"num_replicas": 3}


@pytest.mark.parametrize(
    ("given", "named"), [({"gpu": 1}, "gpu"), ({"replicas": 0}, "replicas"), ({"replicas": 4, "max_replicas": 2}, "max_replicas=2")]
)
def test_a_wrong_argument_is_named(ray_serve: ModuleType, given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ray_serve.app(given)


def test_keys_come_from_the_environment(ray_serve: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QWEN3TTS_API_KEYS", raising=False)
    assert ray_serve.Arguments().settings.api_keys == {}
    monkeypatch.setenv("QWEN3TTS_API_KEYS", "home=a-secret-that-is-long")
    assert ray_serve.Arguments().settings.api_keys == {"home": "a-secret-that-is-long"}


def test_a_replica_that_only_fails_is_unhealthy(ray_serve: ModuleType) -> None:
    failures = ray_serve.Failures()
    ended = {status: Record(Call("http", "1", "Hi."), 0.0, status) for status in ("ok", "error", "busy")}
    for status in ("error", "error", "ok", "error", "busy", "error"):
        failures(ended[status])
    failures.check()
    failures(ended["error"])
    with pytest.raises(UnavailableError, match="last 3 requests"):
        failures.check()
