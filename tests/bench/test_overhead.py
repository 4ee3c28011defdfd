"""The bench of the HTTP layer: a real run, and bad input."""

from __future__ import annotations

import json
import sys

import pytest

from qwen3tts.bench import overhead
from qwen3tts.checkpoint import embedded_checkpoint


def test_both_ways_are_measured(tmp_path, capsys):
    file, switching = tmp_path / "overhead.json", sys.getswitchinterval()
    assert overhead.main(["--device", "cpu", "--requests", "1", "--warmup", "2", "--seed", "7", "--json", str(file)]) == 0
    assert "added_ms_p50" in capsys.readouterr().out
    assert sys.getswitchinterval() == switching
    report = json.loads(file.read_text())
    assert report["bench"] == "overhead"
    model = embedded_checkpoint().name
    assert report["settings"] == {"model": model, "device": "cpu", "requests": 1, "warmup": 2, "max_frames": 3, "seed": 7}
    values = {result["name"]: result["value"] for result in report["results"]}
    direct, http = values["first_audio_ms_p50_direct"], values["first_audio_ms_p50_http"]
    assert direct > 0 and http > 0
    assert values.pop("added_ms_p50") == pytest.approx(http - direct)
    assert len(values) == 2


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--requests", "0"], "--requests: '0' is out of range: give a whole number from 1"),
        (["--warmup", "-1"], "--warmup: '-1' is out of range"),
        (["--max-frames", "0"], "--max-frames: '0' is out of range"),
        (["--seed", str(2**64)], f"seed={2**64} is out of range"),
        (["--device", "abacus"], "device='abacus' is unknown"),
        (["--model", "no/such/model"], "no/such/model"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(options, part, tmp_path, capsys):
    assert overhead.main([*options, "--json", str(tmp_path / "overhead.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert part in err
    assert list(tmp_path.iterdir()) == []
