"""The questions to a GPU machine, as far as a CPU can answer them: the same code in Triton's interpreter, on the smallest model."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import sysconfig
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qwen3tts.bench.gpu import attention, codec, codec_operations, drawing, first_audio, frames, model_checks, projections
from qwen3tts.bench.gpu.__main__ import main
from qwen3tts.bench.gpu.cases import Case, check_all
from qwen3tts.bench.gpu.conductor import GRACE_SECONDS, PARTS, Conductor, Part
from qwen3tts.bench.gpu.record import Record
from qwen3tts.bench.gpu.scope import ROOM, Scope
from qwen3tts.bench.gpu.subject import SMALL, Subject, frame_launches, occupy, speak
from qwen3tts.bench.gpu.timing import copy_bandwidth
from qwen3tts.bench.gpu.warm import distinct, planned
from qwen3tts.bench.kernels import kinds_of
from qwen3tts.bench.kernels import main as kernels_main

ROOT = Path(__file__).parents[2]
NOT_NEEDED = ("rich", "typer", "soundfile", "soxr", "matplotlib", "huggingface_hub")

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU answers itself")


@pytest.fixture(scope="module")
def scope():
    return Scope.dry(seconds=600)


@pytest.fixture(scope="module")
def subject(scope):
    with torch.inference_mode():
        return Subject.draw(SMALL, scope.device, scope.dtype, scope.kv_positions)


@pytest.fixture(scope="module")
def runner(scope, subject):
    """Of kernels, with a row that speaks."""
    with torch.inference_mode():
        runner = subject.runner(scope.few_rows)
        occupy(runner, subject, 1, scope.context, ROOM)
        return runner


@pytest.fixture
def record(tmp_path):
    return Record(tmp_path / "part.json")


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def test_a_bare_source_tree_needs_no_more_than_it_says():
    program = (
        "import sys, pkgutil, importlib\n"
        f"for name in {NOT_NEEDED}: sys.modules[name] = None\n"
        "import bench.gpu.__main__, bench.gpu.part, bench.source_tree\n"
        "assert 'qwen3tts._C' not in sys.modules and 'qwen3tts.kernels' not in sys.modules\n"
        "bench.source_tree.use_source_tree()\n"
        "for module in pkgutil.iter_modules(bench.gpu.__path__): importlib.import_module(f'bench.gpu.{module.name}')\n"
        "import bench.kernels\n"
        "assert sys.modules['qwen3tts.kernels'].__file__.endswith('/kernels/__init__.py')\n"
    )
    # Without site nothing that is installed in place is found; the packages themselves are.
    environment = os.environ | {"PYTHONPATH": sysconfig.get_paths()["purelib"]}
    subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, env=environment, check=True)


def complaint(capsys, run, *arguments):
    """The one line that a refused command leaves on standard error."""
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


@without_gpu
def test_without_a_gpu_it_says_what_can_be_had(capsys, tmp_path):
    for run, arguments in ((main, ("--out", str(tmp_path / "out"))), (kernels_main, ("--batch", "1"))):
        line = complaint(capsys, run, *arguments)
        assert "NVIDIA GPU" in line and "bench.roofline" in line
    assert list(tmp_path.iterdir()) == []


def test_bad_options(capsys, tmp_path):
    assert "'8B' is unknown: give 0.6B, 1.7B" in complaint(capsys, main, "--sizes", "0.6B,8B")
    assert "--batches" in complaint(capsys, main, "--batches", "1,0")
    assert "'music' is unknown" in complaint(capsys, main, "--parts", "music")
    assert "--budget-seconds" in complaint(capsys, main, "--budget-seconds", "soon")
    (tmp_path / "file").write_text("")
    assert "cannot be made" in complaint(capsys, main, "--dry-run", "--out", str(tmp_path / "file"))


@without_gpu
@pytest.mark.parametrize("part", [projections, attention, drawing, codec_operations])
def test_kernels_pass_their_checks(part, scope, record):
    part.run(scope, record)
    assert record.failures == []
    kept = Record.load(record.path)
    assert len(kept.results) >= 4 and all(result.name.startswith("check.") for result in kept.results)
    assert len(kept.tables[0].rows) == len(kept.results)


def case(name, error):
    return Case(torch.float32, "group", name, lambda launch: (), lambda results: error(), 1e-3)


def test_what_is_wrong_is_found(scope, record):
    def raises():
        raise ValueError("x does not fit\nat all")

    check_all([case("right", lambda: 1e-4), case("no number", lambda: math.nan), case("raises", raises)], scope, record)
    assert record.failures == [
        "group.float32 raises: ValueError: x does not fit",
        "group.float32: nan is more than 0.001 worst of 2: no number",
    ]
    check_all([case("wrong", lambda: 2e-3), case("right", lambda: 1e-4)], scope, record)
    assert record.failures[-1] == "group.float32: 0.002 is more than 0.001 worst of 2: wrong"
    assert Record.load(record.path).failures == record.failures


def test_nothing_is_begun_when_the_time_is_up(scope, record):
    check_all([case("wrong", lambda: 1.0)], replace(scope, deadline=time.monotonic()), record)
    assert record.results == [] and "time was up" in record.remarks[0]


def test_an_engine_passes_its_checks(scope, subject, record):
    engine = subject.engine(scope.few_rows, backend="torch")
    longer = replace(scope, utterances=4, alone=2, frames=9)
    codes = model_checks.check_engine(engine, subject, longer, scope.few_rows, record)
    assert [len(c) for c in codes] == [9, 8, 7, 9]
    assert record.failures == [] and len(record.results) == 6


def test_an_engine_whose_rows_meet_fails(scope, subject, record):
    engine = subject.engine(scope.few_rows, backend="torch")
    rows = engine.frames.rows
    shared = replace(rows, page_table=rows.page_table[:1].expand_as(rows.page_table))
    engine = replace(engine, frames=replace(engine.frames, rows=shared))
    codes = model_checks.check_engine(engine, subject, replace(scope, frames=9), scope.few_rows, record)
    assert len(codes) == 2
    assert any("batch_equals_alone" in failure or "admission" in failure for failure in record.failures)


@without_gpu
def test_first_frames_beside_those_of_torch(scope, subject, record):
    model_checks.compare_with_torch(subject, replace(scope, utterances=1), record)
    assert record.failures == []
    figures = {result.name: result.value for result in record.results}
    assert figures["check.logits_error"] < 1e-4 < figures["fp8_logits_error"] < 0.2
    assert figures["first_frame_codes_equal"] == 100


@pytest.fixture(scope="module")
def decoder(scope):
    with torch.inference_mode():
        return codec.Codec.draw(scope)


@without_gpu
def test_the_codec_passes_its_checks(scope, decoder, record):
    codec.check_runner(decoder, replace(scope, forms={True: (1, 3)}), record)
    codec.check_error(decoder, record)
    checks = ("streamed_equals_whole", "replay_equals_eager", "reset_forgets", "batch_equals_alone", "late_slots_change_nothing")
    names = [f"check.codec.{name}" for name in (*checks, "error_over_torch")]
    assert [result.name for result in record.results] == names and record.failures == []


@without_gpu
def test_a_codec_that_does_not_forget_fails(scope, decoder, record, monkeypatch):
    monkeypatch.setattr(codec.DecoderState, "reset", lambda state, slot: None)
    codec.check_runner(decoder, scope, record)
    found = [failure.split(":")[0] for failure in record.failures]
    assert found == ["codec.reset_forgets", "codec.batch_equals_alone", "codec.late_slots_change_nothing"]


@without_gpu
def test_frames_of_the_codec(scope, decoder, record):
    codec.measure(decoder, replace(scope, forms={True: (1, 3, 8)}), record)
    figures = {result.name: result for result in record.results}
    frames_of = [f"codec.b{batch}.{what}" for batch in (1, 8) for what in ("frame_ms_p50", "frame_ms_p95", "run_ms_p50")]
    assert list(figures) == frames_of
    assert all(0 < figures[name].floor < figures[name].value for name in frames_of if "frame" in name)
    assert [row[0] for row in Record.load(record.path).tables[0].rows] == ["b1", "b8"]


@without_gpu
def test_stages_of_a_frame(scope, subject, runner, record):
    row = frames.stages(runner, subject, scope, "small.b1", 1, copy_bandwidth(scope.device), record)
    figures = {result.name.removeprefix("small.b1."): result for result in record.results}
    assert list(figures) == ["frame_ms_p50", "frame_ms_p95", "talker_ms", "predictor_ms"]
    assert 0 < figures["frame_ms_p50"].floor < figures["talker_ms"].value < figures["frame_ms_p50"].value
    assert len(row) == 9 and row[0] == "small.b1"


def test_kinds_of_kernels_are_the_frame(scope, runner):
    numbers = runner.rows.numbers.clone()
    kinds = kinds_of(runner, 1, scope)
    for part, launches in zip(("talker", "predictor"), frame_launches(runner, 1), strict=True):
        assert sum(len(kind.launches) for kind in kinds if kind.part == part) == len(launches)
    assert [kind.whole for kind in kinds] == sorted((kind.whole for kind in kinds), reverse=True)
    assert all(kind.seconds > 0 and kind.moved > 0 for kind in kinds)
    assert torch.equal(runner.rows.numbers, numbers)


def test_first_audio(scope, subject, record):
    engine = subject.engine(scope.few_rows, backend="torch")
    speak(engine, [subject.utterance("Yes.", "english", 1)])
    row = first_audio.measure(engine, subject, "small", replace(scope, requests=5), record)
    figures = {result.name.removeprefix("small."): result.value for result in record.results}
    assert 0 < figures["first_audio_ms_p50"] <= figures["first_audio_ms_p95"] <= figures["first_audio_ms_p99"]
    assert figures["codec_ms"] < figures["first_audio_ms_p50"] and figures["real_time_factor"] > 0
    assert row[:2] == ["small", "5"]


def test_what_is_compiled_beforehand_is_told_apart(scope):
    launches = list(planned(scope))
    kinds = distinct(iter(launches))
    assert 30 < len(kinds) < len(launches)
    assert {launch.name for launch in launches} == {launch.name for launch in kinds.values()}


@without_gpu
def test_a_call_writes_what_it_finds(tmp_path):
    assert main(["--dry-run", "--skip-build", "--parts", "compile,drawing", "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gpu.json", "gpu.md"]
    report = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert report["bench"] == "gpu" and report["settings"]["failures"] == []
    assert report["settings"]["remarks"] == ["compile: left out, it needs a GPU"]
    assert {"check.rms_norm.float32", "check.draw_code0.float32"} <= {result["name"] for result in report["results"]}
    text = (tmp_path / "out" / "gpu.md").read_text()
    assert "dry run" in text and "| rms_norm.float32 |" in text


def test_a_part_that_breaks_or_hangs_fails_alone(tmp_path):
    conductor = Conductor(tmp_path, (SMALL,), (1,), dry_run=True, budget=60)
    broken = conductor._part("broken", Part(".nothing", 10), 10)
    assert len(broken.failures) == 1 and "nothing broke off: ModuleNotFoundError" in broken.failures[0]
    hanging = conductor._part("drawing", PARTS["drawing"], 0.1 - GRACE_SECONDS)
    assert hanging.failures == ["drawing did not end, and was stopped after 0 s"]
    assert list(tmp_path.iterdir()) == []


def test_wrong_codes_are_counted():
    codes = np.arange(6).reshape(2, 3)
    assert model_checks.differing([codes], [codes]) == 0
    assert model_checks.differing([codes], [codes[:1]]) == 1
    assert model_checks.differing([codes, codes], [codes, codes + np.eye(2, 3, dtype=int)]) == pytest.approx(2 / 12)
