"""`qwen3tts info` and `qwen3tts tokenize`: a model and its tokens, looked at without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qwen3tts
from qwen3tts.backend import Machine, abilities
from qwen3tts.cli import options
from qwen3tts.cli.console import print_json, print_line
from qwen3tts.cli.files import read_text
from qwen3tts.device import resolve_device, resolve_dtype
from qwen3tts.text import Tokenizer

if TYPE_CHECKING:
    from qwen3tts.checkpoint import Checkpoint


def tokenize(text: options.Text, model: options.Model = None, json: options.Json = False) -> None:
    """Show the ids and pieces that a model's tokenizer makes of a text."""
    # Torch takes seconds to import.
    from qwen3tts.checkpoint import locate

    said = read_text(text)
    tokenizer = Tokenizer.load(locate(model))
    ids = tokenizer.encode(said)
    pieces = tokenizer.pieces(ids)
    if json:
        print_json({"text": said, "ids": ids, "pieces": pieces})
        return
    for token, piece in zip(ids, pieces, strict=True):
        print_line(f"{token:>6}  {piece!r}")


def info(model: options.Model = None, json: options.Json = False) -> None:
    """Describe a model and this machine, without reading a weight."""
    # Torch takes seconds to import.
    from qwen3tts.checkpoint import load_checkpoint, locate

    facts = {**_model_facts(load_checkpoint(locate(model))), **_machine_facts()}
    able = _abilities()
    if json:
        print_json({**facts, **able})
        return
    for name, value in {**facts, **_in_words(able)}.items():
        print_line(f"{name.replace('_', ' '):<18} {_readable(value)}")


def _model_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    config, codec = checkpoint.config, checkpoint.codec_config
    weights = {"model": checkpoint.model.values(), "codec": checkpoint.codec.values()}
    return {
        "model": str(checkpoint.folder),
        "kind": config.kind,
        "size": config.tts_model_size,
        "languages": list(config.languages),
        "speakers": list(config.speakers),
        "takes_instruct": config.takes_instruct,
        "sample_rate": codec.output_sample_rate,
        "frame_ms": codec.frame_seconds * 1000,
        "parameters": {part: sum(tensor.numel() for tensor in tensors) for part, tensors in weights.items()},
        "weight_bytes": {part: sum(tensor.nbytes for tensor in tensors) for part, tensors in weights.items()},
    }


def _machine_facts() -> dict[str, Any]:
    import torch

    from qwen3tts import _C
    from qwen3tts.bench.machine import describe_machine

    gpus = [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    return {
        "version": qwen3tts.__version__,
        "devices": ["cpu", *gpus],
        "machine": describe_machine(),
        "extension": {**_C.build_info(), "cpu_features": _C.cpu_features()},
    }


def _abilities() -> dict[str, Any]:
    """What this machine can run on the device that `--device auto` takes: None, or why not."""
    device = resolve_device("auto")
    return abilities(Machine.of(device, flash=True), resolve_dtype(None, device))


def _in_words(able: Any) -> Any:
    """Abilities for people."""
    if isinstance(able, dict):
        return {name: _in_words(item) for name, item in able.items()}
    return "yes" if able is None else f"no ({able})"


def _readable(value: Any) -> str:
    """A value of `info` for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_readable, value)) or "-"
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else "-"
        if value is None
        else str(value)
    )
