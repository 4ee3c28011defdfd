"""Languages and speakers by a caller's names."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from qwen3tts.config import ModelConfig
from qwen3tts.errors import LanguageError, SpeakerError
from qwen3tts.text import resolve_language, resolve_speaker

SMALL = Path(__file__).parents[1] / "data" / "small"


def config_of(kind: str) -> ModelConfig:
    return ModelConfig.read(json.loads((SMALL / kind / "config.json").read_text()), kind)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        (None, "auto"),
        ("auto", "auto"),
        ("Auto", "auto"),
        ("English", "english"),
        (" RUSSIAN ", "russian"),
        ("en", "english"),
        ("EN", "english"),
        ("en-US", "english"),
        ("ru_RU", "russian"),
        ("zh-Hans-CN", "chinese"),
        ("de", "german"),
    ],
)
def test_language(name: str | None, language: str) -> None:
    assert resolve_language(config_of("custom_voice"), name) == language


@pytest.mark.parametrize("name", ["klingon", "", "fr", "eng", "xx", "beijing_dialect", "en-", "en US", 7])
def test_unknown_language_lists_the_valid_ones(name: str) -> None:
    with pytest.raises(LanguageError, match=r"auto, chinese, english, german, russian$"):
        resolve_language(config_of("custom_voice"), name)


def test_every_released_language_has_a_code() -> None:
    """The languages of a release, each by its code; the small checkpoints speak fewer."""
    codes = {
        "zh": "chinese",
        "en": "english",
        "de": "german",
        "it": "italian",
        "pt": "portuguese",
        "es": "spanish",
        "ja": "japanese",
        "ko": "korean",
        "fr": "french",
        "ru": "russian",
    }
    config = config_of("custom_voice")
    talker = dataclasses.replace(config.talker_config, codec_language_id={name: i for i, name in enumerate(codes.values())})
    released = dataclasses.replace(config, talker_config=talker)
    assert {code: resolve_language(released, code) for code in codes} == codes


@pytest.mark.parametrize(("name", "speaker"), [("ryan", "ryan"), ("Ryan", "ryan"), ("VIVIAN", "vivian"), (None, "vivian")])
def test_speaker(name: str | None, speaker: str) -> None:
    assert resolve_speaker(config_of("custom_voice"), name) == speaker


@pytest.mark.parametrize("name", ["nobody", "", 3])
def test_unknown_speaker_lists_the_valid_ones(name: str) -> None:
    with pytest.raises(SpeakerError, match=r"vivian, ryan, dylan$"):
        resolve_speaker(config_of("custom_voice"), name)


@pytest.mark.parametrize(("kind", "remedy"), [("voice_design", "instruct"), ("base", "ref_audio")])
def test_speaker_of_a_model_without_speakers(kind: str, remedy: str) -> None:
    assert resolve_speaker(config_of(kind), None) is None
    with pytest.raises(SpeakerError, match=remedy):
        resolve_speaker(config_of(kind), "ryan")
