"""The extension takes addresses; its tests take tensors. And what each of its functions takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from qwen3tts import _C
from qwen3tts.native.dispatch import array, optional_array

Linear = Callable[..., Tensor]
Arguments = dict[str, Any]
Array = tuple[int, int]

# Bytes around every array. A sanitizer watches the ends themselves, and reads as well as writes.
GUARD, GUARD_BYTE = 0 if "libasan" in os.environ.get("LD_PRELOAD", "") else 512, 0x55


@dataclass
class Buffers:
    """The arrays of a call, with guards around them, kept alive. integers_of: makes so many integers; None is zeros."""

    integers_of: Callable[[int], Sequence[int]] | None = None
    tensors: list[Tensor] = field(default_factory=list)

    def array(self, elements: int, dtype: torch.dtype = torch.float32) -> Array:
        """Random floats with a NaN here and there, or integers."""
        guarded = torch.full((elements * dtype.itemsize + 2 * GUARD,), GUARD_BYTE, dtype=torch.uint8)
        inner = guarded[GUARD : len(guarded) - GUARD].view(dtype)
        inner.copy_(torch.randn(elements).masked_fill_(torch.rand(elements) < 0.02, torch.nan) if dtype.is_floating_point else 0)
        if self.integers_of is not None and dtype is torch.int64:
            inner.copy_(torch.tensor(self.integers_of(elements), dtype=dtype))
        self.tensors.append(guarded)
        return inner.data_ptr(), elements

    def integers(self, elements: int) -> Array:
        return self.array(elements, torch.int64)

    def past(self, rows: int, channels: int, batch: int) -> tuple[Array, Array, Array]:
        """Of three slots; batch is 1 where the slots are all zero."""
        return self.array(2 * 3 * rows * channels), self.integers(batch), self.integers(2 * 3)

    def assert_guards_untouched(self) -> None:
        for tensor in self.tensors:
            assert (torch.cat([tensor[:GUARD], tensor[len(tensor) - GUARD :]]) == GUARD_BYTE).all()


def linear(module: ModuleType, new: Buffers, m: int, k: int, n: int) -> Arguments:
    arrays = dict(x=new.array(m * k), w=new.array(n * k), bias=new.array(n), y=new.array(m * n))
    return dict(**arrays, m=m, k=k, n=n, weight_dtype="float32")


def layer(module: ModuleType, new: Buffers, channels: int, pairs: int, taps: int, dilation: int, activation: str) -> Arguments:
    columns, layout = 2 * pairs, "cuda" if is_emulated(module) else module.cpu_features()[-1]
    if is_emulated(module):
        weights = new.array(-(-channels // 32) * 32 * taps * -(-columns // 8) * 8)
    else:
        weights = new.array(taps * channels * -(-columns // module.panel_width()) * module.panel_width())
    snake = [new.array(columns) if activation == "snake" else None for _ in range(2)]
    sizes = dict(channels=channels, columns=columns, taps=taps, dilation=dilation, stride=1, activation=activation)
    return dict(weights=weights, bias=new.array(columns), alpha=snake[0], inv_beta=snake[1], **sizes, layout=layout)


def convolution(module: ModuleType, new: Buffers, batch: int, steps: int, channels: int, taps: int, activation: str) -> Arguments:
    packed = module.Layer(**layer(module, new, channels, 3, taps, 2, activation))
    outputs = batch * steps * 6
    arrays = dict(x=new.array(batch * steps * channels), residual=new.array(outputs), y=new.array(outputs))
    activated = new.array(outputs // 2 if activation == "swiglu" else outputs)
    past = new.past(2 * (taps - 1), channels, batch)
    workspace = dict(workspace=new.array(module.layer_workspace(packed, batch * steps))) if is_emulated(module) else {}
    return dict(layer=packed, **arrays, activated=activated, batch=batch, steps=steps, past=past, **workspace)


def residual_unit(module: ModuleType, new: Buffers, batch: int, steps: int, pairs: int, taps: int, activation: str) -> Arguments:
    channels = 2 * pairs
    dilated = module.Layer(**layer(module, new, channels, 3, taps, 2, "gelu"))
    pointwise = module.Layer(**layer(module, new, 6, pairs, 1, 1, activation))
    size = batch * steps * channels
    arrays = dict(x=new.array(size), residual=new.array(size), y=new.array(size))
    activated = new.array(size // 2 if activation == "swiglu" else size)
    past = new.past(2 * (taps - 1), channels, batch)
    arguments = dict(dilated=dilated, pointwise=pointwise, **arrays, activated=activated, batch=batch, steps=steps, past=past)
    if is_emulated(module):
        elements = max(module.layer_workspace(each, batch * steps) for each in (dilated, pointwise))
        arguments |= dict(hidden=new.array(batch * steps * 6), workspace=new.array(elements))
    return arguments


def dequantize(module: ModuleType, new: Buffers, rows: int, books: int, size: int, width: int) -> Arguments:
    arrays = dict(codes=new.integers(rows * books), codebooks=new.array(books * size * width), y=new.array(rows * 2 * width))
    return dict(**arrays, rows=rows, books=books, size=size, width=width)


def rms_norm(module: ModuleType, new: Buffers, rows: int, channels: int) -> Arguments:
    arrays = dict(x=new.array(rows * channels), weight=new.array(channels), y=new.array(rows * channels))
    return dict(**arrays, rows=rows, channels=channels, eps=1e-6)


def depthwise_norm(module: ModuleType, new: Buffers, batch: int, steps: int, channels: int, taps: int) -> Arguments:
    size = batch * steps * channels
    arrays = dict(x=new.array(size), weights=new.array(taps * channels), y=new.array(size))
    arrays |= {name: new.array(channels) for name in ("bias", "scale", "shift")}
    sizes = dict(batch=batch, steps=steps, channels=channels, taps=taps, eps=1e-6)
    return dict(**arrays, **sizes, past=new.past(taps - 1, channels, batch))


def window_attention(module: ModuleType, new: Buffers, batch: int, steps: int, kv_heads: int, half: int, window: int) -> Arguments:
    heads, head_dim = 2 * kv_heads, 2 * half
    qkv = new.array(batch * steps * (heads + 2 * kv_heads) * head_dim)
    ring = 3 * window * kv_heads * head_dim
    arrays = dict(qkv=qkv, keys=new.array(ring), values=new.array(ring), frequencies=new.array(half))
    arrays |= dict(y=new.array(batch * steps * heads * head_dim), slots=new.integers(batch), progress=new.integers(6))
    return dict(**arrays, batch=batch, steps=steps, heads=heads, kv_heads=kv_heads, head_dim=head_dim, window=window)


def waveform(module: ModuleType, new: Buffers, batch: int, steps: int, channels: int, taps: int) -> Arguments:
    arrays = dict(x=new.array(batch * steps * channels), weights=new.array(taps * channels), bias=new.array(1))
    arrays |= dict(samples=new.array(batch * steps), pcm=new.array(batch * steps, torch.int16))
    return dict(**arrays, batch=batch, steps=steps, channels=channels, taps=taps, past=new.past(taps - 1, channels, batch))


def is_emulated(module: ModuleType) -> bool:
    """The package's own extension may have been built for a GPU, but there is none to take the host's addresses."""
    return module is not _C


@dataclass(frozen=True)
class Operation:
    """A function of the extension. build: its arguments from a module, buffers, sizes and, after them, an activation."""

    build: Callable[..., Arguments]
    sizes: tuple[int, ...]
    has_activation: bool = False
    has_threads: bool = True
    has_slots: bool = False

    @property
    def name(self) -> str:
        return "Layer" if self.build is layer else self.build.__name__

    def arguments(self, new: Buffers, batch: int | None = None) -> Arguments:
        """Right ones; `batch` in place of the first size."""
        sizes = self.sizes if batch is None else (batch, *self.sizes[1:])
        return self.build(_C, new, *sizes, *(["snake"] if self.has_activation else []))

    def call(self, arguments: Arguments, module: ModuleType = _C) -> None:
        """Call it on the CPU, or on the GPU that the module emulates."""
        if is_emulated(module) and self.build not in (layer, linear):
            getattr(module, f"{self.name}_cuda")(stream=0, **arguments)
        else:
            getattr(module, self.name)(**({"threads": 2} if self.has_threads else {}), **arguments)


OPERATIONS = (
    Operation(linear, (2, 3, 4)),
    Operation(layer, (5, 2, 3, 2), has_activation=True, has_threads=False),
    Operation(convolution, (1, 4, 5, 3), has_activation=True, has_slots=True),
    Operation(residual_unit, (1, 4, 3, 3), has_activation=True, has_slots=True),
    Operation(dequantize, (2, 3, 4, 5), has_threads=False),
    Operation(rms_norm, (2, 5)),
    Operation(depthwise_norm, (1, 3, 5, 3), has_slots=True),
    Operation(window_attention, (1, 3, 2, 2, 5), has_slots=True),
    Operation(waveform, (1, 5, 3, 3), has_slots=True),
)


@pytest.fixture(scope="session", params=OPERATIONS, ids=lambda operation: operation.name)
def operation(request: pytest.FixtureRequest) -> Operation:
    """Each function of the extension that takes arrays."""
    return request.param


@pytest.fixture(scope="session")
def operations() -> dict[str, Operation]:
    """All of them by name."""
    return {operation.name: operation for operation in OPERATIONS}


@pytest.fixture
def new() -> Buffers:
    """Arrays that live as long as the test."""
    return Buffers()


@pytest.fixture(scope="session")
def buffers() -> type[Buffers]:
    """Makes arrays."""
    return Buffers


@pytest.fixture(params=_C.cpu_features())
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set of this machine in turn."""
    return request.param


@pytest.fixture(name="linear")
def linear_of_tensors() -> Linear:
    """`_C.linear` of contiguous tensors."""

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None, threads: int = 1, isa: str = "auto") -> Tensor:
        (m, k), n = x.shape, weight.shape[0]
        y = torch.full((m, n), torch.nan)
        dtype = str(weight.dtype).removeprefix("torch.")
        _C.linear(array(x), array(weight, weight.dtype), optional_array(bias), array(y), m, k, n, dtype, threads, isa)
        return y

    return run
