"""Convolutions on the CPU against float64, and bit against bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from qwen3tts.native import Layer, Signal, convolution, convolution_reference, residual_unit, residual_unit_reference

# Around each panel's and tile's width: channels, columns, taps, dilation, stride.
SHAPES = [
    (1, 1, 1, 1, 1),
    (1, 8, 7, 1, 1),
    (3, 5, 7, 9, 1),
    (17, 33, 3, 3, 1),
    (33, 31, 2, 1, 2),
    (16, 64, 2, 1, 1),
    (5, 100, 4, 1, 2),
    (40, 6, 5, 2, 3),
    (300, 18, 2, 1, 1),
    (1030, 34, 1, 1, 1),
]
ACTIVATIONS = ["none", "snake", "elu", "gelu", "swiglu"]

# Relative to sum |x * w| + |bias| + |residual|: rounding errors of opposite signs mostly cancel; a lost term shows as 1e-4 or more.
TOLERANCE = 4e-7

# Of an activation, to what it could be at most: |x| + inv_beta for Snake, |x| for ELU and GELU, |gate * up| for SwiGLU.
# Each is a polynomial or a quotient of such, right to 2 in the last place, and some roundings after it.
ACTIVATION_TOLERANCE = 3e-7


def make_layer(
    channels: int,
    columns: int,
    taps: int,
    dilation: int,
    stride: int,
    activation: str = "none",
    layout: str = "plain",
    **options: bool,
) -> tuple[Layer, Layer]:
    """The same layer of random weights for the CPU and, in float64, for the reference."""
    weight, bias = torch.randn(columns, taps, channels), torch.randn(columns)
    snake = (torch.rand(columns) * 3 + 0.1, torch.rand(columns) * 2) if activation == "snake" else None
    form = dict(dilation=dilation, stride=stride, activation=activation, **options)
    packed = Layer.pack(weight, bias, **form, snake=snake, layout=layout)
    wide_snake = None if snake is None else (snake[0].double(), snake[1].double())
    return packed, Layer.pack(weight.double(), bias.double(), **form, snake=wide_snake)


def of_sizes(layer: Layer) -> Layer:
    """The layer of the absolute values: how large the terms of a sum are together."""
    return replace(layer, weights=layer.weights.abs(), bias=layer.bias.abs(), activation="none", raw=True)


def activation_reference(x: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """The activation of float32 x in float64, of a phase rounded to float32, and how large it could be."""
    wide = x.double()
    if layer.activation == "snake":
        ripple = (layer.alpha * x).double().sin().square()
        return wide + layer.inv_beta * ripple, wide.abs() + layer.inv_beta
    if layer.activation == "elu":
        return torch.where(wide > 0, wide, wide.expm1()), wide.abs()
    if layer.activation == "gelu":
        return 0.5 * wide * (1 + torch.erf(wide * 0.5**0.5)), wide.abs()
    gate, up = wide[..., 0::2], wide[..., 1::2]
    return gate * gate.sigmoid() * up, (gate * up).abs()


def assert_activated(signal: Signal, layer: Layer) -> None:
    expected, size = activation_reference(signal.raw, layer)
    assert ((signal.activated - expected).abs() <= ACTIVATION_TOLERANCE * size + 1e-37).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_float64(isa: str, shape: tuple[int, ...], activation: str) -> None:
    if activation == "swiglu" and shape[1] % 2:
        pytest.skip("columns have to be pairs")
    layer, wide = make_layer(*shape, activation, isa)
    for batch, steps in ((1, 1), (2, 7), (1, 13), (3, 70)):
        x, residual = torch.randn(batch, steps * layer.stride, layer.channels), torch.randn(batch, steps, layer.columns)
        for added in (None, residual):
            signal = convolution(x, layer, residual=added)
            wide_added = None if added is None else added.double()
            expected = convolution_reference(x.double(), wide, residual=wide_added).raw
            size = convolution_reference(x.double().abs(), of_sizes(wide), residual=None if added is None else wide_added.abs()).raw
            assert ((signal.raw - expected).abs() <= TOLERANCE * size).all()
            if activation != "none":
                assert_activated(signal, layer)


@pytest.mark.parametrize("activation", ["none", "snake", "swiglu"])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[1] % 2 == 0 and shape[2] > 1])
def test_any_cut_gives_the_same(isa: str, shape: tuple[int, ...], activation: str, check_stream: Callable[..., None]) -> None:
    layer, _ = make_layer(*shape, activation, isa)
    x = torch.randn(3, 31 * layer.stride, layer.channels)
    check_stream(lambda x, past: convolution(x, layer, past), x, layer.past, layer.stride)


@pytest.mark.parametrize("columns", [1, 31, 130])
@pytest.mark.parametrize("channels", [3, 257, 1024])
def test_a_row_is_the_same_in_any_batch(isa: str, channels: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, _ = make_layer(channels, columns, 1, 1, 1, "gelu", isa)
    x = torch.randn(1, 200, channels)
    alone = torch.cat([convolution(x[:, i : i + 1], layer).activated for i in range(x.shape[1])], dim=1)
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        for rows in (2, 5, 6, 7, 11, 12, 13, 97, 200):
            assert torch.equal(convolution(x[:, -rows:].contiguous(), layer).activated, alone[:, -rows:])
            assert torch.equal(convolution(x[0, :rows, None].contiguous(), layer).activated, alone[0, :rows, None])


@pytest.mark.parametrize("activation", ["snake", "elu", "gelu", "swiglu"])
def test_what_is_not_wanted_changes_nothing(isa: str, activation: str) -> None:
    torch.manual_seed(1)
    both, _ = make_layer(17, 34, 3, 2, 1, activation, isa)
    torch.manual_seed(1)
    activated, _ = make_layer(17, 34, 3, 2, 1, activation, isa, raw=False)
    x = torch.randn(2, 9, 17)
    assert convolution(x, activated).raw is None
    assert torch.equal(convolution(x, activated).activated, convolution(x, both).activated)


@pytest.mark.parametrize("repeat", [1, 2, 5])
def test_transposed_convolution(isa: str, repeat: int) -> None:
    """Two taps and `repeat` times the columns are a transposed convolution of stride `repeat` and twice as wide a kernel."""
    weight, bias, x = torch.randn(7, 4, 2 * repeat), torch.randn(4), torch.randn(2, 9, 7)
    taps = torch.stack([weight[..., repeat:], weight[..., :repeat]], dim=0)  # (tap, in, out, repeat)
    layer = Layer.pack(taps.permute(3, 2, 0, 1).flatten(0, 1), bias.repeat(repeat), repeat=repeat, layout=isa)
    expected = torch.nn.functional.conv_transpose1d(x.double().mT, weight.double(), bias.double(), repeat)[..., : 9 * repeat].mT
    torch.testing.assert_close(convolution(x, layer).raw.double(), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 10.0, 1e3, 5e3, 1e6, 1e30])
@pytest.mark.parametrize("activation", ["snake", "elu", "gelu", "swiglu"])
def test_activations_of_any_size(isa: str, activation: str, largest: float) -> None:
    columns = 26
    snake = (torch.rand(columns) * 4 + 0.1, torch.rand(columns) * 4) if activation == "snake" else None
    layer = Layer.linear(torch.ones(columns, 1), activation=activation, snake=snake, layout=isa)
    largest = min(largest, 1e15) if activation == "swiglu" else largest  # gate * up is finite
    x = torch.empty(1, 2000, 1).uniform_(-largest, largest)
    signal = convolution(x, layer, residual=torch.zeros(1, 2000, columns))
    assert torch.equal(signal.raw, x.expand(1, 2000, columns))
    assert_activated(signal, layer)


def test_snake_next_to_every_zero_of_the_sine(isa: str) -> None:
    zeros = (torch.arange(-1300, 1301).double() * torch.pi / 2).float()
    around = [zeros, zeros.nextafter(torch.tensor(torch.inf)), zeros.nextafter(torch.tensor(-torch.inf))]
    layer = Layer.linear(torch.ones(3, 1), activation="snake", snake=(torch.ones(3), torch.full((3,), 2.0**24)), layout=isa)
    assert_activated(convolution(torch.cat(around)[None, :, None], layer), layer)


@pytest.mark.parametrize("activation", ["snake", "elu", "gelu", "swiglu"])
def test_what_is_no_number_stays_so(isa: str, activation: str) -> None:
    ones = torch.ones(2)
    layer = Layer.linear(torch.ones(2, 1), activation=activation, snake=(ones, ones) if activation == "snake" else None, layout=isa)
    x = torch.tensor([1.0, torch.nan, torch.inf, 2.0, 3.0])
    activated = convolution(x[None, :, None], layer).activated[0, :, 0]
    assert activated.isfinite().tolist() == [True, False, False, True, True]
    assert activated[1].isnan()


def test_residual_unit(isa: str, check_stream: Callable[..., None]) -> None:
    for channels, hidden, activation in ((6, 6, "snake"), (33, 17, "none"), (96, 96, "gelu")):
        dilated, wide_dilated = make_layer(channels, hidden, 7, 3, 1, "snake", isa, raw=False)
        pointwise, wide_pointwise = make_layer(hidden, channels, 1, 1, 1, activation, isa)
        x = torch.randn(3, 40, channels)

        def unit(x: Tensor, past, dilated=dilated, pointwise=pointwise) -> Signal:
            return residual_unit(Signal(x.sin(), x), dilated, pointwise, past)

        check_stream(unit, x, dilated.past)
        actual = unit(x, None)
        expected = residual_unit_reference(Signal(x.sin().double(), x.double()), wide_dilated, wide_pointwise, None)
        # Sums of 672 terms, up to 80 large, are off by 1e-5; Snake makes up to 10 times as much of it, and 96 of those are added.
        torch.testing.assert_close(actual.raw.double(), expected.raw, rtol=0, atol=1e-3)
        hidden_signal = convolution(x, dilated)
        in_two = convolution(hidden_signal.activated, pointwise, residual=x.sin())
        assert all(one is other is None or torch.equal(one, other) for one, other in zip(actual, in_two, strict=True))


def test_refuses_tensors_that_do_not_fit() -> None:
    layer, _ = make_layer(4, 6, 3, 1, 1, layout="baseline")
    x = torch.randn(1, 5, 4)
    for wrong in (x.double(), x.mT.contiguous().mT):
        with pytest.raises(ValueError, match=r"is torch.float.*: give one of torch.float32, contiguous"):
            convolution(wrong, layer)
    with pytest.raises(ValueError, match=r"^x=25 .*: give 20"):
        convolution(torch.randn(1, 5, 5), layer)
    with pytest.raises(ValueError, match=r"^residual=.*: give 30"):
        convolution(x, layer, residual=x)
