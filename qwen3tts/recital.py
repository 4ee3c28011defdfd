"""A text of any length as one stream: utterances and pauses, one after another.

Only one utterance of a text is in the engine at a time, and the next one's words are looked for when it is there: a book takes no
more memory than a sentence. All share the seed, the voice and the request's limits.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import get_args

import numpy as np

from qwen3tts.audio.files import to_pcm16
from qwen3tts.checkpoint import Checkpoint
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import InputError
from qwen3tts.prepare import prepare
from qwen3tts.text.normalize import Normalized, normalize
from qwen3tts.text.prompt import check_words
from qwen3tts.text.reading import Pause, Speak, read, reading_code
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import AudioChunk, Emoji, FinishReason, SpeechRequest

FADE_SECONDS = 0.005
"""At a seam: too short to be heard as one, and a step in the waveform would be heard as a click."""

SILENCE_SECONDS = 1.0
"""The longest chunk of a pause."""

_LIMITS = ("deadline", "timeout")
_NOTHING = np.zeros(0, np.float32)


def with_seed(request: SpeechRequest) -> SpeechRequest:
    """The same, with a seed that all its utterances can share."""
    sampling = request.sampling
    return request if sampling.seed is not None else replace(request, sampling=replace(sampling, seed=secrets.randbits(63)))


def remaining(request: SpeechRequest, frames: int, until: float) -> SpeechRequest:
    """What is left of the limits of a request after so many frames. until: the time of its timeout."""
    return replace(
        request,
        max_frames=None if request.max_frames is None else request.max_frames - frames,
        timeout=None if request.timeout is None else max(until - time.monotonic(), 1e-3),
        deadline=None,
    )


def read_request(request: SpeechRequest, tokenizer: Tokenizer) -> Iterator[Speak | Pause]:
    """The parts of a request's text: words for an utterance, and pauses."""
    return read(
        request.text,
        request.language,
        lambda text: len(tokenizer.encode(text)),
        normalize=request.normalize,
        marks=request.marks,
        emoji=request.emoji,
        most_tokens=request.max_chunk_tokens,
    )


def normalizer_of(request: SpeechRequest) -> Callable[[str], Normalized] | None:
    """How words of a request are written out; None where they are said as they are written."""
    return partial(normalize, language=reading_code(request.language), emoji=request.emoji) if request.normalize else None


