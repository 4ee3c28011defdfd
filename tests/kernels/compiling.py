"""Compile planned launches for GPUs that are not here, and read off what came out.

A planned launch has its real arguments, so a compilation is specialised as the launcher would: an address or a number divisible by
16 is known to be, None is a constant, and so is 1.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from qwen3tts.kernels.launch import Launch

SHARED_LIMIT = {80: 163 * 1024, 89: 99 * 1024, 90: 227 * 1024, 120: 99 * 1024}
"""Shared memory that one block may have, by compute capability (CUDA C++ programming guide, technical specifications)."""

_TYPES = {
    torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16", torch.float8_e4m3fn: "fp8e4nv",
    torch.int64: "i64", torch.int32: "i32", torch.bool: "i1",
}  # fmt: skip


@dataclass(frozen=True)
class Compiled:
    """A compiled kernel: its PTX, and what its machine code needs."""

    ptx: str
    registers: int
    stack_bytes: int
    shared_bytes: int


def specialise(launch: Launch) -> tuple[dict[str, str], dict[str, Any], dict[tuple[int], list[list[Any]]]]:
    """Signature, constants and attributes that the launcher would compile a launch with."""
    signature: dict[str, str] = {}
    constants = dict(launch.constants)
    aligned: dict[tuple[int], list[list[Any]]] = {}
    names = launch.kernel.arg_names
    for index, (name, value) in enumerate(zip(names, launch.arguments, strict=False)):
        if value is None or (isinstance(value, int) and value == 1):
            constants[name] = value
        elif isinstance(value, torch.Tensor):
            signature[name] = f"*{_TYPES[value.dtype]}"
            if value.storage_offset() * value.element_size() % 16 == 0:
                aligned[(index,)] = [["tt.divisibility", 16]]
        elif isinstance(value, float):
            signature[name] = "fp32"
        else:
            signature[name] = "i32"
            if value % 16 == 0:
                aligned[(index,)] = [["tt.divisibility", 16]]
    signature = {name: "constexpr" if name in constants else signature[name] for name in names}
    return signature, constants, aligned


def compile_launch(launch: Launch, capability: int) -> Compiled:
    """Compile a launch for a compute capability given as 80, 89, 90 or 120."""
    signature, constants, aligned = specialise(launch)
    source = ASTSource(launch.kernel, signature, constants, aligned)
    options = {"num_warps": launch.warps, "num_stages": launch.stages, "enable_fp_fusion": True}
    kernel = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder, "kernel.cubin")
        cubin.write_bytes(kernel.asm["cubin"])
        tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
        usage = subprocess.run([tool, "--dump-resource-usage", cubin], check=True, capture_output=True, text=True).stdout
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", usage).groups()
    return Compiled(kernel.asm["ptx"], int(registers), int(stack), kernel.metadata.shared)
