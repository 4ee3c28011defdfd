"""The latency bench: real runs on small checkpoints, what it makes of failures, and bad input."""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from qwen3tts.bench import latency
from qwen3tts.bench.latency import frame_bytes, latencies
from qwen3tts.bench.plot import plot_first_audio
from qwen3tts.bench.timing import Timing, first_audible
from qwen3tts.bench.workload import TEXTS, tone_glide
from qwen3tts.checkpoint import embedded_checkpoint
from qwen3tts.output import OutputFile
from qwen3tts.tts import TTS
from qwen3tts.types import AudioChunk

SMALL = Path(__file__).parent.parent / "data" / "small"
STAGES = ("prefill", "talker", "predictor", "codec")
NAMES = [
    *(f"first_audio_ms_p{p}" for p in (50, 95, 99)),
    *(f"first_audible_ms_p{p}" for p in (50, 95)),
    *(f"frame_ms_p{p}" for p in (50, 95)),
    *(f"whole_ms_p{p}" for p in (50, 95, 99)),
    "real_time_factor",
    "frames_per_second",
    "failed",
    "read_bandwidth",
    "load_ms",
    "peak_memory_mib",
    *(f"{stage}_{figure}" for stage in STAGES for figure in ("ms", "share")),
    "other_share",
]


def png_size(file):
    data = file.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and data[-8:-4] == b"IEND"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@pytest.mark.parametrize("model", [embedded_checkpoint(), SMALL / "base", SMALL / "voice_design"], ids=lambda path: path.name)
def test_run_on_a_small_checkpoint(model, tmp_path, capsys):
    file, plot = tmp_path / "latency.json", tmp_path / "latency.png"
    command = ["--model", str(model), "--device", "cpu", "--requests", "3", "--max-frames", "4", "--seed", "7"]
    assert latency.main([*command, "--json", str(file), "--plot", str(plot)]) == 0
    assert "first_audio_ms_p99" in capsys.readouterr().out
    assert png_size(plot) == (1350, 750)
    assert {path.name for path in tmp_path.iterdir()} == {file.name, plot.name}

    report = json.loads(file.read_text())
    assert report["bench"] == "latency"
    expected = {"model": model.name, "device": "cpu", "requests": 3, "warmup": 1, "max_frames": 4, "chunk_ms": 80.0, "seed": 7}
    assert report["settings"].items() >= expected.items()
    how = {"backend": "torch", "cuda_graphs": False, "quantize": "none", "max_batch": 8}
    assert report["settings"].items() >= how.items()
    assert [result["name"] for result in report["results"]] == NAMES

    values = {result["name"]: result["value"] for result in report["results"]}
    assert values.pop("failed") == 0
    assert all(value > 0 for value in values.values())
    assert values["first_audio_ms_p50"] <= values["first_audio_ms_p95"] <= values["first_audio_ms_p99"] <= values["whole_ms_p99"]
    assert values["first_audio_ms_p95"] <= values["first_audible_ms_p95"]
    # A frame is 80 ms of audio.
    assert values["frames_per_second"] * values["real_time_factor"] == pytest.approx(1 / 0.08)
    assert sum(value for name, value in values.items() if name.endswith("_share")) == pytest.approx(100)


def test_calls_and_chunks_are_those_of_the_measured_requests(tmp_path):
    file = tmp_path / "latency.json"
    command = ["--model", str(SMALL / "base"), "--device", "cpu", "--requests", "2", "--max-frames", "5", "--chunk-ms", "160"]
    assert latency.main([*command, "--warmup", "2", "--json", str(file)]) == 0
    notes = {result["name"]: result["note"] for result in json.loads(file.read_text())["results"]}
    # Five frames are chunks of 2, 2 and 1.
    assert notes["prefill_ms"] == "mean of 2 calls"
    assert notes["talker_ms"] == "mean of 10 calls"
    assert notes["codec_ms"] == "mean of 6 calls"
    assert notes["frame_ms_p50"] == "of 4 chunks"
    assert notes["real_time_factor"] == "of 0.8 s of audio"


