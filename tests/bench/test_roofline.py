"""The roofline: what a frame of the released sizes launches and moves, and what the prediction makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from qwen3tts.bench import roofline
from qwen3tts.bench.releases import SIZES
from qwen3tts.bench.roofline import LAUNCH_US, planned_frame, released_configs
from qwen3tts.bench.roofline_codec import frame_launches, splits
from qwen3tts.bench.roofline_model import GPUS, TF32_SHARE, WAIT_SECONDS, CodecLaunch, Cost
from qwen3tts.bench.roofline_operations import BYTES, frame_operations, weight_bytes
from qwen3tts.engine.frame import is_wide
from qwen3tts.engine.graphs import FRAME_BUCKETS
from qwen3tts.kernels.launch import Work

ROOT = Path(__file__).parents[2]
MATVEC_LAYER = ["matvec", "paged_attention", "attention_output", "matvec", "matvec"]
WIDE_LAYER = ["matmul", "whole_paged_attention", "matmul", "matmul", "matmul"]
CONTEXT = 512


def report(tmp_path, *options):
    """What a run writes."""
    file = tmp_path / "roofline.json"
    assert roofline.main([*options, "--json", str(file)]) == 0
    return json.loads(file.read_text())


def figures(tmp_path, *options):
    """The values that a run writes, by name."""
    return {result["name"]: result["value"] for result in report(tmp_path, *options)["results"]}


def layer_weights(stack):
    """Elements of a layer's matrices."""
    attention = 2 * stack.query_size * stack.hidden_size + 2 * stack.key_value_size * stack.hidden_size
    return attention + 3 * stack.hidden_size * stack.intermediate_size


@pytest.mark.parametrize("batch", FRAME_BUCKETS)
@pytest.mark.parametrize("size", SIZES)
def test_launches_of_a_frame(size, batch):
    config = released_configs(size)[0].talker_config
    books, layers = config.num_code_groups, config.code_predictor_config.num_hidden_layers
    talker, predictor = planned_frame(released_configs(size)[0], batch, CONTEXT, True, None)
    assert len(talker) <= 175
    assert len(predictor) <= 420

    linear, talker_layer = ("matmul", WIDE_LAYER) if is_wide(batch) else ("matvec", MATVEC_LAYER)
    predictor_layer = [linear, "predictor_attention", linear, linear, linear]
    assert [launch.name for launch in talker] == ["frame_input", *talker_layer * config.num_hidden_layers, linear, "draw"]
    hidden_state = "rms_norm" if config.hidden_size == config.code_predictor_config.hidden_size else linear
    step = [*predictor_layer * layers, linear, "draw"]
    assert [launch.name for launch in predictor] == [hidden_state, *step * (books - 1)]


@pytest.mark.parametrize(("size", "talker_gigabytes"), [("0.6B", 0.88), ("1.7B", 2.82)])
def test_bytes_of_one_stream_are_the_matrices(size, talker_gigabytes):
    config = released_configs(size)[0].talker_config
    predictor_config, steps = config.code_predictor_config, config.num_code_groups - 1
    talker_weights = 2 * (config.num_hidden_layers * layer_weights(config) + config.vocab_size * config.hidden_size)
    one_step = predictor_config.num_hidden_layers * layer_weights(predictor_config)
    heads = predictor_config.vocab_size * predictor_config.hidden_size
    predictor_weights = 2 * steps * (one_step + heads)
    assert talker_weights == pytest.approx(talker_gigabytes * 1e9, rel=0.01)
    assert 2 * steps * one_step == pytest.approx(2.36e9, rel=0.01)

    talker, predictor = planned_frame(released_configs(size)[0], 1, CONTEXT, True, None)
    h200 = GPUS["H200"]
    cache = 2 * CONTEXT * config.num_hidden_layers * config.key_value_size * 2
    assert Cost.of(talker, h200, 0).moved == pytest.approx(talker_weights + cache, rel=0.01)
    assert Cost.of(predictor, h200, 0).moved == pytest.approx(predictor_weights, rel=0.01)
    assert Cost.of(talker + predictor, h200, 0).moved == pytest.approx(talker_gigabytes * 1e9 + 2.36e9, rel=0.05)


@pytest.mark.parametrize(("batch", "limit_ms"), [(1, 2.2), (32, 6.0)])
def test_prediction_keeps_the_promise(batch, limit_ms, tmp_path):
    results = report(tmp_path, "--size", "1.7B", "--gpu", "H200", "--batch", str(batch))["results"]
    predicted = next(result for result in results if result["name"] == "frame_predicted_ms")
    assert predicted["floor"] < predicted["value"] < limit_ms


