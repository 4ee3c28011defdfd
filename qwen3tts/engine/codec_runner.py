"""Runs the codec over the slots of the batch: codes to PCM, each frame decoded once, from carried state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from qwen3tts.codec import DecoderState, DecoderWeights, check_slots, decode
from qwen3tts.config import CodecDecoderConfig
from qwen3tts.engine.graphs import Progress, bucket_for, capture
from qwen3tts.engine.stages import StageClock
from qwen3tts.model.transfer import to_device
from qwen3tts.native import Sound

FRAMES_AT_ONCE = {"cpu": 4, "cuda": 32}
"""Frames of all slots in one call, by device; any cut gives the same samples. On two Zen 4 cores a frame of the released codec is
a quarter cheaper among four than alone, and no cheaper among eight. A GPU is bounded by launches, and 32 frames are 120 MB."""


MOST_REPLAYS = 8
"""Frames of a chunk that are replayed one by one where a graph is there: more of them cost less as pieces, launch by launch."""


@dataclass(eq=False)
class CodecRunner:
    """The codec's weights, and its state of one slot for each row of the batch; where there are `buckets`, one more, which pads.

    stream: of a GPU, its own, so that a frame becomes sound while the next one is made; None is the current one. buckets: numbers
    of lanes that a frame of several slots is made up to, ascending; where they are captured, it is one launch.
    """

    config: CodecDecoderConfig
    weights: DecoderWeights
    state: DecoderState
    clock: StageClock
    stream: torch.cuda.Stream | None = None
    buckets: tuple[int, ...] = ()
    graphs: dict[int, torch.cuda.CUDAGraph] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lanes, device = max(self.buckets, default=0), self.state.device
        self._codes = torch.zeros(lanes, 1, self.config.num_quantizers, dtype=torch.int64, device=device)
        self._slots = torch.full((lanes,), self.padding_slot, dtype=torch.int64, device=device)
        self._sounds: dict[int, Sound] = {}

    @property
    def padding_slot(self) -> int:
        """The slot that is nobody's."""
        return self.state.slots - 1

    def capture(self, on_progress: Progress | None) -> None:
        """Record all graphs. Only the slot that pads works meanwhile. Raises DeviceError when the memory does not suffice."""
        assert self.stream is not None  # whoever asks for graphs has a GPU
        self.graphs = capture(
            "codec frames", self.run_lanes, self.buckets, self.stream, torch.cuda.graph_pool_handle(), on_progress
        )

    def admit(self, slot: int, reference_codes: np.ndarray | None) -> None:
        """Start an utterance in `slot`, after the frames of its reference, whose PCM nobody hears or waits for.

        reference_codes: int64 (frames, num_code_groups) or None. Raises CodesError where another call uses the slot.
        """
        rows = check_slots([slot], self.state)
        with torch.cuda.stream(self.stream), self.state.claim([slot]):
            self.state.reset(slot)
            if reference_codes is not None:
                with self.clock.time("codec"):
                    self._decode([reference_codes], rows)

    def run(self, codes: Sequence[np.ndarray], slots: Sequence[int]) -> Sound:
        """Decode the same number of frames of each of n slots, and wait for their sound -> (n, samples) each, on the host.

        codes: int64 n x (frames, num_code_groups). Raises CodesError for slots that are none, given twice or used by another call.
        """
        rows = check_slots(slots, self.state)
        with self.clock.time("codec"), torch.cuda.stream(self.stream), self.state.claim(slots):
            return _to_host(self._decode(codes, rows))

    def run_lanes(self, lanes: int) -> None:
        """One frame of the first so many lanes, operation by operation."""
        self._sounds[lanes] = decode(self.weights, self.config, self._codes[:lanes], self.state, self._slots[:lanes])

    def _decode(self, codes: Sequence[np.ndarray], slots: Tensor) -> Sound:
        device, frames = self.state.device, torch.from_numpy(np.stack(codes))
        bucket, length = bucket_for(self.buckets, len(slots)), max(1, FRAMES_AT_ONCE[device.type] // len(slots))
        if bucket is not None and (length == 1 or frames.shape[1] <= MOST_REPLAYS):
            if frames.shape[1] == 1:
                return self._decode_frame(frames, slots, bucket)
            # Each replay writes where the one before it did.
            replays = (self._decode_frame(frame, slots, bucket) for frame in frames.split(1, dim=1))
            sounds = [Sound(*(part.clone() for part in sound)) for sound in replays]
        else:
            frames, slots = to_device(frames, torch.int64, device), to_device(slots, torch.int64, device)
            sounds = [decode(self.weights, self.config, piece, self.state, slots) for piece in frames.split(length, dim=1)]
        return Sound(*(torch.cat(part, dim=1) for part in zip(*sounds, strict=True)))

    def _decode_frame(self, codes: Tensor, slots: Tensor, bucket: int) -> Sound:
        """One frame of each slot; the lanes too many decode for the slot that pads."""
        device, n = self.state.device, len(slots)
        padding = slots.new_full((bucket - n,), self.padding_slot)
        self._codes[:n].copy_(to_device(codes, torch.int64, device))
        self._slots[:bucket].copy_(to_device(torch.cat((slots, padding)), torch.int64, device))
        if bucket in self.graphs:
            self.graphs[bucket].replay()
        else:
            self.run_lanes(bucket)
        return Sound(*(part[:n] for part in self._sounds[bucket]))


def _to_host(sound: Sound) -> Sound:
    """Wait for a sound, and for nothing that is queued behind it. Pinned memory is scarce: what is handed out is not in it."""
    if not sound.samples.is_cuda:
        return sound
    pinned = [torch.empty(part.shape, dtype=part.dtype, pin_memory=True).copy_(part, non_blocking=True) for part in sound]
    done = torch.cuda.Event()
    done.record()
    done.synchronize()
    return Sound(*(part.clone() for part in pinned))
