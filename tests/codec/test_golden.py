"""The codec against what the official implementation made of the small checkpoints."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from qwen3tts.codec import EncoderWeights, encode


def reference_and_codes(golden):
    tensors = golden.tensors
    reference = tensors.get("ref_codes", tensors["codes"][:0])
    return len(reference), torch.cat((reference, tensors["codes"]))


def test_float64_is_the_official_float64(codecs, golden, exact_waveform):
    reference, codes = reference_and_codes(golden)
    decoder = codecs[golden.kind].decoder(torch.float64)
    samples = decoder.whole(codes)[reference * decoder.config.samples_per_frame :]
    torch.testing.assert_close(samples.float(), exact_waveform(golden.name), rtol=0, atol=1e-6)


def test_float32_is_the_official_float32_where_rounding_stays_small(calm_codecs, golden, exact_waveform):
    reference, codes = reference_and_codes(golden)
    decoder = calm_codecs[golden.kind].decoder()
    samples = decoder.whole(codes)[reference * decoder.config.samples_per_frame :]
    torch.testing.assert_close(samples, exact_waveform(f"{golden.name}.calm"), rtol=0, atol=1e-4)


def test_float32_rounds_no_more_than_the_official_float32(codecs, golden, rounds_like_the_official):
    reference, codes = reference_and_codes(golden)
    decoder = codecs[golden.kind].decoder()
    rounds_like_the_official(decoder.whole(codes)[reference * decoder.config.samples_per_frame :], golden)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_decodes_longer_than_the_attention_window(codecs, small, exact_waveform, dtype):
    golden = load_file(small / "base" / "golden" / "codec.safetensors")
    error = codecs["base"].decoder(dtype).whole(golden["codes"]) - exact_waveform("codec")
    official = golden["audio"] - exact_waveform("codec")
    assert error.square().mean() <= (4 * official.square().mean() if dtype == torch.float32 else 1e-14)


def test_decodes_longer_than_the_attention_window_where_rounding_stays_small(calm_codecs, small, exact_waveform):
    golden = load_file(small / "base" / "golden" / "codec.safetensors")
    samples = calm_codecs["base"].decoder().whole(golden["codes"])
    torch.testing.assert_close(samples, exact_waveform("codec.calm"), rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", ["codec", "clone_icl", "clone_icl_full_text"])
def test_encodes_to_the_same_codes(codecs, small, case):
    golden = load_file(small / "base" / "golden" / f"{case}.safetensors")
    weights = EncoderWeights.read(codecs["base"].tensors, codecs["base"].config)
    assert torch.equal(encode(weights, codecs["base"].config, golden["ref_audio"]), golden["ref_codes"])


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (1919, 1), (1920, 1), (1921, 2), (9600, 5), (9601, 6)])
def test_encodes_a_part_of_a_frame_as_a_frame(codecs, samples, frames):
    config = codecs["base"].config
    codes = encode(EncoderWeights.read(codecs["base"].tensors, config), config, torch.randn(samples))
    assert codes.shape == (frames, config.encoder_valid_num_quantizers)
    assert codes.min() >= 0
    assert codes.max() < config.encoder_config.codebook_size
