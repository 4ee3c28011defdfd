"""The bench of normalisation: a real run, and bad input."""

from __future__ import annotations

import json

from qwen3tts.bench import normalize


def test_both_languages_are_measured(tmp_path, capsys):
    file = tmp_path / "normalize.json"
    assert normalize.main(["--rounds", "1", "--characters", "300", "--json", str(file)]) == 0
    assert "ru_sentence_ms_p50" in capsys.readouterr().out
    values = {result["name"]: result["value"] for result in json.loads(file.read_text())["results"]}
    assert len(values) == 9
    assert min(values.values()) > 0


def test_bad_input_is_one_line(capsys):
    assert normalize.main(["--characters", "0"]) == 2
    assert "--characters: '0' is out of range" in capsys.readouterr().err
