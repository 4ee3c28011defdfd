"""The codec's layers: a checkpoint's tensors as the operations take them, with all that can be computed ahead folded in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from qwen3tts.native import Layer, Past, convolution


@dataclass(frozen=True)
class Reader:
    """The tensors whose names begin with `prefix`, in the dtype of all arithmetic and on its device, None for where they are.

    layout: of the layers, see `Layer.pack`.
    """

    tensors: Mapping[str, Tensor]
    prefix: str
    dtype: torch.dtype
    layout: str | None = None
    device: torch.device | None = None

    def below(self, name: str) -> Reader:
        """The tensors below `name`."""
        return replace(self, prefix=f"{self.prefix}{name}.")

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[self.prefix + name].to(self.device, self.dtype)

    def get(self, name: str) -> Tensor | None:
        """The tensor `name`, None if there is none."""
        return self[name] if self.prefix + name in self.tensors else None

    def linear(self, *names: str, scale: Tensor | None = None, **options: Any) -> Layer:
        """The layers `names` of one input as one, outputs side by side. scale: (out,), of the result, or None."""
        weight = torch.cat([self[f"{name}.weight"] for name in names])
        biases = [bias for name in names if (bias := self.get(f"{name}.bias")) is not None]  # all have one, or none
        bias = torch.cat(biases) if biases else None
        if scale is not None:
            weight, bias = scale[:, None] * weight, None if bias is None else scale * bias
        return Layer.linear(weight, bias, layout=self.layout, **options)

    def convolution(self, name: str, **options: Any) -> Layer:
        """A convolution (out, in, kernel)."""
        return Layer.pack(self[f"{name}.weight"].transpose(1, 2), self.get(f"{name}.bias"), layout=self.layout, **options)

    def transposed(self, name: str, rate: int, snake: tuple[Tensor, Tensor] | None = None) -> Layer:
        """A transposed convolution (in, out, kernel) by `rate`, whose kernel is one or two times that.

        Outputs rate * t to rate * t + rate - 1 are one row: the r-th takes tap r of input t, and tap rate + r of the one before.
        snake: (out,) each, of the result, or None.
        """
        weight, bias = self[f"{name}.weight"], self[f"{name}.bias"]
        taps = weight.permute(2, 1, 0).unflatten(0, (-1, rate)).unbind()  # (rate, out, in) each, the newest input first
        return Layer.pack(
            torch.stack(taps[::-1], dim=2).flatten(0, 1),
            bias.repeat(rate),
            repeat=rate,
            activation="none" if snake is None else "snake",
            snake=None if snake is None else (snake[0].repeat(rate), snake[1].repeat(rate)),
            layout=self.layout,
        )

    def snake(self, name: str) -> tuple[Tensor, Tensor]:
        """Frequency and amplitude of each channel's ripple, both (channels,), of a Snake that is stored as logarithms."""
        return self[f"{name}.alpha"].exp(), 1.0 / (self[f"{name}.beta"].exp() + 1e-9)


def apply(layer: Layer, x: Tensor, past: Past | None = None, residual: Tensor | None = None) -> Tensor:
    """The result of a layer that has one: activated, if it has an activation, and raw if not. See `native.convolution`."""
    signal = convolution(x, layer, past, residual)
    result = signal.raw if layer.activation == "none" else signal.activated
    assert result is not None  # what is packed without it is not read here
    return result
