"""Random checkpoints of full size: what they hold, and how a run that cannot write ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.progress import Progress

from qwen3tts.bench.random_weights import LOUDNESS
from qwen3tts.bench.releases import RELEASED
from qwen3tts.bench.weights import main, write_weights
from qwen3tts.checkpoint import Checkpoint, load_checkpoint
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.text import Tokenizer

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "data" / "small"


def write_small(folder: Path, kind: str, seed: int) -> Checkpoint:
    """Random weights in the shapes of a small checkpoint."""
    ignored = shutil.ignore_patterns("golden", "*.safetensors")
    shutil.copytree(SMALL / kind, folder, ignore=ignored)
    write_weights(folder, torch.Generator().manual_seed(seed), Progress(disable=True))
    return load_checkpoint(folder)


@pytest.mark.parametrize("kind", ["custom_voice", "voice_design", "base"])
def test_weights_fit_the_configuration(tmp_path: Path, kind: str) -> None:
    checkpoint = write_small(tmp_path / "a", kind, 0)
    assert {tensor.dtype for tensor in checkpoint.model.values()} == {torch.bfloat16}
    assert {tensor.dtype for tensor in checkpoint.codec.values()} == {torch.float32}
    assert all(tensor.isfinite().all() for tensors in (checkpoint.model, checkpoint.codec) for tensor in tensors.values())
    stop = checkpoint.config.talker_config.codec_eos_token_id
    zero_rows = (checkpoint.model["talker.codec_head.weight"] == 0).all(dim=1).nonzero().flatten()
    assert zero_rows.tolist() == [stop]


def test_the_seed_decides(tmp_path: Path) -> None:
    files = ("model.safetensors", "speech_tokenizer/model.safetensors")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_small(tmp_path / name, "custom_voice", seed)
    a, b, c = ([(tmp_path / name / file).read_bytes() for file in files] for name in "abc")
    assert a == b
    assert a[0] != c[0] and a[1] != c[1]


def test_random_codes_are_audible(tmp_path: Path) -> None:
    checkpoint = write_small(tmp_path / "a", "custom_voice", 0)
    config = checkpoint.codec_config.decoder_config
    codes = torch.randint(config.codebook_size, (1, 50, config.num_quantizers), generator=torch.Generator().manual_seed(5))
    weights = DecoderWeights.read(checkpoint.codec, config)
    wave = decode(weights, config, codes, DecoderState(config, 1), torch.zeros(1, dtype=torch.int64)).samples
    assert wave.std().item() == pytest.approx(LOUDNESS, rel=0.3)
    assert abs(wave.mean().item()) < 0.1
    assert (wave.abs() == 1).float().mean() < 0.02


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a refused command leaves on standard error."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


def test_bad_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = str(tmp_path / "model")
    assert "'8B'" in complaint(capsys, "8B", target)
    assert "--kind" in complaint(capsys, "0.6B", target, "--kind", "singing")
    assert "--seed" in complaint(capsys, "0.6B", target, "--seed", "-1")
    assert "no 0.6B release of it: take 1.7B" in complaint(capsys, "0.6B", target, "--kind", "voice_design")
    assert list(tmp_path.iterdir()) == []


def test_taken_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert f"{tmp_path} is there already" in complaint(capsys, "0.6B", str(tmp_path))
    assert "is there already" in complaint(capsys, "0.6B", str(tmp_path / "mine.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_folder_of_a_killed_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "model.partial").mkdir()
    assert f"{tmp_path / 'model.partial'} is left from a run that was killed" in complaint(capsys, "0.6B", str(tmp_path / "model"))


def test_parent_that_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in complaint(capsys, "0.6B", str(tmp_path / "file" / "model"))


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk; the vocabulary alone is larger."""
    resource = pytest.importorskip("resource")
    command = [sys.executable, "-m", "bench.weights", "0.6B", str(tmp_path / "model")]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    done = subprocess.run(command, cwd=ROOT, preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "cannot be written (File too large)" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
def test_full_size(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert main(["0.6B", str(folder)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    checkpoint = load_checkpoint(folder)
    assert checkpoint.config.tts_model_size == "0b6"
    assert (folder / "config.json").read_bytes() == (RELEASED / "0b6-custom_voice.config.json").read_bytes()
    ids = Tokenizer.load(folder).encode("<|im_start|>assistant\nПривет<|im_end|>\n<tts_text_eod>")
    assert ids[0] == 151644 and ids[-1] == checkpoint.config.tts_eos_token_id
