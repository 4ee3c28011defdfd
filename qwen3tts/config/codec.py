"""`speech_tokenizer/config.json`: the codec's decoder and its Mimi-like encoder.

Names and defaults follow the official `configuration_qwen3_tts_tokenizer_v2.py` and transformers' `MimiConfig`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qwen3tts.config.section import Section
from qwen3tts.errors import ConfigError

ENCODER_STRIDE = 2
"""Of the convolution that brings SEANet's steps to the codec's frames; a constant of the official encoder."""


@dataclass(frozen=True)
class CodecDecoderConfig(Section):
    """Split RVQ -> causal conv -> windowed transformer -> 2 ConvNeXt upsamplers -> 4 Snake upsamplers -> waveform."""

    codebook_dim: int
    codebook_size: int
    num_quantizers: int
    latent_dim: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    sliding_window: int
    rms_norm_eps: float
    rope_theta: float
    decoder_dim: int
    upsample_rates: tuple[int, ...]
    upsampling_ratios: tuple[int, ...]

    # The official decoder takes neither: the first book is as large as the rest, and positions have no limit.
    _ignored = frozenset({"semantic_codebook_size", "max_position_embeddings", "vector_quantization_hidden_dimension"})
    _fixed = {"hidden_act": ("silu",), "attention_bias": (False,), "num_semantic_quantizers": (1,)}

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads or self.head_dim % 2 or self.sliding_window < 1:
            raise ConfigError(
                f"decoder_config: num_attention_heads={self.num_attention_heads}, num_key_value_heads={self.num_key_value_heads}, "
                f"head_dim={self.head_dim} and sliding_window={self.sliding_window} do not fit each other"
            )
        if self.codebook_dim % 2 or self.decoder_dim % 2 ** len(self.upsample_rates):
            raise ConfigError(
                f"decoder_config: codebook_dim={self.codebook_dim} has to be even, and decoder_dim={self.decoder_dim} "
                f"a multiple of {2 ** len(self.upsample_rates)}"
            )

    @property
    def samples_per_frame(self) -> int:
        """Samples that one frame of codes becomes."""
        return math.prod(self.upsample_rates) * math.prod(self.upsampling_ratios)


@dataclass(frozen=True)
class CodecEncoderConfig(Section):
    """SEANet -> transformer -> downsampling conv -> split RVQ."""

    codebook_dim: int
    codebook_size: int
    num_quantizers: int
    num_semantic_quantizers: int
    vector_quantization_hidden_dimension: int
    num_filters: int
    kernel_size: int
    last_kernel_size: int
    residual_kernel_size: int
    num_residual_layers: int
    dilation_growth_rate: int
    compress: int
    upsampling_ratios: tuple[int, ...]
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    norm_eps: float
    rope_theta: float
    frame_rate: float
    sampling_rate: int

    # Of the encoder alone nothing depends on these; `sliding_window` bounds the official cache, never a whole-clip pass.
    _ignored = frozenset(
        {"max_position_embeddings", "sliding_window", "trim_right_ratio", "upsample_groups", "normalize", "use_streaming"}
    )
    _aliases = {"_frame_rate": "frame_rate"}
    _fixed = {
        "hidden_act": ("gelu",),
        "attention_bias": (False,),
        "audio_channels": (1,),
        "use_causal_conv": (True,),
        "use_conv_shortcut": (False,),
        "pad_mode": ("constant",),
    }

    def __post_init__(self) -> None:
        if self._seanet_rate <= self.frame_rate:
            raise ConfigError(
                f"encoder_config: frame_rate={self.frame_rate} has to be below SEANet's {self._seanet_rate} steps a second"
            )

    @property
    def _seanet_rate(self) -> int:
        return math.ceil(self.sampling_rate / math.prod(self.upsampling_ratios))

    @property
    def downsample_kernel(self) -> int:
        """Kernel of the convolution that brings SEANet's steps to the codec's frames."""
        return ENCODER_STRIDE * int(self._seanet_rate / self.frame_rate)

    @property
    def samples_per_frame(self) -> int:
        """Samples that become one frame of codes."""
        return math.prod(self.upsampling_ratios) * ENCODER_STRIDE


@dataclass(frozen=True)
class CodecConfig(Section):
    """`speech_tokenizer/config.json`."""

    model_type: str
    encoder_valid_num_quantizers: int
    input_sample_rate: int
    output_sample_rate: int
    decode_upsample_rate: int
    encode_downsample_rate: int
    encoder_config: CodecEncoderConfig
    decoder_config: CodecDecoderConfig

    _fixed = {"model_type": ("qwen3_tts_tokenizer_12hz",)}

    def __post_init__(self) -> None:
        if self.decode_upsample_rate != self.decoder_config.samples_per_frame:
            raise ConfigError(
                f"decode_upsample_rate is {self.decode_upsample_rate}, but the decoder's rates make "
                f"{self.decoder_config.samples_per_frame} samples of a frame"
            )
        encoder = self.encoder_config
        if self.encode_downsample_rate != encoder.samples_per_frame:
            raise ConfigError(
                f"encode_downsample_rate is {self.encode_downsample_rate}, but the encoder's ratios make a frame of "
                f"{encoder.samples_per_frame} samples"
            )
        if not encoder.num_semantic_quantizers < self.encoder_valid_num_quantizers <= encoder.num_quantizers:
            raise ConfigError(
                f"encoder_valid_num_quantizers is {self.encoder_valid_num_quantizers}: it has to be above num_semantic_quantizers="
                f"{encoder.num_semantic_quantizers} and at most num_quantizers={encoder.num_quantizers}"
            )

    @property
    def frame_seconds(self) -> float:
        """Duration of one frame of codes in seconds (0.08 in the releases)."""
        return self.decode_upsample_rate / self.output_sample_rate
