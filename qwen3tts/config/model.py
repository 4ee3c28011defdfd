"""`config.json` and `generation_config.json`; names and defaults follow the official `configuration_qwen3_tts.py`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from qwen3tts.config.section import Section
from qwen3tts.errors import ConfigError
from qwen3tts.types import SamplingParams

SUPPRESSED_IDS = 1024
"""The last ids of the talker's vocabulary are control codes: never sampled, but for the stop code."""


@dataclass(frozen=True)
class StackConfig(Section):
    """A stack of decoder layers: RMSNorm, grouped-query attention with QK-norm and RoPE, SwiGLU."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    max_position_embeddings: int
    vocab_size: int
    num_code_groups: int

    _fixed = {
        "hidden_act": ("silu",),
        "attention_bias": (False,),
        "use_sliding_window": (False,),
    }

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads or self.head_dim % 2:
            raise ConfigError(
                f"num_attention_heads={self.num_attention_heads} has to be a multiple of num_key_value_heads="
                f"{self.num_key_value_heads}, and head_dim={self.head_dim} even"
            )

    @property
    def query_size(self) -> int:
        """Width of all query heads together."""
        return self.num_attention_heads * self.head_dim

    @property
    def key_value_size(self) -> int:
        """Width of all key (or value) heads together."""
        return self.num_key_value_heads * self.head_dim


@dataclass(frozen=True)
class CodePredictorConfig(StackConfig):
    """The code predictor: codes 1 to 15 of a frame, one step each."""

    _ignored = frozenset({"layer_types", "sliding_window"})
    _fixed = {**StackConfig._fixed, "rope_scaling": (None,)}


@dataclass(frozen=True)
class TalkerConfig(StackConfig):
    """The talker: one step a frame; its vocabulary is codebook 0 and, at the end, the control codes."""

    text_hidden_size: int
    text_vocab_size: int
    codec_bos_id: int
    codec_eos_token_id: int
    codec_pad_id: int
    codec_think_id: int
    codec_nothink_id: int
    codec_think_bos_id: int
    codec_think_eos_id: int
    codec_language_id: dict[str, int]
    code_predictor_config: CodePredictorConfig
    spk_id: dict[str, int] = dataclasses.field(default_factory=dict)
    spk_is_dialect: dict[str, str | bool] = dataclasses.field(default_factory=dict)

    # With text alone the three sections of mRoPE share one position, so its settings change nothing: plain RoPE.
    _ignored = frozenset({"rope_scaling", "position_id_per_seconds", "sliding_window"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code_predictor_config.num_code_groups != self.num_code_groups:
            raise ConfigError(
                f"num_code_groups is {self.num_code_groups} in the talker and "
                f"{self.code_predictor_config.num_code_groups} in the predictor: take the file from the release"
            )


@dataclass(frozen=True)
class SpeakerEncoderConfig(Section):
    """ECAPA-TDNN and its mel front end."""

    enc_dim: int = 1024
    sample_rate: int = 24000
    mel_dim: int = 128
    enc_channels: tuple[int, ...] = (512, 512, 512, 512, 1536)
    enc_kernel_sizes: tuple[int, ...] = (5, 3, 3, 3, 1)
    enc_dilations: tuple[int, ...] = (1, 2, 3, 4, 1)
    enc_attention_channels: int = 128
    enc_res2net_scale: int = 8
    enc_se_channels: int = 128

    def __post_init__(self) -> None:
        if not len(self.enc_channels) == len(self.enc_kernel_sizes) == len(self.enc_dilations):
            raise ConfigError("speaker_encoder_config: enc_channels, enc_kernel_sizes and enc_dilations differ in length")


@dataclass(frozen=True)
class ModelConfig(Section):
    """`config.json`."""

    model_type: str
    tts_model_type: str
    tts_model_size: str
    tokenizer_type: str
    tts_pad_token_id: int
    tts_bos_token_id: int
    tts_eos_token_id: int
    talker_config: TalkerConfig
    speaker_encoder_config: SpeakerEncoderConfig = dataclasses.field(default_factory=SpeakerEncoderConfig)

    _ignored = frozenset({"assistant_token_id", "im_start_token_id", "im_end_token_id"})
    _fixed = {
        "model_type": ("qwen3_tts",),
        "tokenizer_type": ("qwen3_tts_tokenizer_12hz",),
        "tts_model_type": ("custom_voice", "voice_design", "base"),
    }

    @property
    def kind(self) -> str:
        """custom_voice, voice_design or base."""
        return self.tts_model_type

    @property
    def languages(self) -> tuple[str, ...]:
        """What a caller may ask for; dialects come with their speakers."""
        return ("auto", *(name for name in self.talker_config.codec_language_id if "dialect" not in name))

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the built-in speakers, in the checkpoint's order."""
        return tuple(self.talker_config.spk_id)

    @property
    def takes_instruct(self) -> bool:
        """Whether the model follows an instruction; the official code drops it for the 0.6B custom_voice model."""
        return self.kind == "voice_design" or (self.kind == "custom_voice" and self.tts_model_size != "0b6")


@dataclass(frozen=True)
class GenerationConfig(Section):
    """`generation_config.json`; the defaults are those of the official wrapper."""

    do_sample: bool = True
    temperature: float = 0.9
    top_k: int = 50
    top_p: float = 1.0
    repetition_penalty: float = 1.05
    subtalker_dosample: bool = True
    subtalker_temperature: float = 0.9
    subtalker_top_k: int = 50
    subtalker_top_p: float = 1.0
    max_new_tokens: int = 2048

    @property
    def sampling(self) -> SamplingParams:
        """The settings of a call that gives none."""
        return SamplingParams(
            temperature=self.temperature if self.do_sample else 0.0,
            top_k=self.top_k,
            top_p=self.top_p,
            repetition_penalty=self.repetition_penalty,
            predictor_temperature=self.subtalker_temperature if self.subtalker_dosample else 0.0,
            predictor_top_k=self.subtalker_top_k,
            predictor_top_p=self.subtalker_top_p,
        )

    @property
    def max_frames(self) -> int:
        """The talker's last token belongs to a frame that is never finished, so there is one frame less than tokens."""
        return self.max_new_tokens - 1
