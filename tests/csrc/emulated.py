"""Build the extension for a GPU that is not there: `python emulated.py` prints the path of a module whose kernels the host runs.

It takes half a minute of two cores, so what is up to date is left. The compiler is $CXX and takes the options $CXXFLAGS; each has a
folder of its own.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pybind11

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
EMULATION = Path(__file__).parent / "emulation"  # first of the include folders: it stands in for what is CUDA's alone
INCLUDES = [f"-I{path}" for path in (EMULATION, CSRC, pybind11.get_include(), sysconfig.get_path("include"))]
FLAGS = ["-std=c++17", "-fPIC", "-fvisibility=hidden", "-pthread", '-DQWEN3TTS_CUDA="emulated"']
COMPILER = [os.environ.get("CXX", "g++"), *shlex.split(os.environ.get("CXXFLAGS", ""))]


def make(target: Path, sources: list[Path], command: list[str]) -> Path:
    """Run the command if the target is older than a source; other runs that make it meanwhile see it whole or not at all."""
    if not target.exists() or target.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        unfinished, start = target.with_suffix(f".{os.getpid()}"), time.time()
        subprocess.run([*COMPILER, *command, "-o", str(unfinished)], check=True)
        os.utime(unfinished, (start, start))  # a source that changes meanwhile is newer
        unfinished.replace(target)
    return target


def build(folder: Path) -> Path:
    """Compile every file of csrc, as many at once as there are cores, and link them. Only kernels are worth an optimiser's time."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [path for root in (CSRC, EMULATION) for path in root.rglob("*") if path.is_file()]
    headers = [path for path in files if path.suffix not in {".cpp", ".cu"}]

    def compiled(source: Path) -> Path:
        target = folder / f"{source.relative_to(CSRC)}.o".replace("/", "_")
        level = "-O1" if source.suffix == ".cu" else "-O0"
        return make(target, [source, *headers], [level, *FLAGS, *INCLUDES, "-x", "c++", "-c", str(source)])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sorted(set(files) - set(headers))))
    return make(folder / "_C.so", objects, ["-shared", "-pthread", *map(str, objects)])


if __name__ == "__main__":
    print(build(ROOT / "build" / f"emulated-{zlib.crc32(shlex.join(COMPILER).encode()):08x}"))
