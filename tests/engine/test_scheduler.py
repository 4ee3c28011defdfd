"""The scheduler: rows and pages are held once and given back; first who would run dry, then the new, then the rest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.engine.profile import Profile
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import BusyError, CapacityError
from qwen3tts.types import Prompt, SamplingParams

SAMPLING = SamplingParams(
    temperature=1, top_k=0, top_p=1, repetition_penalty=1, predictor_temperature=1, predictor_top_k=0, predictor_top_p=1
)
PROFILE = Profile(
    first_chunk_frames=1,
    chunk_frames=4,
    codec_batch=2,
    prefill_tokens=25,
    margin_seconds=0.1,
    frames_per_prefill=3,
    lead_seconds=1.0,
)
FRAME = 0.08


def utterance(prompt=10, max_frames=20, **fields):
    layout = Prompt((0,) * prompt, (0,) * prompt, None, 0, ())
    made = Utterance(layout, SAMPLING.resolved(SAMPLING, 0), None, None, max_frames, None, None, None)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def scheduler(rows=4, pages=2000, queue=None, **settings):
    return Scheduler(rows, PageAllocator(pages), replace(PROFILE, **settings), FRAME, queue)


def speaks(scheduler, now=0.0, dry_at=None, spoken=1, pending=0, **fields):
    """An utterance in a row, of which so much is heard and known."""
    made = utterance(max_frames=1000, **fields)
    scheduler.submit(made, now)
    scheduler.frames = 1000
    assert made in scheduler.plan(now).admitted
    made.dry_at, made.spoken = dry_at, spoken if dry_at is not None else 0
    made.codes = [np.zeros(2)] * (made.spoken + pending)
    made.launched = len(made.codes)
    return made


@given(
    st.integers(1, 4),
    st.integers(2, 30),
    st.lists(
        st.tuples(st.integers(1, 120), st.sampled_from(["low", "normal", "high", "critical"]), st.integers(0, 3)), max_size=40
    ),
)
def test_rows_and_pages_are_held_once_and_all_given_back(rows, pages, arrivals):
    line, submitted, admitted = scheduler(rows, pages), [], []
    for now, (frames, priority, ends) in enumerate(arrivals):
        new = utterance(max_frames=frames, priority=priority)
        try:
            line.check(new)
        except CapacityError:
            assert pages_for(new.positions) > pages - 1
        else:
            line.submit(new, now)
            submitted.append(new)
        admitted += line.plan(now).admitted
        running = line.running
        assert sorted([u.row for u in running] + line.free_rows) == list(range(rows))
        held = [page for u in running for page in u.pages]
        assert sorted(held + line.pages.free) == list(range(1, pages))
        assert all(len(u.pages) * 16 >= u.positions for u in running)
        for _ in range(min(ends, len(running))):
            line.release(running[0])
    for left in [*line.running, *line.waiting]:
        line.release(left)
    assert len(line.free_rows) == rows
    assert len(line.pages.free) == pages - 1
    assert not line.waiting
    assert len({id(u) for u in admitted}) == len(admitted)
    assert {id(u) for u in admitted} <= {id(u) for u in submitted}


@given(
    st.lists(st.tuples(st.sampled_from(["low", "normal", "high", "critical"]), st.sampled_from([1.0, 2.0, math.inf])), max_size=12)
)
def test_the_line_is_by_priority_then_deadline_then_arrival(kinds):
    line = scheduler(rows=1)
    made = [utterance(priority=priority, deadline=deadline) for priority, deadline in kinds]
    for now, one in enumerate(made):
        line.submit(one, now)
    ranks = ["critical", "high", "normal", "low"]
    expected = sorted(made, key=lambda u: (ranks.index(u.priority), u.deadline, u.arrived))
    served = []
    while line.waiting:
        [one] = line.plan(0.0).admitted
        served.append(one)
        line.release(one)
    assert [id(u) for u in served] == [id(u) for u in expected]


def test_who_does_not_fit_is_not_overtaken():
    line = scheduler(rows=3, pages=11)
    large, small = utterance(max_frames=100), utterance(max_frames=5)
    line.submit(utterance(max_frames=100), 0)
    line.submit(large, 1)
    line.submit(small, 2)
    first = line.plan(2).admitted
    assert len(first) == 1
    assert line.plan(2).admitted == []
    line.release(first[0])
    assert line.plan(3).admitted == [large, small]


def test_one_prompt_is_always_read_and_more_only_up_to_a_number_of_tokens():
    line = scheduler(rows=8)
    for tokens in (40, 10, 10, 10):
        line.submit(utterance(prompt=tokens), 0)
    assert [len(line.plan(0).admitted) for _ in range(3)] == [1, 2, 1]


def test_new_prompts_wait_some_frames_while_a_stream_is_about_to_run_dry():
    line = scheduler()
    speaks(line, dry_at=10.05)
    line.frames = 0
    line.submit(utterance(), 10)
    admitted = [len(line.plan(10).admitted) for _ in range(4)]
    assert admitted == [0, 0, 0, 1]
    calm = scheduler()
    speaks(calm, dry_at=11.0)
    calm.frames = 0
    calm.submit(utterance(), 10)
    assert len(calm.plan(10).admitted) == 1


def test_new_prompts_do_not_wait_for_one_whose_text_is_missing():
    line = scheduler()
    stalled = speaks(line, dry_at=10.05, text_open=True)
    line.frames = 0
    line.submit(utterance(), 10)
    assert not stalled.launchable
    assert len(line.plan(10).admitted) == 1


def test_who_is_far_ahead_rests_while_another_would_run_dry_or_is_new():
    line = scheduler()
    ahead, near = speaks(line, dry_at=12.0), speaks(line, dry_at=10.5)
    assert line.plan(10).running == [ahead, near]
    dry = speaks(line, dry_at=10.01)
    assert line.plan(10).running == [near, dry]
    line.release(dry)
    new = speaks(line)
    assert line.plan(10).running == [near, new]


def test_who_would_run_dry_does_not_rest_for_itself():
    """Frames that are too few for its chunk are lead enough for others to rest: 13 of 25 are 1.04 s."""
    line = scheduler()
    dry = speaks(line, dry_at=10.05, spoken=25, pending=13, chunk_frames=25)
    assert line.batches([dry], 10) == []
    assert line.plan(10).running == [dry]


def test_nobody_rests_for_one_whose_text_is_missing():
    line = scheduler()
    ahead, stalled = speaks(line, dry_at=12.0), speaks(line, dry_at=10.01, text_open=True)
    assert not stalled.launchable
    assert line.plan(10).running == [ahead]
    stalled.text_open = False
    assert line.plan(10).running == [stalled]


def test_a_frame_waits_for_its_text():
    one = utterance(text_open=True)
    assert one.launchable
    one.launched = 1
    assert not one.launchable
    one.prompt = replace(one.prompt, trailing_text_ids=(5,))
    assert one.launchable
    one.launched = 2
    assert not one.launchable
    one.text_open = False
    assert one.launchable


def test_sound_is_made_for_the_urgent_then_the_new_then_the_rest_in_batches_of_equal_length():
    line = scheduler(rows=8)
    rest = speaks(line, dry_at=11.0, pending=4)
    new = speaks(line, pending=1)
    dry = [speaks(line, dry_at=10.0 + i / 100, pending=1) for i in (2, 1, 3)]
    longer = speaks(line, dry_at=10.0, pending=2)
    speaks(line, dry_at=11.0, pending=3)
    batches = line.batches(line.running, 10.0)
    assert batches == [[dry[1], dry[0]], [dry[2]], [longer], [new], [rest]]


def test_a_caller_s_own_chunks_are_kept_to_the_frame():
    line = scheduler()
    own = speaks(line, dry_at=10.0, pending=2, chunk_frames=3)
    assert line.batches([own], 10.0) == []
    own.codes.append(np.zeros(2))
    assert line.batches([own], 10.0) == [[own]]


def test_the_playback_clock_starts_anew_after_a_gap():
    line = scheduler()
    one = speaks(line)
    line.heard(one, 2, 5.0)
    assert one.dry_at == 5.0 + 2 * FRAME
    line.heard(one, 1, 5.1)
    assert one.dry_at == pytest.approx(5.0 + 3 * FRAME)
    line.heard(one, 0, 5.9)
    line.heard(one, 1, 6.0)
    assert one.dry_at == 6.0 + FRAME


def test_limits_expire_in_the_line_and_in_a_row():
    line = scheduler(rows=2)
    heard = speaks(line, dry_at=1.0, deadline=5.0, timeout=20.0)
    silent = speaks(line, deadline=6.0)
    waiting = utterance(deadline=9.0, timeout=7.0)
    line.submit(waiting, 0)
    assert line.next_expiry == 6.0
    assert line.expired(5.9) == []
    assert line.expired(8.0) == [(waiting, "timeout"), (silent, "deadline")]
    line.release(waiting)
    line.release(silent)
    assert line.next_expiry == 20.0
    assert line.expired(20.0) == [(heard, "timeout")]


def test_a_full_line_says_so_and_counts_free_rows():
    line = scheduler(rows=2, queue=3)
    line.check_room(5)
    with pytest.raises(BusyError) as caught:
        line.check_room(6)
    assert caught.value.retry_after > 0
    for _ in range(4):
        line.submit(utterance(), 0)
    line.check_room(1)
    with pytest.raises(BusyError, match="4 waiting"):
        line.check_room(2)
    line.plan(0)
    line.plan(0)
    assert len(line.waiting) == 2
    line.check_room(1)
    with pytest.raises(BusyError, match="2 waiting"):
        line.check_room(2)


def test_releasing_twice_or_out_of_the_line_changes_nothing():
    line = scheduler(rows=1, pages=10)
    first, second = utterance(), utterance()
    line.submit(first, 0)
    line.submit(second, 0)
    line.plan(0)
    line.release(second)
    line.release(first)
    line.release(first)
    assert line.free_rows == [0]
    assert len(line.pages.free) == 9


def test_what_can_never_fit_is_refused_with_the_numbers():
    with pytest.raises(CapacityError, match=r"max_frames=1000 .* needs 64 pages of KV cache, and there are 9"):
        scheduler(rows=1, pages=10).check(utterance(max_frames=1000))


def test_a_text_that_is_heard_goes_before_every_deadline():
    line = scheduler(1, 100)
    first, hurried, part = utterance(), utterance(), utterance()
    hurried.deadline, part.begun, part.arrived = 50.0, True, 3.0
    for now, one in enumerate((first, hurried, part)):
        line.submit(one, now)
    assert line.waiting[0] is part
