"""Build of the package: the map from folders to packages, and the extension `qwen3tts._C`, by g++ and, if there is one, nvcc."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import find_packages, setup
from setuptools.command.build_ext import build_ext

PACKAGE_DIR = {"qwen3tts": "qwen3tts", "qwen3tts.kernels": "kernels", "qwen3tts.cli": "cli", "qwen3tts.bench": "bench"}
GPU_ARCHITECTURES = ("80", "89", "90", "120")


def packages() -> list[str]:
    """Every package, by the name it is installed under."""
    return [
        name for root, folder in PACKAGE_DIR.items() for name in (root, *(f"{root}.{child}" for child in find_packages(folder)))
    ]


def find_nvcc() -> str | None:
    """The CUDA compiler, from CUDA_HOME or PATH; None where there is none or QWEN3TTS_CUDA=0 asks for a build without it."""
    if os.environ.get("QWEN3TTS_CUDA") == "0":
        return None
    home = os.environ.get("CUDA_HOME")
    return shutil.which("nvcc", path=f"{home}/bin") if home else shutil.which("nvcc")


def run_nvcc(*arguments: str) -> str:
    """What nvcc prints on either stream; its failure ends the build with the remedy."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        command = " ".join(arguments)
        raise SystemExit(
            f"{done.stdout}\nnvcc failed: {command}\nmend the CUDA toolkit, or set QWEN3TTS_CUDA=0 to build without it"
        )
    return done.stdout


def architecture_flags(nvcc: str) -> list[str]:
    """Machine code for each GPU that this nvcc knows, and PTX of the newest of them for GPUs to come."""
    known = set(run_nvcc(nvcc, "--list-gpu-code").split())
    names = [name for name in GPU_ARCHITECTURES if f"sm_{name}" in known]
    code = [f"-gencode=arch=compute_{name},code=sm_{name}" for name in names]
    return [*code, f"-gencode=arch=compute_{names[-1]},code=compute_{names[-1]}"]


def sources(suffix: str) -> list[str]:
    """The files of csrc with this suffix."""
    return sorted(str(path) for path in Path("csrc").rglob(f"*.{suffix}"))


def cuda_library_dirs(nvcc: str) -> list[str]:
    """The folders that this nvcc links from; nvcc may be a wrapper, so its own plan is asked and not its path."""
    return re.findall(r'"-L([^"]+)"', run_nvcc(nvcc, "--dryrun", "-o", os.devnull, sources("cu")[0]))


class BuildExtension(build_ext):
    """Compiles the .cu files with nvcc, if there is one, and links the objects with the static CUDA runtime."""

    def build_extension(self, ext: Pybind11Extension) -> None:
        nvcc = find_nvcc()
        if nvcc:
            ext.extra_objects += self.compile_cuda(nvcc)
            version = re.search(r"release ([\d.]+)", run_nvcc(nvcc, "--version"))
            ext.define_macros.append(("QWEN3TTS_CUDA", f'"{version[1]}"'))
            ext.library_dirs += cuda_library_dirs(nvcc)
            ext.libraries += ["cudart_static", "dl", "rt", "pthread"]
        super().build_extension(ext)

    def compile_cuda(self, nvcc: str) -> list[str]:
        flags = ["-O3", "-std=c++17", "-Xcompiler=-fPIC,-fvisibility=hidden,-Wall,-Wextra", *architecture_flags(nvcc)]
        objects = []
        for source in sources("cu"):
            target = Path(self.build_temp, source).with_suffix(".o")
            target.parent.mkdir(parents=True, exist_ok=True)
            run_nvcc(nvcc, *flags, "--threads=0", "-Icsrc", "-c", source, "-o", str(target))
            objects.append(str(target))
        return objects


ParallelCompile("MAX_JOBS").install()
setup(
    packages=packages(),
    package_dir=PACKAGE_DIR,
    package_data={
        "qwen3tts": ["assets/**", "py.typed", "_C.pyi", "server/http/page/*", "server/rpc/*.proto", "server/rpc/*.pyi"],
        "qwen3tts.bench": ["released/*.json"],
    },
    ext_modules=[
        Pybind11Extension(
            "qwen3tts._C",
            sources("cpp"),
            include_dirs=["csrc"],
            depends=sources("*"),
            cxx_std=17,
            extra_compile_args=["-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-pthread"],
            extra_link_args=["-pthread"],
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
