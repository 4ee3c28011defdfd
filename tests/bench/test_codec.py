"""The codec bench: what it counts is what the decoder does; runs on small checkpoints; and bad input."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from qwen3tts import _C
from qwen3tts.bench import codec
from qwen3tts.bench.random_weights import draw_codec
from qwen3tts.bench.releases import RELEASED
from qwen3tts.bench.roofline_operations import frame_flops, frame_operations, weight_bytes
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig
from qwen3tts.config.files import read_json
from qwen3tts.native import dispatch

SMALL = Path(__file__).parent.parent / "data" / "small"


def read_config(file):
    return CodecConfig.read(read_json(file), file.name)


class Watched:
    """The extension, with a note of each operation: kernel, rows, channels, columns, taps, dilation, weights, other numbers."""

    def __init__(self):
        self.layers, self.operations = {}, []

    def __getattr__(self, name):
        note = vars(type(self)).get(f"_{name}")
        if note is None:
            return getattr(_C, name)

        def watched(*arguments):
            result = getattr(_C, name)(*arguments)
            note(self, result, *arguments)
            return result

        return watched

    def _Layer(self, layer, weights, bias, alpha, inv_beta, channels, columns, taps, dilation, *_):
        vectors = sum(vector is not None for vector in (bias, alpha, inv_beta))
        sizes = (channels, columns, taps, dilation, (taps * channels + vectors) * columns)
        self.layers[id(layer)] = layer, sizes

    def _note(self, kernel, steps, channels, columns, taps, dilation, weights, arrays):
        state = 2 * (taps - 1) * dilation * channels if kernel != "window_attention" else 0
        state += sum(elements for _, elements in filter(None, arrays))
        self.operations.append((kernel, steps, channels, columns, taps, dilation, weights, state))

    def _convolution(self, _, layer, x, residual, y, activated, batch, steps, *__):
        self._note("convolution", steps, *self.layers[id(layer)][1], (x, residual, y, activated))

    def _residual_unit(self, _, dilated, pointwise, x, raw, y, activated, batch, steps, *__):
        hidden = (0, x[1])
        self._note("convolution", steps, *self.layers[id(dilated)][1], (x, hidden))
        self._note("convolution", steps, *self.layers[id(pointwise)][1], (hidden, raw, y, activated))

    def _rms_norm(self, _, x, weight, y, rows, channels, *__):
        self._note("rms_norm", rows, channels, channels, 1, 1, weight[1], (x, y))

    def _depthwise_norm(self, _, x, weight, bias, scale, shift, y, batch, steps, channels, taps, *__):
        weights = sum(vector[1] for vector in (weight, bias, scale, shift))
        self._note("depthwise_norm", steps, channels, channels, taps, 1, weights, (x, y))

    def _window_attention(self, _, qkv, keys, values, frequencies, y, *others):
        *_, steps, _heads, _kv_heads, _head_dim, window, _threads = others
        self._note("window_attention", steps, qkv[1], y[1], window, 1, frequencies[1], (qkv, keys, values, y))

    def _waveform(self, _, x, weight, bias, samples, pcm, batch, steps, channels, taps, *__):
        self._note("waveform", steps, channels, 1, taps, 1, weight[1] + bias[1], (x, samples, (0, pcm[1] // 2)))

    def _dequantize(self, _, codes, codebooks, y, rows, books, size, width):
        self._note("dequantize", rows, books * width, 2 * width, 1, 1, 0, ((0, books * width), y))


def odd(config):
    """The same codec with a short window, fewer blocks and other rates."""
    decoder = replace(config.decoder_config, sliding_window=5, upsample_rates=(3, 2), upsampling_ratios=(2,))
    return replace(config, decoder_config=decoder, decode_upsample_rate=12)


@pytest.mark.parametrize("change", [lambda config: config, odd], ids=["small", "odd"])
def test_operations_are_those_of_the_decoder(change, monkeypatch):
    config = change(read_config(SMALL / "base" / "speech_tokenizer" / "config.json"))
    tensors, decoder = draw_codec(config, torch.Generator().manual_seed(0)), config.decoder_config
    watched = Watched()
    monkeypatch.setattr(dispatch, "extension", watched)
    weights, state = DecoderWeights.read(tensors, decoder), DecoderState(decoder, 1)
    codes = torch.zeros(1, 1, decoder.num_quantizers, dtype=torch.int64)
    decode(weights, decoder, codes, state, torch.tensor([0]))
    planned = frame_operations(decoder)
    names = ("kernel", "rows", "channels", "columns", "taps", "dilation", "weights", "state")
    assert [tuple(getattr(operation, name) for name in names) for operation in planned] == watched.operations


def test_sizes_of_the_released_decoder():
    operations = frame_operations(read_config(RELEASED / "speech_tokenizer.config.json").decoder_config)
    kinds = Counter(operation.kernel for operation in operations)
    assert kinds == {"convolution": 71, "rms_norm": 17, "window_attention": 8, "depthwise_norm": 2, "dequantize": 1, "waveform": 1}
    # 2 x 2.48 G: a third in the block of 192 channels, none in norms.
    assert frame_flops(operations) == pytest.approx(4.96e9, rel=1e-3)
    # With the codebooks, 16 x 2048 x 256, these are the decoder's 114 M weights.
    assert weight_bytes(operations) / 4 + 16 * 2048 * 256 == pytest.approx(114e6, rel=1e-3)


def run(tmp_path, *options):
    """What a run on a small codec writes."""
    file = tmp_path / "codec.json"
    command = ["--model", str(SMALL / "base"), "--repeats", "3", *options, "--json", str(file)]
    assert codec.main(command) == 0
    return json.loads(file.read_text())


def test_run_on_a_small_checkpoint(tmp_path, capsys):
    before = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    report = run(tmp_path, "--frames", "1,2", "--batch", "1,3", "--threads", "1")
    assert "fma_peak_share_n4" in capsys.readouterr().out
    assert (os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()) == before
    assert report["bench"] == "codec"
    settings = {"model": "base", "device": "cpu", "threads": 1, "frames": [1, 2], "batch": [1, 3], "repeats": 3, "seed": 0}
    assert report["settings"] == settings
    results = {result["name"]: result for result in report["results"]}
    frames = [f"codec_frame_ms_{end}" for end in ("n1", "n2", "n4", "b1", "b3")]
    rest = ["fma_peak", "fma_peak_share_n4", "torch_ratio_n4", "read_bandwidth", "codec_state_bytes", "peak_memory_mib"]
    assert list(results) == [*frames, "codec_first_frame_ms", *rest]
    assert all(result["value"] > 0 for result in results.values())

    values = {name: result["value"] for name, result in results.items()}
    config = read_config(SMALL / "base" / "speech_tokenizer" / "config.json").decoder_config
    flops, weights = frame_flops(frame_operations(config)), weight_bytes(frame_operations(config))
    achieved = flops / values["codec_frame_ms_n4"] * 1e3
    assert values["fma_peak_share_n4"] == pytest.approx(achieved / values["fma_peak"] / 1e9 * 100)
    for name, calls in (("n1", 1), ("n4", 4), ("b3", 3)):
        floor = max(flops / values["fma_peak"], weights / values["read_bandwidth"] / calls) * 1e-6
        assert results[f"codec_frame_ms_{name}"]["floor"] == pytest.approx(floor)
    faster = "ours" if values["torch_ratio_n4"] > 1 else "torch"
    assert results["torch_ratio_n4"]["note"].startswith(f"{faster} is faster: ")
    state = DecoderState(config, 1)
    assert values["codec_state_bytes"] >= 2 * state.keys.nbytes + state.progress.nbytes


def test_torch_alone_does_not_call_the_extension(monkeypatch):
    config = read_config(SMALL / "base" / "speech_tokenizer" / "config.json")
    tensors, decoder = draw_codec(config, torch.Generator().manual_seed(0)), config.decoder_config
    plain = DecoderWeights.read(tensors, decoder, layout="plain")
    monkeypatch.setattr(dispatch, "extension", None)
    with codec.torch_alone():
        codes = torch.zeros(1, 2, decoder.num_quantizers, dtype=torch.int64)
        sound = decode(plain, decoder, codes, DecoderState(decoder, 1), torch.tensor([0]))
    assert sound.samples.shape == (1, 2 * decoder.samples_per_frame)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--frames", "1,0"], "--frames"),
        (["--batch", "few"], "--batch"),
        (["--repeats", "0"], "--repeats: '0' is out of range: give a whole number from 1"),
        (["--threads", "0"], "--threads: '0' is out of range"),
        (["--device", "abacus"], "device='abacus' is unknown"),
        (["--model", "nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    assert codec.main([*options, "--json", str(tmp_path / "codec.json")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []
