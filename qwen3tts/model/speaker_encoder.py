"""The speaker encoder: ECAPA-TDNN (https://arxiv.org/abs/2005.07143), from a mel spectrogram to a speaker embedding.

Official source: `Qwen3TTSSpeakerEncoder` in `modeling_qwen3_tts.py`. It runs once a voice, so everything is float32. Activations
are (channels, frames): one utterance, no batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from qwen3tts.config import SpeakerEncoderConfig


class Conv(NamedTuple):
    """A 1-D convolution. weight: (out, in, kernel). bias: (out,)."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], name: str) -> Conv:
        """Take a convolution from a checkpoint and upcast it to float32."""
        return cls(tensors[f"{name}.weight"].float(), tensors[f"{name}.bias"].float())


@dataclass(frozen=True)
class SERes2NetWeights:
    """A residual block: TDNN, Res2Net, TDNN, squeeze and excitation. res2net: one convolution a channel group but the first."""

    tdnn1: Conv
    res2net: tuple[Conv, ...]
    tdnn2: Conv
    squeeze: Conv
    excitation: Conv

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], prefix: str, scale: int) -> SERes2NetWeights:
        """Take a block's tensors from a checkpoint; `scale` is the number of channel groups."""
        return cls(
            tdnn1=Conv.read(tensors, f"{prefix}tdnn1.conv"),
            res2net=tuple(Conv.read(tensors, f"{prefix}res2net_block.blocks.{i}.conv") for i in range(scale - 1)),
            tdnn2=Conv.read(tensors, f"{prefix}tdnn2.conv"),
            squeeze=Conv.read(tensors, f"{prefix}se_block.conv1"),
            excitation=Conv.read(tensors, f"{prefix}se_block.conv2"),
        )


@dataclass(frozen=True)
class SpeakerEncoderWeights:
    """The whole encoder, in float32: a TDNN, residual blocks, their aggregation, attentive pooling, a projection."""

    tdnn: Conv
    blocks: tuple[SERes2NetWeights, ...]
    aggregation: Conv
    attention_tdnn: Conv
    attention_out: Conv
    projection: Conv

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], config: SpeakerEncoderConfig) -> SpeakerEncoderWeights:
        """Take the speaker encoder from the tensors of `model.safetensors`."""
        prefix = "speaker_encoder."
        residual = range(1, len(config.enc_channels) - 1)
        return cls(
            tdnn=Conv.read(tensors, f"{prefix}blocks.0.conv"),
            blocks=tuple(SERes2NetWeights.read(tensors, f"{prefix}blocks.{i}.", config.enc_res2net_scale) for i in residual),
            aggregation=Conv.read(tensors, f"{prefix}mfa.conv"),
            attention_tdnn=Conv.read(tensors, f"{prefix}asp.tdnn.conv"),
            attention_out=Conv.read(tensors, f"{prefix}asp.conv"),
            projection=Conv.read(tensors, f"{prefix}fc"),
        )


def embed_speaker(weights: SpeakerEncoderWeights, config: SpeakerEncoderConfig, mel: Tensor) -> Tensor:
    """The speaker embedding of an utterance.

    mel: float32 (frames, mel_dim) from `qwen3tts.audio.mel`, with more frames than the widest convolution reaches to one side (4 in
    the releases). Returns float32 (enc_dim,).
    """
    hidden = _tdnn(mel.T, weights.tdnn, config.enc_dilations[0])
    outputs = []
    for block, dilation in zip(weights.blocks, config.enc_dilations[1:-1], strict=True):
        hidden = _se_res2net(hidden, block, dilation)
        outputs.append(hidden)
    hidden = _tdnn(torch.cat(outputs), weights.aggregation, config.enc_dilations[-1])
    pooled = _attentive_statistics(hidden, weights.attention_tdnn, weights.attention_out)
    return _conv(pooled.unsqueeze(1), weights.projection).squeeze(1)


def _conv(x: Tensor, conv: Conv, dilation: int = 1) -> Tensor:
    """(in, frames) -> (out, frames): as many frames come out as went in, the edges are mirrored."""
    reach = dilation * (conv.weight.shape[2] - 1)
    padded = F.pad(x, (reach // 2, reach - reach // 2), mode="reflect")
    return F.conv1d(padded, conv.weight, conv.bias, dilation=dilation)


def _tdnn(x: Tensor, conv: Conv, dilation: int = 1) -> Tensor:
    return torch.relu(_conv(x, conv, dilation))


def _se_res2net(x: Tensor, block: SERes2NetWeights, dilation: int) -> Tensor:
    """(channels, frames) -> the same."""
    hidden = _tdnn(x, block.tdnn1)
    hidden = _res2net(hidden, block.res2net, dilation)
    hidden = _tdnn(hidden, block.tdnn2)
    mean = hidden.mean(dim=1, keepdim=True)
    gate = torch.sigmoid(_conv(_tdnn(mean, block.squeeze), block.excitation))
    return x + hidden * gate


def _res2net(x: Tensor, convs: tuple[Conv, ...], dilation: int) -> Tensor:
    """The first channel group passes as it is; each later one is convolved, from the third on with the output before it added."""
    first, *groups = x.chunk(len(convs) + 1)
    outputs = [first]
    for i, (group, conv) in enumerate(zip(groups, convs, strict=True)):
        outputs.append(_tdnn(group if i == 0 else group + outputs[-1], conv, dilation))
    return torch.cat(outputs)


def _attentive_statistics(x: Tensor, tdnn: Conv, out: Conv) -> Tensor:
    """(channels, frames) -> (2 * channels,): mean and deviation over time, each channel weighing the frames by its own attention.

    The attention sees every frame beside the plain statistics of the whole utterance.
    """
    frames = x.shape[1]
    context = [s.unsqueeze(1).expand(-1, frames) for s in _statistics(x, torch.full_like(x, 1 / frames))]
    attention = _conv(torch.tanh(_tdnn(torch.cat([x, *context]), tdnn)), out).softmax(dim=1)
    return torch.cat(_statistics(x, attention))


def _statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation over time: (channels, frames) twice -> (channels,) twice."""
    mean = (weights * x).sum(dim=1)
    variance = (weights * (x - mean.unsqueeze(1)).square()).sum(dim=1)
    return mean, variance.clamp(min=1e-12).sqrt()
