"""The page allocator: which pages of the KV cache are free. Torch-free.

Page 0 belongs to nobody: rows that pad a batch write there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PAGE_SIZE = 16
"""Positions in a page: small enough that a short utterance wastes little, large enough for wide loads."""


def pages_for(positions: int) -> int:
    """Pages that hold so many positions."""
    return -(-positions // PAGE_SIZE)


@dataclass
class PageAllocator:
    """A free list of `total` pages, numbered from 0; page 0 is never handed out."""

    total: int
    free: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.free = list(range(self.total - 1, 0, -1))

    @property
    def positions(self) -> int:
        """Positions that all pages together hold."""
        return (self.total - 1) * PAGE_SIZE

    def allocate(self, count: int) -> list[int] | None:
        """Take `count` pages, or None (and nothing) when fewer are free."""
        if count > len(self.free):
            return None
        taken = self.free[len(self.free) - count :]
        del self.free[len(self.free) - count :]
        return taken[::-1]

    def release(self, pages: list[int]) -> None:
        """Give pages back."""
        self.free.extend(reversed(pages))
