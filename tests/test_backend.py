"""What runs where: decisions about machines of every kind, made on this one."""

from __future__ import annotations

import dataclasses
import json
from math import prod
from pathlib import Path

import pytest
import torch

from qwen3tts import TTS, errors
from qwen3tts.backend import (
    BACKENDS,
    RELEASED_PARAMETERS,
    Machine,
    _flash_lack,
    _triton_lack,
    abilities,
    check_memory,
    resolve_backend,
    resolve_quantize,
    uses_graphs,
    why_no_graphs,
)
from qwen3tts.checkpoint import Checkpoint, codec_tensors, model_tensors
from qwen3tts.config import CodecConfig, GenerationConfig, ModelConfig
from qwen3tts.kernels.language import triton

RELEASED = Path(__file__).parents[1] / "bench" / "released"
CPU, GIB = torch.device("cpu"), 2**30
NARROW, WIDE = torch.bfloat16, torch.float32

H200 = Machine(capability=(9, 0), interpreter=False, triton_lack=None, flash_lack=None)
T4, A100, L4 = (dataclasses.replace(H200, capability=capability) for capability in ((7, 5), (8, 0), (8, 9)))
BARE = dataclasses.replace(H200, triton_lack="triton 3.6", flash_lack="flash-attn")
LAPTOP = Machine(capability=None, interpreter=False, triton_lack="triton 3.6", flash_lack="flash-attn")
INTERPRETER = Machine(capability=None, interpreter=True, triton_lack=None, flash_lack="flash-attn")


def test_what_a_name_stands_for():
    assert {name: (backend.name, backend.kernels, backend.prefill_attention) for name, backend in BACKENDS.items()} == {
        "torch": ("torch", "torch", "torch"),
        "triton": ("triton", "triton", "triton"),
        "sdpa": ("sdpa", "triton", "sdpa"),
        "flash": ("flash", "triton", "flash"),
    }


@pytest.mark.parametrize(("machine", "name"), [(H200, "triton"), (LAPTOP, "torch"), (INTERPRETER, "torch")])
def test_a_gpu_takes_the_kernels_where_nothing_else_is_said(machine, name):
    assert resolve_backend(None, machine, NARROW) == BACKENDS[name]


@pytest.mark.parametrize(
    ("machine", "dtype", "names"),
    [
        (H200, NARROW, "torch triton sdpa flash"),
        (H200, torch.float16, "torch triton sdpa flash"),
        (H200, WIDE, "torch triton sdpa"),
        (A100, NARROW, "torch triton sdpa flash"),
        (T4, NARROW, "torch"),
        (BARE, NARROW, "torch"),
        (dataclasses.replace(H200, flash_lack="flash-attn"), NARROW, "torch triton sdpa"),
        (LAPTOP, WIDE, "torch"),
        (INTERPRETER, WIDE, "torch triton sdpa"),
    ],
)
def test_what_runs_resolves_and_what_does_not_is_refused(machine, dtype, names):
    backends = abilities(machine, dtype)["backends"]
    assert [name for name, reason in backends.items() if reason is None] == names.split()
    for name, reason in backends.items():
        if reason is None:
            assert resolve_backend(name, machine, dtype).name == name
            continue
        with pytest.raises(errors.DeviceError) as caught:
            resolve_backend(name, machine, dtype)
        message = str(caught.value)
        assert f"backend={name!r} {reason}" in message and "'torch'" in message and "\n" not in message


@pytest.mark.parametrize(
    ("name", "machine", "dtype", "says"),
    [
        ("jax", H200, NARROW, "give torch, triton, sdpa, flash"),
        ("", H200, NARROW, "give torch, triton, sdpa, flash"),
        (["triton"], H200, NARROW, "give torch, triton, sdpa, flash"),
        ("triton", dataclasses.replace(LAPTOP, triton_lack=None), WIDE, "needs an NVIDIA GPU: else"),
        ("flash", LAPTOP, WIDE, "needs an NVIDIA GPU and triton 3.6 and flash-attn: else"),
        ("flash", INTERPRETER, WIDE, "needs an NVIDIA GPU and flash-attn: else"),
        ("flash", H200, WIDE, "needs dtype bfloat16 or float16: else"),
        ("triton", T4, NARROW, "8.0 or later where this one has 7.5: else give 'torch' with dtype float32"),
        (None, T4, NARROW, "backend='triton' needs"),
        (None, BARE, NARROW, "backend='triton' needs triton 3.6: else"),
    ],
)
def test_a_refusal_names_all_that_is_lacking(name, machine, dtype, says):
    with pytest.raises(errors.DeviceError) as caught:
        resolve_backend(name, machine, dtype)
    assert says in str(caught.value)


