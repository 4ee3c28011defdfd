"""Compile planned launches for GPUs that are not here, and read off what came out: `python compiling.py CASES SHARE SHARES`.

CASES: a JSON list of `Case`. Writes a JSON list of `Compiled` for every SHARESth distinct launch, from number SHARE on.

A planned launch has its real arguments, so a compilation is specialised as the launcher would: an address or a number divisible by
16 is known to be, None is a constant, and so is 1. Triton's interpreter and its compiler exclude each other in one process, hence
the program.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from qwen3tts.bench.roofline import released_configs
from qwen3tts.engine.frame import is_wide
from qwen3tts.engine.plan import frame_plan, prefill_plan
from qwen3tts.kernels.launch import DEPENDENT_CAPABILITY, Launch

NVDISASM = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "nvdisasm"
TYPES = {
    torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16", torch.float8_e4m3fn: "fp8e4nv",
    torch.int64: "i64", torch.int32: "i32", torch.bool: "i1",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A frame of `lanes` lanes, or a prefill of `tokens` tokens where that is not 0, for a GPU.

    every_shape: all of its distinct launches; else only those that differ from all before in more than numbers. kernel: this one
    only. aligned: as the launcher would; else as if it knew nothing of addresses and strides.
    """

    capability: int
    size: str
    lanes: int = 0
    tokens: int = 0
    quantize: str | None = None
    every_shape: bool = True
    kernel: str | None = None
    aligned: bool = True

    def plan(self) -> list[Launch]:
        """Its launches, as the engine makes them on that GPU."""
        config = released_configs(self.size)[0]
        options: dict[str, Any] = {"dependent": self.capability >= 10 * DEPENDENT_CAPABILITY[0], "quantize": self.quantize}
        if self.tokens:
            return prefill_plan(config, self.tokens, **options)
        return frame_plan(config, self.lanes, wide=is_wide(self.lanes), **options)


@dataclass(frozen=True)
class Compiled:
    """What became of a launch.

    kernel, launch: its name; the same with constants and dtypes. capability, aligned: of its case. threads: of a program.
    weight_bytes: that a program has to read. shared: bytes. spills: loads and stores of spilled registers.
    loads: bytes of each load of a thread, by the argument that is loaded from; "?" where it is none. before_wait: what is loaded
    from ("store" for a store) before the kernel waits for its predecessor. early_loads: loads of 16 bytes that precede the wait in
    the machine code. waits, triggers: instructions of dependent launch. products: those of tensor cores.
    """

    kernel: str
    launch: str
    capability: int
    aligned: bool
    threads: int
    weight_bytes: int
    shared: int
    spills: int
    loads: dict[str, list[int]]
    before_wait: list[str]
    early_loads: int
    waits: int
    triggers: int
    products: int


Specialisation = tuple[dict[str, str], dict[str, Any], dict[tuple[int], list[list[Any]]]]


def specialise(launch: Launch) -> Specialisation:
    """Signature, constants and attributes that the launcher would compile a launch with."""
    signature: dict[str, str] = {}
    constants = dict(launch.constants)
    aligned: dict[tuple[int], list[list[Any]]] = {}
    for index, (name, value) in enumerate(zip(launch.kernel.arg_names, launch.arguments, strict=False)):
        if name in (launch.kernel.do_not_specialize or ()):
            signature[name] = "i32"
        elif value is None or (isinstance(value, int) and value == 1):
            constants[name] = value
        elif isinstance(value, float):
            signature[name] = "fp32"
        elif isinstance(value, torch.Tensor):
            signature[name] = f"*{TYPES[value.dtype]}"
            if value.storage_offset() * value.element_size() % 16 == 0:
                aligned[(index,)] = [["tt.divisibility", 16]]
        else:
            signature[name] = "i32"
            if value % 16 == 0:
                aligned[(index,)] = [["tt.divisibility", 16]]
    signature = {name: "constexpr" if name in constants else signature[name] for name in launch.kernel.arg_names}
    return signature, constants, aligned


def kind(specialisation: Specialisation) -> dict[str, Any]:
    """What of a specialisation is no number: the dtypes of the tensors that are there, and the flags."""
    signature, constants, _ = specialisation
    flags = {name: value for name, value in constants.items() if isinstance(value, bool)}
    return flags | {name: dtype for name, dtype in signature.items() if dtype[0] == "*"}


