"""The linear layer of matrices as they lie in a file, which the models speak with; and torch's threads beside the extension's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts.native import dispatch
from qwen3tts.native.dispatch import array, optional_array


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias, in the dtype of `x`.

    x: (..., in). weight: (out, in). bias: (out,) or None. Returns (..., out). On the CPU float32 inputs take weights in the dtype
    they are stored in, mapped from the file; sums are float32.
    """
    if dispatch.path_of(x) != "cpu":
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1]).contiguous()
    out = rows.new_empty(len(rows), len(weight))
    dtype = str(weight.dtype).removeprefix("torch.")
    arrays = (array(rows), array(weight, weight.dtype), optional_array(bias), array(out))
    dispatch.run("linear", "cpu", x, *arrays, *rows.shape, len(weight), dtype)
    return out.view(*x.shape[:-1], len(weight))


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
