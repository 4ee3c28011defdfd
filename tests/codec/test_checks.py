"""What may not enter the codec is refused by name; what may is taken in any integer type."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qwen3tts.codec import DecoderState, check_codes, check_slots
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


def test_slots(config):
    state = DecoderState(config, 4)
    assert check_slots([3, 0], state).tolist() == [3, 0]
    for slots in ([4], [0, -1]):
        with pytest.raises(CodesError, match=f"slots has {slots[-1]}: the state has the slots 0 to 3"):
            check_slots(slots, state)
    with pytest.raises(CodesError, match=r"slots has \[1, 2, 1\]: give each slot once"):
        check_slots([1, 2, 1], state)
