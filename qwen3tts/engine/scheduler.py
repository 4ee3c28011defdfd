"""Who speaks next: rows and pages are given in the order of arrival, and only when the worst case fits. Torch-free."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import CapacityError


@dataclass
class Scheduler:
    """The waiting line and the rows of the batch.

    An utterance is admitted with all the pages it can ever need, so that once it speaks nothing can stop it for want of memory.
    """

    rows: int
    pages: PageAllocator
    waiting: deque[Utterance] = field(default_factory=deque)
    running: list[Utterance] = field(default_factory=list)
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

    def schedule(self) -> list[Utterance]:
        """Admit from the front of the line while a row and the pages are free; returns the newly admitted."""
        admitted = []
        while self.waiting and self.free_rows:
            pages = self.pages.allocate(pages_for(self.waiting[0].positions))
            if pages is None:
                break
            utterance = self.waiting.popleft()
            utterance.pages, utterance.row = pages, self.free_rows.pop()
            admitted.append(utterance)
        self.running.extend(admitted)
        return admitted

    def release(self, utterance: Utterance) -> None:
        """Take an utterance out, wherever it is: its row and pages are free again."""
        if utterance in self.waiting:
            self.waiting.remove(utterance)
        if utterance in self.running:
            self.running.remove(utterance)
            self.pages.release(utterance.pages)
            self.free_rows.append(utterance.row)
            utterance.pages, utterance.row = [], -1
