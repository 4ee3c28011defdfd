"""What the parts are asked about: a device, models, batches, and until when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from qwen3tts.engine.frame import is_wide
from qwen3tts.kernels.linear import MATVEC_LANES
from qwen3tts.kernels.paged_attention import TYPICAL_CONTEXT

from .subject import SMALL

ROOM = 32
"""Positions of a row beyond the context that it is measured at."""


@dataclass(frozen=True)
class Scope:
    """What to measure.

    dtype: of models. dtypes: of kernels that are checked by themselves. sizes: of models. forms: the batches of each form of the
    kernels, False for matrix-vector products and True for tensor cores; an engine takes one of them for all its batches, so small
    batches may be in both. contexts: of frames; `context` is the usual one. utterances: at a time in checks of models, of `frames`
    frames, of which `alone` are spoken alone, too. requests: for first audio. repeats: of what is timed. deadline: the time
    (monotonic) after which nothing new is begun.
    """

    device: torch.device
    dtype: torch.dtype
    dtypes: tuple[torch.dtype, ...]
    sizes: tuple[str, ...]
    forms: dict[bool, tuple[int, ...]]
    contexts: tuple[int, ...]
    context: int
    utterances: int
    alone: int
    frames: int
    requests: int
    repeats: int
    deadline: float

    @classmethod
    def of_gpu(cls, sizes: Sequence[str], batches: Sequence[int], seconds: float) -> Scope:
        """All there is to ask the GPU."""
        every = tuple(sorted(batches))
        few = tuple(batch for batch in every if batch <= MATVEC_LANES)
        forms = {False: few, True: every if few != every else ()}
        return cls(
            device=torch.device("cuda", torch.cuda.current_device()),
            dtype=torch.bfloat16,
            dtypes=(torch.bfloat16, torch.float16),
            sizes=tuple(sizes),
            forms={wide: of_form for wide, of_form in forms.items() if of_form},
            contexts=(128, TYPICAL_CONTEXT, 1024),
            context=TYPICAL_CONTEXT,
            utterances=40,
            alone=8,
            frames=16,
            requests=200,
            repeats=50,
            deadline=time.monotonic() + seconds,
        )

    @classmethod
    def dry(cls, seconds: float) -> Scope:
        """The same code on a CPU, in Triton's interpreter, with as little to do as there can be."""
        return cls(
            device=torch.device("cpu"),
            dtype=torch.float32,
            dtypes=(torch.float32,),
            sizes=(SMALL,),
            forms={True: (1,)},
            contexts=(20,),
            context=20,
            utterances=2,
            alone=1,
            frames=2,
            requests=1,
            repeats=1,
            deadline=time.monotonic() + seconds,
        )

    @property
    def on_gpu(self) -> bool:
        """Whether there are graphs to capture, and times that mean something."""
        return self.device.type == "cuda"

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.deadline

    @property
    def launch_modes(self) -> tuple[bool, ...]:
        """Launches by themselves, and chained where the device can."""
        return (False, True) if self.on_gpu and torch.cuda.get_device_capability(self.device) >= (9, 0) else (False,)

    @property
    def compared(self) -> set[int]:
        """The batches of which frames are measured in every launch mode, and at every context."""
        return {1, 32} & set(self.batches)

    @property
    def fp8(self) -> bool:
        """Whether float8 weights can be multiplied with."""
        return not self.on_gpu or torch.cuda.get_device_capability(self.device) >= (8, 9)

    @property
    def kv_positions(self) -> int:
        """What all engines have, so that they share compiled kernels: the largest batch at the longest context."""
        return max(self.batches) * (max(self.contexts) + ROOM)

    @property
    def batches(self) -> tuple[int, ...]:
        """All of them."""
        return max(self.forms.values(), key=len)

    @property
    def rows(self) -> dict[bool, int]:
        """Of the engine of each form."""
        return {wide: max(batches[-1], MATVEC_LANES + 1) if wide else batches[-1] for wide, batches in self.forms.items()}

    @property
    def few_rows(self) -> int:
        """Of the engine for few utterances."""
        return min(self.rows.values())

    @property
    def own_forms(self) -> dict[bool, tuple[int, ...]]:
        """Each batch in the one form that an engine of that size takes; where there is one form alone, it has all."""
        if len(self.forms) == 1:
            return self.forms
        return {wide: tuple(batch for batch in self.batches if is_wide(batch) == wide) for wide in self.forms}
