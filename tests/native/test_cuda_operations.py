"""The smaller GPU operations, emulated, against their references in float64, and bit against bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from qwen3tts import native
from qwen3tts.native import Past

pytestmark = pytest.mark.usefixtures("emulated_gpu")

Operation = Callable[[Tensor, Past | None], tuple[Tensor, ...]]

SLOTS = 6
CUTS = (1, 2, 6, 1, 9)  # shorter and longer than any past here

# Sums of 2,000 terms of size 1 and less, in several partial sums, on results of size 1 to 4.
TOLERANCE = dict(rtol=1e-6, atol=2e-6)


@pytest.fixture(params=["forward", "reverse"], autouse=True)
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both orders of a block's threads, of which no result may depend on either."""
    monkeypatch.setenv("QWEN3TTS_EMULATION", request.param)


def bits(x: Tensor) -> Tensor:
    return x.view(torch.int32) if x.dtype is torch.float32 else x


def assert_same_bits(actual: Tensor, expected: Tensor) -> None:
    assert torch.equal(bits(actual), bits(expected))


def in_double(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.double() for tensor in tensors)


class Streams:
    """SLOTS slots of an operation with a past of `rows`: all garbage, as the slots that have had no frame."""

    def __init__(self, operation: Operation, rows: int, channels: int) -> None:
        self.operation = operation
        self.history = torch.full((2, SLOTS, rows, channels), torch.nan)
        self.progress = torch.zeros(SLOTS, 2, dtype=torch.int64)

    def __call__(self, x: Tensor, slots: Tensor) -> tuple[Tensor, ...]:
        """One call, after which the slots move on."""
        result = self.operation(x.contiguous(), Past(self.history, slots, self.progress))
        self.progress[slots.unique()] += 1
        return result

    def in_cuts(self, x: Tensor, slots: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.cat(parts, dim=1) for parts in zip(*(self(part, slots) for part in x.split(CUTS, dim=1)), strict=True))


def check_streaming(operation: Operation, taps: int, channels: int) -> None:
    """Cut into calls, beside others or alone, in a slot that is used again: always the whole's bits, and nobody else's state."""
    x, slots = torch.randn(3, sum(CUTS), channels), torch.tensor([4, 0, 2])
    whole = operation(x, None)
    streams = Streams(operation, taps - 1, channels)
    before = streams.history.clone()
    for _ in range(2):
        for actual, expected in zip(streams.in_cuts(x, slots), whole, strict=True):
            assert_same_bits(actual, expected)
        last = x[:, x.shape[1] - (taps - 1) :]
        assert_same_bits(streams.history[streams.progress[slots, 1] & 1, slots], last)
        streams.progress[slots, 0] = 0
    assert_same_bits(streams.history[:, [1, 3, 5]], before[:, [1, 3, 5]])
    for actual, expected in zip(operation(x[1:2], None), whole, strict=True):
        assert_same_bits(actual, expected[1:2])


def check_padding(operation: Operation, taps: int, channels: int) -> None:
    """Lanes of slot 5, which is nobody's, and of one that there is not, which is clamped to 5: the other is as it is alone."""
    x, slots = torch.randn(5, 4, channels), torch.tensor([1, 5, 5, SLOTS + 7, 5])
    streams, alone = Streams(operation, taps - 1, channels), Streams(operation, taps - 1, channels)
    for part in x.split((1, 3), dim=1):
        expected = alone(part[:1], slots[:1])
        # Not through Streams: there is no slot to move on for a lane that names none.
        actual = operation(part.contiguous(), Past(streams.history, slots, streams.progress))
        streams.progress[[1, 5]] += 1
        for lanes, lane in zip(actual, expected, strict=True):
            assert_same_bits(lanes[:1], lane)
    assert_same_bits(streams.history[:, :5], alone.history[:, :5])


@pytest.mark.parametrize(("books", "size", "width"), [(1, 3, 4), (2, 5, 1), (4, 7, 33), (16, 11, 600)])
def test_dequantize(books: int, size: int, width: int) -> None:
    codebooks, codes = torch.randn(books, size, width), torch.randint(size, (2, 3, books))
    y = native.dequantize(codes, codebooks)
    expected = native.dequantize_reference(codes, codebooks.double())
    torch.testing.assert_close(y.double(), expected, **TOLERANCE)
    assert_same_bits(y[..., :width], expected[..., :width].float())
    assert_same_bits(native.dequantize(codes[1:, 2:].contiguous(), codebooks), y[1:, 2:])


