"""The GPU's convolution, emulated, against its reference in float64 of inputs rounded to TF32, and bit against bit."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from qwen3tts import native
from qwen3tts.native import Layer, Past, Signal
from qwen3tts.native.packing import round_to_tf32

pytestmark = pytest.mark.usefixtures("emulated_gpu")

SLOTS = 6
CUTS = (1, 2, 6, 1, 35)  # shorter and longer than a past, and than the 32 rows to which rows are few
ACTIVATIONS = ("none", "snake", "elu", "gelu", "swiglu")

# Products of TF32 numbers are exact; float32 sums of up to 900 of them, whose sizes add up to about 20, and an activation.
TOLERANCE = dict(rtol=1e-5, atol=1e-5)


@pytest.fixture(params=["forward", "reverse"])
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both orders of a block's threads, of which no result may depend on either."""
    monkeypatch.setenv("QWEN3TTS_EMULATION", request.param)


def assert_same_bits(actual: Tensor, expected: Tensor) -> None:
    assert torch.equal(actual.view(torch.int32), expected.view(torch.int32))


def random_layer(channels: int, columns: int, taps: int, activation: str = "none", **options: Any) -> tuple[Layer, Layer]:
    """A layer for the GPU with weights that TF32 has, and its reference in float64."""
    weight, bias = round_to_tf32(torch.randn(columns, taps, channels) / (taps * channels) ** 0.5), torch.randn(columns)
    snake = (torch.rand(columns) * 4, torch.rand(columns)) if activation == "snake" else None
    gpu = Layer.pack(weight, bias, activation=activation, snake=snake, layout="cuda", **options)
    wide = snake and (snake[0].double(), snake[1].double())
    plain = Layer.pack(weight.double(), bias.double(), activation=activation, snake=wide, layout="plain", **options)
    return gpu, plain


def signal(*shape: int) -> Tensor:
    return round_to_tf32(torch.randn(shape))


def assert_close(actual: Signal, expected: Signal) -> None:
    for ours, exact in zip(actual, expected, strict=True):
        assert (ours is None) == (exact is None)
        if ours is not None and exact is not None:
            torch.testing.assert_close(ours.double(), exact, **TOLERANCE)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("steps", "channels", "columns", "taps", "dilation", "stride"),
    [
        (1, 1, 1, 1, 1, 1),  # the smallest there is
        (1, 300, 40, 1, 1, 1),  # more chunks than parts, which are not equal
        (3, 5, 7, 3, 2, 1),
        (4, 6, 10, 4, 1, 2),
        (2, 36, 9, 7, 9, 1),  # a past that leaves no room for the rows of eight warps
        (5, 33, 24, 12, 1, 6),
        (70, 36, 100, 2, 1, 1),  # tiles that end within rows and columns
        (45, 68, 97, 5, 3, 1),  # parts of several blocks, columns that are no pairs
        (40, 3, 8, 6, 1, 3),
    ],
)
def test_convolution(batch: int, steps: int, channels: int, columns: int, taps: int, dilation: int, stride: int) -> None:
    gpu, plain = random_layer(channels, columns, taps, dilation=dilation, stride=stride)
    x = signal(batch, steps * stride, channels)
    assert_close(native.convolution(x, gpu), native.convolution(x.double(), plain))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("steps", "channels", "columns"), [(3, 40, 18), (34, 40, 18), (34, 20, 30)])
def test_what_follows_the_sums(activation: str, raw: bool, steps: int, channels: int, columns: int) -> None:
    """Of few rows, of parts of several blocks, and of a single part."""
    gpu, plain = random_layer(channels, columns, 1, activation, raw=raw)
    x, residual = signal(2, steps, channels), torch.randn(2, steps, columns)
    assert_close(native.convolution(x, gpu, residual=residual), native.convolution(x.double(), plain, residual=residual.double()))


def test_no_bias() -> None:
    weight, x = signal(10, 1, 40), signal(2, 3, 40)
    gpu, plain = Layer.pack(weight, layout="cuda"), Layer.pack(weight.double(), layout="plain")
    assert_close(native.convolution(x, gpu), native.convolution(x.double(), plain))


