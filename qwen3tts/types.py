"""The values that travel between the parts of the engine. Torch-free: text, scheduler and servers import it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from qwen3tts.errors import SamplingError

if TYPE_CHECKING:
    import numpy as np

    from qwen3tts.voice import Voice

FinishReason = Literal["stop", "length", "loop", "silence", "deadline", "timeout"]

Priority = Literal["low", "normal", "high", "critical"]

NO_TOKEN = -1
"""In a prompt: this position has no embedding of this kind."""


@dataclass(frozen=True)
class Prompt:
    """What the talker reads before it speaks, as integers; position i is text row `text_ids[i]` plus codec row `codec_ids[i]`.

    text_ids, codec_ids: one id per position, `NO_TOKEN` where there is none.
    speaker_position: the position whose codec part is the voice's speaker embedding, or None.
    reference_frames: at the end of the prompt, this many positions take the sum of a reference frame's 16 code embeddings.
    trailing_text_ids: text ids added one a frame while speaking; after them comes the text pad.
    """

    text_ids: tuple[int, ...]
    codec_ids: tuple[int, ...]
    speaker_position: int | None
    reference_frames: int
    trailing_text_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.text_ids)


@dataclass(frozen=True)
class SamplingParams:
    """How codes are drawn. None takes the checkpoint's `generation_config.json`, or the official default where it is silent.

    seed: 64-bit key of every random number; None draws a fresh one.
    temperature: of code 0 (the talker); 0 means greedy, for the predictor too unless `predictor_temperature` is given.
    top_k: keep the k likeliest codes, 0 keeps all. top_p: keep the smallest set of at least this probability, 1 keeps all.
    repetition_penalty: divides (or multiplies, when negative) the logits of the code-0 history; 1 is none.
    predictor_*: the same for codes 1 to 15.
    greedy: always take the likeliest code, whatever the temperatures say. Give such a run a frame limit.
    """

    seed: int | None = None
    greedy: bool = False
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    predictor_temperature: float | None = None
    predictor_top_k: int | None = None
    predictor_top_p: float | None = None

    def __post_init__(self) -> None:
        _check("seed", self.seed, int, 0, 2**64 - 1)
        _check("temperature", self.temperature, float, 0.0, 100.0)
        _check("top_k", self.top_k, int, 0, 2**31 - 1)
        _check("top_p", self.top_p, float, 0.0, 1.0, above_low=True)
        _check("repetition_penalty", self.repetition_penalty, float, 0.0, 100.0, above_low=True)
        _check("predictor_temperature", self.predictor_temperature, float, 0.0, 100.0)
        _check("predictor_top_k", self.predictor_top_k, int, 0, 2**31 - 1)
        _check("predictor_top_p", self.predictor_top_p, float, 0.0, 1.0, above_low=True)

    def resolved(self, defaults: SamplingParams, seed: int) -> Sampling:
        """These settings with every None taken from `defaults` and, for the seed, from `seed`."""
        given = {name: getattr(self, name) for name in _SETTINGS}
        settings = {name: getattr(defaults, name) if value is None else value for name, value in given.items()}
        if self.greedy:
            settings["temperature"] = settings["predictor_temperature"] = 0.0
        elif self.temperature == 0 and self.predictor_temperature is None:
            settings["predictor_temperature"] = 0.0
        return Sampling(seed=seed if self.seed is None else self.seed, **settings)


@dataclass(frozen=True)
class Sampling:
    """`SamplingParams` with nothing left open."""

    seed: int
    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    predictor_temperature: float
    predictor_top_k: int
    predictor_top_p: float

    @property
    def greedy(self) -> bool:
        """Whether no random number can change the codes."""
        return self.temperature == self.predictor_temperature == 0


_SETTINGS = tuple(f.name for f in fields(Sampling) if f.name != "seed")


def _check(name: str, value: object, kind: type, low: float, high: float, above_low: bool = False) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (kind is int and not isinstance(value, int)):
        raise SamplingError(f"{name}={value!r} is not {'a whole number' if kind is int else 'a number'}")
    if not (low <= value <= high) or (above_low and value == low):  # type: ignore[operator]
        start = "above" if above_low else "at least"
        raise SamplingError(f"{name}={value!r} is out of range: give a value {start} {low:g} and at most {high:g}")


TextFeed = Literal["full", "step"]

Emoji = Literal["drop", "name"]


@dataclass(frozen=True)
class SpeechRequest:
    """What to say, and how.

    text: of any length; a long one becomes several utterances, of which one is in the engine at a time. speaker: a name of the
    model's, None for its first. language: a name of the model's, a code such as "en", or "auto". instruct: how to say it, in words,
    for models that take it. voice: a cloned voice, for base models.
    max_frames: at most so many frames of 80 ms come out; None scales with the text. text_feed: "full" reads the text whole before
    speaking, "step" a token a frame; None is the official default of the model's kind. priority: who goes first where not all can.
    deadline: seconds within which its first audio is worth having. timeout: seconds within which it has to end. A request that
    misses one of them ends with that reason; None is no limit. normalize: write out numbers, dates, money and other signs, in
    Russian and English. marks: take `[pause:400ms]` and SSML for what they are. emoji: "drop" or "name". max_chunk_tokens: tokens
    of an utterance at most.
    """

    text: str
    speaker: str | None = None
    language: str | None = "auto"
    instruct: str | None = None
    voice: Voice | None = None
    sampling: SamplingParams = field(default_factory=SamplingParams)
    max_frames: int | None = None
    text_feed: TextFeed | None = None
    priority: Priority = "normal"
    deadline: float | None = None
    timeout: float | None = None
    normalize: bool = True
    marks: bool = True
    emoji: Emoji = "drop"
    max_chunk_tokens: int = 256


@dataclass(frozen=True)
class Audio:
    """One finished utterance.

    samples: float32 (n,), in [-1, 1]. sample_rate: in Hz. codes: int64 (frames, 16). seed: what to pass to get it again.
    finish_reason: "stop" (the model ended it), "length" (the frame limit), "loop" or "silence" (a guard ended it), "deadline" or
    "timeout" (the request's own limits).
    """

    samples: np.ndarray
    sample_rate: int
    codes: np.ndarray
    finish_reason: FinishReason
    seed: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True)
class AudioChunk:
    """A piece of a streamed utterance.

    samples: float32 (n,), in [-1, 1]. pcm: int16 (n,), the same as 16-bit PCM, full scale 32768. start: index of its first sample
    in the utterance. is_final: nothing follows. codes: int64 (frames, 16), the frames spoken in it. finish_reason: why it ended, on
    the final chunk only.
    """

    samples: np.ndarray
    pcm: np.ndarray
    start: int
    is_final: bool
    sample_rate: int
    codes: np.ndarray
    finish_reason: FinishReason | None
    seed: int


@dataclass(frozen=True)
class EngineLoad:
    """How much an engine has to do: requests that wait, and that speak; pages of the KV cache; steps that failed in a row."""

    waiting: int
    running: int
    pages_used: int
    pages_free: int
    failures: int
