"""From what a caller calls a model to a folder on this machine."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

from qwen3tts.errors import CheckpointError

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WANTED = [
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "model*.safetensors",
    "model.safetensors.index.json",
    "speech_tokenizer/config.json",
    "speech_tokenizer/model*.safetensors",
    "speech_tokenizer/model.safetensors.index.json",
]


def embedded_checkpoint() -> Path:
    """The folder of the checkpoint that comes with the package."""
    return Path(str(files("qwen3tts") / "assets" / "voice"))


def locate(model: str | Path | None) -> Path:
    """The folder of a model, downloaded where it has to be.

    model: a folder; a Hugging Face repository, `owner/name`; None takes $QWEN3TTS_MODEL, else the embedded checkpoint.
    A repository comes from the Hugging Face cache; HF_HUB_OFFLINE, HF_HOME and HF_HUB_CACHE are read at each call.
    Raises CheckpointError where there is no such folder, repository or network.
    """
    if model is None:
        model = os.environ.get("QWEN3TTS_MODEL") or embedded_checkpoint()
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"model={str(model)!r} is a file: give the folder that holds a release")
    if not _REPOSITORY.fullmatch(str(model)):
        raise CheckpointError(f"model={str(model)!r} is neither a folder nor a Hugging Face repository (owner/name)")
    return _from_hub(str(model))


def _from_hub(repository: str) -> Path:
    # Imported here because a local folder needs none of it, and it takes half a second.
    from huggingface_hub import snapshot_download

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    try:
        return Path(snapshot_download(repository, allow_patterns=_WANTED, cache_dir=_hub_cache(), local_files_only=offline))
    except (OSError, ValueError) as error:
        if offline:
            remedy = "and HF_HUB_OFFLINE is set: unset it, or download the repository first"
        else:
            remedy = f"nor can it be downloaded ({str(error).splitlines()[0]}): check the name, the network and your access"
        raise CheckpointError(f"model={repository!r} is no folder here, is not in the Hugging Face cache, {remedy}") from error


def _hub_cache() -> Path | None:
    """The cache folder as the environment says now, None for the library's default; the library itself reads it once, at import."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"])
    return Path(os.environ["HF_HOME"]) / "hub" if "HF_HOME" in os.environ else None
