"""The projections of a layer, each one launch with all that is elementwise around it.

A decode layer is five launches: norm and QKV; attention (kernels/paged_attention.py, kernels/predictor_attention.py); its
reduction, the output projection and the residual; norm, gate, up and SiLU; down and the residual. Between them move only
activations: 2 to 12 KB a lane and launch, against megabytes of weights.

An engine uses one form for all its launches: matrix-vector products where its batch is at most MATVEC_LANES, tensor cores above.
Both sum each output in an order of their own that does not depend on the batch, so a row never sees who is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.kernels.language import next_power_of_2
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.matmul import matmul_kernel
from qwen3tts.kernels.matvec import matvec_kernel
from qwen3tts.kernels.mlp import swiglu_reference
from qwen3tts.kernels.norm import rms_norm_reference

MATVEC_LANES = 8
MATVEC_BLOCK_K = 1024
"""With the 16 bytes that a thread loads it fixes the order of sums."""

EARLY_BYTES = 16 * 1024
"""Weights of a program that are on their way at a time. With four programs on a multiprocessor that is twice what bandwidth times
latency asks for, and leaves half of the registers to the next kernel, whose programs load their weights meanwhile."""

MOST_SUMS = {1: 8, 2: 32, 4: 32}
"""Outputs times lanes of a program, by the bytes of a weight: more do not fit the registers."""

MATMUL_WARPS = 4
MATMUL_BLOCK_K = 128
SHARED_BYTES = 64 * 1024
"""Of a program's pipeline: what two programs on an sm_90 and one on an sm_89 can have beside them."""


@dataclass(frozen=True)
class Matrix:
    """A projection's weights. values: (out, in), contiguous. scales: float32 (out,) for float8 values, which they multiply."""

    values: Tensor
    scales: Tensor | None = None

    def wide(self, dtype: torch.dtype) -> Tensor:
        """The weights that the values stand for."""
        values = self.values.to(dtype)
        return values if self.scales is None else values * self.scales.to(dtype)[:, None]


def norm_linear(
    launch: Launcher, x: Tensor, norm: Tensor, eps: float, weight: Matrix, out: Tensor, bias: Tensor | None = None, *, wide: bool
) -> None:
    """out = RMSNorm(x) Wᵀ + bias. x: (lanes, in). norm: (in,). out: (lanes, out) of any dtype. Rows of x and out may lie apart.

    wide: on tensor cores.
    """
    _project(launch, x, weight, out, norm=norm, eps=eps, bias=bias, wide=wide)


def norm_swiglu(launch: Launcher, x: Tensor, norm: Tensor, eps: float, gate_up: Matrix, out: Tensor, *, wide: bool) -> None:
    """out = silu(g) * u, where g and u are the halves of RMSNorm(x) Wᵀ. gate_up: (2 * out, in), gates first."""
    _project(launch, x, gate_up, out, norm=norm, eps=eps, gated=True, wide=wide)


def residual_linear(launch: Launcher, x: Tensor, weight: Matrix, residual: Tensor, *, wide: bool) -> None:
    """residual += x Wᵀ. x: (lanes, in). residual: (lanes, out)."""
    _project(launch, x, weight, residual, residual=residual, wide=wide)


def _project(
    launch: Launcher,
    x: Tensor,
    weight: Matrix,
    out: Tensor,
    *,
    wide: bool,
    norm: Tensor | None = None,
    eps: float = 0.0,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    gated: bool = False,
) -> None:
    values = weight.values
    lanes, n, k = x.shape[0], values.shape[0] // (2 if gated else 1), values.shape[1]
    if x.shape != (lanes, k) or out.shape != (lanes, n) or not values.is_contiguous() or x.stride(1) != 1 or out.stride(1) != 1:
        raise ValueError(f"x {tuple(x.shape)}, weights {tuple(values.shape)} and out {tuple(out.shape)} do not fit or have gaps")
    tile = _matmul_tile(x, n, values, gated) if wide else _matvec_tile(lanes, n, values, gated)
    launch(
        matmul_kernel if wide else matvec_kernel,
        (-(-n // tile["BLOCK_N"]), -(-lanes // tile["LANES"])),
        *(x, x.stride(0), norm, eps, values, weight.scales, bias, residual, out, out.stride(0), lanes),
        work=Work(bytes_of(values, weight.scales, bias), bytes_of(x, out, residual), 2 * lanes * values.numel()),
        N=n,
        K=k,
        GATED=gated,
        **tile,
    )


def _matvec_tile(lanes: int, n: int, values: Tensor, gated: bool) -> dict[str, int]:
    """About 512 programs, four for each multiprocessor of a large GPU; a matrix too small for that is bound by its launch."""
    vector, halves = 16 // values.element_size(), 2 if gated else 1
    lanes = min(lanes, MATVEC_LANES)
    most = MOST_SUMS[values.element_size()] // (halves * next_power_of_2(lanes))
    block_n = max(1, min(most, 32 if n < 1024 else 2 if n < 2048 else 4 if gated or n < 4096 else 8))
    steps = -(-values.shape[1] // MATVEC_BLOCK_K)
    return {
        "LANES": lanes,
        "BLOCK_N": block_n,
        "BLOCK_K": MATVEC_BLOCK_K,
        "VECTOR": vector,
        "EARLY": min(steps, max(1, EARLY_BYTES // (block_n * halves * MATVEC_BLOCK_K * values.element_size()))),
        "warps": MATVEC_BLOCK_K // vector // 32,
    }


def _matmul_tile(x: Tensor, n: int, values: Tensor, gated: bool) -> dict[str, int]:
    """Enough programs for the multiprocessors first, then as many stages of the pipeline as shared memory holds."""
    block_n = 64 if n < 1024 else 16 if gated or n <= 2048 else 32
    block_lanes = 16 if len(x) <= 16 else 32 if len(x) <= 32 else 64
    weight_bytes = block_n * (2 if gated else 1) * values.element_size()
    stage_bytes = (weight_bytes + block_lanes * x.element_size()) * MATMUL_BLOCK_K
    # With more stages beside 32 lanes or more, some compilers run out of registers.
    stages = max(2, min(5 if block_lanes == 16 else 3, 1 + SHARED_BYTES // stage_bytes))
    return {"LANES": block_lanes, "BLOCK_N": block_n, "BLOCK_K": MATMUL_BLOCK_K, "STAGES": stages, "warps": MATMUL_WARPS}


def norm_linear_reference(x: Tensor, norm: Tensor, eps: float, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """What `norm_linear` computes, rounded after the norm."""
    return torch.nn.functional.linear(rms_norm_reference(x, norm, eps), weight, bias)


def norm_swiglu_reference(x: Tensor, norm: Tensor, eps: float, gate_up: Tensor) -> Tensor:
    """What `norm_swiglu` computes, rounded after each step."""
    return swiglu_reference(*norm_linear_reference(x, norm, eps, gate_up).chunk(2, dim=-1))
