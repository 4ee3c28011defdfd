"""The launches of a frame of the codec's decoder on a GPU, as `csrc/codec/cuda` cuts it into blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from qwen3tts.config import CodecDecoderConfig
from qwen3tts.kernels.launch import Work

from .roofline_model import CodecLaunch
from .roofline_operations import BYTES, Operation, frame_operations

CHUNK = 32
"""Channels of a step."""

MOST_PARTS = 8
FEW_ROWS = 32
FEW_TILES = 4
ENOUGH_TILES = 128
MOST_SHARED = 99 * 1024
FINISH_THREADS = 128
ATTENTION_THREADS = 256
WAVEFORM_THREADS = 128
WAVEFORM_SAMPLES = 16
MOST_WARPS = 32
RESIDENT_WARPS = 32
WARP = 32
"""The constants of `csrc/codec/cuda`."""

WAITS = {"dequantize": 2, "rms_norm": 2, "depthwise_norm": 2, "window_attention": 5, "waveform": 3, "finish": 1}
"""Trips to memory that a block of the other kernels makes one after another."""


@dataclass(frozen=True)
class Shape:
    """How a block of a convolution works: groups of warps, each on a tile of rows x columns, with weights that come in stages.

    resident: blocks that a multiprocessor has registers for.
    """

    rows: int
    columns: int
    stages: int
    warps: int
    resident: int

    def shared(self, operation: Operation, entries: int, steps: int, groups: int) -> int:
        """Bytes of shared memory, for tiles of so many steps of so many slots."""
        rows = entries * (steps + (operation.taps - 1) * operation.dilation)
        chunks = (self.stages - 2 + operation.taps) // operation.taps + 1
        ring = self.stages * CHUNK * self.columns + chunks * rows * (CHUNK + 4)
        return (self.rows + rows + rows % 2) * 8 + groups * ring * BYTES


FEW = Shape(16, 8, 4, 1, 3)
MANY = Shape(64, 96, 3, 6, 2)


def frame_launches(config: CodecDecoderConfig, slots: int) -> list[CodecLaunch]:
    """The launches of one frame of so many slots, in their order."""
    return [launch for operation in frame_operations(config) for launch in _launches(operation, config, slots)]


def splits(operation: Operation, rows: int) -> int:
    """Blocks of MANY that share a tile's sum, which `finish` adds up."""
    tiles = _up(rows, MANY.rows) * _up(operation.columns, MANY.columns)
    return _parts(operation) if tiles < ENOUGH_TILES else 1


def _launches(operation: Operation, config: CodecDecoderConfig, slots: int) -> Iterator[CodecLaunch]:
    rows = slots * operation.rows
    work = Work(BYTES * operation.weights, BYTES * slots * operation.state, 2 * slots * operation.multiply_adds)
    if operation.kernel != "convolution":
        yield _small(operation, config, slots, work)
        return
    parts = _parts(operation)
    few = _cut(FEW, operation, slots, parts)
    if rows <= FEW_ROWS and few is not None and few[0] <= FEW_TILES:
        yield _tiled(FEW, operation, few, parts, 1, work)
        return
    many, count = _cut(MANY, operation, slots, 1), splits(operation, rows)
    if many is None:
        raise ValueError(f"{operation} does not fit a block's shared memory")
    yield _tiled(MANY, operation, many, 1, count, work)
    if count > 1:
        # The parts of so few tiles lie in the L2 cache.
        grid, warps = (_up(rows * _up(operation.columns, 2), FINISH_THREADS),), FINISH_THREADS // WARP
        yield CodecLaunch("finish", grid, warps, Work(0, 0, 0), WAITS["finish"], 0, RESIDENT_WARPS // warps, 0)


def _tiled(shape: Shape, operation: Operation, cut: tuple[int, int], groups: int, splits: int, work: Work) -> CodecLaunch:
    """A product. cut: tiles of rows, and bytes of shared memory."""
    tiles, shared = cut
    steps = _up(_up(operation.channels, CHUNK), groups * splits) * operation.taps
    # All stages but one are on their way at once, and the first has to arrive before anything is done.
    waits = 1 + steps / (shape.stages - 1)
    operations = 2 * shape.rows * shape.columns * CHUNK * steps * groups
    grid = (tiles, _up(operation.columns, shape.columns), splits)
    return CodecLaunch("convolution", grid, groups * shape.warps, work, waits, shared, shape.resident, operations)


def _cut(shape: Shape, operation: Operation, slots: int, groups: int) -> tuple[int, int] | None:
    """Tiles of rows, and the shared memory of a block, for the largest tiles that fit; None where none does."""
    apart = operation.taps == 1
    batch, steps = (1, slots * operation.rows) if apart else (slots, operation.rows)
    tile_steps = min(steps, shape.rows)
    entries = min(batch, shape.rows // tile_steps)
    while (shared := shape.shared(operation, entries, tile_steps, groups)) > MOST_SHARED:
        if entries > 1:
            entries = (entries + 1) // 2
        elif tile_steps > 1:
            tile_steps = (tile_steps + 1) // 2
        else:
            return None
    return _up(steps, tile_steps) * _up(batch, entries), shared


def _small(operation: Operation, config: CodecDecoderConfig, slots: int, work: Work) -> CodecLaunch:
    """Any other kernel."""
    kernel, rows = operation.kernel, operation.rows
    grid, threads = {
        "dequantize": ((slots * rows,), operation.columns // 2),
        "rms_norm": ((slots * rows,), operation.channels),
        "depthwise_norm": ((rows, slots), operation.channels),
        "window_attention": ((config.num_key_value_heads, slots), ATTENTION_THREADS),
        "waveform": ((_up(rows, WAVEFORM_SAMPLES), slots), WAVEFORM_THREADS),
    }[kernel]
    warps = min(_up(threads, WARP), MOST_WARPS)
    operations = work.operations / math.prod(grid)
    return CodecLaunch(kernel, grid, warps, work, WAITS[kernel], 0, RESIDENT_WARPS // warps, operations)


def _parts(operation: Operation) -> int:
    return min(MOST_PARTS, _up(operation.channels, CHUNK))


def _up(a: int, b: int) -> int:
    return -(-a // b)
