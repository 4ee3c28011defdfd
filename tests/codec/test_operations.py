"""Each operation against the library's or the textbook's, in float64, over awkward shapes."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
import torch
import torch.nn.functional as F

from qwen3tts.codec.convolution import Affine, Snake, causal_convolution, repeat_convolution, snake, transposed_convolution
from qwen3tts.codec.quantizer import Quantizer, quantize
from qwen3tts.codec.transformer import Attention, attend, rotary, rotate, window_mask

PIECES = [1, 5, 2, 1, 13]
SLOTS = torch.tensor([3, 1])


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def in_pieces(operation, x):
    """Run a carried operation over the time axis of x (2, C, T), piece by piece."""
    return torch.cat([operation(piece) for piece in x.split(PIECES, dim=-1)], dim=-1)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 3, 9])
@pytest.mark.parametrize("channels, out, groups, kernel", [(3, 5, 1, 7), (4, 2, 1, 3), (6, 6, 6, 7), (5, 1, 1, 1)])
def test_causal_convolution(channels, out, groups, kernel, dilation):
    convolution = Affine(torch.randn(out, channels // groups, kernel), torch.randn(out))
    reach = (kernel - 1) * dilation
    history = torch.zeros(4, channels, reach)
    x = torch.randn(2, channels, sum(PIECES))
    actual = in_pieces(lambda piece: causal_convolution(piece, convolution, history, SLOTS, dilation), x)
    close(actual, F.conv1d(F.pad(x, (reach, 0)), convolution.weight, convolution.bias, dilation=dilation, groups=groups))
    assert not history[[0, 2]].any()


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 8])
def test_transposed_convolution(stride):
    convolution = Affine(torch.randn(3, 5, 2 * stride), torch.randn(5))
    overlap = torch.zeros(4, 1, 5, stride)
    x = torch.randn(2, 3, sum(PIECES))
    actual = in_pieces(lambda piece: transposed_convolution(piece, convolution, overlap, SLOTS), x)
    close(actual, F.conv_transpose1d(x, convolution.weight, convolution.bias, stride)[..., : x.shape[-1] * stride])
    assert not overlap[[0, 2]].any()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_repeat_convolution(stride):
    convolution = Affine(torch.randn(3, 5, stride), torch.randn(5))
    x = torch.randn(2, 3, 7)
    close(repeat_convolution(x, convolution), F.conv_transpose1d(x, convolution.weight, convolution.bias, stride))


def test_snake():
    alpha, beta, x = torch.randn(3), torch.randn(3), 4 * torch.randn(2, 3, 11)
    weights = Snake.read({"act.alpha": alpha, "act.beta": beta}, "act")
    close(snake(x, weights), x + torch.sin(x * alpha.exp()[:, None]) ** 2 / (beta.exp()[:, None] + 1e-9))


@pytest.mark.parametrize("window", [1, 2, 6, 72])
@pytest.mark.parametrize("frames", [1, 4, 9])
def test_window_mask(window, frames):
    positions = torch.tensor([0, 1, window - 1, window, 1000])
    mask = window_mask(positions, torch.arange(frames), window)
    assert mask.shape == (len(positions), 1, frames, window - 1 + frames)
    for row, first in enumerate(positions.tolist()):
        for step in range(frames):
            query = first + step
            seen = [first + key - (window - 1) for key in mask[row, 0, step].nonzero().flatten().tolist()]
            assert seen == list(range(max(0, query - window + 1), query + 1))


@pytest.mark.parametrize("heads, groups", [(4, 1), (6, 3), (4, 4)])
def test_attention_shares_keys_among_query_heads(heads, groups):
    query, key, value = torch.randn(2, heads, 5, 8), torch.randn(2, heads // groups, 5, 8), torch.randn(2, heads // groups, 5, 8)
    output = torch.randn(7, heads * 8)
    weights = Attention(*[torch.empty(0)] * 3, output=output, scale=torch.empty(0))
    per_head = []
    for head in range(heads):
        scores = query[:, head] @ key[:, head // groups].transpose(1, 2) / math.sqrt(8)
        scores = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
        per_head.append(scores.softmax(-1) @ value[:, head // groups])
    close(attend(query, key, value, weights), torch.cat(per_head, dim=-1) @ output.T)


def test_rotation_turns_the_halves_by_position(codecs):
    config = codecs["base"].config.decoder_config
    half = config.head_dim // 2
    position = 12_345
    x = torch.randn(1, 2, 1, config.head_dim)
    actual = rotate(x, rotary(torch.tensor([[position]]), config))
    for i in range(half):
        angle = position * config.rope_theta ** (-i / half)
        low, high = x[..., i], x[..., i + half]
        # the angles are float32: 12,345 radians are known to 1e-3
        torch.testing.assert_close(actual[..., i], low * math.cos(angle) - high * math.sin(angle), rtol=0, atol=5e-3)
        torch.testing.assert_close(actual[..., i + half], high * math.cos(angle) + low * math.sin(angle), rtol=0, atol=5e-3)


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
