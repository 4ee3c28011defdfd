"""How a JSON object becomes a frozen dataclass: read once, checked once, unknown keys named."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

from qwen3tts.errors import ConfigError

# Keys that transformers writes and that change nothing here.
_BOOKKEEPING = frozenset(
    [
        "_name_or_path",
        "add_cross_attention",
        "architectures",
        "attention_dropout",
        "bad_words_ids",
        "begin_suppress_tokens",
        "bos_token_id",
        "chunk_size_feed_forward",
        "cross_attention_hidden_size",
        "decoder_start_token_id",
        "diversity_penalty",
        "do_sample",
        "dtype",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "eos_token_id",
        "exponential_decay_length_penalty",
        "finetuning_task",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "id2label",
        "initializer_range",
        "is_decoder",
        "is_encoder_decoder",
        "label2id",
        "layer_scale_initial_scale",
        "length_penalty",
        "max_length",
        "max_window_layers",
        "min_length",
        "model_type",
        "no_repeat_ngram_size",
        "num_beam_groups",
        "num_beams",
        "num_return_sequences",
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "pad_token_id",
        "prefix",
        "problem_type",
        "pruned_heads",
        "remove_invalid_values",
        "repetition_penalty",
        "return_dict",
        "return_dict_in_generate",
        "sep_token_id",
        "suppress_tokens",
        "task_specific_params",
        "temperature",
        "tf_legacy_loss",
        "tie_encoder_decoder",
        "tie_word_embeddings",
        "tokenizer_class",
        "top_k",
        "top_p",
        "torch_dtype",
        "torchscript",
        "transformers_version",
        "typical_p",
        "use_bfloat16",
        "use_cache",
    ]
)

T = TypeVar("T", bound="Section")


@dataclass(frozen=True)
class Section:
    """A JSON object: fields are read by name, `_ignored` keys are skipped, `_fixed` keys have to hold a supported value.

    `_aliases` maps another spelling of a key to the field's name.
    """

    _ignored: ClassVar[frozenset[str]] = frozenset()
    _fixed: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    _aliases: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def read(cls: type[T], data: Any, where: str) -> T:
        """Build from parsed JSON. `where` names the file and object in errors. Raises ConfigError."""
        if not isinstance(data, dict):
            raise ConfigError(f"{where} is not a JSON object but {type(data).__name__}: take the file from the release")
        data = {cls._aliases.get(key, key): value for key, value in data.items()}
        fields = {f.name: f for f in dataclasses.fields(cls)}
        kinds = get_type_hints(cls)
        # Before unknown keys: of another model family, its name is the thing to say.
        for key, supported in cls._fixed.items():
            if key in data and data[key] not in supported:
                raise ConfigError(
                    f"{where}: {key} is {data[key]!r}, expected {' or '.join(repr(v) for v in supported)}: "
                    "only the Qwen3-TTS 12 Hz models are supported"
                )
        unknown = sorted(set(data) - set(fields) - set(cls._fixed) - cls._ignored - _BOOKKEEPING)
        if unknown:
            raise ConfigError(f"{where} has unknown keys {', '.join(unknown)}: this is not a Qwen3-TTS 12 Hz configuration")
        values = {}
        for name, field in fields.items():
            if name in data:
                values[name] = _convert(kinds[name], data[name], f"{where}: {name}")
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise ConfigError(f"{where} lacks the key {name}: take the file from the release")
        return cls(**values)


def _convert(kind: Any, value: Any, where: str) -> Any:
    """Check a JSON value against a field's type and make it immutable."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind.read(value, where)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and number and math.isfinite(value):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if kind == tuple[int, ...] and isinstance(value, list) and all(type(v) is int for v in value):
        return tuple(value)
    if get_origin(kind) is dict and isinstance(value, dict):
        allowed = get_args(get_args(kind)[1]) or get_args(kind)[1:]
        if all(type(v) in allowed for v in value.values()):
            return dict(value)
    raise ConfigError(f"{where} is {value!r}, expected {getattr(kind, '__name__', kind)}")
