"""Where to compute, and in what. Torch, which takes seconds to import, is asked after the names are known to be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qwen3tts.errors import DeviceError

if TYPE_CHECKING:
    import torch

_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]+)?")
_DTYPES = ("float32", "bfloat16", "float16")


def check_device(device: str) -> None:
    """Raise DeviceError unless `device` is the name of one, be it here or not."""
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise DeviceError(f"device={device!r} is unknown: give auto, cpu, cuda or cuda:N")


def resolve_device(device: str) -> torch.device:
    """ "auto" is the GPU where there is one, else the CPU. Raises DeviceError for what this machine does not have."""
    check_device(device)
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = device.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f"device={device!r} needs an NVIDIA GPU and a CUDA build of torch, and this machine has none: give cpu or auto"
        )
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise DeviceError(f"device={device!r} does not exist: this machine has {torch.cuda.device_count()} GPU(s), numbered from 0")
    return torch.device(device)


def free_memory(device: torch.device) -> int:
    """Bytes of a GPU's memory that this process can have: what the driver has left, and what torch holds and does not use."""
    import torch

    return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def check_dtype(dtype: str) -> None:
    """Raise DeviceError unless `dtype` is the name of one that weights can have."""
    if dtype not in _DTYPES:
        raise DeviceError(f"dtype={dtype!r} is unknown: give {', '.join(_DTYPES)}")


def resolve_dtype(dtype: str | None, device: torch.device) -> torch.dtype:
    """The dtype of the weights by name; None is float32 on a CPU and bfloat16 on a GPU. Raises DeviceError."""
    if dtype is None:
        dtype = "float32" if device.type == "cpu" else "bfloat16"
    check_dtype(dtype)
    import torch

    weights_dtype: torch.dtype = getattr(torch, dtype)
    return weights_dtype
