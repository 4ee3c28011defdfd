"""From the host to a device, without waiting for either."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def to_device(values: Sequence[int] | Sequence[float] | Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers on a device. To a GPU they go through pinned memory, so that the copy takes its turn in the stream.

    Torch keeps pinned memory until the copies out of it are done.
    """
    host = values.to(dtype) if isinstance(values, Tensor) else torch.tensor(values, dtype=dtype)
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host.to(device)
