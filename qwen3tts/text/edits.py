"""Pieces of a text that are replaced, and what two rounds of replacing are together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """`source[start:end]` becomes `text`; kind: what it is, "date" say."""

    start: int
    end: int
    kind: str
    text: str


@dataclass(frozen=True)
class Span:
    """A piece that is read otherwise than it is written: `source[start:end]` became `text[spoken_start:spoken_end]`."""

    start: int
    end: int
    kind: str
    spoken_start: int
    spoken_end: int


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made. edits: sorted, none over another."""
    pieces, position = [], 0
    for edit in edits:
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def spans_of(edits: Sequence[Edit]) -> tuple[Span, ...]:
    """Where the edits are, in the source and in the result."""
    spans, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        spans.append(Span(edit.start, edit.end, edit.kind, start, start + len(edit.text)))
        shift += len(edit.text) - (edit.end - edit.start)
    return tuple(spans)


def compose(source: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """The edits of `source` that do what `second` does to the result of `first`. What overlaps becomes one, of the first kind."""
    if not first:
        return list(second)
    middle = apply_edits(source, first)
    composed: list[Edit] = []
    shift = 0  # from the source to the middle, left of the group
    for earlier, later in _groups(first, second):
        start = min([e.start + shift for e in earlier[:1]] + [e.start for e in later[:1]])
        end_shift = shift + sum(len(e.text) - (e.end - e.start) for e in earlier)
        end = max([e.end + end_shift for e in earlier[-1:]] + [e.end for e in later[-1:]])
        moved = [Edit(e.start - start, e.end - start, e.kind, e.text) for e in later]
        piece = Edit(start - shift, end - end_shift, (earlier or later)[0].kind, apply_edits(middle[start:end], moved))
        if source[piece.start : piece.end] != piece.text:
            composed.append(piece)
        shift = end_shift
    return composed


def _groups(first: Sequence[Edit], second: Sequence[Edit]) -> Iterator[tuple[list[Edit], list[Edit]]]:
    """Edits of both rounds that overlap in the text between them, from left to right."""
    i = j = shift = 0
    while i < len(first) or j < len(second):
        earlier: list[Edit] = []
        later: list[Edit] = []
        end = -1
        while True:
            start = first[i].start + shift if i < len(first) else None
            if start is not None and (start < end or (end < 0 and (j == len(second) or start <= second[j].start))):
                earlier.append(first[i])
                shift += len(first[i].text) - (first[i].end - first[i].start)
                end = max(end, first[i].end + shift)
                i += 1
            elif j < len(second) and (second[j].start < end or end < 0):
                later.append(second[j])
                end = max(end, second[j].end)
                j += 1
            else:
                break
        yield earlier, later
