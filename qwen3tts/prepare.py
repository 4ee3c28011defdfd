"""From a caller's request to an utterance that the engine can run: every argument is checked here, and nowhere after."""

from __future__ import annotations

import math
import secrets

from qwen3tts.checkpoint import Checkpoint
from qwen3tts.config import TalkerConfig
from qwen3tts.engine.guards import LoopGuard, SilenceGuard, default_frame_limit
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import InputError, VoiceError
from qwen3tts.text.prompt import build_prompt
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import SpeechRequest
from qwen3tts.voice import Voice

LONGEST_CHUNK_MS = 60_000


def prepare(
    checkpoint: Checkpoint, tokenizer: Tokenizer, request: SpeechRequest, chunk_frames: int, kv_positions: int
) -> Utterance:
    """Check a request against the model and lay its prompt out.

    chunk_frames: frames in a chunk of PCM. kv_positions: the whole KV cache; a frame limit that the caller left open never
    exceeds it. Raises the errors of `qwen3tts.errors`.
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
        text_feed=request.text_feed,
    )
    if voice is not None:
        _check_fit(voice, checkpoint.config.talker_config)
    text_tokens = len(tokenizer.encode(request.text))
    wanted = min(default_frame_limit(text_tokens), checkpoint.generation.max_frames, kv_positions - len(prompt))
    sampling = request.sampling.resolved(checkpoint.generation.sampling, secrets.randbits(63))
    return Utterance(
        prompt=prompt,
        sampling=sampling,
        speaker_embedding=None if voice is None else voice.speaker_embedding,
        reference_codes=None if voice is None else voice.codes,
        max_frames=max(1, wanted) if request.max_frames is None else _check_max_frames(request.max_frames),
        chunk_frames=chunk_frames,
        loop_guard=None if sampling.greedy else LoopGuard(),
        silence_guard=None if sampling.greedy else SilenceGuard(),
    )


def chunk_frames_of(chunk_ms: float, frame_seconds: float) -> int:
    """Whole frames that cover `chunk_ms` milliseconds. Raises InputError."""
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


def _check_max_frames(limit: int) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(f"max_frames={limit!r} is out of range: give a whole number of frames, 1 or more")
    return limit