def chunk(samples, start=0):
    return AudioChunk(
        samples=np.asarray(samples, np.float32),
        pcm=np.zeros(len(samples), np.int16),
        start=start,
        is_final=False,
        sample_rate=24000,
        codes=np.zeros((len(samples) // 1920, 16), np.int64),
        finish_reason=None,
        seed=0,
    )


def test_first_audible_is_where_a_listener_hears_the_first_loud_window():
    silence, edge = np.zeros(1920), 10 ** (-45 / 20)
    late = silence.copy()
    late[960:1440] = 1.01 * edge  # the third window
    # The second chunk comes while the first is played, and is heard after it.
    assert first_audible([(0.1, chunk(silence)), (0.12, chunk(late, 1920))]) == pytest.approx(0.1 + 0.08 + 0.04)
    # It comes too late, and the listener waits for it.
    assert first_audible([(0.1, chunk(silence)), (0.5, chunk(late, 1920))]) == pytest.approx(0.5 + 0.04)
    assert first_audible([(0.1, chunk(late))]) == pytest.approx(0.1 + 0.04)
    assert first_audible([(0.1, chunk(np.full(1920, 0.99 * edge)))]) == math.inf
    assert first_audible([]) == math.inf


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_bytes_of_a_frame_are_the_weights_as_they_are_held(dtype):
    model = TTS.load(SMALL / "base", device="cpu", dtype=dtype)
    talker, predictor = model.engine.frames.talker, model.engine.frames.predictor

    def size(*weights):
        return sum(tensor.nbytes for part in weights for tensor in vars(part).values() if tensor.ndim == 2)

    books = len(predictor.heads)
    expected = size(*talker.layers) + talker.codec_head.nbytes + books * size(*predictor.layers)
    expected += sum(head.nbytes for head in predictor.heads)
    expected += 0 if predictor.input_proj is None else predictor.input_proj.nbytes
    # The rest are the norms and biases that have a launch of their own.
    assert expected <= frame_bytes(model, "none") <= 1.01 * expected


@pytest.mark.parametrize("quantize", ["none", "fp8"])
def test_bytes_of_a_frame_of_kernels_are_the_packed_weights(quantize):
    """On a GPU, or in Triton's interpreter; nothing runs."""
    engine = TTS.load(SMALL / "base", backend="triton", quantize=quantize, cuda_graphs=False)
    talker, predictor = engine.engine.frames.model.talker, engine.engine.frames.model.predictor

    def size(*matrices):
        return sum(m.values.nbytes + (0 if m.scales is None else m.scales.nbytes) for m in matrices)

    def layers(stack):
        return sum(size(layer.qkv, layer.output, layer.gate_up, layer.down) for layer in stack.layers)

    books = len(predictor.heads)
    expected = layers(talker.stack) + size(talker.head) + books * layers(predictor.stack) + size(*predictor.heads)
    expected += 0 if predictor.input is None else size(predictor.input[0])
    assert expected <= frame_bytes(engine, quantize) <= 1.01 * expected


@pytest.mark.parametrize("first_audio", [[0.1], [0.1, 0.1, 0.2, math.inf], [math.inf]])
def test_plot_of_requests_that_never_spoke(first_audio, tmp_path):
    with OutputFile(tmp_path / "plot.png") as file:
        plot_first_audio(file, first_audio, "a model on a machine")
    assert png_size(tmp_path / "plot.png") == (1350, 750)


def test_plot_without_matplotlib_is_refused_before_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # which is how Python says that a module cannot be had
    # The model does not exist, which would be the next thing to be told.
    assert latency.main(["--model", "no/such/model", "--plot", str(tmp_path / "plot.png")]) == 2
    remedy = "--plot needs matplotlib (pip install 'qwen3tts[bench]'): install it, or leave --plot out"
    assert capsys.readouterr().err == f"error: {remedy}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_request_counts_in_the_percentiles():
    good = Timing(first_audio=0.1, first_audible=0.16, frames=(0.05, 0.07), elapsed=0.22, audio=0.24, error=None)
    late = Timing(0.3, first_audible=math.inf, frames=(), elapsed=0.5, audio=0.08, error=RuntimeError("out of memory"))
    dead = Timing(math.inf, first_audible=math.inf, frames=(), elapsed=0.1, audio=0.0, error=RuntimeError("again"))
    values = {result.name: result for result in latencies([good, late, dead], 0.08, 0.02)}
    assert values["first_audio_ms_p50"].value == pytest.approx(300)
    assert values["first_audio_ms_p95"].value == math.inf
    assert values["first_audible_ms_p50"].value == math.inf
    assert values["whole_ms_p50"].value == math.inf
    assert values["frame_ms_p95"].value == pytest.approx(70)
    assert values["frame_ms_p95"].floor == pytest.approx(20)
    assert values["real_time_factor"].value == pytest.approx(0.82 / 0.32)
    assert values["real_time_factor"].floor == pytest.approx(0.25)
    assert values["frames_per_second"].value == pytest.approx(4 / 0.82)
    assert values["failed"].value == 2
    assert values["failed"].note == "out of memory"
    assert {result.name: result for result in latencies([dead], 0.08, 0.02)}["real_time_factor"].value == math.inf


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--requests", "0"], "--requests: '0' is out of range: give a whole number from 1"),
        (["--requests", "two"], "--requests: 'two' is out of range"),
        (["--warmup", "-1"], "--warmup: '-1' is out of range: give a whole number from 0"),
        (["--max-frames", "0"], "--max-frames: '0' is out of range"),
        (["--chunk-ms", "0", "--warmup", "0"], "chunk_ms=0.0 is out of range"),
        (["--seed", str(2**64), "--warmup", "0"], f"seed={2**64} is out of range"),
        (["--device", "abacus"], "device='abacus' is unknown"),
        (["--dtype", "int3"], "dtype='int3' is unknown"),
        (["--backend", "abacus"], "backend='abacus' is unknown"),
        (["--cuda-graphs"], "--cuda-graphs, on cpu with backend torch, needs an NVIDIA GPU: leave it out"),
        (["--quantize", "int3"], "quantize='int3' is unknown"),
        (["--max-batch", "0"], "--max-batch: '0' is out of range: give a whole number from 1"),
        (["--model", "no/such/model"], "no/such/model"),
        (["--loud"], "--loud"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    file = tmp_path / "latency.json"
    defaults = ["--model", str(SMALL / "base"), "--device", "cpu", "--requests", "1", "--max-frames", "2"]
    assert latency.main([*defaults, *options, "--json", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []


def test_json_that_cannot_be_written_is_found_before_the_run(tmp_path, capsys):
    file = tmp_path / "missing" / "latency.json"
    assert latency.main(["--model", str(tmp_path), "--json", str(file)]) == 2
    assert f"cannot write to {file}" in capsys.readouterr().err


def test_plot_that_cannot_be_written_is_found_before_the_run(tmp_path, capsys):
    file = tmp_path / "missing" / "plot.png"
    assert latency.main(["--model", str(tmp_path), "--plot", str(file)]) == 2
    assert f"cannot write to {file}" in capsys.readouterr().err


def test_texts_are_of_five_lengths_and_several_languages():
    words, phrases, sentences, paragraphs, pages = (
        [(language, len(text)) for language, text in TEXTS[part]]
        for part in (slice(0, 2), slice(2, 5), slice(5, 8), slice(8, 10), slice(10, None))
    )
    for shorter, longer in pairwise((words, phrases, sentences, paragraphs, pages)):
        assert 2 * max(length for _, length in shorter) <= min(length for _, length in longer)
        assert {"english", "russian"} <= {language for language, _ in shorter} & {language for language, _ in longer}
    assert len({language for language, _ in TEXTS}) == 4


@pytest.mark.parametrize("sample_rate", [16000, 24000])
def test_tone_glide_rises_an_octave(sample_rate):
    wave = tone_glide(sample_rate, seconds=2.0)
    assert wave.dtype == np.float32
    assert wave.shape == (2 * sample_rate,)
    assert np.abs(wave).max() == pytest.approx(0.5)

    def pitch(part):
        return np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * sample_rate / len(part)

    start, end = pitch(wave[: sample_rate // 4]), pitch(wave[-sample_rate // 4 :])
    assert start == pytest.approx(110, abs=12)
    assert end == pytest.approx(220, abs=24)
