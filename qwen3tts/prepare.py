"""From a caller's request to an utterance that the engine can run: every argument is checked here, and nowhere after."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from qwen3tts.checkpoint import Checkpoint
from qwen3tts.config import TalkerConfig
from qwen3tts.engine.guards import LoopGuard, SilenceGuard, default_frame_limit
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import InputError, VoiceError
from qwen3tts.text.prompt import build_prompt
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import Priority, SpeechRequest
from qwen3tts.voice import Voice

LONGEST_CHUNK_MS = 60_000


def speech_request(item: str | Mapping[str, Any] | SpeechRequest, options: Mapping[str, Any]) -> SpeechRequest:
    """A request from a text, a mapping of its fields, or itself; `options` are the fields that the first two leave open.

    Raises InputError for a field that is none.
    """
    if isinstance(item, SpeechRequest):
        return item
    given = {**options, **(item if isinstance(item, Mapping) else {"text": item})}
    known = {f.name for f in fields(SpeechRequest)}
    unknown = sorted(set(given) - known)
    if unknown or "text" not in given:
        raise InputError(
            f"a request has {'unknown options ' + ', '.join(unknown) if unknown else 'no text'}: give {', '.join(sorted(known))}"
        )
    return SpeechRequest(**given)


def prepare(
    checkpoint: Checkpoint,
    tokenizer: Tokenizer,
    request: SpeechRequest,
    chunk_frames: int | None,
    kv_positions: int,
    open_tokens: int | None = None,
    one_of_several: bool = False,
) -> Utterance:
    """Check a request against the model and lay its prompt out.

    chunk_frames: frames in a chunk of PCM, None as the profile has it. kv_positions: the whole KV cache; a frame limit that the
    caller left open never exceeds it. open_tokens: the text goes on, up to about so many tokens, and is fed a token a frame; None
    where it is whole. one_of_several: the request's frame limit is that of more than this text. Raises the errors of
    `qwen3tts.errors`.
    """
    voice = request.voice
    prompt = build_prompt(
        checkpoint.config,
        tokenizer,
        request.text,
        speaker=request.speaker,
        language=request.language,
        instruct=request.instruct,
        reference_text=None if voice is None else voice.text,
        reference_frames=0 if voice is None else voice.frames,
        speaker_embedding=voice is not None,
        text_feed=request.text_feed if open_tokens is None else "step",
        open_end=open_tokens is not None,
    )
    if voice is not None:
        _check_fit(voice, checkpoint.config.talker_config)
    text_tokens = len(tokenizer.encode(request.text)) if open_tokens is None else open_tokens
    wanted = min(default_frame_limit(text_tokens), checkpoint.generation.max_frames, kv_positions - len(prompt))
    sampling = request.sampling.resolved(checkpoint.generation.sampling, secrets.randbits(63))
    return Utterance(
        prompt=prompt,
        sampling=sampling,
        speaker_embedding=None if voice is None else voice.speaker_embedding,
        reference_codes=None if voice is None else voice.codes,
        max_frames=_frame_limit(request.max_frames, max(1, wanted), one_of_several),
        chunk_frames=chunk_frames,
        loop_guard=None if sampling.greedy else LoopGuard(),
        silence_guard=None if sampling.greedy else SilenceGuard(),
        text_open=open_tokens is not None,
        priority=_check_priority(request.priority),
        deadline=_limit("deadline", request.deadline),
        timeout=_limit("timeout", request.timeout),
    )


def chunk_frames_of(chunk_ms: float | None, frame_seconds: float) -> int | None:
    """Whole frames that cover `chunk_ms` milliseconds; None stays None. Raises InputError."""
    if chunk_ms is None:
        return None
    if isinstance(chunk_ms, bool) or not isinstance(chunk_ms, (int, float)) or not 0 < chunk_ms <= LONGEST_CHUNK_MS:
        raise InputError(f"chunk_ms={chunk_ms!r} is out of range: give milliseconds above 0 and at most {LONGEST_CHUNK_MS}")
    return max(1, math.ceil(chunk_ms / 1000 / frame_seconds - 1e-9))


def _check_fit(voice: Voice, config: TalkerConfig) -> None:
    """Raise VoiceError for a voice that a model of another shape made."""
    if voice.speaker_embedding.shape != (config.hidden_size,):
        raise VoiceError(
            f"voice was made by a model of width {len(voice.speaker_embedding)}, this one has {config.hidden_size}: make it again"
        )
    if voice.codes is None:
        return
    groups, size = config.num_code_groups, config.code_predictor_config.vocab_size
    if voice.codes.shape[1] != groups or voice.codes.max() >= size:
        raise VoiceError(
            f"voice has {voice.codes.shape[1]} codes a frame up to {voice.codes.max()}, this model {groups} up to {size - 1}: "
            "make it again"
        )


def _check_priority(priority: Priority) -> Priority:
    if priority not in get_args(Priority):
        raise InputError(f"priority={priority!r} is unknown: give {', '.join(get_args(Priority))}")
    return priority


def _limit(name: str, seconds: float | None) -> float:
    """When a limit comes, by the engine's clock."""
    if seconds is None:
        return math.inf
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InputError(f"{name}={seconds!r} is out of range: give seconds above 0")
    return time.monotonic() + seconds


def _frame_limit(limit: int | None, wanted: int, one_of_several: bool) -> int:
    """Of one utterance. wanted: what its text needs. Raises InputError."""
    if limit is None:
        return wanted
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"max_frames={limit!r} is out of range: give a whole number of frames, 1 or more")
    return min(limit, wanted) if one_of_several else limit
