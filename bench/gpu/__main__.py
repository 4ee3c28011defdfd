"""Everything that a GPU machine should be asked, in one call: `python -m bench.gpu --out DIR`.

Builds the extension, compiles and checks the kernels, checks whole models, and measures kernels, frames and first audio. Every part
writes down what it finds at once, and what counts most comes first: a call that is cut off leaves what it has, in gpu.json and
gpu.md. It runs from a source tree that is not installed, and needs only torch, triton, numpy, safetensors, tokenizers, pybind11,
setuptools and a compiler. The models have random weights in the shapes of the releases.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from qwen3tts.engine.graphs import FRAME_BUCKETS
from qwen3tts.errors import InputError, OutputError, Qwen3TTSError

from ..command import Parser, batches_of, whole_number
from ..releases import SIZES
from .conductor import PARTS, Conductor


def main(argv: Sequence[str] | None = None) -> int:
    """Run from command-line arguments (without the program's name).

    Returns the exit code: 0, 1 where a check failed, or 2 for wrong use, after a line on standard error.
    """
    try:
        options = _parser().parse_args(argv)
        if not options.dry_run and not torch.cuda.is_available():
            raise InputError(
                "bench.gpu needs an NVIDIA GPU and a CUDA build of torch, and this machine has none: python -m bench.roofline says "
                "what a frame has to cost on one, and --dry-run runs this code on a CPU"
            )
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"--out {options.out} cannot be made ({error.strerror}): choose another place") from error
        return Conductor(options.out, options.sizes, options.batches, options.dry_run, options.budget_seconds).run(
            options.parts, build=not options.skip_build
        )
    except Qwen3TTSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _names(known: Sequence[str]) -> object:
    """An option's type: names, commas between them."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is unknown: give {', '.join(known)}")
        return names

    return parse


def _parser() -> Parser:
    sizes, parts = tuple(SIZES), tuple(PARTS)
    parser = Parser(prog="python -m bench.gpu", description="Everything that a GPU machine should be asked.")
    parser.add_argument(
        "--out", type=Path, default=Path("bench/results"), metavar="DIR", help="for gpu.json and gpu.md (bench/results)"
    )
    parser.add_argument("--sizes", type=_names(sizes), default=sizes, metavar="S,S", help=f"of the models ({','.join(sizes)})")
    parser.add_argument("--batches", type=batches_of, default=FRAME_BUCKETS, metavar="N,N", help="lanes of a frame (1,2,4, ... 64)")
    parser.add_argument("--parts", type=_names(parts), default=parts, metavar="P,P", help=f"to run ({','.join(parts)})")
    parser.add_argument("--skip-build", action="store_true", help="the extension is built")
    parser.add_argument("--budget-seconds", type=whole_number(1), default=480, metavar="N", help="for all of it (480)")
    parser.add_argument(
        "--dry-run", action="store_true", help="run the code on a CPU, in Triton's interpreter; its times mean nothing"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
