"""Root-mean-square normalisation (Zhang and Sennrich, 2019, arXiv:1910.07467); official module `Qwen3TTSRMSNorm`.

Bytes per row: read and write `hidden` once. It is never worth a launch of its own: it belongs in front of the projection that
reads it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / rms(x) * weight over the last dimension, in float32 at least, returned in the dtype of `x`.

    x: (..., width). weight: (width,).
    """
    wide = x if x.dtype == torch.float64 else x.float()
    normalised = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * normalised.to(x.dtype)
