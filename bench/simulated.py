"""A GPU on a virtual clock, beneath the engine's own loop and scheduler.

The host runs until it waits for the GPU; then the clock jumps to where what it waits for is done. Prompts and frames are in one
stream, in order, and the codec is in another. What the streams do to one another has not been measured: see `Sharing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

import numpy as np
import torch

from qwen3tts.config import CodecDecoderConfig
from qwen3tts.engine.graphs import PREFILL_BUCKETS
from qwen3tts.engine.prefill_runner import PROMPTS_AT_ONCE
from qwen3tts.engine.runner import Codes
from qwen3tts.engine.utterance import Utterance
from qwen3tts.native import Sound

from .stage_times import StageTimes

Sharing = Literal["halves", "apart", "turns"]
"""halves: while both streams have work, each gets half of the GPU. apart: neither slows the other down, the best that can be.
turns: the codec waits for what was launched before it, the worst."""

SHARINGS = get_args(Sharing)

STOP_CODE = 1
"""All other codes are 0."""


@dataclass
class Clock:
    """Seconds since the start of the simulation; the engine's clock, too."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def wait_until(self, time: float) -> None:
        """Nothing happens in between; a time that has passed is not waited for."""
        self.now = max(self.now, time)


@dataclass
class Work:
    """Something in the stream of frames. end: when it is done, as things stand."""

    end: float


@dataclass
class Device:
    """A GPU with two streams. busy: seconds of work that it was given, each as if it were alone."""

    clock: Clock
    sharing: Sharing
    busy: float = 0.0
    stream: deque[Work] = field(default_factory=deque)

    def put(self, seconds: float) -> Work:
        """Launch work behind the prompts and frames that are there."""
        while self.stream and self.stream[0].end <= self.clock.now:
            self.stream.popleft()
        work = Work(max(self.clock.now, self._end) + seconds)
        self.stream.append(work)
        self.busy += seconds
        return work

    def decode(self, seconds: float) -> None:
        """Work for the codec, which the host waits for; so nothing is launched meanwhile."""
        now, beside = self.clock.now, max(0.0, self._end - self.clock.now)
        self.busy += seconds
        if self.sharing == "halves":
            for work in self.stream:
                work.end += min(max(0.0, work.end - now), seconds)
        delay = {"halves": min(beside, seconds), "apart": 0.0, "turns": beside}[self.sharing]
        self.clock.wait_until(now + delay + seconds)

    @property
    def _end(self) -> float:
        return self.stream[-1].end if self.stream else 0.0


@dataclass
class SimulatedFrames:
    """A `Runner` of utterances that all have prompts of `prompt` tokens, and stop by themselves after so many frames.

    positions: of each row, in the KV cache. batches: utterances of each frame that was launched.
    """

    device: Device
    times: StageTimes
    code_groups: int
    prompt: int
    frames: int
    ahead: int = 1
    positions: dict[int, int] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    def admit(self, utterances: Sequence[Utterance]) -> None:
        """Put their prompts on their way, in packs of as many as a graph takes."""
        for utterance in utterances:
            self.positions[utterance.row] = self.prompt
        tokens = self.prompt - 1
        pack = max(1, min(PROMPTS_AT_ONCE, PREFILL_BUCKETS[-1] // tokens))
        for start in range(0, len(utterances), pack):
            self.device.put(self.times.prefill(tokens * len(utterances[start : start + pack])))

    def extend(self, utterance: Utterance, start: int, text_ids: Sequence[int]) -> None:
        """Nothing: no text is open."""

    def launch(self, rows: Sequence[int]) -> Codes:
        """Put a frame on its way."""
        work = self.device.put(self.times.frame(len(rows), sum(self.positions[row] for row in rows)))
        self.batches.append(len(rows))
        codes = np.zeros((len(rows), self.code_groups), np.int64)
        codes[:, 0] = [STOP_CODE * (self.positions[row] - self.prompt >= self.frames) for row in rows]
        for row in rows:
            self.positions[row] += 1
        return partial(self._wait, work, codes)

    def _wait(self, work: Work, codes: np.ndarray) -> np.ndarray:
        self.device.clock.wait_until(work.end)
        return codes


@dataclass(frozen=True)
class SimulatedCodec:
    """What the engine asks of a `CodecRunner`; its sound is silence."""

    device: Device
    times: StageTimes
    config: CodecDecoderConfig

    def admit(self, slot: int, reference_codes: np.ndarray | None) -> None:
        """Nothing: no voice is cloned in context."""

    def run(self, codes: Sequence[np.ndarray], slots: Sequence[int]) -> Sound:
        """Wait until the codec has had time for so many frames of so many slots."""
        frames = len(codes[0])
        self.device.decode(self.times.sound(len(slots), frames))
        shape = len(slots), frames * self.config.samples_per_frame
        return Sound(torch.zeros(1).expand(shape), torch.zeros(1, dtype=torch.int16).expand(shape))
