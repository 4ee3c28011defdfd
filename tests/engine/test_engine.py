"""The loop when frames are launched ahead of the host, as on a GPU: nobody hears a difference, and nothing is lost."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from qwen3tts import TTS, SamplingParams
from qwen3tts.engine.torch_runner import TorchRunner


class AheadRunner(TorchRunner):
    """The torch runner, launched one frame ahead."""

    @property
    def ahead(self) -> int:
        return 1


@pytest.fixture(scope="module")
def ahead(small):
    """A model whose frames are launched one ahead."""
    tts = TTS.load(small / "custom_voice", device="cpu", max_batch=3, kv_positions=640)
    frames = AheadRunner(**{field.name: getattr(tts.engine.frames, field.name) for field in fields(TorchRunner)})
    engine = replace(tts.engine, frames=frames)
    return TTS(tts.checkpoint, tts.tokenizer, engine, tts.device, tts.dtype, tts.backend, tts.quantize)


def requests(n):
    """Requests that stop, or end by their limit, at different frames."""
    return [{"text": "One, two." * (1 + i % 3), "sampling": SamplingParams(seed=i), "max_frames": 1 + 3 * i} for i in range(n)]


def test_codes_and_ends_are_the_same(becomes_free, ahead, tts):
    for request in requests(9):
        late, prompt = ahead.synthesize(**request), tts.synthesize(**request)
        assert np.array_equal(late.codes, prompt.codes)
        assert np.array_equal(late.samples, prompt.samples)
        assert late.finish_reason == prompt.finish_reason
    assert becomes_free(ahead)


def test_rows_that_are_given_on_keep_nothing(becomes_free, ahead, tts):
    """More requests than rows: a stopped row's surplus frame is still on its way when the next utterance gets the row."""
    for late, prompt in zip(ahead.synthesize_many(requests(9)), tts.synthesize_many(requests(9)), strict=True):
        assert np.array_equal(late.codes, prompt.codes)
        assert late.finish_reason == prompt.finish_reason
    assert becomes_free(ahead)


def test_no_frame_is_launched_past_the_limit(ahead):
    launched = []
    frames = ahead.engine.frames
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AheadRunner, "launch", lambda self, rows: launched.append(list(rows)) or TorchRunner.launch(frames, rows))
        audio = ahead.synthesize("A long one.", sampling=SamplingParams(seed=12), max_frames=4)
    assert (len(audio.codes), len(launched)) == (4, 4)


def test_a_cancelled_stream_leaves_the_others_alone(becomes_free, ahead, tts):
    whole = tts.synthesize(**requests(9)[8])
    stream, other = ahead.stream(**requests(9)[8]), ahead.stream(**requests(9)[7])
    first = next(other)
    other.close()
    chunks = [next(stream) for _ in range(2)]
    late = ahead.stream(**requests(9)[6])
    chunks += list(stream)
    assert np.array_equal(np.concatenate([chunk.codes for chunk in chunks]), whole.codes)
    assert np.array_equal(np.concatenate([chunk.codes for chunk in late]), tts.synthesize(**requests(9)[6]).codes)
    assert first.start == 0
    assert becomes_free(ahead)
