"""The extension's operations on tensors: the one place where addresses leave Python.

On the CPU they are float32 and invariant: a row of the result is the same to the bit whatever rows stand beside it. So a batch
gives each row what it gets alone, and a stream what the whole gives. Other devices and float64 go to torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts import _C


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias, in the dtype of `x`.

    x: (..., in). weight: (out, in). bias: (out,) or None. Returns (..., out). On the CPU float32 inputs take weights in the dtype
    they are stored in, mapped from the file; sums are float32.
    """
    if not _native(x):
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1]).contiguous()
    out = torch.empty(rows.shape[0], weight.shape[0])
    _C.linear(
        rows.data_ptr(),
        weight.data_ptr(),
        0 if bias is None else bias.data_ptr(),
        out.data_ptr(),
        rows.shape[0],
        rows.shape[1],
        weight.shape[0],
        str(weight.dtype).removeprefix("torch."),
        _threads(),
    )
    return out.view(*x.shape[:-1], weight.shape[0])


def snake(x: Tensor, frequency: Tensor, amplitude: Tensor) -> Tensor:
    """x + amplitude * sin(frequency * x)^2 for each channel.

    x: (..., channels), contiguous. frequency, amplitude: (channels,). Source: official `SnakeBeta`; arXiv 2006.08195.
    """
    on_gpu = x.is_cuda and x.dtype == torch.float32 and _C.build_info()["cuda"]
    if not on_gpu and not _native(x):
        return x + amplitude * (frequency * x).sin().square()
    out = torch.empty_like(x)
    addresses = (x.data_ptr(), frequency.data_ptr(), amplitude.data_ptr(), out.data_ptr())
    sizes = (x.numel() // x.shape[-1], x.shape[-1])
    if on_gpu:
        _C.snake_cuda(*addresses, *sizes, torch.cuda.current_stream(x.device).cuda_stream)
    else:
        _C.snake(*addresses, *sizes, _threads())
    return out


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch's own threads out of a step.

    What is worth sharing among cores runs in the extension. The rest are hundreds of operations of a few microseconds, and torch
    forks and joins for some of them (softmax always): on a busy machine each join waits for a core to come back, milliseconds at
    a time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _threads() -> int:
    """Threads of the extension: $OMP_NUM_THREADS as everywhere else, or one for each core that the process may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _native(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32
