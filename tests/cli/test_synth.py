"""`qwen3tts synth`: the official codes, and each way out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from qwen3tts import TTS, SamplingParams

CUSTOM = Path(__file__).parents[1] / "data" / "small" / "custom_voice"
HELLO = ("synth", "Hello world", "--model", CUSTOM, "--greedy", "--max-frames", "3")
FRAMES = 8
"""Of a golden case: a lower limit cuts a run short and changes nothing before it."""


def options_of(golden, folder: Path) -> list[str]:
    """The options that ask for a golden case; a reference recording is written into `folder`."""
    meta = golden.meta
    options = [
        f"--{name.replace('_', '-')}={meta[name]}" for name in ("language", "speaker", "instruct", "ref_text") if name in meta
    ]
    if golden.text_feed:
        options.append(f"--text-feed={golden.text_feed}")
    if golden.kind == "base":
        soundfile.write(folder / "ref.wav", golden.tensors["ref_audio"].numpy(), meta["sample_rate"], subtype="FLOAT")
        options += [f"--ref-audio={folder / 'ref.wav'}", "--no-ref-silence"]
    return options


def test_codes_and_audio_are_the_official_ones(cli, golden, tmp_path):
    wav, codes = tmp_path / "speech.wav", tmp_path / "codes.npy"
    options = [*options_of(golden, tmp_path), "--greedy", "--max-frames", FRAMES, "--model", golden.folder]
    done = cli("synth", golden.meta["text"], *options, "-o", wav, "--save-codes", codes)
    assert (done.code, done.out, done.err) == (0, b"", "")
    saved = np.load(codes)
    assert saved.dtype == np.int64
    np.testing.assert_array_equal(saved, golden.tensors["codes"][:FRAMES])
    samples, rate = soundfile.read(wav, dtype="float32")
    assert rate == golden.meta["sample_rate"]
    # These codecs of random weights amplify rounding: the official code differs from itself by 1e-3 between machines.
    np.testing.assert_allclose(samples, golden.tensors["audio"][: len(samples)], atol=2e-3)
    assert len(samples) == FRAMES * 1920


def test_a_stereo_reference_at_another_rate_is_taken(cli, small, tmp_path):
    reference, target = tmp_path / "ref.flac", tmp_path / "a.wav"
    soundfile.write(reference, np.random.default_rng(0).normal(0, 0.1, (44100, 2)), 44100)
    done = cli("synth", "Hi", "--model", small / "base", "--ref-audio", reference, "--max-frames", "2", "-o", target)
    assert (done.code, done.err) == (0, "")
    assert soundfile.info(target).samplerate == 24000


@pytest.mark.parametrize(
    ("arguments", "chunk_ms"),
    [([], 2000), (["--stream"], 80), (["--stream", "--chunk-ms", "200"], 200)],
    ids=["whole", "80", "200"],
)
def test_standard_output_is_pcm16_streamed_or_whole(cli, arguments, chunk_ms):
    done = cli(*HELLO, "-o", "-", *arguments)
    assert (done.code, done.err) == (0, "")
    stream = TTS.load(CUSTOM).stream("Hello world", chunk_ms=chunk_ms, sampling=SamplingParams(greedy=True), max_frames=3)
    expected = np.concatenate([chunk.samples for chunk in stream])
    # A step of int16, which has no +1.
    np.testing.assert_allclose(np.frombuffer(done.out, "<i2") / 32768, expected, atol=1 / 32768)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "opus"])
def test_the_suffix_chooses_the_format(cli, tmp_path, suffix):
    target = tmp_path / f"speech.{suffix}"
    assert cli(*HELLO, "-o", target).code == 0
    assert soundfile.info(target).duration == pytest.approx(3 * 0.08, abs=0.1)


def test_the_format_may_differ_from_the_suffix(cli, tmp_path):
    assert cli(*HELLO, "-o", tmp_path / "speech.bin", "--format", "flac").code == 0
    assert soundfile.info(tmp_path / "speech.bin").format == "FLAC"
    assert cli(*HELLO, "-o", "-", "--format", "wav").out.startswith(b"RIFF")


def test_text_comes_from_a_file_and_from_standard_input(cli, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(b"\xef\xbb\xbf\n Hello world \r\n")
    arguments = ("Hello world", f"@{text}", "-")
    spoken = [cli("synth", argument, *HELLO[2:], "-o", "-", stdin=b"\n\tHello world\n").out for argument in arguments]
    assert spoken[0] and spoken.count(spoken[0]) == 3


def test_a_seed_gives_the_same_speech_again(cli, tmp_path):
    def codes_of(*arguments: object) -> list[list[int]]:
        target = tmp_path / "codes.npy"
        assert cli("synth", "Hello world", "--model", CUSTOM, "--max-frames", 4, "--save-codes", target, *arguments).code == 0
        return np.load(target).tolist()

    first = codes_of("--seed", 1)
    assert codes_of("--seed", 1, "--stream", "-o", "-") == first
    assert codes_of("--seed", 2) != first


FIGURES = {
    *("text_characters", "load_ms", "frames", "audio_seconds", "first_audio_ms", "total_ms", "real_time_factor"),
    *("finish_reason", "seed", "sample_rate", "model", "device", "dtype", "backend", "quantize", "weight_error", "peak_memory_mib"),
}


def test_stats_are_one_json_object(cli, tmp_path):
    done = cli(*HELLO, "--seed", "7", "-o", tmp_path / "a.wav", "--stats", "json", "--device", "cpu", "--stream")
    figures = json.loads(done.out)
    assert set(figures) == FIGURES
    assert (figures["text_characters"], figures["frames"], figures["seed"], figures["finish_reason"]) == (11, 3, 7, "length")
    assert (figures["device"], figures["dtype"], figures["backend"], figures["model"]) == ("cpu", "float32", "torch", str(CUSTOM))
    assert figures["audio_seconds"] == pytest.approx(0.24)
    assert 0 < figures["first_audio_ms"] < figures["total_ms"]
    assert figures["real_time_factor"] == pytest.approx(figures["total_ms"] / 240)
    assert figures["peak_memory_mib"] > 10


def test_stats_give_way_to_sound_on_standard_output(cli):
    done = cli(*HELLO, "-o", "-", "--stats", "json")
    assert len(done.out) == 3 * 1920 * 2
    assert json.loads(done.err)["frames"] == 3


def test_the_embedded_voice_says_what_it_is_in_one_line(cli, tmp_path):
    done = cli("synth", "Hello", "--max-frames", "2", "-o", tmp_path / "a.wav")
    assert done.code == 0
    assert done.err.startswith("qwen3tts: warning: ") and done.err.count("\n") == 1


def test_what_exists_is_replaced_only_at_the_end(cli, tmp_path):
    target = tmp_path / "a.wav"
    target.write_bytes(b"before")
    assert cli("synth", "Hello", "--model", CUSTOM, "--speaker", "nobody", "-o", target).code == 2
    assert target.read_bytes() == b"before"
    assert cli(*HELLO, "-o", target).code == 0
    assert soundfile.info(target).frames == 3 * 1920