@pytest.mark.parametrize("machine", [H200, T4, LAPTOP, INTERPRETER])
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("quantize", [None, "none"])
def test_every_machine_takes_the_weights_as_they_are(quantize, name, machine):
    assert resolve_quantize(quantize, machine, BACKENDS[name]) is None


@pytest.mark.parametrize(
    ("machine", "name"), [(L4, "triton"), (H200, "triton"), (H200, "sdpa"), (H200, "flash"), (INTERPRETER, "triton")]
)
def test_fp8(machine, name):
    assert resolve_quantize("fp8", machine, BACKENDS[name]) == "fp8"


@pytest.mark.parametrize(
    ("quantize", "machine", "name", "says"),
    [
        ("fp8", A100, "triton", "8.9 or later where this one has 8.0"),
        ("fp8", LAPTOP, "torch", "8.9 or later: else give 'none'"),
        ("fp8", H200, "torch", "needs backend triton, sdpa or flash"),
        ("fp8", INTERPRETER, "torch", "needs backend triton, sdpa or flash"),
        ("int8", H200, "triton", "later version"),
        ("int4", LAPTOP, "torch", "later version"),
        ("int3", H200, "triton", "give none, fp8, int8, int4"),
        (8, H200, "triton", "give none, fp8, int8, int4"),
    ],
)
def test_formats_that_are_refused(quantize, machine, name, says):
    with pytest.raises(errors.DeviceError) as caught:
        resolve_quantize(quantize, machine, BACKENDS[name])
    message = str(caught.value)
    assert f"quantize={quantize!r}" in message and says in message and "\n" not in message


@pytest.mark.parametrize(
    ("machine", "name", "reason"),
    [
        (H200, "triton", None),
        (A100, "flash", None),
        (H200, "torch", "needs backend triton, sdpa or flash"),
        (LAPTOP, "torch", "needs an NVIDIA GPU"),
        (INTERPRETER, "triton", "needs an NVIDIA GPU"),
        (dataclasses.replace(H200, interpreter=True), "triton", "needs Triton's interpreter off (unset TRITON_INTERPRET)"),
    ],
)
def test_graphs_are_used_where_they_are_wanted_and_can_be(machine, name, reason):
    backend = BACKENDS[name]
    assert why_no_graphs(machine, backend) == reason
    assert uses_graphs(True, machine, backend) == (reason is None)
    assert not uses_graphs(False, machine, backend)


def test_abilities_of_a_gpu_without_triton():
    can = abilities(BARE, NARROW)
    assert can["cuda_graphs"] == can["backends"]["triton"] == "needs triton 3.6"
    assert abilities(H200, NARROW)["cuda_graphs"] is None
    assert abilities(A100, NARROW)["quantize"]["fp8"] is not None


