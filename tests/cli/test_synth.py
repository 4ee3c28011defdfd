"""`qwen3tts synth`: the official codes, and each way out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from qwen3tts import TTS, SamplingParams

from .conftest import SMALL, golden, write_reference

CUSTOM, BASE, DESIGN = SMALL / "custom_voice", SMALL / "base", SMALL / "voice_design"
HELLO = ("synth", "Hello world", "--model", CUSTOM, "--greedy", "--max-frames", "6")

CASES = {
    "en_ryan": (CUSTOM, ["Hello world, how are you today?", "--speaker", "ryan", "--language", "english", "--max-frames", "39"]),
    "auto_dialect_instruct": (
        CUSTOM,
        ["你好，世界！", "--speaker", "Dylan", "--instruct", "Speak slowly, with a warm voice.", "--max-frames", "11"],
    ),
    "ru_vivian_streaming_text": (
        CUSTOM,
        ["Привет, мир! Как дела?", "--speaker", "vivian", "--language", "ru", "--text-feed", "step", "--max-frames", "29"],
    ),
    "design": (
        DESIGN,
        ["Guten Morgen, wie geht es Ihnen?", "--language", "de", "--instruct", "A calm narrator with a deep voice."],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_codes_and_audio_are_the_official_ones(cli, tmp_path, name):
    model, arguments = CASES[name]
    wav, codes = tmp_path / "speech.wav", tmp_path / "codes.npy"
    done = cli("synth", *arguments, "--model", model, "--greedy", "-o", wav, "--save-codes", codes)
    assert (done.code, done.out, done.err) == (0, b"", "")
    expected = golden(model.name, name)
    saved = np.load(codes)
    assert saved.dtype == np.int64
    np.testing.assert_array_equal(saved, expected["codes"])
    samples, rate = soundfile.read(wav, dtype="float32")
    assert rate == 24000
    # 1e-4 for the waveform and half a step of int16.
    np.testing.assert_allclose(samples, expected["audio"], atol=1e-4 + 0.5 / 32768)


CLONES = {
    "clone_icl": [
        "The quick brown fox jumps over the lazy dog.",
        "--language=English",
        "--ref-text=Hello world, thank you.",
        "--max-frames=15",
    ],
    "clone_icl_full_text": [
        "I am fine.",
        "--ref-text=Speech synthesis turns text into sound.",
        "--text-feed=full",
        "--max-frames=9",
    ],
    "clone_speaker_only": ["Bonjour tout le monde.", "--max-frames=9"],
}


@pytest.mark.parametrize("name", CLONES)
def test_cloned_voices_say_the_official_codes(cli, tmp_path, name):
    reference, codes = write_reference(tmp_path / "ref.wav", name), tmp_path / "codes.npy"
    clone = ["--ref-audio", reference, "--no-ref-silence"]
    done = cli("synth", *CLONES[name], *clone, "--model", BASE, "--greedy", "--save-codes", codes)
    assert (done.code, done.err) == (0, "")
    np.testing.assert_array_equal(np.load(codes), golden("base", name)["codes"])


def test_a_stereo_reference_at_another_rate_is_taken(cli, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (44100, 2))
    soundfile.write(tmp_path / "ref.flac", noise, 44100)
    done = cli("synth", "Hi", "--model", BASE, "--ref-audio", tmp_path / "ref.flac", "--max-frames", "2", "-o", tmp_path / "a.wav")
    assert (done.code, done.err) == (0, "")
    assert soundfile.info(tmp_path / "a.wav").samplerate == 24000


def test_standard_output_is_pcm16_streamed_or_whole(cli):
    expected = TTS.load(CUSTOM).synthesize("Hello world", sampling=SamplingParams(greedy=True), max_frames=6).samples
    for arguments in ([], ["--stream"], ["--stream", "--chunk-ms", "200"]):
        done = cli(*HELLO, "-o", "-", *arguments)
        assert (done.code, done.err) == (0, "")
        pcm = np.frombuffer(done.out, "<i2") / 32768
        # 1e-5 for the waveform and half a step of int16.
        np.testing.assert_allclose(pcm, expected, atol=1e-5 + 0.5 / 32768)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "opus"])
def test_the_suffix_chooses_the_format(cli, tmp_path, suffix):
    target = tmp_path / f"speech.{suffix}"
    assert cli(*HELLO, "-o", target).code == 0
    assert soundfile.info(target).duration == pytest.approx(6 * 0.08, abs=0.1)


def test_the_format_may_differ_from_the_suffix(cli, tmp_path):
    assert cli(*HELLO, "-o", tmp_path / "speech.bin", "--format", "flac").code == 0
    assert soundfile.info(tmp_path / "speech.bin").format == "FLAC"
    assert cli(*HELLO, "-o", "-", "--format", "wav").out.startswith(b"RIFF")


def test_text_comes_from_a_file_and_from_standard_input(cli, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(b"\xef\xbb\xbf\n Hello world \r\n")
    spoken = [
        cli("synth", argument, *HELLO[2:], "-o", "-", stdin=b"\n\tHello world\n").out
        for argument in ("Hello world", f"@{text}", "-")
    ]
    assert spoken[0] and spoken.count(spoken[0]) == 3


def test_a_seed_gives_the_same_speech_again(cli):
    sampled = ("synth", "Hello world", "--model", CUSTOM, "--max-frames", "6", "-o", "-", "--seed")
    first = cli(*sampled, 1).out
    assert cli(*sampled, 1, "--stream", "--chunk-ms", "2000").out == first
    assert cli(*sampled, 2).out != first


FIGURES = {
    "text_characters",
    "load_ms",
    "frames",
    "audio_seconds",
    "first_audio_ms",
    "total_ms",
    "real_time_factor",
    "finish_reason",
    "seed",
    "sample_rate",
    "model",
    "device",
    "dtype",
    "peak_memory_mib",
}


def test_stats_are_one_json_object(cli, tmp_path):
    done = cli(*HELLO, "--seed", "7", "-o", tmp_path / "a.wav", "--stats", "json", "--device", "cpu", "--stream")
    figures = json.loads(done.out)
    assert set(figures) == FIGURES
    assert (figures["text_characters"], figures["frames"], figures["seed"], figures["finish_reason"]) == (11, 6, 7, "length")
    assert (figures["device"], figures["dtype"], figures["model"]) == ("cpu", "float32", str(CUSTOM))
    assert figures["audio_seconds"] == pytest.approx(0.48)
    assert 0 < figures["first_audio_ms"] < figures["total_ms"]
    assert figures["real_time_factor"] == pytest.approx(figures["total_ms"] / 480)
    assert figures["peak_memory_mib"] > 10


def test_stats_give_way_to_sound_on_standard_output(cli):
    done = cli(*HELLO, "-o", "-", "--stats", "json")
    assert len(done.out) == 6 * 1920 * 2
    assert json.loads(done.err)["frames"] == 6


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
    assert soundfile.info(target).frames == 6 * 1920
