"""Wrong use and bad input: exit code 2, one line that names the argument, nothing written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.numpy import save_file

CUSTOM, BASE, DESIGN = "{small}/custom_voice", "{small}/base", "{small}/voice_design"
RATE = 24000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A folder of files that are wrong in one way each, and a few that are right."""
    folder = tmp_path_factory.mktemp("files")
    _write_texts(folder)
    _write_audio(folder)
    _write_codes(folder)
    _write_models(folder, small / "custom_voice")
    return folder


def _write_texts(folder: Path) -> None:
    (folder / "latin1.txt").write_bytes("Grüße".encode("latin-1"))
    (folder / "blank.txt").write_text(" \n\t\n")
    (folder / "huge.txt").write_text("word " * 3_500_000)


def _write_audio(folder: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 61 * RATE).astype(np.float32)
    soundfile.write(folder / "speech.wav", noise[: 2 * RATE], RATE)
    soundfile.write(folder / "silent.wav", np.zeros(2 * RATE), RATE)
    soundfile.write(folder / "short.wav", noise[: RATE // 4], RATE)
    soundfile.write(folder / "long.wav", noise, RATE)
    (folder / "text.wav").write_text("no audio")
    save_file({"speaker_embedding": np.zeros(64, np.float32)}, folder / "foreign.safetensors")


def _write_codes(folder: Path) -> None:
    right = np.zeros((4, 16), np.int64)
    np.save(folder / "codes.npy", right)
    np.save(folder / "float.npy", right.astype(np.float32))
    np.save(folder / "flat.npy", right.ravel())
    np.save(folder / "narrow.npy", right[:, :8])
    np.save(folder / "none.npy", right[:0])
    np.save(folder / "negative.npy", right - 1)
    np.save(folder / "large.npy", right + 1_000_000)
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(folder / "several.npz", right)
    whole = (folder / "codes.npy").read_bytes()
    (folder / "truncated.npy").write_bytes(whole[:-8])
    (folder / "claims.npy").write_bytes(whole.replace(b"(4, 16), }          ", b"(4000000000000, 16)}"))
    (folder / "header.npy").write_bytes(whole.replace(b"{'descr'", b"{('escr'"))
    (folder / "empty.npy").write_bytes(b"")


def _write_models(folder: Path, right: Path) -> None:
    for name in ("no_config", "broken_json", "unknown_type", "rate_25hz", "truncated", "foreign"):
        shutil.copytree(right, folder / name, ignore=shutil.ignore_patterns("golden"))
    (folder / "no_config" / "config.json").unlink()
    (folder / "broken_json" / "config.json").write_text("{")
    config = json.loads((folder / "unknown_type" / "config.json").read_text())
    (folder / "unknown_type" / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    (folder / "rate_25hz" / "config.json").write_text(json.dumps({**config, "tokenizer_type": "qwen3_tts_tokenizer_25hz"}))
    weights = folder / "truncated" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    save_file({"weight": np.zeros(3, np.float32)}, folder / "foreign" / "model.safetensors")


def synth(text: str, *arguments: str, model: str = CUSTOM) -> tuple[str, ...]:
    """A `synth` command line that writes into the output folder."""
    return ("synth", text, "--model", model, "-o", "{out}/a.wav", *arguments)


def clone(*arguments: str, model: str = BASE) -> tuple[str, ...]:
    """A `synth` command line with a base model."""
    return synth("Hi", *arguments, model=model)


CASES: dict[str, tuple[tuple[str, ...], str]] = {
    # usage
    "no command": ((), "command"),
    "unknown command": (("sing",), "sing"),
    "unknown option": (synth("Hi", "--loud"), "--loud"),
    "no text": (("synth",), "TEXT"),
    "no output": (("synth", "Hi", "--model", CUSTOM), "--output"),
    "not a number": (synth("Hi", "--top-k", "many"), "--top-k"),
    "unknown stats": (synth("Hi", "--stats", "xml"), "--stats"),
    "unknown text feed": (synth("Hi", "--text-feed", "half"), "--text-feed"),
    "unknown use of emoji": (synth("Hi", "--emoji", "keep"), "--emoji"),
    "chunks of nothing": (synth("Hi", "--max-chunk-tokens", "0"), "--max-chunk-tokens"),
    "a file of a dry run": (synth("Hi", "--dry-run"), "--dry-run and --output contradict each other"),
    "dry run in an unknown language": (("synth", "Hi", "--dry-run", "--model", CUSTOM, "--language", "klingon"), "english"),
    "normalize in an unknown language": (("normalize", "Hi", "--lang", "klingon"), "choose one of auto, de, en"),
    "normalize a foreign encoding": (("normalize", "@{files}/latin1.txt"), "byte 2"),
    "normalize a wrong mark": (("normalize", "a <b>c</b>"), "<b>"),
    "unknown format of the weights": (synth("Hi", "--quantize", "int3"), "give none, fp8, int8, int4"),
    "format of a later version": (synth("Hi", "--quantize", "int8"), "give 'none'"),
    "fp8 without a GPU": (synth("Hi", "--quantize", "fp8", "--device", "cpu"), "8.9"),
    "unknown backend": (synth("Hi", "--backend", "jax"), "give torch, triton, sdpa, flash"),
    "kernels without a GPU": (synth("Hi", "--backend", "triton", "--device", "cpu"), "backend='triton' needs an NVIDIA GPU"),
    "flash without a GPU": (synth("Hi", "--backend", "flash", "--device", "cpu"), "give 'torch'"),
    "reference text alone": (clone("--ref-text", "Hi"), "--ref-audio"),
    "empty reference text alone": (clone("--ref-text", ""), "--ref-audio"),
    "reference silence alone": (clone("--ref-silence"), "--ref-audio"),
    "two voices": (clone("--ref-audio", "{files}/speech.wav", "--voice", "{files}/v"), "--voice"),
    "chunks of a whole": (synth("Hi", "--chunk-ms", "80"), "--stream"),
    "greedy and warm": (synth("Hi", "--greedy", "--temperature", "0.9"), "--temperature"),
    "format of nothing": (("synth", "Hi", "--save-codes", "{out}/c.npy", "--format", "wav"), "--output"),
    "stream of nothing": (("synth", "Hi", "--save-codes", "{out}/c.npy", "--stream"), "--output"),
    "cuda graphs on a CPU": (synth("Hi", "--cuda-graphs", "--device", "cpu"), "--cuda-graphs"),
    "cuda graphs of torch": (synth("Hi", "--cuda-graphs", "--backend", "torch"), "--cuda-graphs"),
    "unknown device": (synth("Hi", "--device", "tpu"), "device"),
    "missing GPU": (synth("Hi", "--device", "cuda:99"), "device"),
    "unknown dtype": (synth("Hi", "--dtype", "int3"), "dtype"),
    # text
    "empty text": (synth(""), "text"),
    "blank text": (synth(" \n"), "text"),
    "long word": (synth("a" * 10_001), "a word of 10,001 characters"),
    "text of marks": (synth("[pause:1s]"), "no words"),
    "long pause": (synth("Hi [pause:61s]"), "60 s"),
    "pause without a unit": (synth("Hi [pause:400]"), "400"),
    "unknown mark": (synth("Hi <prosody rate='slow'>you</prosody>"), "line 1, column 4"),
    "open mark": (synth("Hi\n<sub alias='you'>u"), "line 2, column 1"),
    "surrogate": (synth("a\udcff"), "text"),
    "missing text file": (synth("@{files}/none.txt"), "none.txt"),
    "folder as text": (synth("@{files}"), "text"),
    "foreign encoding": (synth("@{files}/latin1.txt"), "byte 2"),
    "blank text file": (synth("@{files}/blank.txt"), "text"),
    "huge text file": (synth("@{files}/huge.txt"), "text"),
    # the model's words
    "unknown speaker": (synth("Hi", "--speaker", "nobody"), "ryan"),
    "unknown language": (synth("Hi", "--language", "klingon"), "english"),
    "speaker without any": (synth("Hi", "--speaker", "ryan", model=DESIGN), "speaker"),
    "instruct without any": (clone("--ref-audio", "{files}/speech.wav", "--instruct", "slowly"), "instruct"),
    "blank instruct": (synth("Hi", "--instruct", " ", model=DESIGN), "instruct"),
    # voices
    "base without reference": (clone(), "voice"),
    "reference for another kind": (clone("--ref-audio", "{files}/speech.wav", model=CUSTOM), "voice"),
    "missing reference": (clone("--ref-audio", "{files}/none.wav"), "none.wav"),
    "no audio": (clone("--ref-audio", "{files}/text.wav"), "text.wav"),
    "silent reference": (clone("--ref-audio", "{files}/silent.wav"), "silent"),
    "short reference": (clone("--ref-audio", "{files}/short.wav"), "lasts 0.25"),
    "long reference": (clone("--ref-audio", "{files}/long.wav"), "lasts 61"),
    "blank reference text": (clone("--ref-audio", "{files}/speech.wav", "--ref-text", " "), "--ref-text"),
    "missing voice": (clone("--voice", "{files}/none"), "voice"),
    "foreign voice": (clone("--voice", "{files}/foreign.safetensors"), "voice"),
    # models
    "no such model": (synth("Hi", model="{files}/none"), "model"),
    "file as model": (synth("Hi", model="{files}/text.wav"), "model"),
    "no config": (synth("Hi", model="{files}/no_config"), "config.json"),
    "broken JSON": (synth("Hi", model="{files}/broken_json"), "config.json"),
    "unknown model type": (synth("Hi", model="{files}/unknown_type"), "model_type"),
    "25 Hz model": (synth("Hi", model="{files}/rate_25hz"), "25hz"),
    "truncated weights": (synth("Hi", model="{files}/truncated"), "model.safetensors"),
    "foreign weights": (synth("Hi", model="{files}/foreign"), "missing"),
    # settings
    "cold": (synth("Hi", "--temperature", "-1"), "temperature"),
    "negative top-k": (synth("Hi", "--top-k", "-1"), "top_k"),
    "top-p of nothing": (synth("Hi", "--top-p", "0"), "top_p"),
    "top-p above 1": (synth("Hi", "--top-p", "1.5"), "top_p"),
    "no penalty": (synth("Hi", "--repetition-penalty", "0"), "repetition_penalty"),
    "not a temperature": (synth("Hi", "--temperature", "nan"), "temperature"),
    "negative seed": (synth("Hi", "--seed", "-1"), "seed"),
    "no frames": (synth("Hi", "--max-frames", "0"), "--max-frames"),
    "endless": (synth("Hi", "--max-frames", "1000000000"), "max_frames"),
    "no chunk": (synth("Hi", "--stream", "--chunk-ms", "0"), "--chunk-ms"),
    # outputs
    "unknown suffix": (("synth", "Hi", "--model", CUSTOM, "-o", "{out}/a.xyz"), "a.xyz"),
    "unknown format": (synth("Hi", "--format", "xyz"), "format"),
    "no such folder": (("synth", "Hi", "--model", CUSTOM, "-o", "{out}/none/a.wav"), "none/a.wav"),
    "folder as output": (("synth", "Hi", "--model", CUSTOM, "-o", "{out}", "--format", "wav"), "folder"),
    "long name": (("synth", "Hi", "--model", CUSTOM, "-o", "{out}/" + 300 * "a" + ".wav"), "write"),
    "no folder for codes": (synth("Hi", "--save-codes", "{out}/none/c.npy"), "c.npy"),
    "codes on standard output": (synth("Hi", "--save-codes", "-"), "-"),
    # the other commands
    "tokenize nothing": (("tokenize", "", "--model", CUSTOM), "text"),
    "info on nothing": (("info", "--model", "{files}/none"), "model"),
    "create without output": (("voice", "create", "{files}/speech.wav"), "--output"),
    "create from nothing": (("voice", "create", "{files}/none.wav", "-o", "{out}/v", "--model", BASE), "none.wav"),
    "create with another kind": (("voice", "create", "{files}/speech.wav", "-o", "{out}/v", "--model", CUSTOM), "custom_voice"),
    "create with blank text": (("voice", "create", "{files}/speech.wav", "--text", " ", "-o", "{out}/v"), "--text"),
    "show nothing": (("voice", "show", "{files}/none"), "none"),
    "encode nothing": (("codec", "encode", "{files}/none.wav", "-o", "{out}/c.npy"), "none.wav"),
    "encode text": (("codec", "encode", "{files}/text.wav", "-o", "{out}/c.npy"), "text.wav"),
    "decode into the void": (("codec", "decode", "{files}/codes.npy", "-o", "{out}/none/a.wav"), "a.wav"),
} | {
    f"decode {name}": (("codec", "decode", f"{{files}}/{name}", "-o", "{out}/a.wav", "--model", CUSTOM), "codes")
    for name in (
        *("missing.npy", "float.npy", "flat.npy", "narrow.npy", "none.npy", "negative.npy", "large.npy", "objects.npy"),
        *("several.npz", "truncated.npy", "claims.npy", "header.npy", "empty.npy", "text.wav"),
    )
}


@pytest.mark.parametrize("name", CASES)
def test_ends_with_2_and_one_line(cli, files, small, tmp_path, name, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    arguments, named = CASES[name]
    done = cli(*(argument.format(files=files, small=small, out=tmp_path) for argument in arguments))
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("qwen3tts: error: ") and done.err.endswith("\n") and done.err.count("\n") == 1
    assert named in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_unknown_names_are_told_before_torch_is_imported(tmp_path):
    script = """
import sys
from qwen3tts.cli.main import main
names = ["--device tpu", "--dtype int3", "--backend jax", "--quantize int3", "--quantize int4"]
codes = [main(f"synth Hi -o a.wav {name}".split()) for name in names]
assert codes == [2] * len(names), codes
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=tmp_path, capture_output=True)


def test_the_embedded_voice_leaves_the_error_alone(cli, tmp_path):
    done = cli("synth", "Hi", "--speaker", "nobody", "-o", tmp_path / "a.wav")
    assert done.code == 2
    assert done.err.startswith("qwen3tts: error: ") and done.err.count("\n") == 1