def test_repeat() -> None:
    gpu, plain = random_layer(40, 24, 2, "snake", repeat=3)
    x = signal(2, 5, 40)
    assert_close(native.convolution(x, gpu), native.convolution(x.double(), plain))


def test_inputs_are_rounded() -> None:
    """To nearest, as weights are; the tensor cores alone would cut bits off."""
    gpu, _ = random_layer(40, 8, 1)
    x = torch.randn(2, 3, 40)
    whole, rounded = native.convolution(x, gpu).raw, native.convolution(round_to_tf32(x), gpu).raw
    assert whole is not None and rounded is not None
    assert_same_bits(whole, rounded)


def test_snake_of_large_phases() -> None:
    """Phases are exact products, up to 2^45: reduced in float32, and beyond 105615 in float64."""
    alpha = 2.0 ** torch.arange(-4, 43)
    columns = len(alpha)
    gpu = Layer.linear(torch.ones(columns, 1), activation="snake", snake=(alpha, torch.ones(columns)), layout="cuda")
    x = signal(1, 64, 1) * 4
    activated = native.convolution(x, gpu).activated
    assert activated is not None
    exact = x.double() + (x.double() * alpha).sin().square()
    # One rounding of a result below 20, and a few of sin^2.
    torch.testing.assert_close(activated.double(), exact, rtol=0, atol=1.5e-6)


@pytest.mark.parametrize("phase", [1e30, 3e38, float("inf"), float("nan")])
def test_snake_of_a_phase_without_digits_stays_in_range(phase: float) -> None:
    layer = Layer.linear(torch.ones(2, 1), activation="snake", snake=(torch.tensor([phase] * 2), torch.ones(2)), layout="cuda")
    activated = native.convolution(torch.ones(1, 1, 1), layer).activated
    assert activated is not None
    assert activated.isfinite().all() == (phase < float("inf"))
    assert not (activated > 2.001).any() and not (activated < 0.999).any()


@pytest.mark.parametrize(("channels", "taps"), [(68, 2), (290, 1)])
def test_parts_add_up_the_same_whoever_makes_them(channels: int, taps: int, emulated_gpu: ModuleType) -> None:
    """A thread one after another, the blocks of a split layer, the warps of a block: for many rows, fewer and few."""
    gpu, _ = random_layer(channels, 100, taps, "snake")
    x = torch.randn(1, 64 * 64, channels)
    assert gpu.native is not None
    needed = [emulated_gpu.layer_workspace(gpu.native, rows) for rows in (64 * 64, 70, 3)]
    assert needed[0] == 0 and all(needed[1:])
    whole = native.convolution(x, gpu)
    for rows in (70, 3):
        for part, all_rows in zip(native.convolution(x[:, :rows].contiguous(), gpu), whole, strict=True):
            assert part is not None and all_rows is not None
            assert_same_bits(part, all_rows[:, :rows])


def misplaced(tensor: Tensor) -> Tensor:
    """The same, 4 bytes beyond what a vector needs."""
    return torch.cat((torch.zeros(1), tensor.flatten()))[1:].view(tensor.shape)


@pytest.mark.parametrize("steps", [3, 40])
def test_arrays_that_vectors_cannot_read(steps: int) -> None:
    gpu, _ = random_layer(40, 20, 2, "gelu")
    x, residual = torch.randn(2, steps, 40), torch.randn(2, steps, 20)
    for odd, even in zip(
        native.convolution(misplaced(x), gpu, None, misplaced(residual)), native.convolution(x, gpu, None, residual), strict=True
    ):
        assert odd is not None and even is not None
        assert_same_bits(odd, even)


