"""However an utterance is cut into calls, and whoever shares them, it sounds as it does whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

FRAMES = 330
"""Longer than the attention window many times over, and than the 300 frames after which the official decoder starts anew."""

SLOTS = 3
ROUNDING = 1e-9
"""Of float64, amplified by the decoder's random weights."""


@pytest.fixture(scope="module")
def codes(exact):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(0, exact.config.codebook_size, (SLOTS, FRAMES, exact.config.num_quantizers), generator=generator)


@pytest.fixture(scope="module")
def wholes(exact, codes):
    return [exact.whole(row) for row in codes]


def cuts(frames):
    """Lengths that add up to `frames`."""
    inner = st.sets(st.integers(1, frames - 1), max_size=12).map(sorted)
    return inner.map(lambda at: [end - start for start, end in zip([0, *at], [*at, frames], strict=True)])


@settings(max_examples=8)
@given(lengths=cuts(FRAMES))
def test_any_cut_gives_the_whole(exact, codes, wholes, lengths):
    torch.testing.assert_close(exact.stream(codes[0], lengths), wholes[0], rtol=0, atol=ROUNDING)


def test_frame_by_frame_gives_the_whole(exact, codes, wholes):
    torch.testing.assert_close(exact.stream(codes[1], [1] * FRAMES), wholes[1], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("frames", [1, 25, 300])
def test_in_float32_a_network_that_keeps_rounding_small_streams_as_whole(calm, codes, frames):
    whole = calm.whole(codes[0])
    assert whole.square().mean().sqrt() > 0.1
    pieces = [len(piece) for piece in codes[0].split(frames)]
    torch.testing.assert_close(calm.stream(codes[0], pieces), whole, rtol=0, atol=1e-5)


@settings(max_examples=10)
@given(calls=st.lists(st.tuples(st.permutations(range(SLOTS)), st.integers(1, SLOTS), st.integers(1, 25)), min_size=3, max_size=12))
def test_slots_keep_apart(exact, codes, wholes, calls):
    """Each call takes some slots in some order, each at its own position, a frame or more further."""
    rate = exact.config.samples_per_frame
    state, spoken = exact.state(SLOTS), [0] * SLOTS
    for order, rows, frames in calls:
        slots = order[:rows]
        batch = torch.stack([codes[slot, spoken[slot] : spoken[slot] + frames] for slot in slots])
        for slot, samples in zip(slots, exact.decode(batch, state, slots), strict=True):
            start = spoken[slot] * rate
            torch.testing.assert_close(samples, wholes[slot][start : start + frames * rate], rtol=0, atol=ROUNDING)
            spoken[slot] += frames
    assert state.positions.tolist() == spoken


def test_a_reset_starts_one_slot_anew_and_leaves_the_others(exact, codes, wholes):
    rate = exact.config.samples_per_frame
    state = exact.state(2)
    exact.decode(codes[:2, :40], state, [0, 1])
    state.reset(1)
    going_on, anew = exact.decode(torch.stack((codes[0, 40:80], codes[2, :40])), state, [0, 1])
    torch.testing.assert_close(going_on, wholes[0][40 * rate : 80 * rate], rtol=0, atol=ROUNDING)
    torch.testing.assert_close(anew, wholes[2][: 40 * rate], rtol=0, atol=ROUNDING)


def test_every_part_of_a_slot_is_reset(exact, codes):
    state = exact.state(2)
    exact.decode(codes[:2, :40], state, [0, 1])
    state.reset(0)
    state.reset(1)
    fresh = exact.state(2)
    for name, value in vars(state).items():
        torch.testing.assert_close(value, getattr(fresh, name), rtol=0, atol=0)
