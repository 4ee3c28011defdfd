"""When requests arrive, and what a listener without a buffer has of a stream."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.bench.arrivals import arrivals
from qwen3tts.bench.playback import Load, Outcome, Playback, results_of
from qwen3tts.bench.plot import plot_loads
from qwen3tts.errors import InputError
from qwen3tts.output import OutputFile

RATE = 24000


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 6000)), max_size=30), st.floats(0, 5))
def test_a_player_without_a_buffer(gaps, first):
    playback, now, arrived = Playback(RATE), first, []
    for gap, samples in gaps:
        now += gap
        playback.arrive(now, samples)
        arrived.append((now, samples))
    assert playback.samples == sum(samples for _, samples in arrived)
    total, began = 0, math.inf
    late = []
    # A player that waits for whatever is late is silent for as long as the latest chunk of all is.
    waited, heard = 0.0, 0.0
    for when, samples in ((when, samples) for when, samples in arrived if samples):
        before, total = total, total + samples
        if began == math.inf:
            if total / RATE >= 0.08:
                began, heard = when, when + total / RATE
            continue
        late.append(when > began + before / RATE)
        waited += max(0.0, when - heard)
        heard = max(heard, when) + samples / RATE
    assert playback.began == began
    assert playback.stalled == pytest.approx(waited, abs=1e-6)
    assert playback.underruns == sum(late)


@given(st.floats(0.5, 50), st.integers(0, 2**32))
def test_arrivals_are_a_poisson_process(rps, seed):
    seconds = 400 / rps
    times = arrivals(rps, seconds, seed)
    assert times == sorted(times) and times[0] > 0 and times[-1] < seconds
    assert times == arrivals(rps, seconds, seed)
    assert arrivals(2 * rps, seconds / 2, seed) == pytest.approx([t / 2 for t in times])
    # 400 are expected; five standard deviations are 100.
    assert 300 < len(times) < 500


def test_gaps_between_arrivals_are_exponential():
    times = arrivals(10, 1000, 0)
    gaps = sorted(after - before for before, after in pairwise(times))
    for share in (0.1, 0.5, 0.9):
        assert gaps[round(share * len(gaps))] == pytest.approx(-math.log(1 - share) / 10, rel=0.06)


def test_a_load_that_was_never_heard_is_drawn_all_the_same(tmp_path):
    silent = Load(2, [Outcome(Playback(RATE), rejected=True)], 1.0)
    assert {result.name: result.value for result in results_of([silent])}["real_time_factor"] == math.inf
    with OutputFile(tmp_path / "plot.png") as file:
        plot_loads(file, [silent], "nothing")
    assert (tmp_path / "plot.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_run_that_lets_nobody_arrive_says_so():
    with pytest.raises(InputError, match="lets nobody arrive within 2 s"):
        arrivals(1e-6, 2, 0)
