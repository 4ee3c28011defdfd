"""The engine's loop: schedule, run, commit."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

import numpy as np
import torch

from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.runner import Codes, Runner
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.native import Sound, one_torch_thread
from qwen3tts.types import AudioChunk


@dataclass(frozen=True)
class Launched:
    """A frame on its way: whose it is, and how to wait for it."""

    utterances: list[Utterance]
    codes: Codes


@dataclass(frozen=True)
class Engine:
    """Turns submitted utterances into chunks of PCM, a frame of every running one at a time. Not thread-safe.

    weight_error: see `Placement.error`. in_flight: frames that are launched and not committed, oldest first. Where frames are
    launched ahead, a stop is seen when the next frame is on its way already; what that has for a row that stopped is thrown away.
    """

    scheduler: Scheduler
    frames: Runner
    codec: CodecRunner
    stop_code: int
    sample_rate: int
    clock: StageClock
    weight_error: float | None = None
    in_flight: deque[Launched] = field(default_factory=deque)

    @torch.inference_mode()
    @one_torch_thread()
    def step(self) -> None:
        """Admit whom there is room for, launch a frame of everybody, and hand out the PCM of the oldest one launched.

        A step that does not end, for an error or Ctrl-C, fails all that were in it: nobody goes on from half a frame.
        """
        for utterance in [u for u in (*self.scheduler.waiting, *self.scheduler.running) if u.abandoned]:
            self.cancel(utterance)
        try:
            if admitted := self.scheduler.schedule():
                self._admit(admitted)
            running = [u for u in self.scheduler.running if u.launched < u.max_frames]
            if running:
                self._launch(running)
            if len(self.in_flight) > (self.frames.ahead if running else 0):
                self._commit(self.in_flight.popleft())
        except BaseException as failure:
            self.in_flight.clear()
            for utterance in list(self.scheduler.running):
                utterance.failure = failure
                self.scheduler.release(utterance)
            raise

    def _launch(self, running: list[Utterance]) -> None:
        self.in_flight.append(Launched(running, self.frames.launch([u.row for u in running])))
        for utterance in running:
            utterance.launched += 1

    def submit(self, utterances: list[Utterance]) -> None:
        """Put utterances in the line, all or none. Raises CapacityError for one that could never run."""
        for utterance in utterances:
            self.scheduler.check(utterance)
        self.scheduler.waiting.extend(utterances)

    def cancel(self, utterance: Utterance) -> None:
        """Forget an utterance; what it held is free at once. Does nothing to one that has ended."""
        if not utterance.done:
            utterance.cancelled = True
            self.scheduler.release(utterance)

    def _admit(self, admitted: list[Utterance]) -> None:
        self.frames.admit(admitted)
        for utterance in admitted:
            self.codec.admit(utterance.row, utterance.reference_codes)

    def _commit(self, launched: Launched) -> None:
        """Write each row's frame down, find out who has ended, and speak."""
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
        going = [u for u in launched.utterances if not u.done]
        self._speak([u for u in going if u.finish_reason is not None or u.pending >= u.chunk_frames])

    def _speak(self, due: list[Utterance]) -> None:
        """Decode the pending frames of those whose chunk is due; equal numbers of frames go through the codec together."""
        groups: defaultdict[int, list[Utterance]] = defaultdict(list)
        for utterance in due:
            groups[utterance.pending].append(utterance)
        for pending, group in groups.items():
            if pending:
                sound = self.codec.run([np.stack(u.codes[u.spoken :]) for u in group], [u.row for u in group])
            else:
                sound = Sound(torch.zeros(len(group), 0), torch.zeros(len(group), 0, dtype=torch.int16))
            for utterance, samples, pcm in zip(group, sound.samples.numpy(), sound.pcm.numpy(), strict=True):
                self._hand_out(utterance, samples, pcm)

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
        utterance.chunks.append(chunk)
        utterance.spoken = len(utterance.codes)
        if chunk.is_final:
            self.scheduler.release(utterance)