def test_report(tmp_path, capsys):
    written = report(tmp_path, "--size", "0.6B", "--gpu", "rtx 4090", "--batch", "3", "--quantize", "fp8", "--context", "64")
    assert "frame_predicted_ms" in capsys.readouterr().out
    assert written["bench"] == "roofline"
    assert written["settings"] == {
        "size": "0.6B",
        "gpu": "RTX4090",
        "batch": 3,
        "lanes": 4,
        "quantize": "fp8",
        "context": 64,
        "launch_us": LAUNCH_US,
        "dependent": False,
    }
    sums = ("launches", "bytes", "floor_ms", "predicted_ms")
    parts = [f"{part}_{what}" for part in ("talker", "predictor", "frame", "codec") for what in sums]
    prefills = [f"prefill_{n}_predicted_ms" for n in (32, 128, 512)]
    rest = ["frames_per_second", "real_time_factor", *prefills, "first_audio_predicted_ms", "model_bytes", "kv_bytes"]
    assert [result["name"] for result in written["results"]] == [*parts, *rest]
    values = {result["name"]: result["value"] for result in written["results"]}
    for what in sums:
        assert values[f"frame_{what}"] == pytest.approx(values[f"talker_{what}"] + values[f"predictor_{what}"])
    assert values["frames_per_second"] * values["frame_predicted_ms"] == pytest.approx(1e3)
    with_codec = values["frame_predicted_ms"] + values["codec_predicted_ms"]
    assert values["real_time_factor"] == pytest.approx(with_codec / 80)
    assert values["first_audio_predicted_ms"] == pytest.approx(values["prefill_32_predicted_ms"] + with_codec)
    assert values["prefill_32_predicted_ms"] < values["prefill_128_predicted_ms"] < values["prefill_512_predicted_ms"]


def test_prediction_is_the_longer_of_bytes_and_operations_and_the_launches(tmp_path):
    common = ("--size", "1.7B", "--gpu", "H200")
    free, costly = (figures(tmp_path, *common, "--launch-us", cost) for cost in ("0", "10"))
    # One stream is bound by bytes in every launch; a prompt of 512 tokens by operations.
    assert free["frame_predicted_ms"] == pytest.approx(free["frame_floor_ms"])
    assert costly["frame_predicted_ms"] - free["frame_predicted_ms"] == pytest.approx(free["frame_launches"] * 0.01)
    prefill = next(r for r in report(tmp_path, *common, "--launch-us", "0")["results"] if r["name"] == "prefill_512_predicted_ms")
    assert prefill["value"] > 1.5 * prefill["floor"]


NOTHING = Work(0, 0, 0)
CODEC = released_configs("1.7B")[1].decoder_config


@pytest.mark.parametrize(("slots", "limit_ms"), [(1, 0.8), (64, 6.0)])
def test_prediction_of_the_codec_keeps_the_promise(slots, limit_ms):
    cost = Cost.of(frame_launches(CODEC, slots), GPUS["H200"], LAUNCH_US * 1e-6)
    assert cost.floor < cost.predicted < limit_ms * 1e-3


@pytest.mark.parametrize("slots", FRAME_BUCKETS)
def test_launches_of_the_codec_are_its_operations(slots):
    operations, launches = frame_operations(CODEC), frame_launches(CODEC, slots)
    assert [launch.name for launch in launches if launch.name != "finish"] == [operation.kernel for operation in operations]
    assert all(
        launch.name == "convolution" and launch.grid[2] > 1 for launch, after in pairwise(launches) if after.name == "finish"
    )
    assert sum(launch.work.weight_bytes for launch in launches) == weight_bytes(operations)
    assert sum(launch.work.state_bytes for launch in launches) == slots * BYTES * sum(operation.state for operation in operations)
    assert sum(launch.work.operations for launch in launches) == slots * 2 * sum(
        operation.multiply_adds for operation in operations
    )
    # A block's operations include those in vain.
    assert all(launch.operations * launch.blocks >= 0.999 * launch.work.operations for launch in launches)
    assert all(launch.shared <= 99 * 1024 for launch in launches)


