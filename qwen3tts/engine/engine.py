"""The engine's loop: schedule, run, commit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.runner import Codes, Runner
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.native import Sound, one_torch_thread
from qwen3tts.types import AudioChunk, FinishReason


@dataclass(frozen=True)
class Launched:
    """A frame on its way: whose it is, and how to wait for it."""

    utterances: list[Utterance]
    codes: Codes


@dataclass(frozen=True)
class Engine:
    """Turns submitted utterances into chunks of PCM. Not thread-safe: `EngineLoop` runs it on a thread of its own.

    weight_error: see `Placement.error`. now: the clock, in seconds. in_flight: frames that are launched and not committed, oldest
    first. Where frames are launched ahead, a stop is seen when the next frame is on its way already; what that has for a row that
    stopped is thrown away.
    """

    scheduler: Scheduler
    frames: Runner
    codec: CodecRunner
    stop_code: int
    sample_rate: int
    clock: StageClock
    weight_error: float | None = None
    now: Callable[[], float] = time.monotonic
    in_flight: deque[Launched] = field(default_factory=deque)

    @torch.inference_mode()
    @one_torch_thread()
    def step(self) -> bool:
        """Schedule, launch a frame, commit the oldest one launched, speak; returns whether there was anything to do.

        A step that does not end fails all that were in it: nobody goes on from half a frame.
        """
        now = self.now()
        try:
            late = self.scheduler.expired(now)
            self._expire(late)
            plan = self.scheduler.plan(now)
            if plan.admitted:
                self._admit(plan.admitted)
            if plan.running:
                self._launch(plan.running)
            commits = len(self.in_flight) > (self.frames.ahead if plan.running else 0)
            if commits:
                self._commit(self.in_flight.popleft())
            spoken = self._speak(self.scheduler.running)
        except BaseException as failure:
            self.in_flight.clear()
            self._fail(self.scheduler.running, failure)
            raise
        return bool(late or plan.admitted or plan.running or commits or spoken)

    def fail(self, failure: BaseException) -> None:
        """End all utterances, also those that wait, with what went wrong."""
        self.in_flight.clear()
        self._fail((*self.scheduler.waiting, *self.scheduler.running), failure)

    def submit(self, utterances: list[Utterance]) -> None:
        """Put utterances that `Scheduler.check` lets pass in the line."""
        for utterance in utterances:
            if not utterance.cancelled:
                self.scheduler.submit(utterance, self.now())

    def cancel(self, utterance: Utterance) -> None:
        """Forget an utterance; what it held is free at once. Does nothing to one that has ended."""
        if not utterance.done:
            utterance.cancelled = True
            self.scheduler.release(utterance)

    def extend(self, utterance: Utterance, text_ids: tuple[int, ...], ends: bool) -> None:
        """Add to the text of an utterance whose text is open. ends: nothing more will come. Does nothing to one that has ended."""
        if utterance.done:
            return
        prompt = utterance.prompt
        start = len(prompt) + len(prompt.trailing_text_ids)
        utterance.prompt = replace(prompt, trailing_text_ids=prompt.trailing_text_ids + text_ids)
        utterance.text_open = not ends
        if utterance.row >= 0 and text_ids:
            try:
                with torch.inference_mode():
                    self.frames.extend(utterance, start, text_ids)
            except BaseException as failure:
                self._fail([utterance], failure)
                raise

    def _fail(self, utterances: Sequence[Utterance], failure: BaseException) -> None:
        for utterance in list(utterances):
            utterance.failure = failure
            self.scheduler.release(utterance)
            utterance.deliver(failure)

    def _expire(self, late: list[tuple[Utterance, FinishReason]]) -> None:
        """End utterances that miss a limit with the sound of what is known of them."""
        for utterance, reason in late:
            utterance.finish_reason = reason
        self._speak([utterance for utterance, _ in late])

    def _admit(self, admitted: list[Utterance]) -> None:
        self.frames.admit(admitted)
        for utterance in admitted:
            self.codec.admit(utterance.row, utterance.reference_codes)

    def _launch(self, running: list[Utterance]) -> None:
        self.in_flight.append(Launched(running, self.frames.launch([u.row for u in running])))
        for utterance in running:
            utterance.launched += 1

    def _commit(self, launched: Launched) -> None:
        """Write each row's frame down, and find out who has ended."""
        for utterance, frame in zip(launched.utterances, launched.codes(), strict=True):
            if utterance.done:
                continue
            if frame[0] == self.stop_code:
                utterance.finish_reason = "stop"
                continue
            utterance.codes.append(frame)
            if utterance.loop_guard and utterance.loop_guard.fires(int(frame[0])):
                utterance.finish_reason = "loop"
            elif len(utterance.codes) == utterance.max_frames:
                utterance.finish_reason = "length"

    def _speak(self, utterances: list[Utterance]) -> int:
        """Decode the pending frames of those whose chunk is due, and hand them out; returns the number of batches."""
        batches = self.scheduler.batches(utterances, self.now())
        for batch in batches:
            if batch[0].pending:
                sound = self.codec.run([np.stack(u.codes[u.spoken :]) for u in batch], [u.row for u in batch])
            else:
                sound = Sound(torch.zeros(len(batch), 0), torch.zeros(len(batch), 0, dtype=torch.int16))
            for utterance, samples, pcm in zip(batch, sound.samples.numpy(), sound.pcm.numpy(), strict=True):
                self._hand_out(utterance, samples, pcm)
        return len(batches)

    def _hand_out(self, utterance: Utterance, samples: np.ndarray, pcm: np.ndarray) -> None:
        samples_per_frame = self.codec.config.samples_per_frame
        if utterance.silence_guard and len(samples):
            # Frame by frame, and cut at the frame that is one too many: the length of chunks changes nothing.
            for i, frame in enumerate(np.split(samples, len(samples) // samples_per_frame), 1):
                if utterance.silence_guard.fires(float(np.abs(frame).max()), samples_per_frame / self.sample_rate):
                    utterance.finish_reason = "silence"
                    samples, pcm = samples[: i * samples_per_frame], pcm[: i * samples_per_frame]
                    del utterance.codes[utterance.spoken + i :]
                    break
        codes = utterance.codes[utterance.spoken :]
        chunk = AudioChunk(
            samples=samples,
            pcm=pcm,
            start=utterance.spoken * samples_per_frame,
            is_final=utterance.finish_reason is not None,
            sample_rate=self.sample_rate,
            codes=np.stack(codes) if codes else np.zeros((0, self.codec.config.num_quantizers), np.int64),
            finish_reason=utterance.finish_reason,
            seed=utterance.sampling.seed,
        )
        self.scheduler.heard(utterance, len(codes), self.now())
        utterance.spoken = len(utterance.codes)
        if chunk.is_final:
            self.scheduler.release(utterance)
        utterance.deliver(chunk)
