"""What a bench ran on: a description, and the bandwidth that its floors divide by."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

MIB = 2**20
_BLOCK_BYTES = 2**30
"""Far more than any cache holds, so that a sum over it comes from memory."""
_PASSES = 3
_SUMS_PER_PASS = 4
"""On a GPU a sum takes a quarter of a millisecond: several of them hide the wait for the last one."""


def describe_machine() -> dict[str, Any]:
    """The machine as JSON values: cpu, cores (usable), memory_gib, isa (of the CPU kernels), gpu (its name or None), torch."""
    # Imported here because `bench.gpu` builds it.
    from qwen3tts import _C

    return {
        "cpu": _cpu_model(),
        "cores": _usable_cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "isa": _C.cpu_features()[-1],
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
    }


def read_bandwidth(device: torch.device) -> float:
    """Bytes a second that a float32 sum over 1 GiB reads, with all of torch's threads on a CPU: the best of three passes."""
    block = torch.ones(_BLOCK_BYTES // torch.float32.itemsize, device=device)

    def seconds() -> float:
        start = time.perf_counter()
        for _ in range(_SUMS_PER_PASS):
            total = block.sum()
        total.item()
        return time.perf_counter() - start

    return _SUMS_PER_PASS * _BLOCK_BYTES / min(seconds() for _ in range(_PASSES))


def peak_memory_mib() -> float:
    """Most resident memory that this process has had, in MiB; pages of mapped weight files that were read count."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent had when it forked
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)[1]) * 1024 / MIB
    unit = 1 if sys.platform == "darwin" else 1024  # of getrusage: bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    name = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    return name[1] if name else platform.processor() or platform.machine()


def _usable_cores() -> int:
    """Cores that this process may run on: a container may have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
