"""A full-size checkpoint with random weights, for benches: `python -m bench.weights {0.6B,1.7B} DIR`.

What the weights are is told in random_weights.py.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from qwen3tts.checkpoint import codec_tensors, model_tensors
from qwen3tts.checkpoint.schema import Shapes
from qwen3tts.errors import InputError, OutputError, Qwen3TTSError

from .command import Parser, whole_number
from .random_weights import draw_codec, draw_model, write_configs
from .releases import RELEASED, SIZES, read_configs

KINDS = ("custom_voice", "voice_design", "base")
_ALIGNMENT = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Write the checkpoint that the arguments (without the program's name) ask for; returns the exit code, 0 or 2."""
    parser = Parser(prog="bench.weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet, or is empty")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0])
    parser.add_argument("--seed", type=whole_number(0), default=0)
    console = Console(stderr=True)
    try:
        options = parser.parse_args(argv)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            write_checkpoint(options.folder, options.size, options.kind, options.seed, progress)
    except Qwen3TTSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_checkpoint(folder: Path, size: str, kind: str, seed: int, progress: Progress) -> None:
    """Write a checkpoint in the released layout under `folder`, whole or not at all.

    Raises InputError where there is no release of that size and kind, OutputError where the folder is taken or cannot be written.
    """
    source = RELEASED / f"{SIZES[size]}-{kind}.config.json"
    if not source.is_file():
        raise InputError(f"--kind {kind}: there is no {size} release of it: take {' or '.join(s for s in SIZES if s != size)}")
    folder = folder.resolve()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} is there already: give another folder, or remove it")
        partial = folder.with_name(f"{folder.name}.partial")
        if partial.exists():
            raise OutputError(f"{partial} is left from a run that was killed, or still written: remove it")
        partial.mkdir(parents=True)
        try:
            write_configs(partial, source)
            write_weights(partial, torch.Generator().manual_seed(seed), progress)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial)
            raise
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}): choose another place") from error


def write_weights(folder: Path, generator: torch.Generator, progress: Progress) -> None:
    """Write `model.safetensors` and `speech_tokenizer/model.safetensors` in the shapes of the config.json beside each."""
    config, codec = read_configs(folder / "config.json", folder / "speech_tokenizer" / "config.json")
    shapes, codec_shapes = model_tensors(config), codec_tensors(codec)
    task = progress.add_task("writing", total=sum(map(math.prod, (*shapes.values(), *codec_shapes.values()))))

    def advance(tensor: Tensor) -> None:
        progress.update(task, advance=tensor.numel())

    write_safetensors(folder / "model.safetensors", shapes, torch.bfloat16, draw_model(config, generator), advance)
    tensors = draw_codec(codec, generator).items()
    write_safetensors(folder / "speech_tokenizer" / "model.safetensors", codec_shapes, torch.float32, tensors, advance)


def write_safetensors(
    path: Path, shapes: Shapes, dtype: torch.dtype, tensors: Iterable[tuple[str, Tensor]], advance: Callable[[Tensor], None]
) -> None:
    """Write tensors as they come, in the order of `shapes`, so that one at a time is held. `advance` is called after each."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype.itemsize
        code = {torch.bfloat16: "BF16", torch.float32: "F32"}[dtype]
        header[name] = {"dtype": code, "shape": shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in tensors:
            file.write(tensor.flatten().view(torch.uint8).numpy().data)
            advance(tensor)


if __name__ == "__main__":
    sys.exit(main())
