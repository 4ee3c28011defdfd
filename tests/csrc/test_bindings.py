"""What the extension refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from qwen3tts import _C
from qwen3tts.native.dispatch import array

Arguments = dict[str, Any]


def spoilt(arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    """Each argument wrong in each of its ways, under the name that an error should give."""
    for name, value in arguments.items():
        if name == "past":
            for i, part in enumerate(("history", "slots", "progress")):
                for _, wrong in spoilt({part: value[i]}):
                    yield part, arguments | {"past": (*value[:i], wrong[part], *value[i + 1 :])}
        elif isinstance(value, tuple):
            address, elements = value
            for wrong in ((0, elements), (address + 1, elements), (address, elements - 1), (address, 2**62), (address, -1)):
                yield name, arguments | {name: wrong}
        elif isinstance(value, int):
            for size in (-1, 2**62):
                yield name, arguments | {name: size}
        elif isinstance(value, str):
            yield name, arguments | {name: "no such"}


def test_names_the_bad_argument(operation, new) -> None:
    arguments = operation.arguments(new)
    operation.call(arguments)
    before = [tensor.clone() for tensor in new.tensors]
    for name, wrong in spoilt(arguments):
        with pytest.raises(ValueError, match=rf"^{name}=.*: (give|split)"):
            operation.call(wrong)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(new.tensors, before, strict=True))


@pytest.mark.parametrize(("name", "value"), [("threads", 0), ("threads", 257), ("isa", "sse9")])
def test_names_bad_threads_and_isa(operation, new, name: str, value: int | str) -> None:
    if not operation.has_threads or (name == "isa" and operation.has_activation):
        pytest.skip("it has none")
    with pytest.raises(ValueError, match=f"^{name}=.*: give"):
        getattr(_C, operation.name)(**({"threads": 1} | operation.arguments(new) | {name: value}))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (dict(stride=6), "stride"),
        (dict(dilation=2**15 + 1), "dilation"),
        (dict(columns=5, activation="swiglu", alpha=None, inv_beta=None), "columns"),
        (dict(alpha=None), "alpha"),
        (dict(inv_beta=None), "inv_beta"),
        (dict(activation="elu"), "alpha"),
    ],
)
def test_a_layer_has_to_make_sense(operations, new, changes: Arguments, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}=.*: give"):
        _C.Layer(**(operations["Layer"].arguments(new) | changes))


def test_layers_of_a_unit_have_to_fit(operations, new) -> None:
    arguments = operations["residual_unit"].arguments(new)
    other = _C.Layer(**operations["Layer"].build(_C, new, 6, 3, 2, 1, "swiglu"))
    for name in ("dilated", "pointwise"):
        with pytest.raises(ValueError, match=f"^{name}=.*: give"):
            operations["residual_unit"].call(arguments | {name: other})


def test_a_layer_runs_where_it_is_laid_out_for(operations, new, emulated_extension) -> None:
    arguments = operations["Layer"].arguments(new)
    elsewhere = operations["convolution"].build(emulated_extension, new, *operations["convolution"].sizes, "gelu")
    with pytest.raises(ValueError, match=r"^layer=.*: give"):
        operations["convolution"].call(elsewhere | {"layer": emulated_extension.Layer(**arguments)}, emulated_extension)
    on_cpu = operations["convolution"].arguments(new) | {"layer": elsewhere["layer"], "threads": 1}
    with pytest.raises(ValueError, match=r"^layer=.*: give"):
        emulated_extension.convolution(**on_cpu)
    if not hasattr(_C, "convolution_cuda"):
        with pytest.raises(ValueError, match=r"^layout='cuda' .*: give"):
            _C.Layer(**(arguments | {"layout": "cuda"}))


@pytest.mark.parametrize(("slots", "progress"), [([-1, 0], 0), ([0, 3], 0), ([1, 1], 0), ([0, 2], -1), ([0, 2], 2**41)])
def test_names_bad_slots_and_progress(operation, new, slots: list[int], progress: int) -> None:
    if not operation.has_slots:
        pytest.skip("it has none")
    given = torch.tensor(slots), torch.full((3, 2), progress)
    places = [array(tensor, torch.int64) for tensor in given]
    arguments = operation.arguments(new, batch=2)
    if "past" in arguments:
        arguments["past"] = (arguments["past"][0], *places)
    else:
        arguments |= dict(slots=places[0], progress=places[1])
    with pytest.raises(ValueError, match=f"^{'progress' if progress else 'slots'}=.*: give"):
        operation.call(arguments)


@pytest.mark.parametrize("code", [-1, 4, 2**40])
def test_names_bad_codes(operations, new, code: int) -> None:
    codes = torch.tensor([0, 1, 2, 3, code, 0])
    arguments = operations["dequantize"].arguments(new) | {"codes": array(codes, torch.int64)}
    with pytest.raises(ValueError, match=f"^codes={code} .*: give 0 to 3"):
        operations["dequantize"].call(arguments)


def test_a_convolution_has_to_have_a_result(operations, new) -> None:
    arguments = operations["convolution"].arguments(new) | dict(y=None, activated=None)
    with pytest.raises(ValueError, match=r"^y=.*: give"):
        operations["convolution"].call(arguments)


def test_auto_is_the_widest_instruction_set(linear) -> None:
    assert _C.cpu_features()[0] == "baseline"
    x, weight = torch.randn(2, 100), torch.randn(2, 100)
    assert torch.equal(linear(x, weight), linear(x, weight, isa=_C.cpu_features()[-1]))
    assert _C.panel_width() == _C.panel_width(_C.cpu_features()[-1])


def test_fma_rate(isa) -> None:
    """Any machine that this runs on does more than 1e8 a second, and none does 1e13 on one core."""
    assert 1e8 < _C.fma_rate(1, isa) < 1e13


def test_build_info() -> None:
    info = _C.build_info()
    assert info["compiler"]
    assert info["cuda"] is hasattr(_C, "convolution_cuda")
    assert info["cuda"] is (info["cuda_version"] is not None)
