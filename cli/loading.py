"""The model of a command."""

from __future__ import annotations

import time
from typing import NoReturn

import qwen3tts
from qwen3tts.errors import DeviceError


def load_model(
    model: str | None, device: str = "auto", dtype: str | None = None, cuda_graphs: bool | None = None, quantize: str = "none"
) -> tuple[qwen3tts.TTS, float]:
    """Load a model for one utterance at a time; returns it and the seconds that it took. The arguments are those of `TTS.load`.

    cuda_graphs: None leaves it to `TTS.load`. Raises DeviceError where graphs are asked for, and the errors of `TTS.load`.
    """
    if cuda_graphs:
        _refuse_graphs(device)
    load = qwen3tts.TTS.load
    started = time.perf_counter()
    tts = load(model, device, dtype, cuda_graphs=cuda_graphs is not False, quantize=quantize, max_batch=1)
    return tts, time.perf_counter() - started


def _refuse_graphs(device: str) -> NoReturn:
    # Torch takes seconds to import, and wrong usage has to be told at once.
    from qwen3tts.device import resolve_device

    if resolve_device(device).type != "cuda":
        raise DeviceError(f"--cuda-graphs needs an NVIDIA GPU, and --device {device} is a CPU here: leave it out")
    raise DeviceError("--cuda-graphs comes with a later version, this one runs every frame eagerly: leave it out")
