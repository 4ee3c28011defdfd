"""Checks of the codec's operations, in the shapes of the released decoder and in awkward ones.

Each is two calls, of slots in reverse that go on from one to the other, with NaN in every history and ring before the first: what
is read there has to be written before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts import native
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.native import Layer, Past, Signal

from ..roofline_operations import frame_operations
from .cases import ROUNDING, ROUNDINGS, Case, Numbers, check_all, relative_error
from .record import Record
from .scope import Scope
from .subject import SMALL, configs

EPS = 1e-5
SLOTS = 3

TF32_TOLERANCE = ROUNDINGS * ROUNDING[torch.float16]
"""Tensor cores round both factors of a product to TF32, which has the mantissa of a float16; sums are float32."""

AWKWARD = (
    ((33, 40, 7), 9, 1, "snake"),
    ((17, 24, 3), 1, 1, "elu"),
    ((1, 5, 7), 1, 1, "none"),
    ((20, 36, 4), 1, 2, "gelu"),
    ((100, 130, 1), 1, 1, "swiglu"),
)
"""(channels, columns, taps), dilation, stride, activation: no powers of two, and less than a tile has."""

AWKWARD_STEPS = (21, 2)
"""Of the two calls: more than one tile of rows, and fewer than a past has."""

WINDOWS = ((72, 16, 16, 64), (5, 6, 2, 10))
"""Positions, heads, key heads, head_dim: of the released decoder, and awkward ones."""


Apply = Callable[[torch.dtype], tuple[Tensor, ...]]
"""An operation on the numbers of a case in float32, or on the same in float64, which goes to the references."""


@dataclass(frozen=True)
class Calls:
    """Two calls of so many steps each."""

    numbers: Numbers
    steps: tuple[int, int]

    def normal(self, channels: int) -> Tensor:
        """A signal of all steps of all slots."""
        return self.numbers.normal(SLOTS, sum(self.steps), channels)

    def history(self, rows: int, channels: int, dtype: torch.dtype) -> Tensor:
        """Of slots that nobody has used, and one more."""
        return self.numbers.poison(2, SLOTS + 1, rows, channels, dtype=dtype)

    def make(self, call: Callable[[slice, Tensor, Tensor], tuple[Tensor | None, ...]]) -> tuple[Tensor, ...]:
        """Call with steps, slots and their progress, twice; returns the results that there are, joined in time."""
        slots, progress = self.numbers.integers(range(SLOTS, 0, -1)), self.numbers.integers([0, 0] * (SLOTS + 1)).view(-1, 2)
        results, begin = [], 0
        for steps in self.steps:
            results.append(call(slice(begin, begin + steps), slots, progress))
            progress[slots] += self.numbers.integers([steps, 1])
            begin += steps
        return tuple(torch.cat(parts, dim=1) for parts in zip(*results, strict=True) if parts[0] is not None)


def run(scope: Scope, record: Record) -> None:
    """Check them all."""
    check_all(cases(scope), scope, record)


def cases(scope: Scope) -> Iterator[Case]:
    """All cases."""
    numbers = Numbers(scope.device, torch.float32)
    calls = Calls(numbers, AWKWARD_STEPS)
    for shape, dilation, stride, activation in AWKWARD:
        yield _convolution(calls, shape, dilation, stride, activation, scope.on_gpu)
    for channels in (24, 33):
        yield _residual_unit(calls, channels, scope.on_gpu)
        yield from (_depthwise_norm(calls, channels), _rms_norm(calls, channels), _waveform(calls, channels))
    for window in WINDOWS:
        yield _window_attention(Calls(numbers, (80, 3)), *window)
    yield _dequantize(calls, 3, 11, 10)
    if SMALL not in scope.sizes:
        yield from _released(numbers, configs(scope.sizes[0])[1].decoder_config)


def _released(numbers: Numbers, config: CodecDecoderConfig) -> Iterator[Case]:
    """A frame and then three more, of all operations of the decoder but attention."""
    operations = frame_operations(config)
    smaller = {"depthwise_norm": _depthwise_norm, "rms_norm": _rms_norm, "waveform": _waveform}
    for kernel, rows, *shape in sorted({(op.kernel, op.rows, op.channels, op.columns, op.taps) for op in operations}):
        calls = Calls(numbers, (rows, 3 * rows))
        if kernel == "convolution":
            yield _convolution(calls, (shape[0], shape[1], shape[2]), 3, 1, "snake", True)
        elif kernel in smaller:
            yield smaller[kernel](calls, shape[0])
    samples = config.samples_per_frame
    yield _residual_unit(Calls(numbers, (samples, 3 * samples)), operations[-1].channels, True)
    yield _dequantize(Calls(numbers, (1, 3)), config.num_quantizers, config.codebook_size, config.codebook_dim // 2)


def _convolution(
    calls: Calls, shape: tuple[int, int, int], dilation: int, stride: int, activation: str, tensor_cores: bool
) -> Case:
    channels, columns, taps = shape
    numbers = calls.numbers
    weight, bias = numbers.normal(columns, taps, channels, scale=(taps * channels) ** -0.5), numbers.normal(columns)
    snake = numbers.around_one(columns), numbers.around_one(columns)
    x, residual = calls.normal(stride * channels).unflatten(2, (stride, channels)).flatten(1, 2), calls.normal(columns)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        layer = Layer.pack(
            weight.to(dtype),
            bias.to(dtype),
            dilation=dilation,
            stride=stride,
            activation=activation,
            snake=(snake[0].to(dtype), snake[1].to(dtype)) if activation == "snake" else None,
        )
        history = calls.history(layer.past, channels, dtype)

        def call(steps: slice, slots: Tensor, progress: Tensor) -> Signal:
            inputs = x[:, steps.start * stride : steps.stop * stride].to(dtype).contiguous()
            return native.convolution(inputs, layer, Past(history, slots, progress), residual[:, steps].to(dtype).contiguous())

        return calls.make(call)

    name = f"{channels}x{columns}x{taps} {activation}"
    return _case("codec_convolution", name, apply, TF32_TOLERANCE if tensor_cores else numbers.tolerance)


def _residual_unit(calls: Calls, channels: int, tensor_cores: bool) -> Case:
    numbers = calls.numbers
    dilated, pointwise = (numbers.normal(channels, taps, channels, scale=(taps * channels) ** -0.5) for taps in (7, 1))
    ripples = [numbers.around_one(channels) for _ in range(4)]
    raw, activated = calls.normal(channels), calls.normal(channels)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        alpha, inv_beta, *after = (ripple.to(dtype) for ripple in ripples)
        first = Layer.pack(dilated.to(dtype), dilation=3, activation="snake", snake=(alpha, inv_beta), raw=False)
        second = Layer.pack(pointwise.to(dtype), activation="snake", snake=(after[0], after[1]))
        history = calls.history(first.past, channels, dtype)

        def call(steps: slice, slots: Tensor, progress: Tensor) -> Signal:
            signal = Signal(*(part[:, steps].to(dtype).contiguous() for part in (raw, activated)))
            return native.residual_unit(signal, first, second, Past(history, slots, progress))

        return calls.make(call)

    return _case("codec_residual_unit", str(channels), apply, TF32_TOLERANCE if tensor_cores else numbers.tolerance)


def _depthwise_norm(calls: Calls, channels: int, taps: int = 7) -> Case:
    numbers = calls.numbers
    weight, (bias, scale, shift) = numbers.normal(taps, channels), (numbers.normal(channels) for _ in range(3))
    x = calls.normal(channels)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        history = calls.history(taps - 1, channels, dtype)

        def call(steps: slice, slots: Tensor, progress: Tensor) -> tuple[Tensor]:
            inputs, filters, offset, factor, addend = (
                part.to(dtype).contiguous() for part in (x[:, steps], weight, bias, scale, shift)
            )
            past = Past(history, slots, progress)
            return (native.depthwise_norm(inputs, filters, offset, factor, addend, EPS, past),)

        return calls.make(call)

    return _case("codec_depthwise_norm", str(channels), apply, numbers.tolerance)


def _rms_norm(calls: Calls, channels: int) -> Case:
    x, weight = calls.normal(channels), calls.numbers.around_one(channels)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        return (native.rms_norm(x.to(dtype), weight.to(dtype), EPS),)

    return _case("codec_rms_norm", str(channels), apply, calls.numbers.tolerance)


def _waveform(calls: Calls, channels: int, taps: int = 7) -> Case:
    """Samples, a third of which are cut off, and whether PCM is what they say."""
    numbers = calls.numbers
    weight, bias, x = numbers.normal(taps, channels, scale=(taps * channels) ** -0.5), numbers.normal(1), calls.normal(channels)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        history = calls.history(taps - 1, channels, dtype)

        def call(steps: slice, slots: Tensor, progress: Tensor) -> tuple[Tensor, ...]:
            inputs = x[:, steps].to(dtype).contiguous()
            return native.waveform(inputs, weight.to(dtype), bias.to(dtype), Past(history, slots, progress))

        samples, pcm = calls.make(call)
        return samples, (samples * 32768).round().clamp(-32768, 32767) == pcm

    return _case("codec_waveform", str(channels), apply, numbers.tolerance)


def _window_attention(calls: Calls, window: int, heads: int, kv_heads: int, head_dim: int) -> Case:
    numbers = calls.numbers
    qkv = calls.normal((heads + 2 * kv_heads) * head_dim)
    frequencies = 1e4 ** -torch.linspace(0, 1, head_dim // 2, device=numbers.device)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        keys, values = (numbers.poison(SLOTS + 1, window, kv_heads, head_dim, dtype=dtype) for _ in range(2))

        def call(steps: slice, slots: Tensor, progress: Tensor) -> tuple[Tensor]:
            inputs = qkv[:, steps].to(dtype).contiguous()
            return (native.window_attention(inputs, keys, values, frequencies.to(dtype), slots, progress),)

        return calls.make(call)

    return _case("codec_window_attention", f"{window} {heads}/{kv_heads}x{head_dim}", apply, numbers.tolerance)


def _dequantize(calls: Calls, books: int, size: int, width: int) -> Case:
    codes = torch.randint(size, (SLOTS, sum(calls.steps), books), device=calls.numbers.device)
    codebooks = calls.numbers.normal(books, size, width)

    def apply(dtype: torch.dtype) -> tuple[Tensor, ...]:
        return (native.dequantize(codes, codebooks.to(dtype)),)

    return _case("codec_dequantize", f"{books}x{size}x{width}", apply, calls.numbers.tolerance)


def _case(group: str, name: str, apply: Apply, tolerance: float) -> Case:
    error = relative_error(lambda: apply(torch.float64))
    return Case(torch.float32, group, name, lambda _: apply(torch.float32), error, tolerance, chains=False)
