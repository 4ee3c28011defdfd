"""The small checkpoints through our kernels, in Triton's interpreter where there is no GPU: the official codes, in both forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from qwen3tts import TTS, SamplingParams
from qwen3tts.engine.frame import run_frame
from qwen3tts.kernels.launch import Launcher

FORMS = {"matvec": 2, "matmul": 9}
"""The form of the kernels -> max_batch of an engine that takes it."""


@pytest.fixture(scope="module")
def engines(small):
    """Engines by kind of model and form, made when they are first asked for."""
    made = {}

    def engine(kind, form):
        if (kind, form) not in made:
            made[kind, form] = TTS.load(small / kind, device="cpu", backend="triton", max_batch=FORMS[form], kv_positions=512)
        return made[kind, form]

    return engine


def request_of(golden, tts, most_frames):
    """What the official implementation was asked for, or the beginning of it."""
    meta, tensors = golden.meta, golden.tensors
    request = {name: meta[name] for name in ("text", "speaker", "language", "instruct") if name in meta}
    if golden.kind == "base":
        audio = tensors["ref_audio"].numpy(), meta["sample_rate"]
        request["voice"] = tts.clone_voice(audio, meta.get("ref_text"), ref_silence=False)
    return request | {
        "text_feed": golden.text_feed,
        "sampling": SamplingParams(greedy=True),
        "max_frames": min(golden.max_frames, most_frames),
    }


def check_goldens(tts, goldens, most_frames):
    """Speak goldens of one kind side by side, as many as the engine has rows."""
    spoken = tts.synthesize_many([request_of(golden, tts, most_frames) for golden in goldens])
    for golden, audio in zip(goldens, spoken, strict=True):
        assert np.array_equal(audio.codes, golden.tensors["codes"].numpy()[:most_frames]), golden.name


KINDS = ("custom_voice", "voice_design", "base")


@pytest.mark.parametrize(
    ("form", "kind", "frames"),
    [("matmul", "custom_voice", 2), ("matmul", "base", 2), ("matmul", "voice_design", 3), ("matvec", "voice_design", 2)],
)
def test_the_official_codes_begin_so(engines, goldens, kind, form, frames):
    check_goldens(engines(kind, form), [golden for golden in goldens if golden.kind == kind], frames)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("form", "frames"), [("matmul", 1000), ("matvec", 6)])
def test_the_official_codes_go_on_so(engines, goldens, kind, form, frames):
    check_goldens(engines(kind, form), [golden for golden in goldens if golden.kind == kind], frames)


SAMPLED = [
    {"text": "One.", "speaker": "ryan", "sampling": SamplingParams(seed=3), "max_frames": 1},
    {"text": "A second, longer one.", "speaker": "vivian", "sampling": SamplingParams(seed=4, top_p=0.8), "max_frames": 2},
]


@pytest.mark.parametrize("form", ["matmul", pytest.param("matvec", marks=pytest.mark.soak)])
def test_a_mixed_batch_is_each_row_alone(engines, form):
    tts = engines("custom_voice", form)
    together = tts.synthesize_many(SAMPLED)
    for request, audio in zip(SAMPLED, together, strict=True):
        assert np.array_equal(audio.codes, tts.synthesize_many([request])[0].codes)


@pytest.mark.soak
@pytest.mark.parametrize("form", FORMS)
def test_sampled_codes_are_those_of_the_torch_backend(engines, models, form):
    tts = engines("custom_voice", form)
    requests = [request | {"max_frames": 6} for request in SAMPLED]
    expected = models["custom_voice"].synthesize_many(requests)
    for audio, reference in zip(tts.synthesize_many(requests), expected, strict=True):
        assert np.array_equal(audio.codes, reference.codes)


class Recorder(TorchDispatchMode):
    """Writes down every torch operation."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations.add(function.__name__.split(".")[0])
        return function(*args, **(kwargs or {}))


VIEWS = {"slice", "select", "view", "_unsafe_view", "alias", "as_strided"}


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_is_launches_and_nothing_else(engines, form):
    """No allocation, no copy, no wait, no number read back: torch only makes views of the static buffers."""
    runner = engines("custom_voice", form).engine.frames
    buffers, lanes = runner.buffers.first(2), runner.rows_of_lanes[:2]
    plan = []
    with Recorder() as recorder:
        run_frame(Launcher(plan=plan), runner.model, runner.rows, runner.cache, buffers, lanes)
    assert recorder.operations <= VIEWS
    config = runner.model.config
    layers, predictor = config.num_hidden_layers, config.code_predictor_config
    steps = config.num_code_groups - 1
    # Input, layers, head and draw of the talker; its state, and layers, head and draw of each step of the predictor.
    assert len(plan) == 1 + 5 * layers + 2 + 1 + steps * (5 * predictor.num_hidden_layers + 2)


def test_the_row_that_pads_stays_where_it_is(engines):
    runner = engines("custom_voice", "matmul").engine.frames
    state, padding = runner.rows, runner.padding_row
    with torch.inference_mode():
        runner._set_lanes((), 2)
        runner.run(2)
    assert (state.positions[padding], state.frames[padding]) == (0, 0)