class Recital:
    """The utterances of a request in turn, and what their chunks are in the whole.

    utterance: the one for the engine; the first is there from the beginning, and every argument was checked for it. opening: the
    chunks of a pause before it. listening: somebody hears the chunks as they come. Raises the errors of `qwen3tts.errors`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        tokenizer: Tokenizer,
        request: SpeechRequest,
        chunk_frames: int | None,
        kv_positions: int,
        listening: bool = True,
    ) -> None:
        check_reading(request)
        self._checkpoint, self._tokenizer, self._request = checkpoint, tokenizer, with_seed(request)
        self._chunk_frames, self._kv_positions, self._listening = chunk_frames, kv_positions, listening
        self._rate = checkpoint.codec_config.output_sample_rate
        self._parts = read_request(request, tokenizer)
        self._frames = self._samples = 0
        self._held = _NOTHING
        self._gap, self._ahead = 0.0, ""
        self._look()
        gap = self._gap
        self._fades_in = gap > 0
        self.first = self.utterance = self._begin(self._request)
        self.opening: Iterable[AudioChunk] = self._silence(gap, self.utterance.sampling.seed)

    def hear(self, chunk: AudioChunk) -> tuple[Iterable[AudioChunk], Utterance | None]:
        """What a chunk of `utterance` is in the whole; behind its last one, the next utterance, if there is one."""
        self._frames += len(chunk.codes)
        most = self._request.max_frames
        spent = most is not None and self._frames >= most
        last = chunk.is_final and (spent or chunk.finish_reason in _LIMITS or not (self._gap or self._ahead))
        heard = self._seamless(chunk, last)
        if not chunk.is_final or last:
            return heard, None
        gap, reason = self._gap, chunk.finish_reason
        if self._ahead:
            self._fades_in = True
            following = self.utterance = self._begin(remaining(self._request, self._frames, self.first.timeout), True)
            following.arrived, following.begun = self.first.arrived, True
            return chain(heard, self._silence(gap, chunk.seed)), following
        return chain(heard, self._silence(gap, chunk.seed, reason)), None

    def _look(self) -> None:
        """Find the pause that comes next, in seconds, and the words behind it, none at the end."""
        self._gap, self._ahead = 0.0, ""
        for part in self._parts:
            if isinstance(part, Speak):
                self._ahead = part.text
                return
            self._gap += part.seconds

    def _begin(self, request: SpeechRequest, continuing: bool = False) -> Utterance:
        """The utterance of the words ahead, within the limits of `request`; what comes behind them is known from now on."""
        request = replace(request, text=self._ahead)
        self._look()
        utterance = prepare(
            *(self._checkpoint, self._tokenizer, request, self._chunk_frames, self._kv_positions),
            one_of_several=continuing or bool(self._ahead),
        )
        utterance.listening = self._listening
        return utterance

    def _seamless(self, chunk: AudioChunk, last: bool) -> list[AudioChunk]:
        """The chunk with its place in the whole. Where something else comes before or behind the utterance, its ends are faded."""
        follows = bool(self._gap or self._ahead)
        if not (follows or self._fades_in or len(self._held)) and chunk.start == self._samples:
            self._samples += len(chunk.samples)
            return [chunk]
        samples = np.concatenate((self._held, chunk.samples))
        fade = round(FADE_SECONDS * self._rate)
        if self._fades_in and len(samples):
            samples[:fade] *= _ramp(fade)[: len(samples)]
            self._fades_in = False
        kept = len(samples)
        if follows and chunk.is_final and not last:
            samples[-fade:] *= _ramp(fade)[::-1][-len(samples) :]
        elif follows and not last:
            kept = max(0, kept - fade)
        self._held = samples[kept:]
        if chunk.is_final and not last and not kept:
            return []
        reason = "length" if follows and chunk.finish_reason not in _LIMITS else chunk.finish_reason
        part = replace(
            chunk,
            samples=samples[:kept],
            pcm=to_pcm16(samples[:kept]),
            start=self._samples,
            is_final=last,
            finish_reason=reason if last else None,
        )
        self._samples += kept
        return [part]

    def _silence(self, seconds: float, seed: int, reason: FinishReason | None = None) -> Iterator[AudioChunk]:
        """The chunks of a pause, made as they are read: it may be of hours. reason: why all ends with it."""
        left, start = round(seconds * self._rate), self._samples
        self._samples += left
        return self._silent_chunks(start, left, seed, reason)

    def _silent_chunks(self, start: int, left: int, seed: int, reason: FinishReason | None) -> Iterator[AudioChunk]:
        codes = np.zeros((0, self._checkpoint.codec_config.decoder_config.num_quantizers), np.int64)
        while left or reason:
            count = min(left, round(SILENCE_SECONDS * self._rate))
            left -= count
            ends = None if left else reason
            pcm = np.zeros(count, np.int16)
            yield AudioChunk(np.zeros(count, np.float32), pcm, start, ends is not None, self._rate, codes, ends, seed)
            start += count
            if not left:
                return


def check_reading(request: SpeechRequest) -> None:
    """Raise TextError or InputError where the text, or how it is to be read, is nothing of the kind."""
    check_words(request.text)
    for name in ("normalize", "marks"):
        if not isinstance(value := getattr(request, name), bool):
            raise InputError(f"{name}={value!r} is neither True nor False: give one of them")
    if request.emoji not in get_args(Emoji):
        raise InputError(f"emoji={request.emoji!r} is unknown: choose one of {', '.join(get_args(Emoji))}")
    most = request.max_chunk_tokens
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"max_chunk_tokens={most!r} is out of range: give a whole number of tokens, 1 or more")


def _ramp(count: int) -> np.ndarray:
    """Rises from almost nothing: what is not a pause has no sample of silence more."""
    return (np.arange(1, count + 1, dtype=np.float32) / (count + 1)).astype(np.float32)