def test_dequantize_clamps_codes() -> None:
    codebooks, codes = torch.randn(3, 5, 8), torch.tensor([[[-1, 5, 2**40], [0, -(2**63), 4]]])
    assert_same_bits(native.dequantize(codes, codebooks), native.dequantize(codes.clamp(0, 4), codebooks))


@pytest.mark.parametrize("channels", [1, 3, 32, 100, 513, 2050])
def test_rms_norm(channels: int) -> None:
    x, weight = torch.randn(2, 3, channels) * torch.tensor([1e-3, 1.0, 1e3])[:, None], torch.randn(channels)
    y = native.rms_norm(x, weight, 1e-6)
    torch.testing.assert_close(y.double(), native.rms_norm_reference(*in_double(x, weight), 1e-6), **TOLERANCE)
    assert_same_bits(native.rms_norm(x[1, 1:2], weight, 1e-6), y[1, 1:2])


DEPTHWISE = [(1, 1), (3, 2), (33, 7), (48, 5), (530, 3)]


def depthwise(channels: int, taps: int) -> tuple[Tensor, ...]:
    """weight, bias, scale, shift."""
    return torch.randn(taps, channels) / taps**0.5, torch.randn(channels), torch.randn(channels), torch.randn(channels)


@pytest.mark.parametrize(("channels", "taps"), DEPTHWISE)
def test_depthwise_norm(channels: int, taps: int) -> None:
    x, weights = torch.randn(2, 9, channels), depthwise(channels, taps)
    y = native.depthwise_norm(x, *weights, 1e-5, None)
    expected = native.depthwise_norm_reference(*in_double(x, *weights), 1e-5, None)
    torch.testing.assert_close(y.double(), expected, **TOLERANCE)


@pytest.mark.parametrize("check", [check_streaming, check_padding])
@pytest.mark.parametrize(("channels", "taps"), [(3, 2), (33, 7), (20, 1)])
def test_depthwise_norm_goes_on(check: Callable[[Operation, int, int], None], channels: int, taps: int) -> None:
    weights = depthwise(channels, taps)
    check(lambda x, past: (native.depthwise_norm(x, *weights, 1e-5, past),), taps, channels)


def last_layer(channels: int, taps: int) -> tuple[Tensor, Tensor]:
    """weight, bias; one sample in ten goes beyond full scale."""
    return torch.randn(taps, channels) * 0.6 / (taps * channels) ** 0.5, torch.randn(1) * 0.1


@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (3, 2), (32, 3), (45, 7), (96, 7), (5, 12)])
def test_waveform(channels: int, taps: int) -> None:
    x, weights = torch.randn(2, 39, channels), last_layer(channels, taps)
    samples, pcm = native.waveform(x, *weights, None)
    expected = native.waveform_reference(*in_double(x, *weights), None)
    torch.testing.assert_close(samples.double(), expected.samples, **TOLERANCE)
    torch.testing.assert_close(pcm, (samples.double() * 32768).round().clamp(max=32767).short(), rtol=0, atol=0)


def test_waveform_clamps() -> None:
    x = torch.tensor([-3.0, -1.0, -0.5 / 32768, 1.5 / 32768, 32767 / 32768, 1.0, 3.0])[None, :, None]
    samples, pcm = native.waveform(x, torch.ones(1, 1), torch.zeros(1), None)
    assert torch.equal(samples, x[..., 0].clamp(-1, 1))
    assert pcm.tolist() == [[-32768, -32768, 0, 2, 32767, 32767, 32767]]


@pytest.mark.parametrize("check", [check_streaming, check_padding])
@pytest.mark.parametrize(("channels", "taps"), [(3, 2), (45, 7), (20, 1)])
def test_waveform_goes_on(check: Callable[[Operation, int, int], None], channels: int, taps: int) -> None:
    weights = last_layer(channels, taps)
    check(lambda x, past: native.waveform(x, *weights, past), taps, channels)


