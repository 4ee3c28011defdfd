"""What happens to queries and keys between their projection and attention: QK-norm and RoPE (Su et al., 2021, arXiv:2104.09864).

The rotation pairs dimension i with i + head_dim / 2 ("rotate half"). The talker's mRoPE gives text the same position in all three
sections, so it is this one too; official module `apply_multimodal_rotary_pos_emb`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from qwen3tts.kernels.norm import rms_norm_reference


def rope_table(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotation, float32 (..., head_dim / 2), for integer positions (...)."""
    exponents = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
    angles = positions.unsqueeze(-1).float() * (1.0 / theta**exponents)
    return angles.cos(), angles.sin()


def rope_reference(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the heads of x (..., heads, head_dim) by the angles (..., head_dim / 2) of their position."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.unsqueeze(-2).to(x.dtype), sin.unsqueeze(-2).to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def qk_norm_rope_reference(x: Tensor, weight: Tensor, eps: float, cos: Tensor, sin: Tensor) -> Tensor:
    """Normalise each head of the queries or keys x (..., heads, head_dim), then rotate it to its position."""
    return rope_reference(rms_norm_reference(x, weight, eps), cos, sin)
