"""What the extension refuses, and how it says so."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts import _C

LINEAR = {"x_ptr": 0, "w_ptr": 0, "bias_ptr": 0, "y_ptr": 0, "m": 2, "k": 3, "n": 4, "weight_dtype": "float32", "threads": 1}
SNAKE = {"x_ptr": 0, "alpha_ptr": 0, "inv_beta_ptr": 0, "y_ptr": 0, "rows": 3, "channels": 2, "threads": 1}
SIZES = st.integers(-(2**70), 2**70) | st.integers(-3, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("m", -1), ("k", -1), ("n", -1), ("m", 2**62), ("k", 2**40), ("n", 2**62)),
        *(("threads", 0), ("threads", -1), ("threads", 257), ("weight_dtype", "int8"), ("isa", "sse9")),
        *(("x_ptr", 0), ("w_ptr", 0), ("y_ptr", 0)),
    ],
)
def test_linear_names_the_bad_argument(name: str, value: object) -> None:
    buffer = torch.zeros(64)
    arguments = LINEAR | dict.fromkeys(("x_ptr", "w_ptr", "y_ptr"), buffer.data_ptr())
    with pytest.raises(ValueError, match=f"^{name}=.*: (give|split)"):
        _C.linear(**(arguments | {name: value}))
    assert (buffer == 0).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("rows", -1), ("channels", -1), ("rows", 2**62), ("threads", 0), ("isa", "")),
        *(("x_ptr", 0), ("alpha_ptr", 0), ("inv_beta_ptr", 0), ("y_ptr", 0)),
    ],
)
def test_snake_names_the_bad_argument(name: str, value: object) -> None:
    buffer = torch.zeros(64)
    arguments = SNAKE | dict.fromkeys(("x_ptr", "alpha_ptr", "inv_beta_ptr", "y_ptr"), buffer.data_ptr())
    with pytest.raises(ValueError, match=f"^{name}=.*: (give|split)"):
        _C.snake(**(arguments | {name: value}))
    assert (buffer == 0).all()


@given(m=SIZES, k=SIZES, n=SIZES, threads=SIZES, weight_dtype=st.sampled_from(["float32", "bfloat16"]) | st.text(), isa=st.text())
def test_linear_never_reads_a_null(m: int, k: int, n: int, threads: int, weight_dtype: str, isa: str) -> None:
    """Without arrays, all that can succeed is a product of empty ones."""
    arguments = LINEAR | {"m": m, "k": k, "n": n, "threads": threads, "weight_dtype": weight_dtype, "isa": isa or "auto"}
    try:
        _C.linear(**arguments)
    except (ValueError, TypeError):
        return
    assert m * k == n * k == m * n == 0 and min(m, k, n) >= 0


@given(rows=SIZES, channels=SIZES, threads=st.integers(1, 4))
def test_snake_never_reads_a_null(rows: int, channels: int, threads: int) -> None:
    try:
        _C.snake(**(SNAKE | {"rows": rows, "channels": channels, "threads": threads}))
    except (ValueError, TypeError):
        return
    assert channels == 0 and rows >= 0


def test_auto_is_the_widest_instruction_set() -> None:
    assert _C.cpu_features()[0] == "baseline"
    x, widest, auto = torch.randn(2, 100), torch.zeros(2, 2), torch.ones(2, 2)
    _C.linear(x.data_ptr(), x.data_ptr(), 0, widest.data_ptr(), 2, 100, 2, "float32", 1, _C.cpu_features()[-1])
    _C.linear(x.data_ptr(), x.data_ptr(), 0, auto.data_ptr(), 2, 100, 2, "float32", 1)
    assert torch.equal(auto, widest)


def test_build_info() -> None:
    info = _C.build_info()
    assert info["compiler"]
    assert info["cuda"] is hasattr(_C, "snake_cuda")
    assert info["cuda"] is (info["cuda_version"] is not None)
