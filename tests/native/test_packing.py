"""The layouts, value by value."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from qwen3tts.native import packing

SIZES = [(1, 1, 1), (3, 2, 5), (8, 1, 32), (33, 3, 17), (17, 7, 40)]


@pytest.mark.parametrize("width", [4, 8, 32])
@pytest.mark.parametrize(("columns", "taps", "channels"), SIZES)
def test_panels(columns: int, taps: int, channels: int, width: int) -> None:
    weight = torch.randn(columns, taps, channels)
    packed = packing.panels(weight, width)
    assert packed.shape == (-(-columns // width), taps * channels, width) and packed.is_contiguous()
    for column, tap, channel in product(range(columns), range(taps), range(channels)):
        assert packed[column // width, tap * channels + channel, column % width] == weight[column, tap, channel]
    assert packed.count_nonzero() == weight.numel()


@pytest.mark.parametrize(("columns", "taps", "channels"), SIZES)
def test_fragments(columns: int, taps: int, channels: int) -> None:
    weight = packing.round_to_tf32(torch.randn(columns, taps, channels))
    packed = packing.fragments(weight)
    assert packed.shape == (-(-channels // 32), taps, 2, -(-columns // 8), 32, 4) and packed.is_contiguous()
    for chunk, tap, half, block, lane, element in product(*map(range, packed.shape)):
        channel = chunk * 32 + half * 16 + element // 2 * 8 + element % 2 * 4 + lane % 4
        column = block * 8 + lane // 4
        expected = weight[column, tap, channel] if column < columns and channel < channels else 0
        assert packed[chunk, tap, half, block, lane, element] == expected


def test_tf32_is_the_nearest_number_of_ten_bits() -> None:
    x = torch.cat([torch.randn(10_000) * 10 ** torch.empty(10_000).uniform_(-30, 30), torch.tensor([0.0, torch.inf, -torch.inf])])
    rounded = packing.round_to_tf32(x)
    assert (rounded.view(torch.int32) & 0x1FFF == 0).all()
    mantissa, exponent = x[:-3].double().frexp()
    grid = (mantissa * 2**11).abs().add(0.5).floor() * mantissa.sign()
    assert torch.equal(rounded[:-3].double(), (grid / 2**11).ldexp(exponent))
    assert torch.equal(rounded[-3:], x[-3:])
    ties = torch.tensor([1 + 2**-11, -1 - 2**-11, 1 + 3 * 2**-11])
    assert torch.equal(packing.round_to_tf32(ties), torch.tensor([1 + 2**-10, -1 - 2**-10, 1 + 2 * 2**-10]))
