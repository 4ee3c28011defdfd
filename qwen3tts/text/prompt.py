"""The layout of a prompt, in integers: what the official `Qwen3TTSForConditionalGeneration.generate` makes of embeddings.

One position is a text row, a codec row, or the sum of both:

    text    instruct  role  pad .. pad  bos | text fed in full: text .. eos  pad  pad .. pad   | one token a step: t0   t1 .. tn
    codec    -         -    think tags  pad |                   pad .. pad   bos  reference .. |                   bos  reference ..

The think tags are nothink, or think and the language; the speaker stands between them and the codec pad.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import get_args

from qwen3tts.config import ModelConfig, TalkerConfig
from qwen3tts.errors import InputError, InstructError, TextError, VoiceError
from qwen3tts.text.languages import resolve_language, resolve_speaker
from qwen3tts.text.tokenizer import Tokenizer, check_unicode
from qwen3tts.types import NO_TOKEN, Prompt, TextFeed

MAX_TEXT_LENGTH = 10_000
"""Longest text of one utterance, in characters."""

_AFTER_TEXT = "<|im_end|>\n<|im_start|>assistant\n"


def check_words(text: str, name: str = "text") -> None:
    """Raise TextError unless the text is a non-blank, encodable string without a word of over 10,000 characters.

    name: of the argument.
    """
    if not isinstance(text, str):
        raise TextError(f"{name} is {type(text).__name__}, expected a string")
    if not text.strip():
        raise TextError(f"{name} is {'blank' if text else 'empty'}: give it at least one word")
    check_unicode(text, name)
    # Nobody can say it, and there is no place to cut it.
    longest = max(map(len, re.findall(r"\w+", text)), default=0) if len(text) > MAX_TEXT_LENGTH else 0
    if longest > MAX_TEXT_LENGTH:
        raise TextError(f"{name} has a word of {longest:,} characters, more than {MAX_TEXT_LENGTH:,}: split it")


def check_text(text: str, name: str = "text") -> None:
    """Raise TextError unless the text is one of `check_words` of at most 10,000 characters; `name` is the argument's."""
    check_words(text, name)
    if len(text) > MAX_TEXT_LENGTH:
        raise TextError(f"{name} has {len(text):,} characters, more than {MAX_TEXT_LENGTH:,}: split it")


def default_text_feed(config: ModelConfig) -> TextFeed:
    """How the official wrapper feeds the text of this kind of model."""
    return "step" if config.kind == "base" else "full"


def text_ending(config: ModelConfig, tokenizer: Tokenizer) -> tuple[int, ...]:
    """What closes a text that was left open: its end, after what the official cut leaves of the template behind it."""
    return (*tokenizer.encode(_AFTER_TEXT)[:-5], config.tts_eos_token_id)


