"""The thread pool, through the linear layer: many callers, fork, idle time and the end of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from qwen3tts import _C


def test_callers_on_many_threads(linear: Callable[..., Tensor]) -> None:
    x, weight = torch.randn(3, 256), torch.randn(1024, 256)
    expected = linear(x, weight)

    def call_often(threads: int) -> bool:
        return all(torch.equal(linear(x, weight, threads=threads), expected) for _ in range(200))

    with ThreadPoolExecutor(4) as callers:
        assert all(callers.map(call_often, [2, 3, 4, 8]))


def test_a_forked_child_gets_workers_of_its_own(linear: Callable[..., Tensor]) -> None:
    x, weight = torch.randn(3, 256), torch.randn(1024, 256)
    expected = linear(x, weight, threads=2)
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that waits for its parent's workers would wait for ever
        right = all(torch.equal(linear(x, weight, threads=2), expected) for _ in range(20))
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert torch.equal(linear(x, weight, threads=2), expected)


def test_idle_workers_sleep(linear: Callable[..., Tensor]) -> None:
    linear(torch.randn(3, 256), torch.randn(1024, 256), threads=4)
    time.sleep(0.05)
    start = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - start < 0.1


def test_the_process_ends_in_the_middle_of_calls() -> None:
    program = """
import threading, time, torch
from qwen3tts import _C
x, weight, y = torch.randn(1, 256), torch.randn(1024, 256), torch.empty(1, 1024)
arrays = [(tensor.data_ptr(), tensor.numel()) for tensor in (x, weight, y)]
def call_for_ever():
    while True:
        _C.linear(arrays[0], arrays[1], None, arrays[2], 1, 256, 1024, "float32", 2)
for _ in range(3):
    threading.Thread(target=call_for_ever, daemon=True).start()
time.sleep(0.2)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("given", ["", "0", "-1", "1,2", "two"])
def test_threads_are_the_cores_where_none_are_asked_for(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert _C.available_threads() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("given", "threads"), [("1", 1), ("3", 3), ("100000", 256)])
def test_threads_are_what_is_asked_for(given: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert _C.available_threads() == threads
