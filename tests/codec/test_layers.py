"""A checkpoint's tensors as layers, against the library's operations on the tensors as they are, in float64; and the quantizer."""

from __future__ import annotations

from itertools import accumulate

import pytest
import torch
import torch.nn.functional as F

from qwen3tts.codec.encoder import downsample, seanet
from qwen3tts.codec.layers import Reader, apply
from qwen3tts.codec.quantizer import Quantizer, quantize
from qwen3tts.native import Layer


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def reader(**shapes):
    return Reader({name.replace("__", "."): torch.randn(shape) for name, shape in shapes.items()}, "", torch.float64)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("taps", [1, 2])
@pytest.mark.parametrize("rate", [1, 2, 3, 5, 8])
def test_transposed(rate, taps):
    tensors = reader(a__conv__weight=(3, 5, taps * rate), a__conv__bias=(5,), snake__alpha=(5,), snake__beta=(5,))
    x, snake = torch.randn(2, 7, 3), tensors.snake("snake")
    expected = F.conv_transpose1d(x.mT, tensors["a.conv.weight"], tensors["a.conv.bias"], rate)[..., : 7 * rate].mT
    close(apply(tensors.below("a").transposed("conv", rate), x), expected)
    ripple = torch.sin(expected * tensors["snake.alpha"].exp()) ** 2 / (tensors["snake.beta"].exp() + 1e-9)
    close(apply(tensors.transposed("a.conv", rate, snake), x), expected + ripple)


@pytest.mark.parametrize("dilation", [1, 3, 9])
def test_convolution(dilation):
    tensors = reader(conv__weight=(5, 3, 7), conv__bias=(5,))
    x = torch.randn(2, 11, 3)
    expected = F.conv1d(F.pad(x.mT, (6 * dilation, 0)), tensors["conv.weight"], tensors["conv.bias"], dilation=dilation).mT
    close(apply(tensors.convolution("conv", dilation=dilation), x), expected)


def test_linear_layers_side_by_side_with_a_scale():
    tensors = reader(a__weight=(4, 3), a__bias=(4,), b__weight=(2, 3), b__bias=(2,), scale=(6,))
    x = torch.randn(2, 5, 3)
    expected = torch.cat([F.linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in "ab"], dim=2)
    close(apply(tensors.linear("a", "b", scale=tensors["scale"]), x), tensors["scale"] * expected)


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("kernel", [2, 4, 6])
def test_downsampling_repeats_what_is_at_the_ends(kernel, steps):
    weight, x = torch.randn(5, kernel, 3), torch.randn(1, steps, 3)
    padded = F.pad(x.mT, (kernel - 2, steps % 2), mode="replicate")
    expected = F.conv1d(padded, weight.mT, stride=2).mT
    close(downsample(x, Layer.pack(weight, stride=2)), expected)


@pytest.mark.parametrize("samples", [1, 11, 12, 13, 36, 100])
def test_seanet_is_the_same_however_many_samples_go_at_once(samples):
    """Two strided convolutions, by 3 and 4, each of which fills its last stride up with zeros behind its ELU."""
    first, second = torch.randn(4, 6, 1), torch.randn(3, 8, 4)
    stages = (Layer.pack(first, stride=3, activation="elu", raw=False), Layer.pack(second, stride=4))
    x = torch.randn(samples)
    for at_once in (12, 24, 120):
        hidden = F.elu(F.conv1d(F.pad(x[None, None], (3, -samples % 3)), first.mT, stride=3))
        expected = F.conv1d(F.pad(hidden, (4, -hidden.shape[2] % 4)), second.mT, stride=4).mT
        close(seanet(x, stages, at_once), expected)


@pytest.mark.parametrize("projected", [False, True])
def test_quantizer_takes_the_nearest_of_what_is_left(projected):
    codebooks, projection = torch.randn(4, 10, 3), torch.randn(3, 6)
    weights = Quantizer(codebooks, Layer.linear(projection) if projected else None)
    vectors = torch.randn(30, 6 if projected else 3)
    codes = quantize(vectors[None], weights)
    left = vectors @ projection.T if projected else vectors
    for chosen, residual in zip(codes, left, strict=True):
        partial = accumulate((codebooks[i, code] for i, code in enumerate(chosen)), initial=torch.zeros(3))
        for book, code, so_far in zip(codebooks, chosen, partial, strict=False):
            assert (residual - so_far - book).square().sum(1).argmin() == code
