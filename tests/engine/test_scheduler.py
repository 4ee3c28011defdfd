"""The scheduler gives rows and pages in the order of arrival, never twice, and takes all of them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import CapacityError
from qwen3tts.types import Prompt, SamplingParams

SAMPLING = SamplingParams(
    temperature=1, top_k=0, top_p=1, repetition_penalty=1, predictor_temperature=1, predictor_top_k=0, predictor_top_p=1
)


def utterance(prompt=10, max_frames=20):
    layout = Prompt((0,) * prompt, (0,) * prompt, None, 0, ())
    return Utterance(layout, SAMPLING.resolved(SAMPLING, 0), None, None, max_frames, 1, None, None)


@given(st.integers(1, 4), st.integers(2, 30), st.lists(st.tuples(st.integers(1, 120), st.integers(0, 3)), max_size=40))
def test_rows_and_pages_are_held_once_and_given_in_order(rows, pages, arrivals):
    scheduler = Scheduler(rows, PageAllocator(pages))
    submitted, admitted = [], []
    for frames, ends in arrivals:
        new = utterance(max_frames=frames)
        try:
            scheduler.check(new)
        except CapacityError:
            assert pages_for(new.positions) > pages - 1
        else:
            scheduler.waiting.append(new)
            submitted.append(new)
        admitted += scheduler.schedule()
        assert admitted == submitted[: len(admitted)]
        running = scheduler.running
        assert sorted([u.row for u in running] + scheduler.free_rows) == list(range(rows))
        held = [page for u in running for page in u.pages]
        assert sorted(held + scheduler.pages.free) == list(range(1, pages))
        assert all(len(u.pages) * 16 >= u.positions for u in running)
        for _ in range(min(ends, len(running))):
            scheduler.release(running[0])
    for left in [*scheduler.running, *scheduler.waiting]:
        scheduler.release(left)
    assert len(scheduler.free_rows) == rows
    assert len(scheduler.pages.free) == pages - 1
    assert not scheduler.waiting


def test_releasing_twice_or_out_of_the_line_changes_nothing():
    scheduler = Scheduler(1, PageAllocator(10))
    first, second = utterance(), utterance()
    scheduler.waiting.extend((first, second))
    scheduler.schedule()
    scheduler.release(second)
    scheduler.release(first)
    scheduler.release(first)
    assert scheduler.free_rows == [0]
    assert len(scheduler.pages.free) == 9


def test_what_can_never_fit_is_refused_with_the_numbers():
    with pytest.raises(CapacityError, match=r"max_frames=1000 .* needs 64 pages of KV cache, and there are 9"):
        Scheduler(1, PageAllocator(10)).check(utterance(max_frames=1000))
