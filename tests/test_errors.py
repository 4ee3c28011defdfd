"""Bad input in Python: a typed error of one line that names the argument."""

import numpy as np
import pytest

from qwen3tts import TTS, SamplingParams, Voice, errors

TONE = 0.3 * np.sin(np.arange(48000) * 0.05).astype(np.float32), 24000


def voice(width=64, codes=None, text=None):
    return Voice(np.ones(width, np.float32), codes, text)


SPEECH = [
    ("custom_voice", dict(text=""), errors.TextError, "text"),
    ("custom_voice", dict(text=" \n\t"), errors.TextError, "text"),
    ("custom_voice", dict(text="a" * 10_001), errors.TextError, "10,001"),
    ("custom_voice", dict(text="\ud800"), errors.TextError, "surrogate"),
    ("custom_voice", dict(text=5), errors.TextError, "text"),
    ("custom_voice", dict(text="Hi", speaker="nobody"), errors.SpeakerError, "vivian, ryan, dylan"),
    ("voice_design", dict(text="Hi", speaker="ryan"), errors.SpeakerError, "speaker"),
    ("base", dict(text="Hi", speaker="ryan", voice=voice()), errors.SpeakerError, "speaker"),
    ("custom_voice", dict(text="Hi", language="klingon"), errors.LanguageError, "english"),
    ("custom_voice", dict(text="Hi", language="beijing_dialect"), errors.LanguageError, "language"),
    ("base", dict(text="Hi", instruct="slowly", voice=voice()), errors.InstructError, "instruct"),
    ("custom_voice", dict(text="Hi", instruct="x" * 10_001), errors.TextError, "instruct"),
    ("base", dict(text="Hi"), errors.VoiceError, "voice"),
    ("custom_voice", dict(text="Hi", voice=voice()), errors.VoiceError, "voice"),
    ("base", dict(text="Hi", voice=voice(width=63)), errors.VoiceError, "width 63"),
    ("base", dict(text="Hi", voice=voice(codes=np.zeros((5, 8), np.int64), text="a")), errors.VoiceError, "8 codes"),
    ("base", dict(text="Hi", voice=voice(codes=np.full((5, 16), 999), text="a")), errors.VoiceError, "999"),
    ("custom_voice", dict(text="Hi", max_frames=0), errors.InputError, "max_frames"),
    ("custom_voice", dict(text="Hi", max_frames=10**7), errors.CapacityError, "max_frames"),
    ("custom_voice", dict(text="Hi", max_frames=2.5), errors.InputError, "max_frames"),
    ("custom_voice", dict(text="Hi", max_frames=True), errors.InputError, "max_frames"),
    ("custom_voice", dict(text="Hi", text_feed="slow"), errors.InputError, "text_feed"),
    ("custom_voice", dict(text="Hi", pitch=3), errors.InputError, "pitch"),
]


@pytest.mark.parametrize(("kind", "request_", "error", "says"), SPEECH, ids=lambda value: None)
@pytest.mark.parametrize("call", ["synthesize", "stream"])
def test_a_bad_request_is_refused_before_anything_is_spoken(models, kind, request_, error, says, call):
    tts = models[kind]
    with pytest.raises(error) as caught:
        getattr(tts, call)(**request_)
    message = str(caught.value)
    assert says in message
    assert "\n" not in message
    assert not tts.engine.scheduler.waiting
    assert not tts.engine.scheduler.running


def test_one_bad_request_of_a_batch_refuses_the_batch(models):
    tts = models["custom_voice"]
    with pytest.raises(errors.SpeakerError):
        tts.synthesize_many(["Hi", {"text": "Hi", "speaker": "nobody"}])
    assert not tts.engine.scheduler.waiting


def test_what_can_never_fit_the_cache_is_refused(small):
    tts = TTS.load(small / "custom_voice", device="cpu", kv_positions=64)
    with pytest.raises(errors.CapacityError, match="kv_positions"):
        tts.synthesize("Hi", max_frames=100)
    assert len(tts.synthesize("Hi").codes) <= 64


