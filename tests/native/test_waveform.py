"""The last convolution on the CPU against float64, and bit against bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from qwen3tts.native import waveform, waveform_reference

SHAPES = [(1, 1), (3, 2), (33, 7), (96, 7), (130, 5)]

# Relative to sum |x * w| + |bias|.
TOLERANCE = 4e-7


@pytest.mark.parametrize(("channels", "taps"), SHAPES)
def test_equals_float64(isa: str, channels: int, taps: int) -> None:
    x, weight, bias = torch.randn(2, 301, channels), torch.randn(taps, channels) / (taps * channels) ** 0.5, torch.randn(1)
    sound = waveform(x, weight, bias, None)
    expected = waveform_reference(x.double(), weight.double(), bias.double(), None)
    size = torch.nn.functional.conv1d(
        torch.nn.functional.pad(x.mT.abs(), (taps - 1, 0)), weight.T[None].abs(), bias.abs()
    ).squeeze(1)  # fmt: skip
    assert ((sound.samples - expected.samples).abs() <= TOLERANCE * size).all()
    assert torch.equal(sound.pcm, (sound.samples * 32768).round().clamp(-32768, 32767).to(torch.int16))


def test_full_scale(isa: str) -> None:
    """Halves go to the even number, and +1 is one step beyond what 16 bits hold."""
    x = torch.tensor([[1.0, -1.0, 7.0, -7.0, 0.5, 1.5 / 32768, 2.5 / 32768, -0.5 / 32768]])[..., None]
    sound = waveform(x, torch.ones(1, 1), torch.zeros(1), None)
    assert sound.pcm.tolist() == [[32767, -32768, 32767, -32768, 16384, 2, 2, 0]]
    assert sound.samples[0, :5].tolist() == [1, -1, 1, -1, 0.5]


@pytest.mark.parametrize(("channels", "taps"), SHAPES)
def test_any_cut_gives_the_same(isa: str, channels: int, taps: int, check_stream: Callable[..., None]) -> None:
    weight, bias = torch.randn(taps, channels) / (taps * channels) ** 0.5, torch.randn(1)
    check_stream(lambda x, past: waveform(x, weight, bias, past), torch.randn(3, 61, channels), taps - 1)
