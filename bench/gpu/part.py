"""One part of `bench.gpu`, in a process of its own: what one part does to the GPU, or to itself, the others do not notice.

It is started by `bench.gpu`, which says what to ask and where to keep what is found.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from ..source_tree import use_source_tree


def main(argv: Sequence[str] | None = None) -> int:
    """Run the part that the arguments (without the program's name) name; returns 0, whatever it finds."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu.part", description=__doc__)
    parser.add_argument("module", help="with a function `run`, relative to this package")
    parser.add_argument("file", type=Path)
    parser.add_argument("--sizes", nargs="*", default=[])
    parser.add_argument("--batches", nargs="*", type=int, default=[])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args(argv)
    # What follows imports the package's outer folders, and the extension, which may be there only by now.
    use_source_tree()
    import torch

    from .record import Record, one_line
    from .scope import Scope

    torch.manual_seed(0)
    record = Record(options.file)
    scope = Scope.dry(options.seconds) if options.dry_run else Scope.of_gpu(options.sizes, options.batches, options.seconds)
    try:
        with torch.inference_mode():
            importlib.import_module(options.module, __package__).run(scope, record)
    except Exception as error:
        traceback.print_exc()
        record.fail(f"{options.module.strip('.')} broke off: {one_line(error)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