@pytest.mark.parametrize("chunk_ms", [0, -1, 1e9, float("nan"), "80"])
def test_bad_chunk_lengths(models, chunk_ms):
    with pytest.raises(errors.InputError, match="chunk_ms"):
        models["custom_voice"].stream("Hi", chunk_ms=chunk_ms)


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("seed", [-1, 2**64, 1.5, "1"]),
        ("temperature", [-0.1, float("nan"), float("inf"), "hot"]),
        ("top_k", [-1, 1.5, True]),
        ("top_p", [0, -0.5, 1.01, float("nan")]),
        ("repetition_penalty", [0, -1, float("nan")]),
        ("predictor_temperature", [-1]),
        ("predictor_top_k", [-1]),
        ("predictor_top_p", [0, 2]),
    ],
)
def test_settings_out_of_range(setting, values):
    for value in values:
        with pytest.raises(errors.SamplingError, match=setting):
            SamplingParams(**{setting: value})


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        ("missing.wav", "missing.wav"),
        ((TONE[0][:11_999], 24000), "0.5 to 60 s"),
        ((np.tile(TONE[0], 31), 24000), "62"),
        ((np.zeros(48000, np.float32), 24000), "silent"),
        ((np.full(48000, np.nan, np.float32), 24000), "finite"),
        ((np.zeros((4, 4, 4), np.float32), 24000), "shape"),
        ((np.zeros(48000, np.int16), 24000), "int16"),
        ((TONE[0], 0), "rate"),
    ],
)
def test_bad_reference_audio(models, audio, says):
    with pytest.raises(errors.AudioError, match=says):
        models["base"].clone_voice(audio)


def test_stereo_and_other_rates_are_references_too(models):
    mono = models["base"].clone_voice(TONE).speaker_embedding
    stereo = models["base"].clone_voice((np.stack((TONE[0], TONE[0]), 1), 24000)).speaker_embedding
    np.testing.assert_allclose(stereo, mono, atol=1e-5)
    slower = 0.3 * np.sin(np.arange(32000) * 0.05 * 1.5).astype(np.float32)
    np.testing.assert_allclose(models["base"].clone_voice((slower, 16000)).speaker_embedding, mono, atol=0.05)


def test_only_base_models_clone(models):
    with pytest.raises(errors.VoiceError, match="base"):
        models["custom_voice"].clone_voice(TONE)


@pytest.mark.parametrize("text", ["", "  ", "a" * 10_001])
def test_bad_reference_text(models, text):
    with pytest.raises(errors.TextError, match="reference"):
        models["base"].clone_voice(TONE, text)


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        (np.zeros((0, 16), np.int64), "shape"),
        (np.zeros((4, 15), np.int64), "shape"),
        (np.zeros(16, np.int64), "shape"),
        (np.full((4, 16), 128), "128"),
        (np.full((4, 16), -1), "-1"),
        (np.zeros((4, 16), np.float32), "float32"),
        ([[0] * 16], "list"),
    ],
)
def test_bad_codes(models, codes, says):
    with pytest.raises(errors.CodesError, match=says):
        models["base"].decode(codes)


@pytest.mark.parametrize("audio", ["missing.wav", (np.zeros(0, np.float32), 24000), (np.full(99, np.inf, np.float32), 24000)])
def test_bad_audio_to_encode(models, audio):
    with pytest.raises(errors.AudioError):
        models["base"].encode(audio)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        (dict(device="tpu"), errors.DeviceError, "device"),
        (dict(device="cuda:x"), errors.DeviceError, "device"),
        (dict(device="cpu:1"), errors.DeviceError, "device"),
        (dict(dtype="int8"), errors.DeviceError, "dtype"),
        (dict(quantize="int8"), errors.InputError, "quantize"),
        (dict(max_batch=0), errors.InputError, "max_batch"),
        (dict(kv_positions=0), errors.InputError, "kv_positions"),
        (dict(model="no/such/folder"), errors.CheckpointError, "no/such/folder"),
        (dict(model="nofolder"), errors.CheckpointError, "nofolder"),
    ],
)
def test_bad_load(options, error, says):
    with pytest.raises(error, match=says):
        TTS.load(**options)


def test_a_gpu_that_is_not_there_is_refused():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(errors.DeviceError, match="cuda"):
        TTS.load(device="cuda")