def test_codec_splits_sums_as_the_extension_does(emulated_extension):
    for operation in frame_operations(CODEC):
        if operation.kernel == "convolution":
            sizes = (operation.channels, operation.columns, operation.taps, operation.dilation)
            # Of so many weights that the extension takes their number for true; nothing reads them.
            elements = -(-operation.channels // 32) * 32 * operation.taps * -(-operation.columns // 8) * 8
            layer = emulated_extension.Layer((16, elements), None, None, None, *sizes, 1, "none", "cuda")
            for slots in FRAME_BUCKETS:
                rows = slots * operation.rows
                count = splits(operation, rows)
                expected = 0 if count == 1 else count * rows * operation.columns
                assert emulated_extension.layer_workspace(layer, rows) == expected


def test_prediction_of_a_codec_launch_is_what_takes_longest():
    gpu = GPUS["H200"]
    few, most = gpu.processors, gpu.processors * 4

    def seconds(blocks, work=NOTHING, waits=0.0, shared=0, operations=0.0):
        return gpu.predict(CodecLaunch("convolution", (blocks, 1), 8, work, waits, shared, 4, operations))

    assert seconds(few, waits=3) == seconds(most, waits=3) == pytest.approx(3 * WAIT_SECONDS)
    # A multiprocessor has registers for four blocks, and shared memory for one of 220 KB.
    assert seconds(most + 1, waits=3) == seconds(few + 1, waits=3, shared=220 * 1024) == pytest.approx(6 * WAIT_SECONDS)
    # The last block keeps its multiprocessor as long as all blocks before it.
    assert seconds(few + 1, operations=1e6) == pytest.approx(2 * few * 1e6 / (gpu.tensor / 2 * TF32_SHARE))
    assert seconds(few, Work(10**9, 10**9, 0), waits=3, operations=1e6) == gpu.seconds(2 * 10**9)


def test_context_counts_for_the_utterances_and_not_for_the_lanes_that_pad(tmp_path):
    config = released_configs("0.6B")[0].talker_config
    position = 2 * config.num_hidden_layers * config.key_value_size * 2
    common = ("--size", "0.6B", "--gpu", "H100", "--batch", "9")
    short, long = (figures(tmp_path, *common, "--context", context) for context in ("500", "1500"))
    assert short["kv_bytes"] == 9 * 500 * position
    assert long["talker_bytes"] - short["talker_bytes"] == pytest.approx(9 * 1000 * position, rel=0.02)
    assert long["predictor_bytes"] == short["predictor_bytes"]


def test_float8_halves_the_layers(tmp_path):
    def saved(stack):
        """A byte a weight, less a float32 scale an output."""
        outputs = stack.query_size + 2 * stack.key_value_size + 2 * stack.intermediate_size + 2 * stack.hidden_size
        return stack.num_hidden_layers * (layer_weights(stack) - 4 * outputs)

    config = released_configs("1.7B")[0].talker_config
    common = ("--size", "1.7B", "--gpu", "H100")
    whole, half = (figures(tmp_path, *common, "--quantize", quantize) for quantize in ("none", "fp8"))
    assert whole["talker_bytes"] - half["talker_bytes"] == saved(config)
    assert whole["predictor_bytes"] - half["predictor_bytes"] == 15 * saved(config.code_predictor_config)
    assert half["frame_launches"] == whole["frame_launches"]
    assert half["model_bytes"] < whole["model_bytes"]


def test_list_prints_every_launch(tmp_path, capsys):
    count = figures(tmp_path, "--size", "0.6B", "--gpu", "H200", "--list")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    parts = Counter(line[0] for line in lines if len(line) > 2 and line[2] != "launches")
    assert parts["talker"] == count["talker_launches"]
    assert parts["predictor"] == count["predictor_launches"]
    assert parts["codec"] == count["codec_launches"]


def test_it_runs_without_triton():
    """In a process where it cannot be found: kernels are then names only."""
    code = "import sys; sys.modules['triton'] = None; from bench.roofline import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--size", "1.7B", "--gpu", "H200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    talker, predictor = planned_frame(released_configs("1.7B")[0], 1, CONTEXT, True, None)
    assert ["talker_launches", str(len(talker)), "launches"] in rows
    assert ["predictor_launches", str(len(predictor)), "launches"] in rows


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--gpu", "abacus"], "--gpu: 'abacus' is unknown: give H200, H100, A100, L4, L40S, RTX4090, RTX5090"),
        (["--size", "8B"], "--size: invalid choice: '8B'"),
        (["--batch", "0"], "--batch: '0' is out of range: give a whole number from 1"),
        (["--context", "0"], "--context: '0' is out of range"),
        (["--launch-us", "-1"], "--launch-us: '-1' is out of range: give microseconds from 0"),
        (["--launch-us", "nan"], "--launch-us: 'nan' is out of range"),
        (["--launch-us", "much"], "--launch-us: 'much' is out of range"),
        (["--quantize", "int3"], "--quantize: invalid choice: 'int3'"),
        (["--gpu", "A100", "--quantize", "fp8"], "needs compute capability 8.9 or later, and --gpu A100 has 8.0: give none"),
        (
            ["--gpu", "L4", "--batch", "64", "--context", "4000"],
            "--gpu L4 has 24 GB, and the weights with 64 x 4000 positions take 33",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    file = tmp_path / "roofline.json"
    assert roofline.main(["--size", "1.7B", "--gpu", "H200", *options, "--json", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []


def test_size_and_gpu_have_to_be_given(capsys):
    assert roofline.main([]) == 2
    assert "required: --size, --gpu" in capsys.readouterr().err
