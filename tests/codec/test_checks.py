"""What may not enter the codec is refused by name; what may is taken in any integer type."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from qwen3tts.codec import check_codes, check_slots
from qwen3tts.errors import CodesError


@pytest.fixture(scope="module")
def config(codecs):
    return codecs["base"].config.decoder_config


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.uint8, ">i4"])
def test_any_integer_array_becomes_int64(config, dtype):
    codes = np.arange(48).reshape(3, 16).astype(dtype)
    checked = check_codes(codes[::-1], config)
    assert checked.dtype == torch.int64
    assert checked.tolist() == codes[::-1].tolist()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_any_integer_tensor_becomes_int64(config, dtype):
    codes = torch.arange(48).reshape(3, 16)
    assert torch.equal(check_codes(codes.to(dtype), config), codes)


@pytest.mark.parametrize("make", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("value", [-1, 128, 2**40])
def test_a_code_out_of_range_is_found(config, make, value):
    codes = [[0] * 16 for _ in range(5)]
    codes[3][11] = value
    with pytest.raises(CodesError, match=f"codes has {value} at frame 3, codebook 11: .* from 0 to 127"):
        check_codes(make(codes), config)


@pytest.mark.parametrize("make", [np.zeros, torch.zeros], ids=["numpy", "torch"])
@pytest.mark.parametrize("shape", [(), (16,), (0, 16), (5, 15), (16, 5), (1, 5, 16)])
def test_a_wrong_shape_is_named(config, make, shape):
    with pytest.raises(CodesError, match=r"codes has the shape \(.*\): give \(frames, 16\)"):
        check_codes(make(shape, dtype=int), config)


@pytest.mark.parametrize(
    "codes",
    [np.zeros((2, 16)), np.zeros((2, 16), bool), np.full((2, 16), "a"), torch.zeros(2, 16), torch.zeros(2, 16, dtype=torch.bool)],
    ids=lambda codes: str(codes.dtype),
)
def test_a_wrong_type_is_named(config, codes):
    with pytest.raises(CodesError, match=r"codes holds .*: give integers"):
        check_codes(codes, config)


def test_what_is_no_array_is_refused(config):
    with pytest.raises(CodesError, match="codes is a list: give an array"):
        check_codes([[0] * 16], config)


@pytest.fixture
def state(decoder):
    return decoder.state(4)


def test_slots(state):
    assert check_slots([3, np.int64(0)], state).tolist() == [3, 0]
    for slots in ([4], [0, -1]):
        with pytest.raises(CodesError, match=f"slots has {slots[-1]}: the state has the slots 0 to 3"):
            check_slots(slots, state)
    for slots in ([1, 2, 1], []):
        with pytest.raises(CodesError, match=f"slots has {re.escape(str(slots))}: give each slot once"):
            check_slots(slots, state)
    for wrong in (True, 1.0, "1", None, np.bool_(True)):
        with pytest.raises(CodesError, match=r"slots has .*: give whole numbers"):
            check_slots([wrong], state)
    with pytest.raises(CodesError, match="slots has 4"):
        state.reset(4)


ZEROS = torch.zeros(2, 3, 16, dtype=torch.int64)


@pytest.mark.parametrize(
    ("codes", "slots", "message"),
    [
        (ZEROS[0], [0], r"codes has the shape \(3, 16\): give \(slots, frames, 16\)"),
        (ZEROS[..., :15], [0, 1], r"codes has the shape \(2, 3, 15\)"),
        (ZEROS[:, :0], [0, 1], r"codes has the shape \(2, 0, 16\)"),
        (ZEROS[:0], [], r"codes has the shape \(0, 3, 16\)"),
        (ZEROS.float(), [0, 1], "codes holds torch.float32: give torch.int64"),
        (ZEROS.int(), [0, 1], "codes holds torch.int32: give torch.int64"),
        (ZEROS.to("meta"), [0, 1], "codes is on meta, and the state is on cpu: bring both to one device"),
        (ZEROS + 128, [0, 1], "codes has 128 at frame 0, codebook 0"),
        (ZEROS - 1, [0, 1], "codes has -1 at frame 0, codebook 0"),
        (ZEROS, [0], r"slots has the shape \(1,\): give \(2,\)"),
        (ZEROS, [[0, 1]], r"slots has the shape \(1, 2\): give \(2,\)"),
        (ZEROS, [True, False], "slots holds torch.bool: give torch.int64"),
        (ZEROS, [0.0, 1.0], "slots holds torch.float32: give torch.int64"),
        (ZEROS, [0, 4], "slots has 4: the state has the slots 0 to 3"),
        (ZEROS, [2, 2], r"slots has \[2, 2\]: give each slot once"),
    ],
)
def test_a_call_that_cannot_be_names_what_is_wrong_and_moves_nothing(decoder, state, codes, slots, message):
    with pytest.raises(CodesError, match=message):
        decoder.decode(codes, state, slots)
    assert not state.progress.any()


def test_a_slot_in_use_is_refused(decoder, state):
    """By another thread: reset, decoded, and claimed along with a free one, which stays free."""
    claimed, finish = threading.Event(), threading.Event()

    def use() -> None:
        with state.claim([3]):
            claimed.set()
            finish.wait(60)

    thread = threading.Thread(target=use)
    thread.start()
    assert claimed.wait(60)
    in_use = "slots has 3, which is in use by another call: wait for it, or give another slot"
    try:
        with pytest.raises(CodesError, match=in_use):
            state.reset(3)
        with pytest.raises(CodesError, match=in_use):
            decoder.decode(ZEROS, state, [2, 3])
        decoder.decode(ZEROS, state, [2, 1])
        state.reset(2)
    finally:
        finish.set()
        thread.join()
    state.reset(3)
    assert state.progress[:, 0].tolist() == [0, 3, 0, 0]


def test_a_call_that_fails_leaves_its_slots_free(decoder, state):
    with pytest.raises(ZeroDivisionError), state.claim([0, 1]):
        raise ZeroDivisionError
    with ThreadPoolExecutor() as pool:
        pool.submit(decoder.decode, ZEROS, state, [0, 1]).result()
    assert state.progress.tolist() == [[3, 1], [3, 1], [0, 0], [0, 0]]