class Streams:
    """SLOTS slots of a layer: all garbage, as the slots that have had no frame."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.history = torch.full((2, SLOTS, layer.past, layer.channels), torch.nan)
        self.progress = torch.zeros(SLOTS, 2, dtype=torch.int64)

    def __call__(self, x: Tensor, slots: Tensor) -> Tensor:
        result = native.convolution(x.contiguous(), self.layer, Past(self.history, slots, self.progress)).raw
        assert result is not None
        self.progress[slots.clamp(0, SLOTS - 1).unique()] += 1
        return result

    def in_cuts(self, x: Tensor, slots: Tensor) -> Tensor:
        parts = x.split([cut * self.layer.stride for cut in CUTS], dim=1)
        return torch.cat([self(part, slots) for part in parts], dim=1)


def last_rows(x: Tensor, rows: int) -> Tensor:
    """The past that a signal from the start leaves."""
    joined = torch.cat((torch.zeros(len(x), rows, x.shape[2]), x), dim=1)
    return joined[:, joined.shape[1] - rows :]


STREAMED = [(5, 3, 2, 1), (40, 7, 9, 1), (36, 2, 1, 1), (33, 4, 1, 2), (4, 5, 3, 3), (40, 1, 1, 1)]


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize(("channels", "taps", "dilation", "stride"), STREAMED)
def test_a_signal_in_cuts(channels: int, taps: int, dilation: int, stride: int) -> None:
    """Beside others or alone, in a slot that is used again: always the whole's bits, and nobody else's state."""
    gpu, _ = random_layer(channels, 20, taps, dilation=dilation, stride=stride)
    x, slots = torch.randn(3, sum(CUTS) * stride, channels), torch.tensor([4, 0, 2])
    whole = native.convolution(x, gpu).raw
    assert whole is not None
    streams = Streams(gpu)
    before = streams.history.clone()
    for _ in range(2):
        assert_same_bits(streams.in_cuts(x, slots), whole)
        assert_same_bits(streams.history[streams.progress[slots, 1] & 1, slots], last_rows(x, gpu.past))
        streams.progress[slots, 0] = 0
    assert_same_bits(streams.history[:, [1, 3, 5]], before[:, [1, 3, 5]])
    assert_same_bits(streams.in_cuts(x[1:2], slots[1:2]), whole[1:2])


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("channels", [5, 40])
def test_lanes_of_nobodys_slot(channels: int) -> None:
    """Slot 5, and one that there is not, which is clamped to it: the other lane is as it is alone."""
    gpu, _ = random_layer(channels, 20, 3, dilation=3)
    x, slots = torch.randn(5, 12, channels), torch.tensor([1, 5, 5, SLOTS + 7, 5])
    streams, alone = Streams(gpu), Streams(gpu)
    for part in x.split((1, 3, 8), dim=1):
        assert_same_bits(streams(part, slots)[:1], alone(part[:1], slots[:1]))
    assert_same_bits(streams.history[:, :5], alone.history[:, :5])


@pytest.mark.parametrize("steps", [4, 36])
def test_residual_unit(steps: int) -> None:
    dilated, dilated_plain = random_layer(40, 40, 7, "snake", dilation=3, raw=False)
    pointwise, pointwise_plain = random_layer(40, 40, 1, "snake")
    x, activated, slots = torch.randn(2, steps, 40), signal(2, steps, 40), torch.tensor([3, 1])
    streams = Streams(dilated)
    past = Past(streams.history, slots, streams.progress)
    # The hidden rows are rounded once more: their reference is the layer's own, which the tests above know.
    hidden = native.convolution(activated, dilated).activated
    assert hidden is not None
    unit = native.residual_unit(Signal(x, activated), dilated, pointwise, past)
    assert_close(unit, native.convolution(round_to_tf32(hidden).double(), pointwise_plain, residual=x.double()))
    assert_close(Signal(None, hidden), native.convolution(activated.double(), dilated_plain))
    assert_same_bits(streams.history[1, slots], last_rows(activated, dilated.past))


def test_inputs_that_fit_no_block() -> None:
    gpu, _ = random_layer(4, 8, 400)
    with pytest.raises(RuntimeError, match="the inputs of one output"):
        native.convolution(torch.randn(1, 1, 4), gpu)
