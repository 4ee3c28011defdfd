"""`qwen3tts normalize`, and `synth --dry-run`: what would be said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

CUSTOM = Path(__file__).parents[1] / "data" / "small" / "custom_voice"


def lines(done) -> list[str]:
    assert (done.code, done.err) == (0, "")
    return done.out.decode().splitlines()


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("100 рублями", "ru", "ста рублями"),
        ("Chapter IV costs $5.", "en", "Chapter four costs five dollars."),
        ("5 cats. 5 кошек.", "auto", "five cats. пять кошек."),
        ("5 [pause:400ms] 6 <break time='1s'/> 7", "en", "five [pause:400ms] six <break time='1s'/> seven"),
        ("<sub alias='W 3'>W3C</sub> 3", "en", "<sub alias='W 3'>W3C</sub> three"),
        ("Nothing to do here.", "en", "Nothing to do here."),
    ],
)
def test_prints_the_text_as_it_would_be_read(cli, text, lang, expected):
    assert lines(cli("normalize", text, "--lang", lang)) == [expected]


def test_spans_and_json(cli):
    text = "Ровно [pause:1s] 12-го июня"
    human = lines(cli("normalize", text, "--lang", "ru", "--spans"))
    assert human[0] == "Ровно [pause:1s] двенадцатого июня"
    assert "'12-го июня' -> 'двенадцатого июня'" in human[1] or "'12-го' -> 'двенадцатого'" in human[1]
    [line] = lines(cli("normalize", text, "--lang", "ru", "--spans", "--json"))
    answer = json.loads(line)
    [span] = answer["spans"]
    assert text[span["start"] : span["end"]] == span["source"]
    assert answer["text"][span["spoken_start"] : span["spoken_end"]] == span["spoken"]
    [line] = lines(cli("normalize", text, "--json"))
    assert set(json.loads(line)) == {"text"}


def test_emoji_and_files(cli, tmp_path):
    (tmp_path / "text.txt").write_text("Да 👍\n", encoding="utf-8")
    assert lines(cli("normalize", f"@{tmp_path / 'text.txt'}", "--emoji", "name")) == ["Да большой палец вверх"]


def test_a_dry_run_shows_the_parts_and_speaks_nothing(cli):
    text = "Dr. Smith paid $5. [pause:1.5s] He left.\n\nThe end."
    assert lines(cli("synth", text, "--dry-run", "--model", CUSTOM)) == [
        "   25 tokens  Doctor Smith paid five dollars.",
        "       pause  1.5 s",
        "    5 tokens  He left.",
        "       pause  0.6 s",
        "    5 tokens  The end.",
    ]
    [line] = lines(cli("synth", text, "--dry-run", "--stats", "json", "--no-normalize", "--no-marks", "--model", CUSTOM))
    first, pause, last = json.loads(line)["parts"]
    assert first["text"] == "Dr. Smith paid $5. [pause:1.5s] He left."
    assert (pause, last["text"]) == ({"pause_seconds": 0.6}, "The end.")


def test_a_dry_run_keeps_to_the_budget(cli):
    text = "One two three four five six. Seven eight nine ten, eleven twelve thirteen."
    [line] = lines(cli("synth", text, "--dry-run", "--max-chunk-tokens", "12", "--stats", "json", "--model", CUSTOM))
    parts = json.loads(line)["parts"]
    assert " ".join(part["text"] for part in parts) == text
    assert all(part["tokens"] <= 12 for part in parts) and len(parts) > 2


def test_synth_takes_marks_unless_told_not_to(cli, tmp_path):
    target = tmp_path / "a.wav"
    options = ("--model", CUSTOM, "--max-frames", "2", "--seed", "1", "-o", target)
    assert lines(cli("synth", "[pause:100ms] Hi <sub alias='you'>u</sub>", *options)) == []
    samples, _ = soundfile.read(target, dtype="int16")
    assert len(samples) == 2400 + 2 * 1920
    assert not samples[:2400].any() and np.abs(samples[2400:]).max() > 0
    assert lines(cli("synth", "[pause:100ms] Hi", "--no-marks", *options)) == []
    assert len(soundfile.read(target)[0]) == 2 * 1920


def test_a_dropped_tag_is_a_warning(cli, tmp_path):
    text = "Hi <phoneme alphabet='ipa' ph='ju'>you</phoneme>"
    done = cli("synth", text, "--model", CUSTOM, "--max-frames", "2", "-o", tmp_path / "a.wav")
    assert done.code == 0
    assert done.err.startswith("qwen3tts: warning: ") and "phoneme" in done.err and done.err.count("\n") == 1
