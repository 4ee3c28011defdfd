"""`tokenize`, `info`, `voice`, `codec`, `bench`: what they print and write."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import load_file

import qwen3tts
from qwen3tts import Voice
from qwen3tts.cli.loading import loading_progress

SMALL = Path(__file__).parents[1] / "data" / "small"
CUSTOM, BASE, DESIGN = SMALL / "custom_voice", SMALL / "base", SMALL / "voice_design"


@pytest.fixture
def clone() -> dict[str, np.ndarray]:
    """What the official implementation made of a voice cloned in context."""
    return load_file(BASE / "golden" / "clone_icl.safetensors")


@pytest.fixture
def recording(tmp_path: Path, clone: dict[str, np.ndarray]) -> Path:
    """The reference of `clone`, as a float32 WAV."""
    soundfile.write(tmp_path / "ref.wav", clone["ref_audio"], 24000, subtype="FLOAT")
    return tmp_path / "ref.wav"


def test_version(cli):
    assert cli("--version").out == f"qwen3tts {qwen3tts.__version__}\n".encode()


def test_tokenize_gives_the_official_ids(cli):
    text = "<|im_start|>assistant\nHello world, how are you today?<|im_end|>\n<|im_start|>assistant\n"
    expected = load_file(CUSTOM / "golden" / "en_ryan.safetensors")["text_ids"].tolist()
    tokens = json.loads(cli("tokenize", text, "--model", CUSTOM, "--json").out)
    assert (tokens["text"], tokens["ids"]) == (text, expected)
    assert "".join(tokens["pieces"]) == text
    lines = cli("tokenize", "Hello", "--model", CUSTOM).out.decode().splitlines()
    assert [int(line.split()[0]) for line in lines] == json.loads(cli("tokenize", "Hello", "--model", CUSTOM, "--json").out)["ids"]


def test_info_describes_model_and_machine(cli):
    facts = json.loads(cli("info", "--model", CUSTOM, "--json").out)
    config = json.loads((CUSTOM / "config.json").read_text())
    assert (facts["kind"], facts["size"], facts["takes_instruct"]) == ("custom_voice", "1b7", True)
    assert facts["speakers"] == list(config["talker_config"]["spk_id"])
    assert facts["languages"][0] == "auto" and "english" in facts["languages"]
    assert (facts["sample_rate"], facts["frame_ms"]) == (24000, 80)
    assert facts["weight_bytes"]["model"] == pytest.approx((CUSTOM / "model.safetensors").stat().st_size, rel=0.05)
    assert facts["parameters"]["codec"] > 0
    assert facts["devices"][0] == "cpu" and facts["machine"]["torch"] and "compiler" in facts["extension"]


def test_info_says_what_the_machine_can_run_and_why_not_the_rest(cli):
    facts = json.loads(cli("info", "--model", CUSTOM, "--json").out)
    assert list(facts["backends"]) == ["torch", "triton", "sdpa", "flash"]
    assert list(facts["quantize"]) == ["none", "fp8", "int8", "int4"]
    assert facts["backends"]["torch"] is facts["quantize"]["none"] is None
    assert "later" in facts["quantize"]["int8"]


def test_info_without_a_gpu_asks_for_one(cli, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    facts = json.loads(cli("info", "--model", CUSTOM, "--json").out)
    reasons = [facts["backends"]["triton"], facts["backends"]["flash"], facts["cuda_graphs"], facts["quantize"]["fp8"]]
    assert all("NVIDIA GPU" in reason for reason in reasons)


def test_info_is_readable_too(cli):
    lines = cli("info", "--model", BASE).out.decode().splitlines()
    assert any(line.startswith("backends") and "torch yes" in line for line in lines)
    assert any(line.split() == ["kind", "base"] for line in lines)
    assert any(line.split() == ["speakers", "-"] for line in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_loading_moves_a_bar_on_a_terminal_and_is_silent_in_a_pipe(monkeypatch, terminal):
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stream)
    with loading_progress() as show:
        for done in range(3):
            show("graphs", done, 2)
    assert ("2/2" in stream.getvalue() and "graphs" in stream.getvalue()) == terminal
    assert bool(stream.getvalue()) == terminal


def test_voice_list_names_speakers_and_dialects(cli):
    lines = cli("voice", "list", "--model", CUSTOM).out.decode().splitlines()
    talker = json.loads((CUSTOM / "config.json").read_text())["talker_config"]
    assert [line.split()[0] for line in lines] == list(talker["spk_id"])
    assert f"dylan ({talker['spk_is_dialect']['dylan']})" in lines and "ryan" in lines


def test_voice_list_of_a_model_without_speakers_says_so(cli):
    done = cli("voice", "list", "--model", DESIGN)
    assert (done.code, done.out) == (0, b"")
    assert "no built-in speakers" in done.err


def test_a_created_voice_speaks_as_its_recording(cli, recording, clone, tmp_path):
    file, codes = tmp_path / "me.voice.safetensors", tmp_path / "codes.npy"
    said, named = ("--text", "Hello world, thank you."), ("--name", "Me")
    created = cli("voice", "create", recording, *said, *named, "--no-ref-silence", "-o", file, "--model", BASE)
    assert (created.code, created.out, created.err) == (0, b"", "")
    facts = json.loads(cli("voice", "show", file, "--json").out)
    width = len(Voice.load(file).speaker_embedding)
    assert facts == {"name": "Me", "cloning": "in context", "frames": len(clone["ref_codes"]), "text": said[1], "width": width}
    assert b"in context" in cli("voice", "show", file).out
    speech = ("synth", "The quick brown fox jumps over the lazy dog.", "--language", "en", "--greedy", "--max-frames", 15)
    spoken = cli(*speech, "--voice", file, "--model", BASE, "--save-codes", codes)
    assert (spoken.code, spoken.err) == (0, "")
    np.testing.assert_array_equal(np.load(codes), clone["codes"])


def test_codec_encode_gives_the_official_codes(cli, recording, clone, tmp_path):
    codes = tmp_path / "codes.npy"
    done = cli("codec", "encode", recording, "-o", codes, "--model", BASE)
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert np.load(codes).dtype == np.int64
    np.testing.assert_array_equal(np.load(codes), clone["ref_codes"])


def test_codec_decode_gives_the_official_audio(cli, tmp_path):
    expected = load_file(BASE / "golden" / "codec.safetensors")
    codes, audio = expected["codes"][:20], expected["audio"][: 20 * 1920]
    np.save(tmp_path / "codes.npy", codes)
    done = cli("codec", "decode", tmp_path / "codes.npy", "-o", tmp_path / "a.wav", "--model", BASE)
    assert (done.code, done.out, done.err) == (0, b"", "")
    # This codec of random weights amplifies rounding: the official code differs from itself by 1e-3 between machines.
    np.testing.assert_allclose(soundfile.read(tmp_path / "a.wav")[0], audio, atol=2e-3)
    pcm = cli("codec", "decode", tmp_path / "codes.npy", "-o", "-", "--model", BASE).out
    np.testing.assert_array_equal(np.frombuffer(pcm, "<i2"), soundfile.read(tmp_path / "a.wav", dtype="int16")[0])


def test_bench_passes_its_options_on(cli, tmp_path):
    report = tmp_path / "latency.json"
    options = ("--model", CUSTOM, "--requests", 1, "--warmup", 0, "--max-frames", 2, "--json", report)
    assert cli("bench", *options).code == 0
    assert json.loads(report.read_text())["bench"] == "latency"


def test_bench_refuses_what_it_does_not_know_in_one_line(cli):
    done = cli("bench", "--loud")
    assert done.code == 2
    assert "--loud" in done.err and done.err.count("\n") == 1
