"""The configuration files of a release as frozen dataclasses."""

from qwen3tts.config.codec import ENCODER_STRIDE, CodecConfig, CodecDecoderConfig, CodecEncoderConfig
from qwen3tts.config.model import (
    SUPPRESSED_IDS,
    CodePredictorConfig,
    GenerationConfig,
    ModelConfig,
    SpeakerEncoderConfig,
    StackConfig,
    TalkerConfig,
)

__all__ = [
    "ENCODER_STRIDE",
    "SUPPRESSED_IDS",
    "CodePredictorConfig",
    "CodecConfig",
    "CodecDecoderConfig",
    "CodecEncoderConfig",
    "GenerationConfig",
    "ModelConfig",
    "SpeakerEncoderConfig",
    "StackConfig",
    "TalkerConfig",
]
