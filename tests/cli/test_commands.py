"""`tokenize`, `info`, `voice`, `codec`, `bench`: what they print and write."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

import qwen3tts
from qwen3tts import Voice

from .conftest import SMALL, golden, write_reference

CUSTOM, BASE, DESIGN = SMALL / "custom_voice", SMALL / "base", SMALL / "voice_design"


def test_version(cli):
    assert cli("--version").out == f"qwen3tts {qwen3tts.__version__}\n".encode()


def test_tokenize_gives_the_official_ids(cli):
    text = "Hello world, how are you today?"
    expected = golden("custom_voice", "en_ryan")["text_ids"][3:-5].tolist()
    tokens = json.loads(cli("tokenize", text, "--model", CUSTOM, "--json").out)
    assert (tokens["text"], tokens["ids"]) == (text, expected)
    assert "".join(tokens["pieces"]) == text
    lines = cli("tokenize", "-", "--model", CUSTOM, stdin=text.encode()).out.decode().splitlines()
    assert [int(line.split()[0]) for line in lines] == expected


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


def test_info_is_readable_too(cli):
    lines = cli("info", "--model", BASE).out.decode().splitlines()
    assert any(line.split() == ["kind", "base"] for line in lines)
    assert any(line.split() == ["speakers", "-"] for line in lines)


def test_voice_list_names_speakers_and_dialects(cli):
    lines = cli("voice", "list", "--model", CUSTOM).out.decode().splitlines()
    talker = json.loads((CUSTOM / "config.json").read_text())["talker_config"]
    assert [line.split()[0] for line in lines] == list(talker["spk_id"])
    dialect = talker["spk_is_dialect"]["dylan"]
    assert f"dylan ({dialect})" in lines and "ryan" in lines


def test_voice_list_of_a_model_without_speakers_says_so(cli):
    done = cli("voice", "list", "--model", DESIGN)
    assert (done.code, done.out) == (0, b"")
    assert "no built-in speakers" in done.err


def test_a_created_voice_speaks_as_its_recording(cli, tmp_path):
    reference, file, codes = (
        write_reference(tmp_path / "ref.wav", "clone_icl"),
        tmp_path / "me.voice.safetensors",
        tmp_path / "c.npy",
    )
    said = "Hello world, thank you."
    created = cli(*("voice", "create", reference, "--text", said, "--name", "Me", "--no-ref-silence", "-o", file, "--model", BASE))
    assert (created.code, created.out, created.err) == (0, b"", "")
    facts = json.loads(cli("voice", "show", file, "--json").out)
    assert facts == {"name": "Me", "cloning": "in context", "frames": len(Voice.load(file).codes), "text": said, "width": 64}
    assert b"in context" in cli("voice", "show", file).out
    text = "The quick brown fox jumps over the lazy dog."
    spoken = cli(
        *(
            "synth",
            text,
            "--language",
            "en",
            "--voice",
            file,
            "--model",
            BASE,
            "--greedy",
            "--max-frames",
            15,
            "--save-codes",
            codes,
        )
    )
    assert (spoken.code, spoken.err) == (0, "")
    np.testing.assert_array_equal(np.load(codes), golden("base", "clone_icl")["codes"])


def test_codec_there_and_back(cli, tmp_path):
    reference, codes, wav = write_reference(tmp_path / "ref.wav", "clone_icl"), tmp_path / "codes.npy", tmp_path / "back.wav"
    assert cli("codec", "encode", reference, "-o", codes, "--model", BASE).code == 0
    np.testing.assert_array_equal(np.load(codes), golden("base", "clone_icl")["ref_codes"])
    assert cli("codec", "decode", codes, "-o", wav, "--model", BASE).code == 0
    assert soundfile.info(wav).frames == len(np.load(codes)) * 1920
    pcm = cli("codec", "decode", codes, "-o", "-", "--model", BASE).out
    np.testing.assert_array_equal(np.frombuffer(pcm, "<i2"), soundfile.read(wav, dtype="int16")[0])


def test_codec_decode_is_the_official_one(cli, tmp_path):
    tensors = golden("base", "codec")
    print({name: tensor.shape for name, tensor in tensors.items()})


def test_bench_passes_its_options_on(cli, capsys):
    with pytest.raises(SystemExit) as stop:
        cli("bench", "--help")
    assert stop.value.code == 0
    assert "--runs" in capsys.readouterr().out
