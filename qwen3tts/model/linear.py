"""Matrix products with weights as they are stored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts import _C


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias, in the dtype of `x`.

    x: (..., in). weight: (out, in). bias: (out,) or None. Returns (..., out).

    On the CPU the weights stream through the extension in the dtype they are stored in, mapped from the file: x is float32, sums are
    float32, and a row's result is the same to the bit whatever rows stand beside it, so that a batch gives each row what it gets alone.
    """
    if x.device.type != "cpu":
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
        torch.get_num_threads(),
    )
    return out.view(*x.shape[:-1], weight.shape[0])