def test_this_machine_is_asked(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    machine = Machine.of(CPU, flash=False)
    assert machine == Machine(capability=None, interpreter=False, triton_lack=_triton_lack(triton, False), flash_lack="flash-attn")
    if triton is not None:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
        assert Machine.of(CPU, flash=False).interpreter


def test_triton_that_is_not_there_or_does_not_work():
    assert "pip install 'triton>=3.6'" in _triton_lack(None, drives_gpu=False)
    if triton is None or torch.cuda.is_available():
        pytest.skip("needs Triton and no GPU")
    assert _triton_lack(triton, drives_gpu=False) is None
    assert "it fails with: RuntimeError: 0 active drivers" in _triton_lack(triton, drives_gpu=True)


def test_flash_attn_of_another_torch_is_lacking(tmp_path, monkeypatch):
    (tmp_path / "flash_attn").mkdir()
    (tmp_path / "flash_attn" / "__init__.py").write_text("raise ImportError('undefined symbol: _ZN3c10\\n and more')")
    monkeypatch.syspath_prepend(tmp_path)
    lack = _flash_lack()
    assert lack.endswith("(it fails with: ImportError: undefined symbol: _ZN3c10)")


def released(name: str) -> Checkpoint:
    """A release without its weights."""
    config = ModelConfig.read(json.loads((RELEASED / f"{name}.config.json").read_text()), name)
    codec = CodecConfig.read(json.loads((RELEASED / "speech_tokenizer.config.json").read_text()), name)
    model, decoder = (
        {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
        for shapes in (model_tensors(config), codec_tensors(codec))
    )
    return Checkpoint(Path(name), config, codec, GenerationConfig(), model, decoder)


@pytest.mark.parametrize("path", sorted(RELEASED.glob("?b?-*.config.json")), ids=lambda path: path.name)
def test_sizes_of_the_releases(path):
    config = ModelConfig.read(json.loads(path.read_text()), path.name)
    talker = [shape for name, shape in model_tensors(config).items() if name.startswith("talker.")]
    assert sum(map(prod, talker)) == RELEASED_PARAMETERS[config.tts_model_size.replace("0b6", "0.6B").replace("1b7", "1.7B")]


# In GiB: the weights of 1.7B are 3.57 in bfloat16 and 2.18 in fp8, those of 0.6B 1.69; the codec's decoder is 0.43, the work 1, and
# 65,536 KV positions are 7. Sums are rounded up.
@pytest.mark.parametrize(
    ("name", "dtype", "options", "free", "says"),
    [
        ("1b7-custom_voice", NARROW, {}, 4.0, "5.0 GiB in bfloat16: give a 0.6B model (3.2 GiB), or device cpu"),
        ("1b7-base", NARROW, {}, 2.0, "5.0 GiB in bfloat16: give device cpu"),
        ("1b7-base", WIDE, {}, 6.0, "8.6 GiB in float32: give a 0.6B model (4.9 GiB), dtype bfloat16 (5.0 GiB), or device cpu"),
        ("0b6-base", NARROW, {}, 3.0, "3.2 GiB in bfloat16: give device cpu"),
        ("1b7-base", NARROW, {"kv_positions": 65536}, 6.0, "12.0 GiB in bfloat16: give fewer kv_positions, or device cpu"),
        ("1b7-base", NARROW, {"quantize": "fp8"}, 3.3, "3.7 GiB in bfloat16: give a 0.6B model (2.5 GiB), or device cpu"),
    ],
)
def test_a_gpu_too_small_says_what_would_fit(name, dtype, options, free, says):
    options = {"quantize": None, "kv_positions": None, **options}
    with pytest.raises(errors.DeviceError) as caught:
        check_memory(released(name), torch.device("cuda:1"), dtype, free_bytes=int(free * GIB), **options)
    message = str(caught.value)
    assert message.startswith(f"device='cuda:1' has {free} GiB free, and this model needs {says}") and "\n" not in message


def test_what_is_said_to_fit_fits():
    for name, dtype, gib in (("0b6-base", NARROW, 3.2), ("1b7-base", NARROW, 5.0), ("0b6-base", WIDE, 4.9)):
        check_memory(released(name), CPU, dtype, None, None, int(gib * GIB))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (dict(backend="triton"), "backend='triton'"),
        (dict(backend="jax"), "backend='jax'"),
        (dict(quantize="fp8"), "quantize='fp8'"),
        (dict(quantize="int3"), "quantize='int3'"),
        (dict(max_batch=None), "max_batch=None"),
        (dict(graph_buckets=[]), "graph_buckets="),
        (dict(graph_buckets=8), "graph_buckets=8"),
        (dict(graph_buckets=[1, 0]), "graph_buckets[1]=0"),
        (dict(graph_buckets=[True]), "graph_buckets[0]=True"),
    ],
)
def test_a_load_is_refused_before_the_model_is_looked_for(options, says, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(errors.InputError) as caught:
        TTS.load("no/such/folder", device="cpu", **options)
    assert says in str(caught.value)
