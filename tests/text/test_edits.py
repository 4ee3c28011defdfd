"""Edits, and edits of edits."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.edits import Edit, apply_edits, compose, spans_of


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> list[Edit]:
    """Edits of a text, sorted, none over another; insertions and deletions among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [Edit(start, end, draw(st.sampled_from("ab")), draw(st.text("xyz ", max_size=4))) for start, end in pairs]


@given(st.data(), st.text("abc", max_size=20))
def test_composed_edits_do_what_both_rounds_do(data: st.DataObject, source: str) -> None:
    first = data.draw(edits_of(source))
    middle = apply_edits(source, first)
    second = data.draw(edits_of(middle))
    composed = compose(source, first, second)
    assert apply_edits(source, composed) == apply_edits(middle, second)
    assert all(a.end <= b.start for a, b in pairwise(composed))
    assert all(source[edit.start : edit.end] != edit.text for edit in composed) or not first


@given(st.data(), st.text("abc", max_size=20))
def test_spans_lead_from_the_source_to_the_text_and_back(data: st.DataObject, source: str) -> None:
    edits = data.draw(edits_of(source))
    text = apply_edits(source, edits)
    spans = spans_of(edits)
    assert [text[span.spoken_start : span.spoken_end] for span in spans] == [edit.text for edit in edits]
    kept, spoken = 0, 0
    for span in spans:
        assert source[kept : span.start] == text[spoken : span.spoken_start]
        kept, spoken = span.end, span.spoken_end
    assert source[kept:] == text[spoken:]


def test_an_edit_within_an_edit_is_one_of_the_first_kind() -> None:
    first = [Edit(2, 4, "emoji", "long")]
    second = [Edit(3, 5, "space", "")]
    assert compose("ab12cd", first, second) == [Edit(2, 4, "emoji", "lg")]


def test_what_comes_back_to_the_source_is_no_edit() -> None:
    assert compose("abc", [Edit(1, 2, "x", "q")], [Edit(1, 2, "y", "b")]) == []
