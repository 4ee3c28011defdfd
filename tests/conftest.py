"""What all tests share: the small checkpoints, their goldens, and a fixed seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import settings
from safetensors.torch import load_file

if TYPE_CHECKING:
    from qwen3tts import TTS

SMALL = Path(__file__).parent / "data" / "small"

# Without a GPU kernels run in Triton's interpreter, which has to be chosen before anything imports them.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def patch_interpreter_once() -> None:
    """Halve the time of Triton's interpreter.

    Each call of one @jit function by another lists all of Triton's language, to patch what is not patched yet: a millisecond that
    only the first call needs.
    """
    import triton.language as tl
    from triton.runtime.interpreter import InterpretedFunction

    call = InterpretedFunction.__call__

    def call_patched(self: Any, *arguments: Any, **constants: Any) -> Any:
        if tl.core.is_builtin(tl.core.load):
            return call(self, *arguments, **constants)
        return self.rewrite()(*arguments, **constants)

    InterpretedFunction.__call__ = call_patched


if os.environ.get("TRITON_INTERPRET") == "1":
    patch_interpreter_once()

# Times vary between machines and runs; a deadline would make them test results.
settings.register_profile("qwen3tts", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("qwen3tts")


@dataclass(frozen=True)
class Golden:
    """What the official implementation made of one case: its arguments and its tensors."""

    kind: str
    name: str

    @property
    def folder(self) -> Path:
        return SMALL / self.kind

    @property
    def meta(self) -> dict[str, Any]:
        return json.loads((self.folder / "golden" / f"{self.name}.json").read_text())

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "golden" / f"{self.name}.safetensors")

    @property
    def max_frames(self) -> int:
        """The official limit counts tokens, and the last token's frame is never finished."""
        return self.meta["max_new_tokens"] - 1

    @property
    def text_feed(self) -> str | None:
        return {None: None, True: "full", False: "step"}[self.meta.get("non_streaming_mode")]


GOLDENS = [Golden(path.parts[-3], path.stem) for path in sorted(SMALL.glob("*/golden/*.json"))]


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def emulated_extension() -> ModuleType:
    """qwen3tts._C with the operations of a GPU, run by the host. See tests/csrc/emulated.py."""
    build = [sys.executable, str(Path(__file__).parent / "csrc" / "emulated.py")]
    loader = ExtensionFileLoader("emulated._C", subprocess.check_output(build, text=True).strip())
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def emulated_gpu(emulated_extension: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Float32 tensors on the CPU take the GPU's way through qwen3tts.native."""
    from qwen3tts.native import dispatch

    path_of = dispatch.path_of
    monkeypatch.setattr(dispatch, "extension", emulated_extension)
    monkeypatch.setattr(dispatch, "path_of", lambda x: "cuda" if path_of(x) == "cpu" else path_of(x))
    return emulated_extension


@pytest.fixture(scope="session")
def small() -> Path:
    """The folder of the small checkpoints: custom_voice, voice_design, base."""
    return SMALL


@pytest.fixture(scope="session")
def models(small: Path) -> dict[str, TTS]:
    """The small checkpoints, loaded, by kind."""
    from qwen3tts import TTS

    return {kind: TTS.load(small / kind, device="cpu") for kind in ("custom_voice", "voice_design", "base")}


@pytest.fixture
def tts(models: dict[str, TTS]) -> TTS:
    return models["custom_voice"]


@pytest.fixture(params=GOLDENS, ids=lambda golden: golden.name)
def golden(request: pytest.FixtureRequest) -> Golden:
    """Each case of the official implementation in turn."""
    return request.param


@pytest.fixture(scope="session")
def goldens() -> list[Golden]:
    """All cases of the official implementation."""
    return GOLDENS


@pytest.fixture(scope="session")
def exact_waveform() -> Callable[[str], torch.Tensor]:
    """What the official decoder makes of a golden's codes where rounding does not hide it, by the golden's name.

    NAME is in float64. NAME.calm is in float32, by the decoder of `calm` in `tests/codec/conftest.py`.
    """
    waveforms = load_file(SMALL / "waveforms.safetensors")
    return waveforms.__getitem__


@pytest.fixture(scope="session")
def rounds_like_the_official(exact_waveform: Callable[[str], torch.Tensor]) -> Callable[[torch.Tensor, Golden], None]:
    """Assert that float32 samples lie as near the float64 waveform as the golden's own float32 samples do.

    The random decoders of the small checkpoints amplify rounding ten thousandfold: the official code, run on another processor or
    with another number of threads, misses its own goldens by 1e-4 to 8e-4. So an absolute tolerance would measure the processor.
    """

    def check(samples: torch.Tensor, golden: Golden) -> None:
        exact, official = exact_waveform(golden.name), golden.tensors["audio"]
        assert samples.shape == official.shape
        ours, theirs = (samples - exact).abs(), (official - exact).abs()
        assert ours.square().mean().sqrt() <= 2 * theirs.square().mean().sqrt()
        assert ours.max() <= 4 * theirs.max()

    return check


@pytest.fixture(scope="session")
def becomes_free() -> Callable[[TTS], bool]:
    """Whether nothing is held in a model's engine any more, within some seconds: it hears of a hang-up before its next step."""

    def wait(tts: TTS) -> bool:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            load, scheduler = tts.load_state(), tts.engine.scheduler
            if not (load.waiting or load.running or load.pages_used) and sorted(scheduler.free_rows) == list(range(scheduler.rows)):
                return True
            time.sleep(0.005)
        return False

    return wait
