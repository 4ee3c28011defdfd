"""The decoder by the GPU's kernels, which the host runs one thread after another: so few frames, or small ones."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from qwen3tts.codec import decoder as decoder_module

pytestmark = pytest.mark.usefixtures("emulated_gpu")

FRAMES = 8
"""More than the window of the odd codec, 5."""


def assert_rounded_by_tensor_cores(samples, exact):
    """TF32 keeps 10 bits: a sum of products is off by 2^-11 of its size, and forty layers in a row add up to sqrt(40) times that,
    0.3 %. The most of thousands of samples is off by five standard deviations or so.
    """
    error, size = samples - exact, exact.square().mean().sqrt()
    assert error.square().mean().sqrt() < 0.004 * size
    assert error.abs().max() < 0.02 * size


@pytest.fixture
def decoder(odd_codecs):
    decoder = odd_codecs["odd"].decoder()
    assert decoder.weights.first_convolution.layout == "cuda"
    return decoder


@pytest.fixture
def codes(decoder):
    return torch.randint(decoder.config.codebook_size, (FRAMES, decoder.config.num_quantizers))


def test_frames_are_the_official_ones_but_for_rounding(calm_codecs, small, exact_waveform):
    codes = load_file(small / "base" / "golden" / "codec.safetensors")["codes"][:2]
    samples = calm_codecs["base"].decoder().whole(codes)
    assert_rounded_by_tensor_cores(samples, exact_waveform("codec.calm")[: len(samples)])


def test_odd_sizes(odd_codecs, decoder, codes):
    assert_rounded_by_tensor_cores(decoder.whole(codes), odd_codecs["odd"].decoder(torch.float64).whole(codes))


def test_cuts_and_neighbours_change_nothing(decoder, codes, monkeypatch):
    """Slots in any order, at different frames, beside lanes that pad: these all work on one slot, which on a GPU nobody reads."""
    rate, padding = decoder.config.samples_per_frame, 2
    whole = decoder.whole(codes)
    monkeypatch.setattr(decoder_module, "check_call", lambda *arguments: None)
    state = decoder.state(3)
    first = decoder.decode(codes[None, :4], state, [1])
    both = decoder.decode(torch.stack((codes[:2], codes[4:6], codes[:2], codes[:2])), state, [0, 1, padding, padding])
    third = decoder.decode(torch.stack((codes[6:], codes[2:4])), state, [1, 0])
    assert torch.equal(torch.cat((first[0], both[1], third[0])), whole)
    assert torch.equal(torch.cat((both[0], third[1])), whole[: 4 * rate])


def test_what_lies_in_a_reset_slot_is_never_seen(decoder, codes):
    state = decoder.state(1)
    decoder.poison(state, 0)
    assert torch.equal(torch.cat([decoder.decode(piece[None], state, [0])[0] for piece in codes.split(3)]), decoder.whole(codes))
