"""Percentiles, tables and the JSON that every bench writes."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.bench.machine import describe_machine, peak_memory_mib
from qwen3tts.bench.report import Result, percentile, percentiles, print_table, write_json
from qwen3tts.output import OutputFile

durations = st.lists(st.floats(min_value=0, allow_nan=False), min_size=1)
percents = st.integers(min_value=1, max_value=100)


@given(durations, percents)
def test_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values, percent):
    value = percentile(values, percent)
    assert value in values
    assert sum(v <= value for v in values) * 100 >= percent * len(values)
    assert sum(v < value for v in values) * 100 < percent * len(values)


@given(durations, percents, percents)
def test_percentile_grows_with_the_percent_and_ignores_the_order(values, one, other):
    low, high = sorted((one, other))
    assert percentile(values, low) <= percentile(values, high)
    assert percentile(values, low) == percentile(values[::-1], low)
    assert percentile(values, 100) == max(values)


def test_percentile_by_nearest_rank():
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(values, p) for p in (5, 30, 40, 50, 100)] == [15.0, 20.0, 20.0, 35.0, 50.0]


def test_percentile_counts_what_never_came():
    values = [1.0] * 19 + [math.inf]
    assert percentile(values, 95) == 1.0
    assert percentile(values, 99) == math.inf
    assert math.isnan(percentile([], 50))


def test_percentiles_are_milliseconds_under_their_names():
    first, last = percentiles("first_audio_ms", [0.25, 0.5], (50, 99), "of 2 requests", floor=100.0)
    assert first == Result("first_audio_ms_p50", 250.0, "ms", 100.0, "of 2 requests")
    assert last == Result("first_audio_ms_p99", 500.0, "ms", 100.0, "of 2 requests")


def written(results):
    buffer = io.BytesIO()
    with OutputFile(buffer) as file:
        write_json(file, "latency", {"size": "0.6B", "seed": 0}, results)
    return json.loads(buffer.getvalue(), parse_constant=pytest.fail)


def test_json_has_the_shared_form():
    report = written([Result("frame_ms_p50", 43.1, "ms", 28.2, "of 50 chunks"), Result("load_ms", 7.0, "ms")])
    assert list(report) == ["bench", "machine", "settings", "results"]
    assert report["bench"] == "latency"
    assert report["settings"] == {"size": "0.6B", "seed": 0}
    assert report["results"] == [
        {"name": "frame_ms_p50", "value": 43.1, "unit": "ms", "floor": 28.2, "note": "of 50 chunks"},
        {"name": "load_ms", "value": 7.0, "unit": "ms", "floor": None, "note": ""},
    ]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_json_has_null_for_what_is_no_number(value):
    assert written([Result("whole_ms_p99", value, "ms")])["results"][0]["value"] is None


def test_table_shows_value_floor_and_ratio(capsys):
    print_table(
        "latency",
        [
            Result("frame_ms_p50", 120.0, "ms", 60.0),
            Result("whole_ms_p99", math.inf, "ms"),
            Result("x", math.nan, ""),
            Result("talker_bytes", 2_892_737_536, "B"),
        ],
    )
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["frame_ms_p50", "120.0", "ms", "60.0", "2.000"] in rows
    assert ["talker_bytes", "2,892,737,536", "B"] in rows
    assert ["whole_ms_p99", "never", "ms"] in rows
    assert ["x", "-"] in rows


def test_table_in_a_pipe_keeps_each_result_on_a_line(capsys):
    note = "of as many words as a note may have, which is far more than eighty columns have room for beside a name and a value"
    print_table("latency", [Result("frame_ms_p50", 120.0, "ms", 60.0, note)])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("frame_ms_p50") and line.endswith(note) for line in lines)


def test_machine_is_described_in_json_values():
    machine = describe_machine()
    assert json.loads(json.dumps(machine)) == machine
    assert set(machine) == {"cpu", "cores", "memory_gib", "isa", "gpu", "torch"}
    assert machine["cpu"]
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0


def test_peak_memory_is_between_what_was_touched_and_all_there_is():
    block = b"x" * (64 * 2**20)
    assert len(block) / 2**20 <= peak_memory_mib() <= describe_machine()["memory_gib"] * 1024
