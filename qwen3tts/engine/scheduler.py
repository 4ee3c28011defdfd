"""Who speaks next: a place in the batch, a frame, the codec. Torch-free, and without a clock of its own.

Whoever would run dry next goes first, then callers who have heard nothing yet, then the rest.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, field
from itertools import groupby

from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.engine.profile import Profile
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import BusyError, CapacityError
from qwen3tts.types import FinishReason, Priority

RANKS: dict[Priority, int] = {"critical": 0, "high": 1, "normal": 2, "low": 3}


@dataclass(frozen=True)
class Plan:
    """What a step does: whose prompts are read, and whose next frame is run (the newly admitted among them)."""

    admitted: list[Utterance]
    running: list[Utterance]


@dataclass
class Scheduler:
    """The line, and the rows of the batch.

    An utterance is admitted with all the pages it can ever need, so that once it speaks nothing can stop it for want of memory.
    frame_seconds: of audio in a frame. queue: utterances that may wait while no row is free; None is no limit. waiting: in the
    order in which they are admitted. frames: run since prompts were last admitted. `now` is the engine's clock, in seconds.
    """

    rows: int
    pages: PageAllocator
    profile: Profile
    frame_seconds: float
    queue: int | None = None
    waiting: list[Utterance] = field(default_factory=list)
    running: list[Utterance] = field(default_factory=list)
    frames: int = 0
    free_rows: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.free_rows = list(range(self.rows - 1, -1, -1))

    def check(self, utterance: Utterance) -> None:
        """Raise CapacityError if an utterance could never be admitted."""
        needed, most = pages_for(utterance.positions), self.pages.total - 1
        if needed > most:
            raise CapacityError(
                f"max_frames={utterance.max_frames} with a prompt of {len(utterance.prompt)} positions needs {needed} pages of KV "
                f"cache, and there are {most}: give a smaller max_frames or a shorter text, or load with more kv_positions"
            )

    def check_room(self, count: int) -> None:
        """Raise BusyError if the line has no room for `count` more."""
        waiting = len(self.waiting) + count - len(self.free_rows)
        if self.queue is not None and waiting > self.queue:
            # When the one that is furthest will make room, no one can know: half a second is a short sentence's share.
            retry_after = 0.5 * math.ceil((len(self.waiting) + 1) / self.rows)
            raise BusyError(f"the line is full, with {len(self.waiting)} waiting: try again later", retry_after)

    def submit(self, utterance: Utterance, now: float) -> None:
        """Put an utterance in the line, by priority, then deadline, which one that is begun has met, then the text's arrival."""
        utterance.arrived = min(utterance.arrived, now)
        insort(self.waiting, utterance, key=_rank)

    def expired(self, now: float) -> list[tuple[Utterance, FinishReason]]:
        """Those that miss a limit of theirs, and which."""
        late: list[tuple[Utterance, FinishReason]] = []
        for utterance in (*self.waiting, *self.running):
            if now >= utterance.timeout:
                late.append((utterance, "timeout"))
            elif now >= utterance.deadline and not utterance.spoken:
                late.append((utterance, "deadline"))
        return late

    @property
    def next_expiry(self) -> float:
        """When the next limit of anybody comes."""
        limits = (min(u.timeout, math.inf if u.spoken else u.deadline) for u in (*self.waiting, *self.running))
        return min(limits, default=math.inf)

    def plan(self, now: float) -> Plan:
        """Admit whom there is room and time for, and choose whose frames are run."""
        admitted = self._admit(now)
        able = [u for u in self.running if u.launchable]
        if any(self._runs_dry(u, now) or self._unheard(u) for u in able):
            # One that is about to run dry may have enough frames for a lead, and too few for a chunk: it must not rest for itself.
            able = [u for u in able if self._runs_dry(u, now) or self._lead(u, now) < self.profile.lead_seconds]
        self.frames += bool(able)
        return Plan(admitted, able)

    def batches(self, utterances: list[Utterance], now: float) -> list[list[Utterance]]:
        """Whose pending frames become sound now, the most urgent first; in a batch all have the same number of them."""
        due = [u for u in utterances if u.finish_reason is not None or u.pending >= self._wanted(u, now)]

        def call(utterance: Utterance) -> tuple[int, int]:
            return self._urgency(utterance, now), utterance.pending

        batches = []
        for _, group in groupby(sorted(due, key=lambda u: (*call(u), u.dry_at or 0.0)), key=call):
            members = list(group)
            batches += [members[i : i + self.profile.codec_batch] for i in range(0, len(members), self.profile.codec_batch)]
        return batches

    def heard(self, utterance: Utterance, frames: int, now: float) -> None:
        """Note that so many frames were handed out: its listener plays them after what came before, or at once."""
        if frames:
            utterance.dry_at = max(now, utterance.dry_at or now) + frames * self.frame_seconds

    def release(self, utterance: Utterance) -> None:
        """Take an utterance out, wherever it is: its row and pages are free again."""
        if utterance in self.waiting:
            self.waiting.remove(utterance)
        if utterance in self.running:
            self.running.remove(utterance)
            self.pages.release(utterance.pages)
            self.free_rows.append(utterance.row)
            utterance.pages, utterance.row = [], -1

    def _admit(self, now: float) -> list[Utterance]:
        """Take from the front of the line; who does not fit is not overtaken."""
        admitted: list[Utterance] = []
        tokens = 0
        # Who waits for words runs dry whatever is done: nobody waits for him.
        dry = any(u.launchable and self._runs_dry(u, now) for u in self.running)
        hurried = dry and self.frames < self.profile.frames_per_prefill
        while self.waiting and self.free_rows and not hurried:
            head = self.waiting[0]
            tokens += len(head.prompt)
            if admitted and tokens > self.profile.prefill_tokens:
                break
            pages = self.pages.allocate(pages_for(head.positions))
            if pages is None:
                break
            del self.waiting[0]
            head.pages, head.row, head.admitted = pages, self.free_rows.pop(), now
            # Who waits for the whole is served as if he heard it from now on.
            head.dry_at = None if head.listening else now
            admitted.append(head)
        if admitted:
            self.running.extend(admitted)
            self.frames = 0
        return admitted

    def _unheard(self, utterance: Utterance) -> bool:
        return utterance.listening and not utterance.spoken

    def _runs_dry(self, utterance: Utterance, now: float) -> bool:
        """Whether somebody hears it, and will soon have heard all there is."""
        return utterance.listening and utterance.dry_at is not None and utterance.dry_at - now < self.profile.margin_seconds

    def _lead(self, utterance: Utterance, now: float) -> float:
        """Seconds of speech that are made or on their way and not heard yet."""
        if utterance.dry_at is None:
            return -math.inf
        return utterance.dry_at - now + (utterance.launched - utterance.spoken) * self.frame_seconds

    def _urgency(self, utterance: Utterance, now: float) -> int:
        return 0 if self._runs_dry(utterance, now) else 1 if self._unheard(utterance) else 2

    def _wanted(self, utterance: Utterance, now: float) -> int:
        """Pending frames that are worth a chunk."""
        if utterance.chunk_frames is not None:
            return utterance.chunk_frames
        if self._runs_dry(utterance, now) or (utterance.text_open and not utterance.launchable):
            return 1
        return self.profile.chunk_frames if utterance.spoken else self.profile.first_chunk_frames


def _rank(utterance: Utterance) -> tuple[int, float, float]:
    """Order in the line."""
    return RANKS[utterance.priority], -math.inf if utterance.begun else utterance.deadline, utterance.arrived
