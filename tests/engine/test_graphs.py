"""The sizes that graphs are recorded for, and their replays where there is a GPU."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts import TTS
from qwen3tts.engine.graphs import FRAME_BUCKETS, bucket_for, capture, frame_buckets
from qwen3tts.errors import DeviceError, InputError


@given(st.integers(1, 200))
def test_buckets_hold_every_batch(max_batch):
    buckets = frame_buckets(max_batch)
    assert list(buckets) == sorted(set(buckets))
    assert all(bucket_for(buckets, size) >= size for size in range(1, max_batch + 1))
    # None is recorded that no batch takes.
    assert {bucket_for(buckets, size) for size in range(1, max_batch + 1)} == set(buckets)


def test_usual_buckets():
    assert frame_buckets(64) == FRAME_BUCKETS
    assert frame_buckets(1) == (1,)
    assert frame_buckets(8) == (1, 2, 4, 8)
    assert frame_buckets(65) == (*FRAME_BUCKETS, 65)
    assert bucket_for(FRAME_BUCKETS, 65) is None


def test_buckets_that_leave_a_batch_out_are_refused(small):
    with pytest.raises(InputError, match=r"graph_buckets=\[1, 2\] leave out batches of max_batch=4: add 4"):
        TTS.load(small / "custom_voice", device="cpu", backend="triton", max_batch=4, graph_buckets=[2, 1])


def test_too_little_memory_names_the_buckets_to_shorten():
    def run(bucket: int) -> None:
        if bucket == 8:
            raise torch.cuda.OutOfMemoryError

    with pytest.raises(DeviceError, match=r"graph_buckets=\[4, 8\].* to capture frames of 8: shorten that list"):
        capture("frames", run, [4, 8], None, None, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_replays_are_what_was_recorded():
    stream, x = torch.cuda.Stream(), torch.zeros(8, device="cuda")
    torch.cuda.synchronize()
    seen = []
    graphs = capture("sums", lambda n: x[:n].add_(1), [2, 8], stream, torch.cuda.graph_pool_handle(), lambda *a: seen.append(a))
    x.zero_()
    graphs[8].replay()
    graphs[2].replay()
    torch.cuda.synchronize()
    assert x.tolist() == [2, 2, 1, 1, 1, 1, 1, 1]
    assert seen == [("sums", 0, 2), ("sums", 1, 2), ("sums", 2, 2)]
