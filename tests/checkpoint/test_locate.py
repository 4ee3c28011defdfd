"""Where a model is: folders, the environment, and a Hugging Face cache that the test lays out itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwen3tts.checkpoint import embedded_checkpoint, load_checkpoint, locate
from qwen3tts.errors import CheckpointError

SMALL = Path(__file__).parents[1] / "data" / "small"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offline, with an empty cache, and no model set."""
    monkeypatch.delenv("QWEN3TTS_MODEL", raising=False)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def cache(hub: Path) -> Path:
    """Put a checkpoint into a cache folder as huggingface_hub does, blobs and a snapshot of links to them; returns the snapshot."""
    repository = hub / "models--owner--name"
    snapshot = repository / "snapshots" / COMMIT
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    sources = [path for path in (SMALL / "custom_voice").rglob("*") if path.is_file() and path.parent.name != "golden"]
    for number, source in enumerate(sources):
        blob = repository / "blobs" / f"{number:040x}"
        blob.write_bytes(source.read_bytes())
        link = snapshot / source.relative_to(SMALL / "custom_voice")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


def test_nothing_given_is_the_embedded_checkpoint() -> None:
    assert locate(None) == embedded_checkpoint()
    assert load_checkpoint(locate(None)).config.kind == "custom_voice"


def test_environment_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN3TTS_MODEL", str(SMALL / "base"))
    assert locate(None) == SMALL / "base"
    assert locate(SMALL / "voice_design") == SMALL / "voice_design"


def test_empty_environment_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN3TTS_MODEL", "")
    assert locate(None) == embedded_checkpoint()


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(SMALL))
    assert locate("~/base") == SMALL / "base"


def test_folder_comes_before_a_repository_of_that_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache(tmp_path / "hf" / "hub")
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert locate("owner/name") == Path("owner/name")


@pytest.mark.parametrize(("variable", "below"), [("HF_HOME", "hub"), ("HF_HUB_CACHE", "")])
def test_cached_repository_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, below: str) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    snapshot = cache(tmp_path / "elsewhere" / below)
    found = locate("owner/name")
    assert found.resolve() == snapshot.resolve()
    assert load_checkpoint(found).config.kind == "custom_voice"


@pytest.mark.parametrize("offline", ["1", "true", "ON", "yes"])
def test_uncached_repository_offline(monkeypatch: pytest.MonkeyPatch, offline: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    with pytest.raises(CheckpointError, match=r"model='owner/name' is no folder here.*HF_HUB_OFFLINE is set: unset it") as caught:
        locate("owner/name")
    assert "\n" not in str(caught.value)


def test_unreachable_hub(tmp_path: Path) -> None:
    """In a process of its own: the address is read when huggingface_hub is imported."""
    script = "from qwen3tts.checkpoint import locate; locate('owner/name')"
    settings = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | settings, capture_output=True, text=True, timeout=120)
    last = done.stderr.strip().splitlines()[-1]
    assert "CheckpointError: model='owner/name'" in last and "check the name, the network and your access" in last


@pytest.mark.parametrize("model", ["no-such-model", "/no/such/folder", "./no/such", "a/b/c", "owner/", "https://example.com/x"])
def test_neither_a_folder_nor_a_repository(model: str) -> None:
    with pytest.raises(CheckpointError, match=r"neither a folder nor a Hugging Face repository \(owner/name\)"):
        locate(model)


def test_a_file_is_no_model() -> None:
    with pytest.raises(CheckpointError, match="is a file"):
        locate(SMALL / "base" / "config.json")
