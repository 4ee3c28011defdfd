"""The engine's loop: schedule, run, commit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.frame_runner import FrameRunner
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.native import one_torch_thread
from qwen3tts.types import AudioChunk


@dataclass(frozen=True)
class Engine:
    """Turns submitted utterances into chunks of PCM, a frame of every running one at a time. Not thread-safe."""

    scheduler: Scheduler
    frames: FrameRunner
    codec: CodecRunner
    sample_rate: int
    clock: StageClock

    @torch.inference_mode()
    @one_torch_thread()
    def step(self) -> None:
        """Admit whom there is room for, run one frame of everybody, and hand out the PCM that is due.

        A step that does not end, for an error or Ctrl-C, fails all that were in it: nobody goes on from half a frame.
        """
        for utterance in [u for u in (*self.scheduler.waiting, *self.scheduler.running) if u.abandoned]:
            self.cancel(utterance)
        try:
            for utterance in self.scheduler.schedule():
                self._admit(utterance)
            if running := list(self.scheduler.running):
                self._run_frame(running)
        except BaseException as failure:
            for utterance in list(self.scheduler.running):
                utterance.failure = failure
                self.scheduler.release(utterance)
            raise

    def _run_frame(self, running: list[Utterance]) -> None:
        frames = self.frames.run(self._rows(running))
        self._commit(running, frames.codes.cpu().numpy(), frames.stopped.tolist())
        self._speak([u for u in running if u.finish_reason is not None or u.pending >= u.chunk_frames])

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

    def _rows(self, utterances: list[Utterance]) -> Tensor:
        return torch.tensor([u.row for u in utterances], device=self.frames.rows.inputs.device)

    def _admit(self, utterance: Utterance) -> None:
        device = self.frames.rows.inputs.device
        speaker, reference = (
            None if array is None else torch.from_numpy(array).to(device)
            for array in (utterance.speaker_embedding, utterance.reference_codes)
        )
        self.frames.admit(utterance.row, utterance.prompt, speaker, reference, utterance.pages, utterance.sampling)
        self.codec.admit(utterance.row, utterance.reference_codes)

    def _commit(self, running: list[Utterance], codes: np.ndarray, stopped: list[bool]) -> None:
        """Write each row's frame down, and find out who has ended."""
        for utterance, frame, stop in zip(running, codes, stopped, strict=True):
            if stop:
                utterance.finish_reason = "stop"
                continue
            utterance.codes.append(frame)
            if utterance.loop_guard and utterance.loop_guard.fires(int(frame[0])):
                utterance.finish_reason = "loop"
            elif len(utterance.codes) == utterance.max_frames:
                utterance.finish_reason = "length"

    def _speak(self, due: list[Utterance]) -> None:
        """Decode the pending frames of those whose chunk is due; equal numbers of frames go through the codec together."""
        groups: defaultdict[int, list[Utterance]] = defaultdict(list)
        for utterance in due:
            groups[utterance.pending].append(utterance)
        for pending, group in groups.items():
            if pending:
                pcm = self.codec.run([np.stack(u.codes[u.spoken :]) for u in group], [u.row for u in group])
            else:
                pcm = np.zeros((len(group), 0), np.float32)
            for utterance, samples in zip(group, pcm, strict=True):
                self._hand_out(utterance, samples)

    def _hand_out(self, utterance: Utterance, samples: np.ndarray) -> None:
        samples_per_frame = self.codec.config.samples_per_frame
        if utterance.silence_guard and len(samples):
            # Frame by frame, and cut at the frame that is one too many: the length of chunks changes nothing.
            for i, frame in enumerate(np.split(samples, len(samples) // samples_per_frame), 1):
                if utterance.silence_guard.fires(float(np.abs(frame).max()), samples_per_frame / self.sample_rate):
                    utterance.finish_reason = "silence"
                    samples = samples[: i * samples_per_frame]
                    del utterance.codes[utterance.spoken + i :]
                    break
        codes = utterance.codes[utterance.spoken :]
        chunk = AudioChunk(
            samples=samples,
            start=utterance.spoken * samples_per_frame,
            is_final=utterance.finish_reason is not None,
            sample_rate=self.sample_rate,
            codes=np.stack(codes) if codes else np.zeros((0, self.frames.config.num_code_groups), np.int64),
            finish_reason=utterance.finish_reason,
            seed=utterance.sampling.seed,
        )
        utterance.chunks.append(chunk)
        utterance.spoken = len(utterance.codes)
        if chunk.is_final:
            self.scheduler.release(utterance)
