"""However an utterance is cut into calls, and whoever shares them, it sounds to the bit as it does whole, in float32."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts.codec import decode

FRAMES = 330
"""Longer than the attention window many times over, and than the 300 frames after which the official decoder starts anew."""

SLOTS = 3


@pytest.fixture(scope="module")
def codes(decoder):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(0, decoder.config.codebook_size, (SLOTS, FRAMES, decoder.config.num_quantizers), generator=generator)


@pytest.fixture(scope="module")
def wholes(decoder, codes):
    return [decoder.whole(row) for row in codes]


def cuts(frames):
    """Lengths that add up to `frames`."""
    inner = st.sets(st.integers(1, frames - 1), max_size=12).map(sorted)
    return inner.map(lambda at: [end - start for start, end in zip([0, *at], [*at, frames], strict=True)])


@settings(max_examples=8)
@given(lengths=cuts(FRAMES))
def test_any_cut_gives_the_whole(decoder, codes, wholes, lengths):
    assert torch.equal(decoder.stream(codes[0], lengths), wholes[0])


def test_frame_by_frame_gives_the_whole(decoder, codes, wholes):
    assert torch.equal(decoder.stream(codes[1], [1] * FRAMES), wholes[1])


@settings(max_examples=10)
@given(calls=st.lists(st.tuples(st.permutations(range(SLOTS)), st.integers(1, SLOTS), st.integers(1, 25)), min_size=3, max_size=12))
def test_slots_keep_apart(decoder, codes, wholes, calls):
    """Each call takes some slots in some order, each at its own position, a frame or more further."""
    rate = decoder.config.samples_per_frame
    state, spoken = decoder.state(SLOTS), [0] * SLOTS
    for order, rows, frames in calls:
        slots = order[:rows]
        batch = torch.stack([codes[slot, spoken[slot] : spoken[slot] + frames] for slot in slots])
        for slot, samples in zip(slots, decoder.decode(batch, state, slots), strict=True):
            start = spoken[slot] * rate
            assert torch.equal(samples, wholes[slot][start : start + frames * rate])
            spoken[slot] += frames
    assert state.progress[:, 0].tolist() == spoken


def test_a_reset_starts_one_slot_anew_and_leaves_the_others(decoder, codes, wholes):
    rate = decoder.config.samples_per_frame
    state = decoder.state(2)
    decoder.decode(codes[:2, :40], state, [0, 1])
    state.reset(1)
    going_on, anew = decoder.decode(torch.stack((codes[0, 40:80], codes[2, :40])), state, [0, 1])
    assert torch.equal(going_on, wholes[0][40 * rate : 80 * rate])
    assert torch.equal(anew, wholes[2][: 40 * rate])


@pytest.mark.parametrize("frames", [1, 3, 80])
def test_what_lies_in_a_reset_slot_is_never_seen(decoder, codes, wholes, frames):
    """Cancelled in the middle."""
    state = decoder.state(2)
    decoder.decode(codes[:2, :frames], state, [0, 1])
    decoder.poison(state, 1)
    state.reset(1)
    anew = torch.cat([decoder.decode(piece[None], state, [1])[0] for piece in codes[2, :20].split([1, 2, 17])])
    assert torch.equal(anew, wholes[2][: len(anew)])


def test_pcm_is_the_samples_in_16_bits(decoder, codes):
    sound = decode(decoder.weights, decoder.config, codes[:, :5], decoder.state(SLOTS), torch.arange(SLOTS))
    assert sound.pcm.dtype == torch.int16
    assert torch.equal(sound.pcm, (sound.samples * 32768).round().clamp(-32768, 32767).to(torch.int16))
