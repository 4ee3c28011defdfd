"""What a machine can run: backends, formats of the weights, CUDA graphs, and models by their size.

Nothing that was asked for is replaced: it runs, or an error says why it cannot. A machine is asked once (`Machine.of`), and every
decision is made from its answers, so that any machine's can be looked at on any other. Torch, which takes seconds to import, comes
with the first question.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qwen3tts.device import resolve_device, resolve_dtype
from qwen3tts.errors import DeviceError

if TYPE_CHECKING:
    import torch

    from qwen3tts.checkpoint import Checkpoint

KERNELS_CAPABILITY = (8, 0)
"""Triton and flash-attn support no GPU before it; tensor cores multiply bfloat16 from it on."""

FP8_CAPABILITY = (8, 9)
"""From it on there are instructions that convert e4m3, and Triton compiles no other way."""

RELEASED_PARAMETERS = {"0.6B": 905_788_672, "1.7B": 1_916_676_352}
"""Of the talker and the code predictor, the same in every release of a size."""

WORKING_BYTES = 2**30
"""Estimate of what a GPU holds beside weights and KV cache: activations of a long prompt, codec state, graphs, workspaces."""


@dataclass(frozen=True)
class Backend:
    """What computes a frame, and what the attention of a prompt.

    "torch" is the references in plain torch, "triton" our kernels, "sdpa" torch's own attention, "flash" flash-attn.
    """

    name: str
    kernels: Literal["torch", "triton"]
    prefill_attention: Literal["torch", "triton", "sdpa", "flash"]


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("torch", "torch", "torch"),
        Backend("triton", "triton", "triton"),
        Backend("sdpa", "triton", "sdpa"),
        Backend("flash", "triton", "flash"),
    )
}

_LATER = "comes with a later version"
_FORMATS = {"none": None, "fp8": None, "int8": _LATER, "int4": _LATER}
"""Of the weights: name -> why no machine has it, or None."""


@dataclass(frozen=True)
class Machine:
    """What decides about a device.

    capability: of the NVIDIA GPU, None where the device is none. interpreter: Triton's kernels run in its interpreter, on a CPU,
    for their numbers. triton_lack, flash_lack: what there would have to be for Triton or flash-attn to work, None where they do.
    """

    capability: tuple[int, int] | None
    interpreter: bool
    triton_lack: str | None
    flash_lack: str | None

    @classmethod
    def of(cls, device: torch.device, flash: bool) -> Machine:
        """Ask this machine. flash: look for flash-attn too, which is slow to import; without it, it counts as lacking."""
        import torch

        from qwen3tts.kernels.language import triton

        gpu = device.type == "cuda" and torch.version.cuda is not None
        interpreter = triton is not None and triton.knobs.runtime.interpret
        return cls(
            capability=torch.cuda.get_device_capability(device) if gpu else None,
            interpreter=interpreter,
            triton_lack=_triton_lack(triton, drives_gpu=gpu and not interpreter),
            flash_lack=_flash_lack() if flash else "flash-attn",
        )


def backend_named(name: str) -> Backend:
    """The backend that a user calls `name`. Raises DeviceError where none is called so."""
    if name not in tuple(BACKENDS):
        raise DeviceError(f"backend={name!r} is unknown: give {', '.join(BACKENDS)}")
    return BACKENDS[name]


def resolve_backend(name: str | None, machine: Machine, dtype: torch.dtype) -> Backend:
    """A backend by name; None is triton on an NVIDIA GPU and torch elsewhere. dtype: of the weights.

    Raises DeviceError, with the remedy, for an unknown name and for what the machine cannot run.
    """
    backend = backend_named(("torch" if machine.capability is None else "triton") if name is None else name)
    if reason := _why_not(backend, machine, dtype):
        too_old = machine.capability is not None and machine.capability < KERNELS_CAPABILITY
        remedy = "'torch' with dtype float32, this GPU has no bfloat16" if too_old else "'torch'"
        raise DeviceError(f"backend={backend.name!r} {reason}: else give {remedy}")
    return backend


def check_format(quantize: str) -> None:
    """Raise DeviceError for a format of the weights that is unknown, or that comes with a later version."""
    if quantize not in tuple(_FORMATS):
        raise DeviceError(f"quantize={quantize!r} is unknown: give {', '.join(_FORMATS)}")
    if reason := _FORMATS[quantize]:
        raise DeviceError(f"quantize={quantize!r} {reason}: give 'none'")


def resolve_quantize(quantize: str | None, machine: Machine, backend: Backend) -> str | None:
    """The format that weights are converted to, None for none. Raises DeviceError for what the machine or backend cannot run."""
    if quantize is None:
        return None
    check_format(quantize)
    if reason := _why_not_format(quantize, machine, backend):
        raise DeviceError(f"quantize={quantize!r} {reason}: else give 'none'")
    return None if quantize == "none" else quantize


def why_no_graphs(machine: Machine, backend: Backend) -> str | None:
    """Why frames cannot be replayed as CUDA graphs, None where they can."""
    if machine.capability is None:
        return "needs an NVIDIA GPU"
    if machine.interpreter:
        return "needs Triton's interpreter off (unset TRITON_INTERPRET)"
    return None if backend.kernels == "triton" else "needs backend triton, sdpa or flash"


def require_graphs(device: str, dtype: str | None, backend: str | None) -> None:
    """Raise DeviceError, in the words of the command line, where --cuda-graphs asks for what cannot be."""
    place = resolve_device(device)
    machine = Machine.of(place, flash=backend == "flash")
    resolved = resolve_backend(backend, machine, resolve_dtype(dtype, place))
    if reason := why_no_graphs(machine, resolved):
        raise DeviceError(f"--cuda-graphs, on {place} with backend {resolved.name}, {reason}: leave it out")


def uses_graphs(cuda_graphs: bool, machine: Machine, backend: Backend) -> bool:
    """Whether frames are replayed as CUDA graphs: where they are wanted and can be."""
    return cuda_graphs and why_no_graphs(machine, backend) is None


def abilities(machine: Machine, dtype: torch.dtype) -> dict[str, Any]:
    """What a machine can run: for each backend, for CUDA graphs and for each format of the weights, None or why not."""
    triton = BACKENDS["triton"]
    no_kernels = _why_not(triton, machine, dtype)
    return {
        "backends": {name: _why_not(backend, machine, dtype) for name, backend in BACKENDS.items()},
        "cuda_graphs": no_kernels or why_no_graphs(machine, triton),
        "quantize": {name: later or _why_not_format(name, machine, triton) for name, later in _FORMATS.items()},
    }


def check_memory(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    quantize: str | None,
    kv_positions: int | None,
    free_bytes: int,
) -> None:
    """Raise DeviceError where a model is too large for a GPU with `free_bytes` free; it says what would fit. No weight is read.

    dtype, quantize: of the weights. kv_positions: of the KV cache; None takes what room there is.
    """
    talker = {name: tensor for name, tensor in checkpoint.model.items() if name.startswith("talker.")}
    parameters = sum(tensor.numel() for tensor in talker.values())
    weights = sum(
        tensor.numel() * (1 if quantize == "fp8" and ".layers." in name and tensor.ndim == 2 else dtype.itemsize)
        for name, tensor in talker.items()
    )
    config = checkpoint.config.talker_config
    cache = 2 * config.num_hidden_layers * config.key_value_size * dtype.itemsize * (kv_positions or 0)
    codec = sum(4 * tensor.numel() for name, tensor in checkpoint.codec.items() if name.startswith("decoder."))
    rest = cache + codec + WORKING_BYTES
    if weights + rest <= free_bytes:
        return
    smaller = {f"a {size} model": n * weights // parameters for size, n in RELEASED_PARAMETERS.items() if n < parameters}
    if dtype.itemsize > 2:
        smaller["dtype bfloat16"] = weights * 2 // dtype.itemsize
    remedies = [f"{what} ({_gib(size + rest)} GiB)" for what, size in smaller.items() if size + rest <= free_bytes]
    if cache and weights + rest - cache <= free_bytes:
        remedies.append("fewer kv_positions")
    raise DeviceError(
        f"device={str(device)!r} has {free_bytes / 2**30:.1f} GiB free, and this model needs {_gib(weights + rest)} GiB in "
        f"{str(dtype).removeprefix('torch.')}: give {', '.join([*remedies, 'or device cpu'] if remedies else ['device cpu'])}"
    )


def _why_not(backend: Backend, machine: Machine, dtype: torch.dtype) -> str | None:
    """All that a machine lacks for a backend, None where it lacks nothing."""
    lacks = list(_lacks(backend, machine, dtype))
    return f"needs {' and '.join(lacks)}" if lacks else None


def _lacks(backend: Backend, machine: Machine, dtype: torch.dtype) -> Iterator[str]:
    flash = backend.prefill_attention == "flash"
    if backend.kernels == "triton":
        if machine.capability is None and (flash or not machine.interpreter):
            yield "an NVIDIA GPU"
        elif machine.capability is not None and machine.capability < KERNELS_CAPABILITY:
            yield _newer_gpu(KERNELS_CAPABILITY, machine.capability)
        if machine.triton_lack is not None:
            yield machine.triton_lack
    if flash:
        if machine.capability is not None and dtype.itemsize != 2:
            yield "dtype bfloat16 or float16"
        if machine.flash_lack is not None:
            yield machine.flash_lack


def _why_not_format(quantize: str, machine: Machine, backend: Backend) -> str | None:
    """Why a machine and a backend cannot run a format of the weights, None where they can."""
    if quantize == "none":
        return None
    if not machine.interpreter and (machine.capability is None or machine.capability < FP8_CAPABILITY):
        return f"needs {_newer_gpu(FP8_CAPABILITY, machine.capability)}"
    return None if backend.kernels == "triton" else "needs backend triton, sdpa or flash"


def _newer_gpu(needed: tuple[int, int], found: tuple[int, int] | None) -> str:
    this = "" if found is None else f" where this one has {found[0]}.{found[1]}"
    return f"an NVIDIA GPU of compute capability {needed[0]}.{needed[1]} or later{this}"


def _triton_lack(triton: Any, drives_gpu: bool) -> str | None:
    """What is lacking for Triton, a module or None, to work. drives_gpu: try it on the GPU."""
    if triton is None:
        return "triton 3.6 or later (pip install 'triton>=3.6', or a CUDA build of torch, which brings it)"
    if not drives_gpu:
        return None
    try:
        # The driver's helper is compiled for the first kernel; without a C compiler or Python's headers that fails.
        triton.runtime.driver.active.get_current_target()
    except Exception as error:
        return f"a triton that works on this GPU (it fails with: {_first_line(error)})"
    return None


def _flash_lack() -> str | None:
    """What is lacking for flash-attn to work."""
    if importlib.util.find_spec("flash_attn") is None:
        return "flash-attn (pip install 'qwen3tts[flash]')"
    try:
        importlib.import_module("flash_attn")
    except Exception as error:  # built for another torch it fails in ways of the linker
        return f"a flash-attn that was built for this torch (it fails with: {_first_line(error)})"
    return None


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _gib(size: int) -> float:
    """Bytes in GiB, to a tenth, rounded up: so much is enough."""
    return math.ceil(size / 2**30 * 10) / 10
