"""The norms on the CPU against float64, and bit against bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from qwen3tts.native import depthwise_norm, depthwise_norm_reference, rms_norm, rms_norm_reference

# Of a result of size 1 to 4: a few roundings of 6e-8 each, and sums of squares whose errors cancel.
TOLERANCE = dict(rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("channels", [1, 3, 16, 33, 512, 1030])
def test_rms_norm(isa: str, channels: int) -> None:
    x, weight = torch.randn(3, 37, channels) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None], torch.randn(channels)
    y = rms_norm(x, weight, 1e-6)
    torch.testing.assert_close(y.double(), rms_norm_reference(x.double(), weight.double(), 1e-6), **TOLERANCE)
    assert torch.equal(rms_norm(x[1, 5], weight, 1e-6), y[1, 5])


def test_rms_norm_is_the_library_s() -> None:
    x, weight = torch.randn(5, 33, dtype=torch.float64), torch.randn(33, dtype=torch.float64)
    torch.testing.assert_close(rms_norm(x, weight, 0.1), torch.nn.functional.rms_norm(x, (33,), weight, 0.1), rtol=0, atol=1e-12)


SHAPES = [(1, 1), (3, 2), (33, 7), (48, 5), (1030, 3)]


@pytest.mark.parametrize(("channels", "taps"), SHAPES)
def test_depthwise_norm(isa: str, channels: int, taps: int) -> None:
    parameters = [torch.randn(taps, channels), *torch.randn(3, channels)]
    x = torch.randn(2, 19, channels)
    actual = depthwise_norm(x, *parameters, 1e-6, None)
    expected = depthwise_norm_reference(x.double(), *(part.double() for part in parameters), 1e-6, None)
    torch.testing.assert_close(actual.double(), expected, **TOLERANCE)


@pytest.mark.parametrize(("channels", "taps"), SHAPES)
def test_any_cut_gives_the_same(isa: str, channels: int, taps: int, check_stream: Callable[..., None]) -> None:
    parameters = [torch.randn(taps, channels), *torch.randn(3, channels)]
    check_stream(lambda x, past: (depthwise_norm(x, *parameters, 1e-6, past),), torch.randn(3, 21, channels), taps - 1)
