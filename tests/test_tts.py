"""The public face, end to end: the official implementation's results, streams, batches, seeds, cancellation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts import TTS, SamplingParams, SpeechRequest, SpeechStream
from qwen3tts.engine.guards import LoopGuard
from qwen3tts.tts import WHOLE_CHUNK_FRAMES

GREEDY = SamplingParams(greedy=True)


def options_of(golden, tts):
    """The call that the official implementation was given."""
    meta, tensors = golden.meta, golden.tensors
    options = {name: meta[name] for name in ("speaker", "language", "instruct") if name in meta}
    if golden.kind == "base":
        audio = tensors["ref_audio"].numpy(), meta["sample_rate"]
        options["voice"] = tts.clone_voice(audio, meta.get("ref_text"), ref_silence=False)
    return options | {"text_feed": golden.text_feed, "sampling": GREEDY, "max_frames": golden.max_frames}


def test_codes_and_waveform_equal_the_official_ones(models, golden, rounds_like_the_official):
    tts, tensors = models[golden.kind], golden.tensors
    options = options_of(golden, tts)
    audio = tts.synthesize(golden.meta["text"], **options)
    assert np.array_equal(audio.codes, tensors["codes"].numpy())
    assert audio.codes.dtype == np.int64
    rounds_like_the_official(torch.from_numpy(audio.samples), golden)
    assert (audio.samples.dtype, audio.sample_rate) == (np.float32, 24000)
    assert audio.finish_reason == ("length" if len(audio.codes) == golden.max_frames else "stop")
    if golden.kind == "base":
        voice = options["voice"]
        np.testing.assert_allclose(voice.speaker_embedding, tensors["speaker_embedding"].numpy(), rtol=0, atol=1e-4)
        assert (voice.codes is None) == ("ref_codes" not in tensors)
        assert voice.codes is None or np.array_equal(voice.codes, tensors["ref_codes"].numpy())


@pytest.mark.parametrize("chunk_ms", [1, 80, 200, 1000, 60_000])
def test_streamed_equals_whole(models, golden, chunk_ms):
    tts = models[golden.kind]
    options = options_of(golden, tts)
    whole = tts.synthesize(golden.meta["text"], **options)
    chunks = list(tts.stream(golden.meta["text"], chunk_ms=chunk_ms, **options))
    assert np.array_equal(np.concatenate([c.samples for c in chunks]), whole.samples)
    assert np.array_equal(np.concatenate([c.codes for c in chunks]), whole.codes)
    starts = np.cumsum([0] + [len(c.samples) for c in chunks[:-1]])
    assert [c.start for c in chunks] == starts.tolist()
    assert [c.is_final for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].finish_reason == whole.finish_reason
    frames = max(1, -(-chunk_ms // 80))
    assert all(len(c.codes) == frames for c in chunks[:-1])


def test_past_the_window_and_300_frames_streamed_equals_whole(tts):
    options = {"sampling": SamplingParams(seed=12), "max_frames": 330}
    whole = tts.synthesize("A long one.", **options)
    assert len(whole.codes) == 330
    for chunk_ms in (240, 2960):
        streamed = np.concatenate([c.samples for c in tts.stream("A long one.", chunk_ms=chunk_ms, **options)])
        assert np.array_equal(streamed, whole.samples)
    assert np.array_equal(tts.decode(whole.codes), whole.samples)


requests = st.builds(
    dict,
    text=st.sampled_from(["Hi.", "Hello world, how are you today?", "Привет, мир! Как дела?", "你好"]),
    speaker=st.sampled_from(["ryan", "vivian", "dylan", None]),
    language=st.sampled_from(["auto", "English", "ru", "Chinese"]),
    text_feed=st.sampled_from(["full", "step"]),
    max_frames=st.integers(1, 12),
    sampling=st.builds(
        SamplingParams,
        seed=st.integers(0, 2**64 - 1),
        temperature=st.sampled_from([0, 0.7, 1.5]),
        top_k=st.sampled_from([0, 5, 50]),
        top_p=st.sampled_from([0.5, 1.0]),
        repetition_penalty=st.sampled_from([1.0, 1.3]),
    ),
)


@settings(max_examples=8)
@given(batch=st.lists(requests, min_size=2, max_size=11))
def test_a_mixed_batch_gives_each_row_exactly_what_it_gets_alone(models, batch):
    tts = models["custom_voice"]
    together = tts.synthesize_many(batch)
    for request, audio in zip(batch, together, strict=True):
        alone = tts.synthesize(**request)
        assert np.array_equal(audio.codes, alone.codes)
        assert audio.finish_reason == alone.finish_reason
        assert np.array_equal(audio.samples, alone.samples)


def test_a_batch_takes_texts_mappings_and_requests(tts):
    audios = tts.synthesize_many(
        ["Hi.", {"text": "Hi.", "max_frames": 2}, SpeechRequest("Hi.", max_frames=4, sampling=SamplingParams(seed=1))],
        max_frames=3,
        sampling=SamplingParams(seed=1),
    )
    assert [len(a.codes) for a in audios] == [3, 2, 4]
    assert tts.synthesize_many([]) == []


def test_a_seed_gives_the_same_and_another_seed_something_else(tts):
    def codes(**sampling):
        return tts.synthesize("Hello", max_frames=8, sampling=SamplingParams(**sampling)).codes

    assert np.array_equal(codes(seed=3), codes(seed=3))
    assert not np.array_equal(codes(seed=3), codes(seed=2**63 + 3))
    first = tts.synthesize("Hello", max_frames=8)
    assert np.array_equal(first.codes, codes(seed=first.seed))
    assert first.seed != tts.synthesize("Hello", max_frames=8).seed


def test_temperature_zero_is_greedy(tts):
    zero = tts.synthesize("Hello", max_frames=6, sampling=SamplingParams(seed=1, temperature=0))
    greedy = tts.synthesize("Hello", max_frames=6, sampling=GREEDY)
    assert np.array_equal(zero.codes, greedy.codes)
    mixed = SamplingParams(seed=1, temperature=0, predictor_temperature=1.0)
    assert not np.array_equal(tts.synthesize("Hello", max_frames=6, sampling=mixed).codes, greedy.codes)


def test_without_a_limit_the_text_sets_one(tts):
    short, long = (tts._recital(SpeechRequest(text), WHOLE_CHUNK_FRAMES).first.max_frames for text in ("Hi.", "Hi there. " * 20))
    assert 75 < short < long < 8192


@pytest.mark.parametrize("text_feed", ["full", "step"])
def test_the_longest_text_is_read(tts, text_feed):
    audio = tts.synthesize("1" * 10_000, text_feed=text_feed, max_frames=2, sampling=GREEDY)
    assert len(audio.codes) == 2


def test_a_loop_ends_the_run(tts):
    recital = tts._recital(SpeechRequest("Hello", max_frames=50, sampling=SamplingParams(seed=1)), 3)
    recital.first.loop_guard = LoopGuard(window=10, longest_period=5, agreement=0.0)  # takes anything for a loop
    stream = SpeechStream(tts._loop, recital)
    tts._loop.submit([recital.first])
    chunks = list(stream)
    assert sum(len(chunk.codes) for chunk in chunks) == 10
    assert chunks[-1].finish_reason == "loop"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_weights_speak_nearly_the_same(small, golden, dtype):
    """Rounded weights may change a code now and then; the first frame's likeliest code 0 stays."""
    if golden.kind != "custom_voice":
        pytest.skip("one kind is enough")
    tts = TTS.load(small / golden.kind, device="cpu", dtype=dtype)
    audio = tts.synthesize(golden.meta["text"], **options_of(golden, tts))
    assert audio.codes[0, 0] == golden.tensors["codes"][0, 0]


def test_the_embedded_checkpoint_speaks_and_says_what_it_is(caplog, monkeypatch):
    monkeypatch.delenv("QWEN3TTS_MODEL", raising=False)
    tts = TTS.load()
    assert "noise" in caplog.text
    audio = tts.synthesize("Hello", max_frames=4, sampling=GREEDY)
    assert audio.seconds == pytest.approx(0.32)


def test_encode_and_decode_are_the_codec(models):
    tone = 0.3 * np.sin(np.arange(24000) * 0.05).astype(np.float32)
    codes = models["base"].encode((tone, 24000))
    assert codes.shape == (13, 16)
    assert models["base"].decode(codes).shape == (13 * 1920,)


def test_silence_behind_the_reference_adds_frames_to_its_codes_alone(models):
    voice = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32), 24000
    with_silence = models["base"].clone_voice(voice, "noise")
    without = models["base"].clone_voice(voice, "noise", ref_silence=False)
    assert (with_silence.frames, without.frames) == (32, 25)
    assert np.array_equal(with_silence.speaker_embedding, without.speaker_embedding)
