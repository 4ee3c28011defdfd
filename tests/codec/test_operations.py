"""Each operation against the library's or the textbook's, in float64, over awkward shapes."""

from __future__ import annotations

from itertools import accumulate

import pytest
import torch
import torch.nn.functional as F

from qwen3tts.codec.convolution import (
    Affine,
    ConvNeXt,
    Snake,
    causal_convolution,
    convnext,
    gelu,
    repeat_convolution,
    transposed_convolution,
)
from qwen3tts.codec.quantizer import Quantizer, quantize
from qwen3tts.codec.transformer import window_attention
from qwen3tts.native import snake

PIECES = [1, 5, 2, 1, 13]
SLOTS = torch.tensor([3, 1])


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def in_pieces(operation, x):
    """Run a carried operation over the time axis of x (2, T, C), piece by piece."""
    return torch.cat([operation(piece) for piece in x.split(PIECES, dim=1)], dim=1)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def tensors(**shapes):
    return {name.replace("__", "."): torch.randn(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("dilation", [1, 3, 9])
@pytest.mark.parametrize(("channels", "out", "kernel"), [(3, 5, 7), (4, 2, 3), (5, 1, 1)])
def test_causal_convolution(channels, out, kernel, dilation):
    weights = tensors(conv__weight=(out, channels, kernel), conv__bias=(out,))
    reach = (kernel - 1) * dilation
    history = torch.zeros(4, reach, channels)
    x = torch.randn(2, sum(PIECES), channels)
    convolution = Affine.read_convolution(weights, "conv")
    actual = in_pieces(lambda piece: causal_convolution(piece, convolution, history, SLOTS, dilation), x)
    expected = F.conv1d(F.pad(x.mT, (reach, 0)), weights["conv.weight"], weights["conv.bias"], dilation=dilation)
    close(actual, expected.mT)
    assert not history[[0, 2]].any()


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 8])
def test_transposed_convolution(stride):
    weights = tensors(conv__weight=(3, 5, 2 * stride), conv__bias=(5,))
    overlap = torch.zeros(4, 1, stride, 5)
    x = torch.randn(2, sum(PIECES), 3)
    convolution = Affine.read_transposed(weights, "conv")
    actual = in_pieces(lambda piece: transposed_convolution(piece, convolution, overlap, SLOTS), x)
    expected = F.conv_transpose1d(x.mT, weights["conv.weight"], weights["conv.bias"], stride)
    close(actual, expected[..., : x.shape[1] * stride].mT)
    assert not overlap[[0, 2]].any()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_repeat_convolution(stride):
    weights = tensors(conv__weight=(3, 5, stride), conv__bias=(5,))
    x = torch.randn(2, 7, 3)
    expected = F.conv_transpose1d(x.mT, weights["conv.weight"], weights["conv.bias"], stride)
    close(repeat_convolution(x, Affine.read_transposed(weights, "conv")), expected.mT)


def test_convnext():
    weights = tensors(
        b__dwconv__conv__weight=(6, 1, 7),
        b__dwconv__conv__bias=(6,),
        b__norm__weight=(6,),
        b__norm__bias=(6,),
        b__pwconv1__weight=(24, 6),
        b__pwconv1__bias=(24,),
        b__pwconv2__weight=(6, 24),
        b__pwconv2__bias=(6,),
        b__gamma=(6,),
    )
    x, history = torch.randn(2, sum(PIECES), 6), torch.zeros(4, 6, 6)
    hidden = F.conv1d(F.pad(x.mT, (6, 0)), weights["b.dwconv.conv.weight"], weights["b.dwconv.conv.bias"], groups=6).mT
    hidden = F.layer_norm(hidden, (6,), weights["b.norm.weight"], weights["b.norm.bias"], 1e-6)
    hidden = F.gelu(F.linear(hidden, weights["b.pwconv1.weight"], weights["b.pwconv1.bias"]))
    expected = x + weights["b.gamma"] * F.linear(hidden, weights["b.pwconv2.weight"], weights["b.pwconv2.bias"])
    block = ConvNeXt.read(weights, "b")
    close(in_pieces(lambda piece: convnext(piece, block, history, SLOTS), x), expected)


def test_snake():
    alpha, beta, x = torch.randn(3), torch.randn(3), 4 * torch.randn(2, 11, 3)
    weights = Snake.read({"act.alpha": alpha, "act.beta": beta}, "act")
    close(snake(x, weights.frequency, weights.amplitude), x + torch.sin(x * alpha.exp()) ** 2 / (beta.exp() + 1e-9))


def test_gelu():
    x = 5 * torch.randn(1000)
    close(gelu(x), F.gelu(x))


@pytest.mark.parametrize("window", [1, 2, 6, 72])
@pytest.mark.parametrize(("heads", "groups"), [(4, 1), (6, 3), (4, 4)])
def test_window_attention(window, heads, groups):
    """Query heads share keys in groups; a position sees its window and nothing before the first frame."""
    n, head_dim, kv_heads = 9, 8, heads // groups
    first = torch.tensor([0, 1, window - 1, window, 1000])
    query = torch.randn(5, n, heads, head_dim)
    key, value = torch.randn(5, window - 1 + n, kv_heads, head_dim), torch.randn(5, window - 1 + n, kv_heads, head_dim)
    frames = first[:, None] + torch.arange(n)
    unseen = frames[..., None] < torch.arange(window - 1, -1, -1)
    actual = window_attention(query, key, value, unseen)
    for row, position in enumerate(first.tolist()):
        for step in range(n):
            last = window - 1 + step
            start = last - min(window - 1, position + step)
            for head in range(heads):
                keys, values = (t[row, start : last + 1, head // groups] for t in (key, value))
                weights = (keys @ query[row, step, head] / head_dim**0.5).softmax(0)
                close(actual[row, step, head], weights @ values)


@pytest.mark.parametrize("projected", [False, True])
def test_quantizer_takes_the_nearest_of_what_is_left(projected):
    codebooks, projection = torch.randn(4, 10, 3), torch.randn(3, 6)
    weights = Quantizer(codebooks, projection if projected else None)
    vectors = torch.randn(30, 6 if projected else 3)
    codes = quantize(vectors, weights)
    left = vectors @ projection.T if projected else vectors
    for chosen, residual in zip(codes, left, strict=True):
        partial = accumulate((codebooks[i, code] for i, code in enumerate(chosen)), initial=torch.zeros(3))
        for book, code, so_far in zip(codebooks, chosen, partial, strict=False):
            assert (residual - so_far - book).square().sum(1).argmin() == code
