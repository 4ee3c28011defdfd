"""Every kernel of a frame and of a prefill at the released sizes, compiled for GPUs that are not here.

What the machine code shows of speed and safety is asserted; its numbers are the affair of the interpreter's tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Compiled = SimpleNamespace
"""As compiling.py has it."""

CAPABILITIES = (80, 89, 90, 120)
DEPENDENT = (90, 120)
SHARED_LIMIT = {80: 163 * 1024, 89: 99 * 1024, 90: 227 * 1024, 120: 99 * 1024}
"""Bytes of shared memory that a block may have (CUDA C++ programming guide, technical specifications per compute capability)."""

PROJECTIONS = ("matvec", "matmul", "attention_output")
TENSOR_CORES = ("matmul", "prefill_attention")
CONSTANTS = {"weight", "norm", "scales", "bias", "q_norm", "k_norm", "cos", "sin"}
"""Arguments that no kernel of a frame writes."""

MUCH_READ = ("weight", "keys", "values", "partials")
"""Arguments that a kernel reads most of its bytes from."""

FRAME, FRAME_16, PREFILL = {"lanes": 1}, {"lanes": 16}, {"tokens": 32}
FP8 = {"quantize": "fp8"}
ONE_SHAPE = {"every_shape": False}


def case(capability: int, size: str, **what: Any) -> dict[str, Any]:
    """One for compiling.py, which says what it may have."""
    return {"capability": capability, "size": size, **what}


UNALIGNED = case(90, "0.6B", **FRAME, **ONE_SHAPE, kernel="matvec", aligned=False)
SOME = [
    UNALIGNED,
    case(90, "1.7B", **FRAME),
    *(case(90, "1.7B", **what, **ONE_SHAPE) for what in (FRAME_16, PREFILL, FRAME | FP8, FRAME_16 | FP8)),
    *(case(capability, "0.6B", **what, **ONE_SHAPE) for capability in (80, 89, 120) for what in (FRAME, FRAME_16, PREFILL)),
]
ALL = [
    UNALIGNED,
    *(
        case(capability, size, **what, quantize=quantize)
        for capability in CAPABILITIES
        for size in ("1.7B", "0.6B")
        for what in (FRAME, {"lanes": 2}, {"lanes": 8}, FRAME_16, {"lanes": 64}, PREFILL, {"tokens": 512})
        for quantize in (None, "fp8")
        if not quantize or capability >= 89
    ),
]


@pytest.fixture(scope="module", params=[pytest.param(SOME, id="some"), pytest.param(ALL, id="all", marks=pytest.mark.soak)])
def compiled(request: pytest.FixtureRequest) -> list[Compiled]:
    """What became of the distinct launches of the cases, compiled by a process on each core.

    In processes of their own, because the interpreter and the compiler exclude each other in one.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    program, shares = Path(__file__).with_name("compiling.py"), os.cpu_count() or 1
    commands = [[sys.executable, program, json.dumps(request.param), str(share), str(shares)] for share in range(shares)]
    workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * shares
    return [Compiled(**launch) for output in outputs for launch in json.loads(output)]


@pytest.fixture(params=CAPABILITIES, ids=lambda capability: f"sm_{capability}")
def launches(request: pytest.FixtureRequest, compiled: list[Compiled]) -> list[Compiled]:
    """Those of one GPU, as the launcher would have them compiled."""
    found = [launch for launch in compiled if launch.capability == request.param and launch.aligned]
    assert {launch.kernel for launch in found} >= {*PROJECTIONS, *TENSOR_CORES, "draw", "frame_input", "paged_attention"}
    return found


def broken(launches: list[Compiled], holds: Callable[[Compiled], bool]) -> list[Compiled]:
    """Those for which something does not hold."""
    return [launch for launch in launches if not holds(launch)]


def test_no_register_is_spilled(launches):
    assert broken(launches, lambda launch: launch.spills == 0) == []


def test_shared_memory_suffices(launches):
    assert broken(launches, lambda launch: launch.shared <= SHARED_LIMIT[launch.capability]) == []


def test_every_load_is_understood(launches):
    assert broken(launches, lambda launch: launch.loads and "?" not in launch.loads) == []


def test_what_is_much_read_is_read_16_bytes_at_a_time(launches):
    assert broken(launches, lambda launch: all(set(launch.loads.get(name, [16])) == {16} for name in MUCH_READ)) == []
    projections = [launch for launch in launches if launch.kernel in PROJECTIONS]
    assert broken(projections, lambda launch: launch.loads["weight"]) == []


def test_loads_are_narrow_where_the_compiler_knows_no_alignment(compiled):
    """So the widths above are owed to it, and to what the launcher guarantees."""
    unaligned = [launch for launch in compiled if not launch.aligned]
    assert unaligned
    assert broken(unaligned, lambda launch: max(launch.loads["weight"]) < 16) == []


def test_a_matrix_vector_product_reads_each_weight_once(launches):
    products = [launch for launch in launches if launch.kernel in ("matvec", "attention_output")]
    assert broken(products, lambda launch: 0.98 <= sum(launch.loads["weight"]) * launch.threads / launch.weight_bytes <= 1) == []


def test_tensor_cores_where_they_are_meant(launches):
    assert broken(launches, lambda launch: (launch.products > 0) == (launch.kernel in TENSOR_CORES)) == []


def test_dependent_launch_where_the_gpu_has_it(launches):
    """Each kernel starts the next and waits for the one before, once, in code that every program runs."""
    assert broken(launches, lambda launch: launch.waits == launch.triggers == (launch.capability in DEPENDENT)) == []


def test_before_the_wait_only_constants_are_touched(launches):
    assert broken(launches, lambda launch: set(launch.before_wait) <= CONSTANTS) == []


def test_projections_ask_for_weights_before_they_wait(launches):
    projections = [launch for launch in launches if launch.kernel in PROJECTIONS and launch.capability in DEPENDENT]
    assert broken(projections, lambda launch: "weight" in launch.before_wait and launch.early_loads > 0) == []
