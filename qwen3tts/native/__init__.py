"""The extension's operations on tensors, each beside its reference in plain torch.

On the CPU they are float32 and invariant: a row of a result is the same to the bit whatever rows stand beside it, and however its
signal is cut into calls. So a batch gives each row what it gets alone, and a stream what the whole gives. On a GPU they are float32
with tensor cores, which read 10 bits of a mantissa. float64, and whatever the extension is not built for, goes to the references.
"""

from qwen3tts.native.convolution import (
    Layer,
    Signal,
    convolution,
    convolution_reference,
    residual_unit,
    residual_unit_reference,
)
from qwen3tts.native.dequantize import dequantize, dequantize_reference
from qwen3tts.native.linear import linear, one_torch_thread
from qwen3tts.native.norm import depthwise_norm, depthwise_norm_reference, rms_norm, rms_norm_reference
from qwen3tts.native.past import Past
from qwen3tts.native.waveform import Sound, waveform, waveform_reference
from qwen3tts.native.window_attention import window_attention, window_attention_reference

__all__ = [
    "Layer",
    "Past",
    "Signal",
    "Sound",
    "convolution",
    "convolution_reference",
    "depthwise_norm",
    "depthwise_norm_reference",
    "dequantize",
    "dequantize_reference",
    "linear",
    "one_torch_thread",
    "residual_unit",
    "residual_unit_reference",
    "rms_norm",
    "rms_norm_reference",
    "waveform",
    "waveform_reference",
    "window_attention",
    "window_attention_reference",
]
