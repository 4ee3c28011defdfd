"""The latency bench: real runs on small checkpoints, what it makes of failures, and bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from qwen3tts.bench import latency
from qwen3tts.bench.latency import Timing, latencies
from qwen3tts.bench.workload import TEXTS, tone_glide
from qwen3tts.checkpoint import embedded_checkpoint

SMALL = Path(__file__).parent.parent / "data" / "small"
STAGES = ("prefill", "talker", "predictor", "codec")
NAMES = [
    *(f"first_audio_ms_p{p}" for p in (50, 95, 99)),
    *(f"frame_ms_p{p}" for p in (50, 95)),
    *(f"whole_ms_p{p}" for p in (50, 95, 99)),
    "real_time_factor",
    "failed",
    "read_bandwidth",
    "load_ms",
    "peak_memory_mib",
    *(f"{stage}_{figure}" for stage in STAGES for figure in ("ms", "share")),
    "other_share",
]


@pytest.mark.parametrize("model", [embedded_checkpoint(), SMALL / "base", SMALL / "voice_design"], ids=lambda path: path.name)
def test_run_on_a_small_checkpoint(model, tmp_path, capsys):
    file = tmp_path / "latency.json"
    command = ["--model", str(model), "--device", "cpu", "--requests", "3", "--max-frames", "4", "--seed", "7", "--json", str(file)]
    assert latency.main(command) == 0
    assert "first_audio_ms_p99" in capsys.readouterr().out

    report = json.loads(file.read_text())
    assert report["bench"] == "latency"
    expected = {"model": model.name, "device": "cpu", "requests": 3, "warmup": 1, "max_frames": 4, "chunk_ms": 80.0, "seed": 7}
    assert report["settings"].items() >= expected.items()
    assert [result["name"] for result in report["results"]] == NAMES

    values = {result["name"]: result["value"] for result in report["results"]}
    assert values.pop("failed") == 0
    assert all(value > 0 for value in values.values())
    assert values["first_audio_ms_p50"] <= values["first_audio_ms_p95"] <= values["first_audio_ms_p99"] <= values["whole_ms_p99"]
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


def test_a_failed_request_counts_in_the_percentiles():
    good = Timing(first_audio=0.1, frames=(0.05, 0.07), elapsed=0.22, audio=0.24, error=None)
    late = Timing(first_audio=0.3, frames=(), elapsed=0.5, audio=0.08, error=RuntimeError("out of memory"))
    dead = Timing(first_audio=math.inf, frames=(), elapsed=0.1, audio=0.0, error=RuntimeError("again"))
    values = {result.name: result for result in latencies([good, late, dead], 0.08, 0.02)}
    assert values["first_audio_ms_p50"].value == pytest.approx(300)
    assert values["first_audio_ms_p95"].value == math.inf
    assert values["whole_ms_p50"].value == math.inf
    assert values["frame_ms_p95"].value == pytest.approx(70)
    assert values["frame_ms_p95"].floor == pytest.approx(20)
    assert values["real_time_factor"].value == pytest.approx(0.82 / 0.32)
    assert values["real_time_factor"].floor == pytest.approx(0.25)
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


def test_texts_are_of_three_lengths_in_both_languages():
    lengths = [len(text) for _, text in TEXTS]
    assert [language for language, _ in TEXTS] == ["english", "russian"] * 3
    assert max(lengths[:2]) * 3 < min(lengths[2:4])
    assert max(lengths[2:4]) * 2 < min(lengths[4:])


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
