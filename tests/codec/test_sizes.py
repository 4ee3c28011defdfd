"""Decoders of other widths, windows and rates than the released one: every size comes from the configuration."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(params=["odd", "a window of one", "one block, no upsampler", "many rates"])
def codec(request, odd_codecs):
    return odd_codecs[request.param]


def test_float32_is_float64_but_for_rounding(codec):
    """A weighted sum of hundreds of float32 numbers is off by a millionth; the Snakes of random weights pass that on tenfold."""
    decoder, exact = codec.decoder(), codec.decoder(torch.float64)
    codes = torch.randint(decoder.config.codebook_size, (23, decoder.config.num_quantizers))
    samples = decoder.whole(codes)
    assert samples.shape == (23 * decoder.config.samples_per_frame,)
    assert samples.std() > 0.1
    torch.testing.assert_close(samples.double(), exact.whole(codes), rtol=0, atol=2e-5)


def test_any_cut_gives_the_whole(codec):
    decoder = codec.decoder()
    codes = torch.randint(decoder.config.codebook_size, (23, decoder.config.num_quantizers))
    whole = decoder.whole(codes)
    for lengths in ([1] * 23, [6, 1, 16], [2, 4, 4, 13]):
        assert torch.equal(decoder.stream(codes, lengths), whole)
