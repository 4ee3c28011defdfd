"""Causal convolutions with what follows them, residual units, and by them linear layers and transposed convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from qwen3tts.native import dispatch, packing
from qwen3tts.native.dispatch import array, optional_array
from qwen3tts.native.past import Past, arrays_of, join

if TYPE_CHECKING:
    from qwen3tts import _C


class Signal(NamedTuple):
    """What a layer gives: the result itself and the layer's activation of it, each (B, T, columns) if it is wanted."""

    raw: Tensor | None
    activated: Tensor | None


@dataclass(frozen=True)
class Layer:
    """A causal convolution and its activation, laid out for where it runs. One tap is a linear layer.

    Output t is bias + the sum over taps i of weight[:, i] @ input[t * stride + i * dilation], where `past` rows come before the
    signal. repeat: outputs of a row; a transposed convolution by s has two taps, s times the columns and repeat = s.
    """

    weights: Tensor
    bias: Tensor | None
    alpha: Tensor | None
    inv_beta: Tensor | None
    channels: int
    columns: int
    taps: int
    dilation: int
    stride: int
    repeat: int
    activation: str
    raw: bool
    layout: str
    native: _C.Layer | None

    @classmethod
    def pack(
        cls,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        dilation: int = 1,
        stride: int = 1,
        repeat: int = 1,
        activation: str = "none",
        snake: tuple[Tensor, Tensor] | None = None,
        raw: bool = True,
        layout: str | None = None,
    ) -> Layer:
        """Lay out a weight (columns, taps, channels) and check it with what belongs to it.

        bias: (columns,). activation: none, snake, elu, gelu (with erf) or swiglu, whose columns are pairs of gate and up and give
        half as many. snake: its alpha and 1 / beta, (columns,) each. raw: is the result itself wanted beside the activated one.
        layout: baseline, avx2, avx512, cuda, or plain for the reference; None is the fastest for the weight's dtype and device.
        Raises ValueError naming a bad argument.
        """
        columns, taps, channels = weight.shape
        layout = layout or _fastest_layout(weight)
        weights = _laid_out(weight, layout)
        bias, alpha, inv_beta = (None if part is None else part.contiguous() for part in (bias, *(snake or (None, None))))
        native = None
        if layout != "plain":
            arrays = (array(weights), optional_array(bias), optional_array(alpha), optional_array(inv_beta))
            native = dispatch.extension.Layer(*arrays, channels, columns, taps, dilation, stride, activation, layout)
        raw = raw or activation == "none"
        sizes = (channels, columns, taps, dilation, stride, repeat)
        return cls(weights, bias, alpha, inv_beta, *sizes, activation, raw, layout, native)

    @classmethod
    def linear(cls, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Layer:
        """A linear layer of a weight (out, in); options as `pack` takes them."""
        return cls.pack(weight[:, None], bias, **options)

    @property
    def past(self) -> int:
        """Rows before the signal that the first output reaches."""
        return (self.taps - 1) * self.dilation + 1 - self.stride


def convolution(x: Tensor, layer: Layer, past: Past | None = None, residual: Tensor | None = None) -> Signal:
    """The layer of x, on from its past; residual is added before the activation.

    x: (B, steps * stride, channels). past: history of `layer.past` rows; None is zeros. residual: (B, steps, columns). Returns (B,
    steps * repeat, columns / repeat), half as wide where swiglu has been. Raises ValueError naming a bad argument.
    """
    if layer.native is None:
        return convolution_reference(x, layer, past, residual)
    batch, steps = len(x), x.shape[1] // layer.stride
    signal = _empty_signal(x, layer, batch, steps)
    arrays = (array(x), optional_array(residual), optional_array(signal.raw), optional_array(signal.activated))
    arguments = (layer.native, *arrays, batch, steps, arrays_of(past))
    if layer.layout == "cuda":
        workspace = x.new_empty(dispatch.extension.layer_workspace(layer.native, batch * steps))
        dispatch.run("convolution", "cuda", x, *arguments, array(workspace))
    else:
        dispatch.run("convolution", "cpu", x, *arguments)
    return signal


def residual_unit(signal: Signal, dilated: Layer, pointwise: Layer, past: Past) -> Signal:
    """pointwise(dilated(signal.activated)) + signal.raw, in one operation.

    signal: both (B, steps, channels). dilated: a convolution with stride 1 and an activation. pointwise: a linear layer back to the
    channels. past: of the dilated convolution.
    """
    if dilated.native is None:
        return residual_unit_reference(signal, dilated, pointwise, past)
    raw, x = signal
    assert raw is not None and x is not None
    batch, steps, _ = x.shape
    out = _empty_signal(x, pointwise, batch, steps)
    arrays = (array(x), array(raw), optional_array(out.raw), optional_array(out.activated))
    arguments = (dilated.native, pointwise.native, *arrays, batch, steps, arrays_of(past))
    if dilated.layout == "cuda":
        hidden = x.new_empty(batch * steps * dilated.columns)
        elements = max(dispatch.extension.layer_workspace(layer.native, batch * steps) for layer in (dilated, pointwise))
        workspace = x.new_empty(elements)
        dispatch.run("residual_unit", "cuda", x, *arguments, array(hidden), array(workspace))
    else:
        dispatch.run("residual_unit", "cpu", x, *arguments)
    return out


def convolution_reference(x: Tensor, layer: Layer, past: Past | None = None, residual: Tensor | None = None) -> Signal:
    """`convolution` in plain torch, of a layer whose layout is plain."""
    joined = join(x, past, layer.past)
    out = F.conv1d(joined.mT, layer.weights, layer.bias, layer.stride, dilation=layer.dilation).mT
    out = out if residual is None else out + residual.view(out.shape)
    activated = _activated(out, layer)

    def repeated(rows: Tensor) -> Tensor:
        return rows.unflatten(2, (layer.repeat, -1)).flatten(1, 2)

    return Signal(repeated(out) if layer.raw else None, None if activated is None else repeated(activated))


def residual_unit_reference(signal: Signal, dilated: Layer, pointwise: Layer, past: Past) -> Signal:
    """`residual_unit` in plain torch, of layers whose layout is plain."""
    assert signal.activated is not None
    hidden = convolution_reference(signal.activated, dilated, past).activated
    assert hidden is not None
    return convolution_reference(hidden, pointwise, residual=signal.raw)


def _activated(x: Tensor, layer: Layer) -> Tensor | None:
    """The layer's activation of x (..., columns). Snake: official `SnakeBeta`; arXiv 2006.08195."""
    if layer.activation == "snake":
        assert layer.alpha is not None and layer.inv_beta is not None
        return x + layer.inv_beta * (layer.alpha * x).sin().square()
    if layer.activation == "swiglu":
        return F.silu(x[..., 0::2]) * x[..., 1::2]
    if layer.activation == "elu":
        return F.elu(x)
    return F.gelu(x) if layer.activation == "gelu" else None


def _empty_signal(x: Tensor, layer: Layer, batch: int, steps: int) -> Signal:
    rows, columns = steps * layer.repeat, layer.columns // layer.repeat
    raw = x.new_empty(batch, rows, columns) if layer.raw else None
    if layer.activation == "none":
        return Signal(raw, None)
    return Signal(raw, x.new_empty(batch, rows, columns // 2 if layer.activation == "swiglu" else columns))


def _fastest_layout(weight: Tensor) -> str:
    layouts = {"reference": "plain", "cpu": dispatch.extension.cpu_features()[-1], "cuda": "cuda"}
    return layouts[dispatch.path_of(weight)]


def _laid_out(weight: Tensor, layout: str) -> Tensor:
    if layout == "plain":
        return weight.mT.contiguous()  # (columns, channels, taps), as torch's convolution takes it
    if layout == "cuda":
        return packing.fragments(weight)
    return packing.panels(weight, dispatch.extension.panel_width(layout))
