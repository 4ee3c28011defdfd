"""Where to compute, and in what."""

from __future__ import annotations

import torch

from qwen3tts.errors import DeviceError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(device: str) -> torch.device:
    """ "auto" is the GPU where there is one, else the CPU. Raises DeviceError for what this machine does not have."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdecimal()) or (kind == "cpu" and index):
        raise DeviceError(f"device={device!r} is unknown: give auto, cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f"device={device!r} needs an NVIDIA GPU and a CUDA build of torch, and this machine has none: give cpu or auto"
        )
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise DeviceError(f"device={device!r} does not exist: this machine has {torch.cuda.device_count()} GPU(s), numbered from 0")
    return torch.device(device)


def resolve_dtype(dtype: str | None, device: torch.device) -> torch.dtype:
    """The dtype of the weights by name; None is float32 on a CPU and bfloat16 on a GPU. Raises DeviceError."""
    if dtype is None:
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if dtype not in _DTYPES:
        raise DeviceError(f"dtype={dtype!r} is unknown: give {', '.join(_DTYPES)}")
    return _DTYPES[dtype]
