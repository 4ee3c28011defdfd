"""Languages and speakers by the names that a caller uses."""

from __future__ import annotations

import re

from qwen3tts.config import ModelConfig
from qwen3tts.errors import LanguageError, SpeakerError

ISO_639 = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "pt": "portuguese",
    "ru": "russian",
    "zh": "chinese",
}
"""Language codes -> the names that the models have."""
KNOWN = ("auto", *ISO_639, *ISO_639.values())
"""What `language_code` takes."""
_REGIONAL = re.compile(r"([a-z]{2})([-_][a-z0-9]+)*")


def resolve_language(config: ModelConfig, name: str | None) -> str:
    """The model's name of a language, or "auto".

    name: a name of the model's in any case, an ISO 639-1 code with or without a region ("en", "zh-CN"), "auto" or None (auto).
    Raises LanguageError, which lists what the model speaks.
    """
    if name is None:
        return "auto"
    lowered = str(name).strip().lower()
    code = _REGIONAL.fullmatch(lowered)
    language = ISO_639.get(code[1], lowered) if code else lowered
    if language not in config.languages:
        raise LanguageError(f"language={name!r} is not one that this model speaks: choose one of {', '.join(config.languages)}")
    return language


def language_code(name: str | None) -> str:
    """The ISO 639-1 code of a language, or "auto".

    name: an English name of one in any case, a code with or without a region, "auto" or None (auto). Raises LanguageError.
    """
    lowered = "auto" if name is None else str(name).strip().lower()
    code = _REGIONAL.fullmatch(lowered)
    if code and code[1] in ISO_639:
        return code[1]
    names = {"auto": "auto", **{language: iso for iso, language in ISO_639.items()}}
    if lowered not in names:
        raise LanguageError(f"language={name!r} is unknown: choose one of {', '.join(KNOWN)}")
    return names[lowered]


def resolve_speaker(config: ModelConfig, name: str | None) -> str | None:
    """The checkpoint's name of a built-in speaker.

    name: a speaker in any case; None means the checkpoint's first one, or no speaker (None) where the model has none.
    Raises SpeakerError for an unknown name, and for any name where the model has no speakers.
    """
    if name is None:
        return next(iter(config.speakers), None)
    if not config.speakers:
        hint = "describe the voice with instruct" if config.kind == "voice_design" else "give a reference (ref_audio) or a voice"
        raise SpeakerError(f"speaker={name!r}: a {config.kind} model has no built-in speakers: {hint} instead")
    by_name = {speaker.lower(): speaker for speaker in config.speakers}
    speaker = by_name.get(str(name).strip().lower())
    if speaker is None:
        raise SpeakerError(f"speaker={name!r} is unknown: choose one of {', '.join(config.speakers)}")
    return speaker
