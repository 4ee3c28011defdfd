"""Ray Serve: two replicas on this machine's CPU, with real streams, a real death and a real end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from qwen3tts import TTS, SamplingParams

ROOT = Path(__file__).parents[2]
BATCH, LINE, FRAMES = 2, 4, 150


@dataclass(frozen=True)
class Cluster:
    """Ray Serve with two replicas. url: of its HTTP."""

    url: str

    def replicas(self) -> dict[str, Any]:
        """The actor of each replica that lives, by what it calls itself in `X-Replica`."""
        import ray
        from ray.util import list_named_actors

        names = [actor for actor in list_named_actors(all_namespaces=True) if "#speech#" in actor["name"]]
        return {actor["name"].rpartition("#")[2]: ray.get_actor(actor["name"], actor["namespace"]) for actor in names}

    def pids(self) -> dict[str, int]:
        """The process of each replica."""
        import ray

        # `__ray_call__` runs a function in an actor's process.
        return {name: ray.get(actor.__ray_call__.remote(lambda replica: os.getpid())) for name, actor in self.replicas().items()}

    def ongoing(self) -> int:
        """Requests that replicas are answering."""
        import ray

        return sum(ray.get([actor.get_num_ongoing_requests.remote() for actor in self.replicas().values()]))

    def running(self) -> int:
        """Replicas that take requests."""
        from ray import serve

        return serve.status().applications["default"].deployments["speech"].replica_states.get("RUNNING", 0)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(ray_serve: ModuleType) -> Iterator[Cluster]:
    """Ray of our own, on the loopback, with two replicas of a core each; gone at the end, with all that it started."""
    import ray
    from ray import serve

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray-") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Otherwise Ray writes a token into the home folder.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.delenv("QWEN3TTS_MODEL", raising=False)
        port = free_port()
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
            _temp_dir=folder,
            _node_ip_address="127.0.0.1",
        )
        try:
            serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
            serve.run(ray_serve.app({"replicas": 2, "max_batch": BATCH, "line": LINE}))
            yield Cluster(f"http://127.0.0.1:{port}")
        finally:
            serve.shutdown()
            ray.shutdown()


@dataclass(frozen=True)
class Reference:
    """An engine without Ray. heard: what is known of it, by seed."""

    tts: TTS
    heard: dict[int, bytes] = field(default_factory=dict)

    def pcm(self, seed: int) -> bytes:
        """What a caller of this seed hears, as 16-bit PCM."""
        if seed not in self.heard:
            self.heard[seed] = self._speak(seed)
        return self.heard[seed]

    def _speak(self, seed: int) -> bytes:
        with self.tts.stream(text_of(seed), sampling=SamplingParams(seed=seed), max_frames=FRAMES) as stream:
            return b"".join(chunk.pcm.tobytes() for chunk in stream)

    def long_seeds(self, wanted: int) -> list[int]:
        """Seeds whose speech goes on to the limit of frames; others stop before, as it happens."""
        requests = [{"text": text_of(seed), "sampling": SamplingParams(seed=seed)} for seed in range(24)]
        long = [
            seed for seed, audio in enumerate(self.tts.synthesize_many(requests, max_frames=FRAMES)) if len(audio.codes) == FRAMES
        ]
        assert len(long) >= wanted
        return long[:wanted]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(TTS.load(device="cpu"))


@pytest.fixture(scope="module")
def seeds(reference: Reference) -> list[int]:
    """As many long speeches as all replicas together speak at once."""
    return reference.long_seeds(2 * BATCH)


def text_of(seed: int) -> str:
    """A text of its own for each seed."""
    return f"This is what number {seed} has to say."


def body(seed: int) -> dict[str, Any]:
    """A request for speech, as raw PCM."""
    return {"model": "qwen3tts", "input": text_of(seed), "seed": seed, "max_frames": FRAMES, "response_format": "pcm"}


@dataclass
class Heard:
    """What a caller got. broken: the connection ended in the middle."""

    status: int
    replica: str | None
    retry_after: str | None
    pieces: list[bytes]
    broken: bool = False

    @property
    def pcm(self) -> bytes:
        return b"".join(self.pieces)


async def listen(client: httpx.AsyncClient, seed: int, began: Callable[[Heard], None]) -> Heard:
    """Ask for speech and listen to its end. began: called with the first piece."""
    async with client.stream("POST", "/v1/audio/speech", json=body(seed)) as response:
        heard = Heard(response.status_code, response.headers.get("X-Replica"), response.headers.get("Retry-After"), [])
        try:
            async for piece in response.aiter_raw():
                heard.pieces.append(piece)
                if len(heard.pieces) == 1:
                    began(heard)
        except httpx.TransportError:
            heard.broken = True
    return heard


def together(cluster: Cluster, seeds: Iterable[int], began: Callable[[Heard], None] = lambda heard: None) -> dict[int, Heard]:
    """Ask for the speech of all these seeds at once."""

    async def ask() -> dict[int, Heard]:
        async with httpx.AsyncClient(base_url=cluster.url, timeout=120) as client:
            heard = await asyncio.gather(*(listen(client, seed, began) for seed in seeds))
        return dict(zip(seeds, heard, strict=True))

    return asyncio.run(ask())


@pytest.mark.soak
def test_two_replicas_stream_what_one_engine_says_alone(cluster: Cluster, reference: Reference, seeds: list[int]) -> None:
    heard = together(cluster, seeds)
    assert {h.status for h in heard.values()} == {200}
    # One replica could not speak to all of them at once.
    assert {h.replica for h in heard.values()} == set(cluster.replicas())
    for seed, h in heard.items():
        assert h.pcm == reference.pcm(seed)
        assert len(h.pieces) > 3
    answer = httpx.get(f"{cluster.url}/v1/models", headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.headers.get_list("X-Request-Id")) == (200, ["mine"])


@pytest.mark.soak
def test_who_hangs_up_is_not_spoken_to_any_longer(cluster: Cluster, seeds: list[int]) -> None:
    with httpx.stream("POST", f"{cluster.url}/v1/audio/speech", json=body(seeds[0])) as response:
        # httpx hangs up when its iterator is dropped.
        pieces = response.iter_raw()
        assert next(pieces)
        assert cluster.ongoing() == 1
    cluster.wait_for(lambda: cluster.ongoing() == 0)


@pytest.mark.soak
def test_beyond_the_line_is_429_with_a_time_to_come_back(cluster: Cluster, reference: Reference) -> None:
    heard = together(cluster, range(16))
    refused = [h for h in heard.values() if h.status == 429]
    spoken = {seed: h for seed, h in heard.items() if h.status == 200}
    assert len(refused) + len(spoken) == 16
    assert refused
    assert {h.retry_after for h in refused} == {"1"}
    assert len(spoken) >= LINE
    assert all(h.pcm == reference.pcm(seed) for seed, h in spoken.items())


@pytest.mark.soak
def test_a_killed_replica_loses_only_what_it_was_speaking(cluster: Cluster, reference: Reference, seeds: list[int]) -> None:
    pids = cluster.pids()
    begun: list[str] = []

    def kill_one_when_all_speak(heard: Heard) -> None:
        begun.append(heard.replica or "")
        if len(begun) == len(seeds):
            os.kill(pids[begun[0]], signal.SIGKILL)

    heard = together(cluster, seeds, kill_one_when_all_speak)
    assert len(begun) == len(seeds)
    lost = [h for h in heard.values() if h.replica == begun[0]]
    kept = {seed: h for seed, h in heard.items() if h.replica != begun[0]}
    assert len(lost) == len(kept) == BATCH
    assert all(h.broken for h in lost)
    assert all(h.pcm == reference.pcm(seed) for seed, h in kept.items())

    after = together(cluster, seeds[:1])[seeds[0]]
    assert (after.status, after.pcm) == (200, reference.pcm(seeds[0]))
    cluster.wait_for(lambda: cluster.running() == 2 and len(cluster.replicas()) == 2)
    assert begun[0] not in cluster.replicas()
    assert {h.replica for h in together(cluster, seeds).values()} == set(cluster.replicas())


@pytest.mark.soak
def test_replicas_that_have_to_go_end_their_streams_whole(cluster: Cluster, reference: Reference, seeds: list[int]) -> None:
    from ray import serve

    begun: list[Heard] = []

    def let_go_when_all_speak(heard: Heard) -> None:
        begun.append(heard)
        if len(begun) == len(seeds):
            serve.delete("default", _blocking=False)

    heard = together(cluster, seeds, let_go_when_all_speak)
    assert len(begun) == len(seeds)
    assert all(h.pcm == reference.pcm(seed) and not h.broken for seed, h in heard.items())
    cluster.wait_for(lambda: "default" not in serve.status().applications)
