"""What a scheduler is tuned for, as named YAML files. Torch-free."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

import yaml

from qwen3tts.errors import ConfigError, InputError

PROFILES = ("latency", "balanced", "throughput")
"""Those that come with the package, in `assets/profiles`."""


@dataclass(frozen=True)
class Profile:
    """The trade between first audio, gaps and work done.

    first_chunk_frames, chunk_frames: frames in the first chunk of a stream and in those after it, where the caller leaves it open.
    codec_batch: streams that become sound in one call of the codec. prefill_tokens: of prompts that are admitted in one step; one
    prompt always is. margin_seconds: a stream with less than this ahead of its listener is about to run dry. frames_per_prefill:
    while one is, so many frames are run before new prompts are admitted. lead_seconds: a stream that is so far ahead of its
    listener rests while another is about to run dry or has not been heard yet.
    """

    first_chunk_frames: int
    chunk_frames: int
    codec_batch: int
    prefill_tokens: int
    margin_seconds: float
    frames_per_prefill: int
    lead_seconds: float

    def __post_init__(self) -> None:
        for name in ("first_chunk_frames", "chunk_frames", "codec_batch", "prefill_tokens", "frames_per_prefill"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}={value!r} is out of range: give a whole number from 1")
        for name in ("margin_seconds", "lead_seconds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise ConfigError(f"{name}={value!r} is out of range: give seconds from 0")
        if self.lead_seconds <= self.margin_seconds:
            raise ConfigError(f"lead_seconds={self.lead_seconds} has to be more than margin_seconds={self.margin_seconds}")


def load_profile(name: str | Path) -> Profile:
    """One of `PROFILES`, or a YAML file with the fields of `Profile`. Raises InputError, ConfigError."""
    source = files("qwen3tts") / "assets" / "profiles" / f"{name}.yaml" if name in PROFILES else Path(str(name))
    try:
        values = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        raise InputError(f"profile={str(name)!r} cannot be read: give {', '.join(PROFILES)} or a YAML file") from None
    known = {field.name for field in fields(Profile)}
    if not isinstance(values, dict) or set(values) != known:
        given = set(map(str, values)) if isinstance(values, dict) else set()
        wrong = [f"lacks {name}" for name in sorted(known - given)] + [f"has {name}, unknown" for name in sorted(given - known)]
        raise ConfigError(f"profile {name} {'; '.join(wrong)}: give {', '.join(sorted(known))}")
    return Profile(**values)
