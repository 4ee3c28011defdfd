"""The codec over the slots of the batch: pieces, lanes that are made up to a bucket, and what is refused."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from qwen3tts.audio.files import to_pcm16
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig
from qwen3tts.engine.codec_runner import FRAMES_AT_ONCE, CodecRunner
from qwen3tts.engine.stages import StageClock
from qwen3tts.errors import CodesError

SLOTS, FRAMES = 3, 11


@pytest.fixture(scope="module")
def config(small):
    text = (small / "base" / "speech_tokenizer" / "config.json").read_text()
    return CodecConfig.read(json.loads(text), "config.json").decoder_config


@pytest.fixture(scope="module")
def weights(small, config):
    return DecoderWeights.read(load_file(small / "base" / "speech_tokenizer" / "model.safetensors"), config)


@pytest.fixture
def runner(config, weights):
    """Makes one with a slot more than it needs, and the one that pads."""

    def make(buckets=(), device="cpu"):
        stream = torch.cuda.Stream() if device == "cuda" else None
        return CodecRunner(config, weights, DecoderState(config, SLOTS + 2, device), StageClock(), stream, buckets)

    return make


@pytest.fixture(scope="module")
def codes(config):
    return np.random.default_rng(0).integers(config.codebook_size, size=(SLOTS, FRAMES, config.num_quantizers))


@pytest.fixture(scope="module")
def wholes(config, weights, codes):
    """What each slot sounds like, decoded in one call."""
    return decode(weights, config, torch.from_numpy(codes), DecoderState(config, SLOTS), torch.arange(SLOTS))


def same(sound, samples, pcm):
    return torch.equal(sound.samples, samples) and torch.equal(sound.pcm, pcm)


def test_pieces_sound_like_the_whole(runner, codes, wholes):
    assert FRAMES_AT_ONCE["cpu"] < FRAMES
    together, alone = runner(), runner()
    assert same(together.run(list(codes), range(SLOTS)), *wholes)
    for slot in range(SLOTS):
        assert same(alone.run(codes[slot : slot + 1], [slot]), wholes.samples[slot : slot + 1], wholes.pcm[slot : slot + 1])
    assert together.clock.calls["codec"] == 1
    assert alone.clock.calls["codec"] == SLOTS


@pytest.mark.parametrize("slots", [[0], [1, 0], [2, 0, 1]])
def test_lanes_too_many_work_on_the_slot_that_pads(runner, config, codes, wholes, slots):
    """Of a CPU, where one slot may not be named twice, one lane at most can be too many."""
    made_up = runner(buckets=(len(slots) + 1, 16))
    rate = config.samples_per_frame
    for frame in range(FRAMES):
        sound = made_up.run(codes[slots, frame : frame + 1], slots)
        part = slice(frame * rate, (frame + 1) * rate)
        assert same(sound, wholes.samples[slots, part], wholes.pcm[slots, part])
    frames = dict(zip(range(SLOTS + 2), made_up.state.progress[:, 0].tolist(), strict=True))
    assert made_up.padding_slot == SLOTS + 1
    assert frames.pop(made_up.padding_slot) == FRAMES
    assert frames == {slot: FRAMES if slot in slots else 0 for slot in range(SLOTS + 1)}


def test_several_frames_of_many_slots_go_through_their_lanes_one_by_one(runner, codes, wholes, monkeypatch):
    monkeypatch.setitem(FRAMES_AT_ONCE, "cpu", SLOTS)
    lanes = runner(buckets=(SLOTS + 1,))
    assert same(lanes.run(list(codes), range(SLOTS)), *wholes)
    assert lanes.state.progress[lanes.padding_slot, 0] == FRAMES


def test_what_no_bucket_holds_goes_without_one(runner, codes, wholes):
    """More lanes than the largest has, and more frames than one."""
    small = runner(buckets=(1, 2))
    assert same(small.run(list(codes), range(SLOTS)), *wholes)
    other = runner(buckets=(1, 2))
    pieces = [other.run(codes[:, frame : frame + 1], range(SLOTS)).samples for frame in range(FRAMES)]
    assert torch.equal(torch.cat(pieces, dim=1), wholes.samples)
    assert not other.state.progress[other.padding_slot].any()


def test_a_sound_that_was_handed_out_stays(runner, codes):
    lanes = runner(buckets=(1,))
    first = lanes.run(codes[:1, :1], [0])
    kept = first.samples.clone(), first.pcm.clone()
    lanes.run(codes[:1, 1:2], [0])
    assert same(first, *kept)


def test_an_utterance_goes_on_from_its_reference(runner, config, codes, wholes):
    cloning = runner()
    cloning.run(codes[1:2], [0])  # an utterance that left the slot
    cloning.admit(0, codes[0, :7])
    sound = cloning.run(codes[:1, 7:], [0])
    start = 7 * config.samples_per_frame
    assert same(sound, wholes.samples[:1, start:], wholes.pcm[:1, start:])
    cloning.admit(0, None)
    assert same(cloning.run(codes[:1], [0]), wholes.samples[:1], wholes.pcm[:1])


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ([0, 0, 1], "give each slot once"),
        ([0, 1, SLOTS + 2], f"slots has {SLOTS + 2}: the state has"),
        ([0, 1, True], "whole numbers"),
    ],
)
def test_slots_that_cannot_be_are_refused(runner, codes, slots, message):
    refusing = runner()
    with pytest.raises(CodesError, match=message):
        refusing.run(list(codes), slots)
    with pytest.raises(CodesError, match="the state has"):
        refusing.admit(SLOTS + 2, None)
    assert not refusing.state.progress.any()


def test_a_slot_that_another_call_uses_is_refused(runner, codes):
    shared, claimed, finish = runner(), threading.Event(), threading.Event()

    def use() -> None:
        with shared.state.claim([1]):
            claimed.set()
            finish.wait(60)

    thread = threading.Thread(target=use)
    thread.start()
    assert claimed.wait(60)
    try:
        for call in (lambda: shared.run(list(codes), range(SLOTS)), lambda: shared.admit(1, codes[1])):
            with pytest.raises(CodesError, match="slots has 1, which is in use by another call"):
                call()
    finally:
        finish.set()
        thread.join()
    assert not shared.state.progress.any()


def test_chunks_hold_the_same_as_pcm(tts):
    chunks = list(tts.stream("One, two, three.", chunk_ms=240, max_frames=8))
    assert len(chunks) > 1
    for chunk in chunks:
        assert chunk.pcm.dtype == np.int16
        assert np.array_equal(chunk.pcm, to_pcm16(chunk.samples))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_graphs_replay_what_runs_without_them(runner, small, config, codes):
    on_gpu = {name: t.cuda() for name, t in load_file(small / "base" / "speech_tokenizer" / "model.safetensors").items()}
    with torch.inference_mode():
        made_up, eager = runner((1, 4), "cuda"), runner((), "cuda")
        made_up.weights = eager.weights = DecoderWeights.read(on_gpu, config)
        torch.cuda.synchronize()
        made_up.capture(None)
        assert not made_up.state.progress[: SLOTS + 1].any()
        for frame in range(FRAMES):
            expected = eager.run(codes[:, frame : frame + 1], range(SLOTS))
            assert same(made_up.run(codes[:, frame : frame + 1], range(SLOTS)), *expected)
        assert same(made_up.run(codes[:1, :1], [0]), *eager.run(codes[:1, :1], [0]))
