"""The guards fire on loops and on silence, and on nothing else."""

import random

import pytest

from qwen3tts.engine.guards import FRAMES_OF_SLACK, LoopGuard, SilenceGuard, default_frame_limit


def first_fire(guard, codes):
    return next((i for i, code in enumerate(codes, 1) if guard.fires(code)), None)


@pytest.mark.parametrize("period", [1, 2, 7, 25])
def test_a_loop_is_seen_within_its_window(period):
    draw = random.Random(period)
    loop = [draw.randrange(2048) for _ in range(period)]
    start = [draw.randrange(2048) for _ in range(60)]
    fired = first_fire(LoopGuard(), start + loop * 300)
    assert fired is not None
    assert len(start) < fired <= len(start) + 100 + 25


def test_a_loop_with_slips_is_still_a_loop():
    draw = random.Random(0)
    codes = [i % 5 if draw.random() < 0.98 else draw.randrange(2048) for i in range(300)]
    assert first_fire(LoopGuard(), codes) is not None


@pytest.mark.parametrize("seed", range(5))
def test_speech_like_codes_never_fire(seed):
    draw = random.Random(seed)
    codes = []
    while len(codes) < 2000:  # held sounds of up to half a second, over 300 codes
        codes += [draw.randrange(300)] * draw.randint(1, 6)
    assert first_fire(LoopGuard(), codes) is None


def test_silence_fires_after_its_time_and_sound_resets_it():
    guard = SilenceGuard(seconds=1.0)
    assert not any(guard.fires(0.0, 0.3) for _ in range(3))
    assert not guard.fires(0.5, 0.3)
    assert [guard.fires(0.0, 0.3) for _ in range(4)] == [False, False, False, True]


def test_the_default_limit_grows_with_the_text():
    assert default_frame_limit(0) == FRAMES_OF_SLACK
    assert default_frame_limit(100) > default_frame_limit(10) > default_frame_limit(1)