def build_prompt(
    config: ModelConfig,
    tokenizer: Tokenizer,
    text: str,
    *,
    speaker: str | None = None,
    language: str | None = None,
    instruct: str | None = None,
    reference_text: str | None = None,
    reference_frames: int = 0,
    speaker_embedding: bool = False,
    text_feed: TextFeed | None = None,
    open_end: bool = False,
) -> Prompt:
    """Check what is to be said against the model, and lay it out.

    speaker, language: as `resolve_speaker` and `resolve_language` take them. instruct: None or "" is none.
    reference_text, reference_frames: what the reference says and its length in frames, for in-context cloning; both or neither.
    speaker_embedding: whether a cloned voice's speaker embedding has a position. text_feed: None is the default of the kind.
    open_end: more text follows, so the end of the text is left out.
    Raises TextError, SpeakerError, LanguageError, InstructError, VoiceError, and InputError for another text_feed.
    """
    check_text(text)
    _check_instruct(config, instruct)
    _check_reference(config, reference_text, reference_frames, speaker_embedding)
    feed = default_text_feed(config) if text_feed is None else text_feed
    if feed not in get_args(TextFeed):
        raise InputError(f"text_feed={feed!r} is unknown: choose one of {', '.join(get_args(TextFeed))}")

    # The official code encodes whole templates and cuts by position: a text whose edge merges with the template is cut alike.
    ids = tokenizer.encode(f"<|im_start|>assistant\n{text}{_AFTER_TEXT}")
    instruct_ids = tokenizer.encode(f"<|im_start|>user\n{instruct}<|im_end|>\n") if instruct else ()
    reference_ids = tokenizer.encode(f"<|im_start|>assistant\n{reference_text}<|im_end|>\n")[3:-2] if reference_text else ()
    head = instruct_ids + ids[:3]
    ending = text_ending(config, tokenizer)
    spoken = (*reference_ids, *ids[3:-5], config.tts_eos_token_id)[: -len(ending) if open_end else None]

    name = resolve_speaker(config, speaker)
    tags = _think_tags(config.talker_config, resolve_language(config, language), name)
    opening = (*tags, *_speaker_code(config.talker_config, name, speaker_embedding), config.talker_config.codec_pad_id)
    rows = [(token, NO_TOKEN) for token in head]
    rows += zip((*[config.tts_pad_token_id] * (len(opening) - 1), config.tts_bos_token_id), opening, strict=True)
    speech, trailing = _speech_rows(config, spoken, reference_frames, feed)
    text_ids, codec_ids = zip(*rows, *speech, strict=True)
    return Prompt(
        text_ids=text_ids,
        codec_ids=codec_ids,
        speaker_position=len(head) + len(tags) if speaker_embedding else None,
        reference_frames=reference_frames,
        trailing_text_ids=trailing,
    )


def _check_instruct(config: ModelConfig, instruct: str | None) -> None:
    if instruct and not config.takes_instruct:
        raise InstructError(f"instruct was given, but a {config.tts_model_size} {config.kind} model takes none: leave it out")
    if instruct:
        check_text(instruct, "instruct")


def _check_reference(config: ModelConfig, reference_text: str | None, reference_frames: int, cloned: bool) -> None:
    if cloned and config.kind != "base":
        raise VoiceError(f"a {config.kind} model takes no cloned voice: leave the voice out, or load a base model")
    if config.kind == "base" and not cloned:
        raise VoiceError("voice is missing: a base model speaks with a cloned voice; give reference audio or a voice file")
    if (reference_text is None) != (reference_frames == 0):
        raise VoiceError("in-context cloning takes what the reference says and its codes: give both or neither")
    if reference_text is not None:
        check_text(reference_text, "reference_text")


def _think_tags(talker: TalkerConfig, language: str, speaker: str | None) -> tuple[int, ...]:
    """The language, or none for auto; a dialect's speaker turns Chinese and auto into the dialect."""
    dialect = talker.spk_is_dialect.get(speaker) if speaker else None
    if isinstance(dialect, str) and language in ("chinese", "auto"):
        language = dialect
    if language == "auto":
        return (talker.codec_nothink_id, talker.codec_think_bos_id, talker.codec_think_eos_id)
    return (talker.codec_think_id, talker.codec_think_bos_id, talker.codec_language_id[language], talker.codec_think_eos_id)


def _speaker_code(talker: TalkerConfig, speaker: str | None, cloned: bool) -> tuple[int, ...]:
    """A built-in speaker's code, the empty place of a speaker embedding, or nothing."""
    if speaker is not None:
        return (talker.spk_id[speaker],)
    return (NO_TOKEN,) if cloned else ()


def _speech_rows(
    config: ModelConfig, spoken: tuple[int, ...], reference_frames: int, feed: TextFeed
) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    """The rows from the text on, and the text that trails: the text first or, a token a step, over the bos and the reference."""
    pad = config.tts_pad_token_id
    speech = (config.talker_config.codec_bos_id, *[NO_TOKEN] * reference_frames)
    if feed == "full":
        return [(token, config.talker_config.codec_pad_id) for token in spoken] + [(pad, code) for code in speech], ()
    beside, trailing = spoken[: len(speech)], spoken[len(speech) :]
    return list(zip_longest(beside, speech, fillvalue=pad)), trailing
