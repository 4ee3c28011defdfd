"""The gated product of SwiGLU (Shazeer, 2020, arXiv:2002.05202); official module `Qwen3TTSTalkerTextMLP`."""

from __future__ import annotations

import torch
from torch import Tensor


def swiglu_reference(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up, elementwise; all of shape (..., intermediate).

    Written with exp, since torch's own silu rounds the last elements of a buffer differently on a CPU: a row would depend on its
    place.
    """
    return gate / (1 + torch.exp(-gate)) * up
