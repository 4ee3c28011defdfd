"""What a frame of the codec's decoder has to do, from its configuration: operations of `qwen3tts.native`, as `decode` runs them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qwen3tts.codec.state import DILATIONS, KERNEL, PRE_KERNEL
from qwen3tts.config import CodecDecoderConfig

BYTES = 4
"""Of a float32."""

TRANSPOSED_TAPS = 2
"""Inputs that an output of a transposed convolution sees."""


@dataclass(frozen=True)
class Operation:
    """An operation on one frame of one slot.

    kernel: its name. rows: of its result. channels, columns: numbers of an input and of a result. taps, dilation: inputs that a
    result reaches, and from one to the next.
    weights: numbers that it reads, however many frames and slots share them. state: other numbers, read or written: signals,
    histories, keys and values, vectors of codes. multiply_adds: of its sums of products.
    """

    kernel: str
    rows: int
    channels: int
    columns: int
    taps: int
    dilation: int
    weights: int
    state: int
    multiply_adds: int


def frame_operations(config: CodecDecoderConfig) -> list[Operation]:
    """The operations of a frame, in their order."""
    rows = math.prod(config.upsampling_ratios)
    return [*_latent(config), *_upsamplers(config), *_wave(config, rows)]


def frame_flops(operations: Sequence[Operation]) -> int:
    """Multiplications and additions of a frame of a slot."""
    return 2 * sum(operation.multiply_adds for operation in operations)


def weight_bytes(operations: Sequence[Operation]) -> int:
    """Bytes of the weights, which a call reads once whatever it decodes."""
    return BYTES * sum(operation.weights for operation in operations)


def _latent(config: CodecDecoderConfig) -> Iterator[Operation]:
    """Codes to the transformer's output."""
    vectors, width, inner, latent = config.codebook_dim, config.hidden_size, config.intermediate_size, config.latent_dim
    books = config.num_quantizers * vectors // 2
    yield Operation("dequantize", 1, books, vectors, 1, 1, 0, books + vectors, 0)
    yield _product(1, vectors, vectors, bias=False)
    yield _product(1, vectors, latent, PRE_KERNEL)
    yield _product(1, latent, width)
    for _ in range(config.num_hidden_layers):
        yield from _transformer_layer(config, width, inner)
    yield _rms_norm(width)
    yield _product(1, width, latent)


def _transformer_layer(config: CodecDecoderConfig, width: int, inner: int) -> Iterator[Operation]:
    dim, heads, kv_heads = config.head_dim, config.num_attention_heads, config.num_key_value_heads
    query, key_value = heads * dim, kv_heads * dim
    qkv = query + 2 * key_value
    yield _rms_norm(width)
    yield _product(1, width, qkv, bias=False)
    # A full window: one of its keys and values is written, the others are read.
    ring = 2 * config.sliding_window * key_value
    multiply_adds = 2 * config.sliding_window * query
    yield Operation("window_attention", 1, qkv, query, config.sliding_window, 1, dim // 2, qkv + ring + query, multiply_adds)
    yield _product(1, query, width, bias=False, residual=True)
    yield _rms_norm(width)
    yield _product(1, width, 2 * inner, bias=False, written=inner)
    yield _product(1, inner, width, bias=False, residual=True)


def _upsamplers(config: CodecDecoderConfig) -> Iterator[Operation]:
    """Each a linear layer that makes rows of a row, and a ConvNeXt block."""
    rows, width = 1, config.latent_dim
    for ratio in config.upsampling_ratios:
        yield _product(rows, width, ratio * width)
        rows *= ratio
        # Taps, their bias, and the norm's scale and shift.
        state = 2 * rows * width + _history(width, KERNEL)
        yield Operation("depthwise_norm", rows, width, width, KERNEL, 1, (KERNEL + 3) * width, state, rows * KERNEL * width)
        yield _product(rows, width, 4 * width)
        yield _product(rows, 4 * width, width, residual=True)


def _wave(config: CodecDecoderConfig, rows: int) -> Iterator[Operation]:
    widths = [config.decoder_dim // 2**i for i in range(len(config.upsample_rates) + 1)]
    yield _product(rows, config.latent_dim, widths[0], KERNEL, snake=True)
    for (width, narrow), rate in zip(pairwise(widths), config.upsample_rates, strict=True):
        yield _product(rows, width, rate * narrow, TRANSPOSED_TAPS, snake=True, written=2 * rate * narrow)
        rows *= rate
        for dilation in DILATIONS:
            yield _product(rows, narrow, narrow, KERNEL, dilation, snake=True)
            # The last unit of a block hands on nothing but the activated result.
            written = narrow if dilation == DILATIONS[-1] else 2 * narrow
            yield _product(rows, narrow, narrow, snake=True, residual=True, written=written)
    channels = widths[-1]
    # A sample is written as float32 and as half of one, PCM16.
    state = rows * channels + _history(channels, KERNEL) + rows + rows // 2
    yield Operation("waveform", rows, channels, 1, KERNEL, 1, KERNEL * channels + 1, state, rows * KERNEL * channels)


def _product(
    rows: int,
    channels: int,
    columns: int,
    taps: int = 1,
    dilation: int = 1,
    *,
    bias: bool = True,
    snake: bool = False,
    residual: bool = False,
    written: int | None = None,
) -> Operation:
    """A convolution or, of one tap, a linear layer. written: numbers of a row of its results, if not `columns`."""
    weights = (taps * channels + bias + 2 * snake) * columns
    state = rows * (channels + residual * columns + (columns if written is None else written)) + _history(channels, taps, dilation)
    return Operation("convolution", rows, channels, columns, taps, dilation, weights, state, rows * taps * channels * columns)


def _rms_norm(channels: int) -> Operation:
    return Operation("rms_norm", 1, channels, channels, 1, 1, channels, 2 * channels, 0)


def _history(channels: int, taps: int, dilation: int = 1) -> int:
    """Numbers of the rows before the signal, read and written."""
    return 2 * (taps - 1) * dilation * channels
