"""Whatever the extension is called with, it runs or refuses, and writes nowhere but where it should.

Arrays are of their true lengths, sizes are anything. Under `make sanitize` reads are watched as well.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen3tts import _C

ACTIVATIONS = st.sampled_from(["none", "snake", "elu", "gelu", "swiglu"])
WILD_SIZES = st.integers(-3, 20) | st.integers(-(2**70), 2**70)
WILD_NAMES = ACTIVATIONS | st.sampled_from([*_C.cpu_features(), "auto", "cuda", "float16"]) | st.text(max_size=5)
CONTENTS = st.sampled_from([0, 1, 2, 3, -1, 40, 2**40, 2**63 - 1, -(2**63)])


def other(draw, new, value: Any) -> Any:
    """Something in place of an argument: of its type, mostly, and never an array that claims to be longer than it is."""
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        changed = draw(st.integers(0, 2))
        return draw(st.none() | st.just(tuple(other(draw, new, part) if i == changed else part for i, part in enumerate(value))))
    if isinstance(value, tuple):
        address, elements = value
        fewer = draw(st.integers(0, elements))
        choices = [(address, fewer), (address + draw(st.integers(1, 7)), max(0, fewer - 8)), (0, draw(WILD_SIZES)), None, value[0]]
        return draw(st.sampled_from([*choices, new.array(draw(st.integers(0, 100)))]))
    strategies = {int: WILD_SIZES, float: st.floats(width=32) | WILD_SIZES, str: WILD_NAMES}
    return draw(strategies.get(type(value), st.none() | st.integers()))


def check(operation, module, buffers, data: st.DataObject) -> None:
    """One call, right but for up to two arguments."""
    draw = data.draw
    some_integers = st.just(0) if draw(st.booleans()) else CONTENTS
    new = buffers(lambda elements: draw(st.lists(some_integers, min_size=elements, max_size=elements)))
    sizes = [draw(st.integers(1, 3 if i == 0 else 9)) for i in range(len(operation.sizes))]
    arguments = operation.build(module, new, *sizes, *([draw(ACTIVATIONS)] if operation.has_activation else []))
    for name in draw(st.lists(st.sampled_from(sorted(arguments)), max_size=2, unique=True)):
        arguments[name] = other(draw, new, arguments[name])
    with suppress(ValueError, TypeError):
        operation.call(arguments, module)
    new.assert_guards_untouched()


@settings(max_examples=170)
@given(data=st.data())
def test_on_a_cpu(operation, buffers, data: st.DataObject) -> None:
    check(operation, _C, buffers, data)


@settings(max_examples=60)
@given(data=st.data())
def test_on_an_emulated_gpu(operation, buffers, emulated_extension, data: st.DataObject) -> None:
    check(operation, emulated_extension, buffers, data)


@settings(max_examples=20)
@given(threads=WILD_SIZES | st.none() | st.text(), isa=WILD_NAMES | st.none())
@pytest.mark.parametrize("name", ["fma_rate", "panel_width"])
def test_functions_of_no_arrays(name: str, threads: Any, isa: Any) -> None:
    with suppress(ValueError, TypeError):
        _C.fma_rate(threads, isa) if name == "fma_rate" else _C.panel_width(isa)
