"""Norm, rotation and SwiGLU against float64."""

import pytest
import torch

from qwen3tts.kernels.mlp import swiglu_reference
from qwen3tts.kernels.norm import rms_norm_reference
from qwen3tts.kernels.qkv import qk_norm_rope_reference, rope_reference, rope_table

# One rounding of the result, and a few of the sums behind it.
TOLERANCE = {torch.float32: 2e-6, torch.bfloat16: 2e-2, torch.float16: 2e-3}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1), (3, 17), (2, 5, 128), (33, 1000)])
def test_rms_norm_against_float64(shape, dtype):
    x, weight = torch.randn(shape).to(dtype), torch.randn(shape[-1]).to(dtype)
    wide = x.double()
    expected = wide / (wide.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight.double()
    got = rms_norm_reference(x, weight, 1e-6)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("head_dim", [2, 16, 128])
@pytest.mark.parametrize("theta", [1e4, 1e6])
def test_rope_turns_pairs_of_half_a_head_apart_like_complex_numbers(head_dim, theta):
    positions = torch.tensor([0, 1, 7, 500])
    x = torch.randn(4, 3, head_dim)
    cos, sin = rope_table(positions, head_dim, theta)
    half = head_dim // 2
    angles = positions.double()[:, None] * theta ** -(torch.arange(half).double() / half)
    turned = torch.complex(x[..., :half].double(), x[..., half:].double()) * torch.polar(torch.ones_like(angles), angles)[:, None]
    got = rope_reference(x, cos, sin)
    torch.testing.assert_close(got.double(), torch.cat((turned.real, turned.imag), -1), rtol=0, atol=1e-4)


def test_rotated_products_depend_on_distance_alone():
    query, key = torch.randn(1, 1, 64), torch.randn(1, 1, 64)

    def product(i, j):
        tables = rope_table(torch.tensor([i]), 64, 1e4), rope_table(torch.tensor([j]), 64, 1e4)
        return (rope_reference(query, *tables[0]) * rope_reference(key, *tables[1])).sum()

    torch.testing.assert_close(product(3, 10), product(40, 47), rtol=1e-4, atol=1e-4)


def test_qk_norm_comes_before_the_rotation():
    x, weight = torch.randn(5, 2, 16), torch.randn(16)
    cos, sin = rope_table(torch.arange(5), 16, 1e6)
    expected = rope_reference(rms_norm_reference(x, weight, 1e-6), cos, sin)
    torch.testing.assert_close(qk_norm_rope_reference(x, weight, 1e-6, cos, sin), expected, rtol=0, atol=0)


def test_swiglu_against_float64():
    gate, up = torch.randn(7, 33), torch.randn(7, 33)
    expected = gate.double() / (1 + (-gate.double()).exp()) * up.double()
    torch.testing.assert_close(swiglu_reference(gate, up).double(), expected, rtol=1e-5, atol=1e-6)
