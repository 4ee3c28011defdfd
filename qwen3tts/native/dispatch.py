"""Where an operation runs, and how its tensors cross: the one place where addresses leave Python."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor

from qwen3tts import _C

Path = Literal["reference", "cpu", "cuda"]
Array = tuple[int, int]

extension: ModuleType = _C
"""The module that answers. A test puts one in its place whose GPU operations are emulated."""


def path_of(x: Tensor) -> Path:
    """What computes with a tensor: the extension with float32 on a CPU, or on a GPU if it is built for one; else the reference."""
    if x.dtype is not torch.float32:
        return "reference"
    if x.is_cpu:
        return "cpu"
    return "cuda" if x.is_cuda and hasattr(extension, "convolution_cuda") else "reference"


def array(tensor: Tensor, dtype: torch.dtype = torch.float32) -> Array:
    """The address and the number of elements of a contiguous tensor; the extension checks the number against its sizes.

    Raises ValueError if the elements are of another type or lie apart.
    """
    if tensor.dtype is not dtype or not tensor.is_contiguous():
        form = "contiguous" if tensor.is_contiguous() else "with gaps"
        raise ValueError(f"a tensor {tuple(tensor.shape)} is {tensor.dtype}, {form}: give one of {dtype}, contiguous")
    return tensor.data_ptr(), tensor.numel()


def optional_array(tensor: Tensor | None) -> Array | None:
    """`array`, of what may be left out."""
    return None if tensor is None else array(tensor)


def run(name: str, path: Path, x: Tensor, *arguments: Any) -> None:
    """Call the extension's `name`, or `name`_cuda on the current stream of the GPU that `x` is on, with `arguments`."""
    if path == "cpu":
        getattr(extension, name)(*arguments, extension.available_threads())
        return
    with torch.cuda.device_of(x):
        getattr(extension, f"{name}_cuda")(*arguments, stream_of(x))


def stream_of(x: Tensor) -> int:
    """The current cudaStream_t of a tensor's GPU; 0 for one on a CPU."""
    return torch.cuda.current_stream(x.device).cuda_stream if x.is_cuda else 0