class Rings:
    """SLOTS slots of keys and values, all garbage, and the queries, keys and values of `steps` steps of three utterances."""

    def __init__(self, heads: int, kv_heads: int, head_dim: int, window: int, steps: int = 19) -> None:
        self.keys, self.values = torch.full((2, SLOTS, window, kv_heads, head_dim), torch.nan)
        self.frequencies = 1e4 ** -(torch.arange(head_dim // 2) / max(1, head_dim // 2))
        self.progress = torch.zeros(SLOTS, 2, dtype=torch.int64)
        self.qkv = torch.randn(3, steps, (heads + 2 * kv_heads) * head_dim)
        self.slots = torch.tensor([4, 0, 2])

    def double(self) -> Rings:
        """The same for a reference."""
        other = object.__new__(Rings)
        other.__dict__ |= {name: x.double() if x.dtype is torch.float32 else x.clone() for name, x in vars(self).items()}
        return other

    def __call__(self, qkv: Tensor, slots: Tensor, attention: Callable[..., Tensor] = native.window_attention) -> Tensor:
        y = attention(qkv.contiguous(), self.keys, self.values, self.frequencies, slots, self.progress)
        self.progress[slots.clamp(max=SLOTS - 1).unique()] += torch.tensor([qkv.shape[1], 1])
        return y


# heads, kv_heads, head_dim, window: queries that share a key's head or do not; the released decoder's is the last.
HEADS = [(1, 1, 2, 1), (3, 1, 10, 3), (4, 2, 6, 5), (2, 2, 34, 72), (10, 1, 4, 40), (2, 2, 64, 72)]


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim", "window"), HEADS)
def test_window_attention(heads: int, kv_heads: int, head_dim: int, window: int) -> None:
    """Twice as long as a ring where that is short; the rings of other slots stay what they are."""
    rings = Rings(heads, kv_heads, head_dim, window)
    reference = rings.double()
    for part, whole in zip(rings.qkv.split(10, 1), reference.qkv.split(10, 1), strict=True):
        y = rings(part, rings.slots)
        expected = reference(whole, rings.slots, native.window_attention_reference)
        torch.testing.assert_close(y.double(), expected, **TOLERANCE)
    for ring, expected in ((rings.keys, reference.keys), (rings.values, reference.values)):
        torch.testing.assert_close(ring.double(), expected, **TOLERANCE, equal_nan=True)
        assert ring[[1, 3, 5]].isnan().all()


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim", "window"), HEADS[1:5])
def test_window_attention_in_cuts_and_alone(heads: int, kv_heads: int, head_dim: int, window: int) -> None:
    whole, cut, alone = (Rings(heads, kv_heads, head_dim, window) for _ in range(3))
    y = whole(whole.qkv, whole.slots)
    parts = [cut(part, cut.slots) for part in whole.qkv.split(CUTS, dim=1)]
    assert_same_bits(torch.cat(parts, dim=1), y)
    assert_same_bits(cut.keys, whole.keys)
    assert_same_bits(cut.values, whole.values)
    assert_same_bits(alone(whole.qkv[1:2], torch.tensor([3])), y[1:2])


def test_window_attention_hours_into_an_utterance() -> None:
    """Angles of 100,000: their float32 is a multiple of 2^-7, and its cosine is right to 1e-6 nonetheless."""
    rings = Rings(2, 1, 8, 5)
    rings.keys, rings.values = torch.randn(2, SLOTS, 5, 1, 8)
    rings.progress[:, 0] = torch.arange(100_001, 100_001 + SLOTS)
    reference = rings.double()
    expected = reference(reference.qkv, rings.slots, native.window_attention_reference)
    torch.testing.assert_close(rings(rings.qkv, rings.slots).double(), expected, **TOLERANCE)


def test_window_attention_of_padding() -> None:
    """As check_padding."""
    rings, alone = Rings(2, 1, 6, 5), Rings(2, 1, 6, 5)
    qkv, slots = torch.randn(5, 7, 24), torch.tensor([1, 5, 5, SLOTS + 7, 5])
    for part in qkv.split((1, 6), dim=1):
        y = rings(part, slots)
        assert_same_bits(y[:1], alone(part[:1], slots[:1]))
    assert_same_bits(rings.keys[:5], alone.keys[:5])
    assert_same_bits(rings.values[:5], alone.values[:5])
