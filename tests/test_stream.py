"""Streams: whoever shares the engine, hangs up, is interrupted or falls silent, nobody else hears of it and all is free again."""

import asyncio
import shutil
import threading

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from qwen3tts import TTS, SamplingParams


@pytest.mark.parametrize("chunk_ms", [80, 240, 2000, 20_000])
def test_silence_ends_the_run_at_the_same_frame_whatever_the_chunks(becomes_free, small, tmp_path, chunk_ms):
    folder = shutil.copytree(small / "custom_voice", tmp_path / "silent")
    path = folder / "speech_tokenizer" / "model.safetensors"
    tensors = load_file(path)
    for name in ("decoder.decoder.6.conv.weight", "decoder.decoder.6.conv.bias"):
        tensors[name].zero_()
    save_file(tensors, path)
    silent = TTS.load(folder, device="cpu")
    options = {"max_frames": 120, "sampling": SamplingParams(seed=12)}
    chunks = list(silent.stream("A long one.", chunk_ms=chunk_ms, **options))
    assert sum(len(chunk.codes) for chunk in chunks) == 100  # 8 s
    assert sum(len(chunk.samples) for chunk in chunks) == 100 * 1920
    assert (chunks[-1].is_final, chunks[-1].finish_reason) == (True, "silence")
    assert becomes_free(silent)
    greedy = silent.synthesize("A long one.", max_frames=120, sampling=SamplingParams(greedy=True))
    assert greedy.finish_reason != "silence"


def test_closing_a_stream_frees_all_it_held(becomes_free, tts):
    stream = tts.stream("Hello there", max_frames=500)
    next(stream)
    waiting = [tts.stream("Hello", max_frames=5) for _ in range(12)]
    next(waiting[0])
    for one in (stream, *waiting):
        one.close()
    assert becomes_free(tts)
    assert list(stream) == []
    with tts.stream("Hello", max_frames=5) as other:
        next(other)
    assert becomes_free(tts)


def test_a_dropped_stream_is_cancelled(becomes_free, tts):
    stream = tts.stream("Hello there", max_frames=500)
    next(stream)
    del stream
    tts.synthesize("Hello", max_frames=1)
    assert becomes_free(tts)


def test_a_step_that_fails_ends_all_that_were_in_it_and_nothing_else(becomes_free, tts, monkeypatch):
    options = {"max_frames": 330, "sampling": SamplingParams(seed=12)}
    expected = tts.synthesize("Hello", max_frames=3, sampling=SamplingParams(seed=4)).codes
    streams = [tts.stream("A long one.", **options) for _ in range(2)]
    for stream in streams:
        next(stream)

    def broken(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("qwen3tts.engine.torch_runner.predict_codes", broken)
        for stream in streams:
            with pytest.raises(RuntimeError, match="middle of this utterance"):
                list(stream)
            assert list(stream) == []
    assert becomes_free(tts)
    assert np.array_equal(tts.synthesize("Hello", max_frames=3, sampling=SamplingParams(seed=4)).codes, expected)


def test_streams_of_several_threads_are_what_each_is_alone(becomes_free, tts):
    seeds = range(4)
    expected = [tts.synthesize("Hello", max_frames=10, sampling=SamplingParams(seed=s)).codes for s in seeds]
    got = {}

    def speak(seed):
        chunks = list(tts.stream("Hello", max_frames=10, sampling=SamplingParams(seed=seed)))
        got[seed] = np.concatenate([c.codes for c in chunks])

    threads = [threading.Thread(target=speak, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(got[s], expected[s]) for s in seeds)
    assert becomes_free(tts)


def test_astream_equals_stream_and_leaves_the_event_loop_free(tts):
    options = {"max_frames": 10, "sampling": SamplingParams(seed=4)}
    expected = np.concatenate([c.samples for c in tts.stream("Hello", **options)])

    async def collect():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticker = asyncio.create_task(tick())
        samples = [chunk.samples async for chunk in tts.astream("Hello", **options)]
        ticker.cancel()
        return np.concatenate(samples), ticks

    samples, ticks = asyncio.run(collect())
    assert np.array_equal(samples, expected)
    assert ticks > 10


def test_cancelling_an_astream_frees_all_it_held(becomes_free, tts):
    async def listen():
        async for _ in tts.astream("A long one.", max_frames=330, sampling=SamplingParams(seed=12)):
            pass

    async def cancel():
        task = asyncio.create_task(listen())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert becomes_free(tts)