def compile_launch(launch: Launch, specialisation: Specialisation, capability: int, aligned: bool) -> Compiled:
    """Compile a launch for a compute capability given as 80, 89, 90 or 120. aligned: see `Case`."""
    signature, constants, attributes = specialisation
    source = ASTSource(launch.kernel, signature, constants, attributes if aligned else {})
    options = {"num_warps": launch.warps, "num_stages": launch.stages, "enable_fp_fusion": True}
    kernel = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder, "kernel.cubin")
        cubin.write_bytes(kernel.asm["cubin"])
        code = subprocess.run([NVDISASM, "-c", cubin], check=True, capture_output=True, text=True).stdout
    operations = re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+ )?([A-Z][A-Z0-9_.]*)", code, re.MULTILINE)
    wait = operations.index("ACQBULK") if "ACQBULK" in operations else 0
    ptx = kernel.asm["ptx"]
    pointers = [name if kind[0] == "*" else None for name, kind in signature.items() if kind != "constexpr"]
    loads, before_wait = read_loads(ptx, pointers)
    return Compiled(
        kernel=launch.name,
        launch=describe(launch, signature),
        capability=capability,
        aligned=aligned,
        threads=32 * launch.warps,
        weight_bytes=launch.work.weight_bytes // launch.grid[0],
        shared=kernel.metadata.shared,
        spills=sum(operation.startswith(("LDL", "STL")) for operation in operations),
        loads=loads,
        before_wait=before_wait,
        early_loads=sum(bool(re.match(r"LDG(STS)?\..*128", operation)) for operation in operations[:wait]),
        waits=ptx.count("griddepcontrol.wait"),
        triggers=ptx.count("griddepcontrol.launch_dependents"),
        products=len(re.findall(r"\bw?g?mma[\w.]*\.sync", ptx)),
    )


def describe(launch: Launch, signature: dict[str, str]) -> str:
    """A launch in a line."""
    constants = " ".join(f"{name}={value}" for name, value in launch.constants.items())
    dtypes = ",".join(dict.fromkeys(kind[1:] for kind in signature.values() if kind[0] == "*"))
    return f"{launch.name} {constants} warps={launch.warps} {dtypes}"


def read_loads(ptx: str, pointers: list[str | None]) -> tuple[dict[str, list[int]], list[str]]:
    """Bytes of each load from global memory by the argument its address comes from, and what is accessed before the wait.

    pointers: the arguments' names, None for numbers.
    """
    body = [line.strip() for line in ptx.split("{", 1)[1].splitlines()]
    origins = _origins(body, pointers)
    loads: dict[str, list[int]] = {}
    before: dict[str, None] = {}
    waited = not any("griddepcontrol.wait" in line for line in body)
    for line in body:
        waited = waited or "griddepcontrol.wait" in line
        if access := re.search(r"\b(ld|st|atom|red)\.global\S*|\bcp\.async\.c[ag]\.shared\.global", line):
            address = re.findall(r"\[ *(%rd\d+)", line)[-1]
            names = origins.get(address, set()) or {"?"}
            if access[1] in (None, "ld"):
                for name in names:
                    loads.setdefault(name, []).append(_width(line))
            if not waited:
                before.update(dict.fromkeys(names if access[1] in (None, "ld") else {"store"}))
    return loads, sorted(before)


def _origins(body: list[str], pointers: list[str | None]) -> dict[str, set[str]]:
    """The pointers that each register is computed from; what is loaded through a pointer is not."""
    origins: dict[str, set[str]] = {}
    computed: list[tuple[list[str], list[str]]] = []
    for line in body:
        if parameter := re.match(r"ld\.param\S*\s+(%\w+), \[\w+_param_(\d+)\]", line):
            if int(parameter[2]) < len(pointers) and (name := pointers[int(parameter[2])]):
                origins[parameter[1]] = {name}
        elif operation := re.match(r"(?:@!?%\w+ )?(?!ld|st|cp|atom|red|bra|bar)[a-z][\w.:]*\s+(%[\w|%]+),(.*)", line):
            computed.append((operation[1].split("|"), re.findall(r"%\w+", operation[2])))
    grown = True
    while grown:
        grown = False
        for results, operands in computed:
            names = set().union(*(origins.get(operand, set()) for operand in operands))
            for result in results:
                if not names <= origins.get(result, set()):
                    origins[result] = origins.get(result, set()) | names
                    grown = True
    return origins


def _width(line: str) -> int:
    """Bytes that a load moves."""
    if copy := re.search(r"\], (0x[0-9a-f]+|\d+)", line):
        return int(copy[1], 0)
    count, bits = re.search(r"ld\.global\S*?(?:\.v(\d))?\.[bufs](\d+)", line).groups()
    return int(count or 1) * int(bits) // 8


def compile_share(cases: list[Case], share: int, shares: int) -> list[Compiled]:
    """Every `shares`th of the distinct launches of the cases, from number `share` on, compiled."""
    distinct: dict[str, tuple[Launch, Specialisation, int, bool]] = {}
    kinds: set[str] = set()
    for case in cases:
        for launch in case.plan():
            specialisation = specialise(launch)
            name = case.capability, case.aligned, launch.name
            alike, same = str((*name, kind(specialisation))), str((*name, specialisation, launch.warps, launch.stages))
            if case.kernel in (None, launch.name) and same not in distinct and (case.every_shape or alike not in kinds):
                distinct[same] = launch, specialisation, case.capability, case.aligned
                kinds.add(alike)
    return [compile_launch(*work) for work in list(distinct.values())[share::shares]]


def main(cases: str, share: str, shares: str) -> None:
    """The program."""
    compiled = compile_share([Case(**case) for case in json.loads(cases)], int(share), int(shares))
    json.dump([asdict(one) for one in compiled], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
