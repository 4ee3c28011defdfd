"""Frames by our kernels: launched one ahead of the host, and replayed as CUDA graphs where there is a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.engine.frame import FrameBuffers, FrameModel, run_frame
from qwen3tts.engine.graphs import Progress, bucket_for, capture
from qwen3tts.engine.prefill_runner import PrefillRunner
from qwen3tts.engine.prompts import embed_more_text, embed_utterance
from qwen3tts.engine.rows import Rows
from qwen3tts.engine.runner import Codes
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.utterance import Utterance
from qwen3tts.kernels.launch import Launcher
from qwen3tts.model.transfer import to_device
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights


@dataclass(eq=False)
class TritonRunner:
    """The weights, state and static buffers of frames; see `Runner`.

    talker, predictor: what prompts are embedded with; their layers are in `model`. rows_of_lanes: int32, static, as long as the
    largest of `buckets`. stream: None on the CPU, in Triton's interpreter.
    """

    model: FrameModel
    talker: TalkerWeights
    predictor: CodePredictorWeights
    prefill: PrefillRunner
    rows: Rows
    cache: PagedKV
    buffers: FrameBuffers
    rows_of_lanes: Tensor
    buckets: tuple[int, ...]
    launcher: Launcher
    stream: torch.cuda.Stream | None
    clock: StageClock
    graphs: dict[int, torch.cuda.CUDAGraph] = field(default_factory=dict)
    _launched: int = 0
    _lanes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # Two sets: while the host reads one frame, the next one is under way.
        pinned = self.stream is not None
        self._codes = [torch.empty(self.rows.codes.shape, dtype=torch.int64, pin_memory=pinned) for _ in range(1 + self.ahead)]
        self._events = [torch.cuda.Event() for _ in self._codes] if pinned else []

    @property
    def ahead(self) -> int:
        """One on a GPU."""
        return 0 if self.stream is None else 1

    def capture(self, on_progress: Progress | None) -> None:
        """Record all graphs. Only the row that pads works meanwhile. Raises DeviceError when the memory does not suffice."""
        assert self.stream is not None  # whoever asks for graphs has a GPU
        pool = torch.cuda.graph_pool_handle()
        with self._on_stream():
            self._set_lanes((), self.buckets[-1])
        self.graphs = capture("frames", self.run, self.buckets, self.stream, pool, on_progress)
        self.prefill.capture(self.stream, pool, on_progress)

    @property
    def padding_row(self) -> int:
        """The row that is nobody's."""
        return len(self.rows.codes) - 1

    def admit(self, utterances: Sequence[Utterance]) -> None:
        """All prompts, packed. Nothing here waits for the device: what the host brings goes through pinned memory."""
        with self.clock.time("prefill"), self._on_stream():
            prompts = [embed_utterance(self.talker, self.predictor, self.rows, utterance) for utterance in utterances]
            self.prefill.run([utterance.row for utterance in utterances], prompts)

    def extend(self, utterance: Utterance, start: int, text_ids: Sequence[int]) -> None:
        """Behind the frame that is on its way, which needs none of it."""
        with self._on_stream():
            embed_more_text(self.talker, self.rows, utterance, start, text_ids)

    def launch(self, rows: Sequence[int]) -> Codes:
        """Put a frame on its way, and the copy of its codes behind it."""
        bucket = bucket_for(self.buckets, len(rows))
        assert bucket is not None  # the largest holds all rows
        self._launched += 1
        turn = self._launched % len(self._codes)
        with self._on_stream():
            self._set_lanes(rows, bucket)
            if bucket in self.graphs:
                self.graphs[bucket].replay()
            else:
                self.run(bucket)
            self._codes[turn].copy_(self.rows.codes, non_blocking=True)
            if self._events:
                self._events[turn].record()
        return partial(self._wait, turn, list(rows))

    def run(self, lanes: int) -> None:
        """One frame of the first so many lanes, kernel by kernel."""
        run_frame(self.launcher, self.model, self.rows, self.cache, self.buffers.first(lanes), self.rows_of_lanes[:lanes])

    def _set_lanes(self, rows: Sequence[int], bucket: int) -> None:
        lanes = (*rows, *[self.padding_row] * (bucket - len(rows)))
        if lanes != self._lanes[: len(lanes)]:
            self.rows_of_lanes[:bucket].copy_(to_device(lanes, torch.int32, self.rows_of_lanes.device))
            self._lanes = (*lanes, *self._lanes[bucket:])

    def _wait(self, turn: int, rows: list[int]) -> np.ndarray:
        if self._events:
            with self.clock.time("frame"):
                self._events[turn].synchronize()
        return self._codes[turn].numpy()[rows]

    @contextmanager
    def _on_stream(self) -> Iterator[None]:
        with torch.cuda.stream(self.stream):
            yield
