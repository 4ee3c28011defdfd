"""Weights as views of their files: the headers are checked first, and a page is read when it is first used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from qwen3tts.config.files import read_json
from qwen3tts.errors import CheckpointError

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
"""Names a file for each tensor where the weights are in several."""

_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The file with a folder's weights, or those that its index names. Raises CheckpointError for a broken index."""
    index = folder / INDEX
    if (folder / WEIGHTS).exists() or not index.exists():
        return (folder / WEIGHTS,)
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) and Path(name).name == name for name in names.values()):
        raise CheckpointError(f"{index} has no weight_map from tensors to files beside it: take the file from the release")
    return tuple(folder / name for name in sorted(set(names.values())))


def map_tensors(folder: Path, expected: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Map a folder's weights: name -> view of the file, on the CPU, in the file's dtype.

    expected: the name and shape of every tensor that has to be there, no more and no less.
    Raises CheckpointError for a file that is not safetensors, and one that names each tensor that is missing, unexpected, of
    another shape or of another dtype than bfloat16, float16 and float32.
    """
    tensors: dict[str, Tensor] = {}
    headers: dict[str, tuple[tuple[int, ...], str]] = {}
    for path in weight_files(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - the handle is no mapping
                    header = file.get_slice(name)
                    headers[name] = tuple(header.get_shape()), header.get_dtype()
                    tensors[name] = file.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(f"{path} is not a whole safetensors file ({reason}): download it again") from error
    _check_headers(folder, headers, expected)
    return tensors


class ReadTensors(Mapping[str, Tensor]):
    """The tensors of a folder whose weights have been mapped before, each read into memory of its own whenever it is asked for.

    For weights that are laid out anew: the pages of mapped ones would stay in memory beside what was made of them.
    """

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, tuple[Path, int, dict]] = {}
        for path in weight_files(folder):
            with path.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(length))
            self._places |= {name: (path, 8 + length, entry) for name, entry in header.items() if name != "__metadata__"}

    def __getitem__(self, name: str) -> Tensor:
        path, start, entry = self._places[name]
        first, last = entry["data_offsets"]
        data = bytearray(last - first)
        with path.open("rb") as file:
            file.seek(start + first)
            file.readinto(data)
        return torch.frombuffer(data, dtype=_DTYPES[entry["dtype"]]).view(entry["shape"])

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _check_headers(folder: Path, found: Mapping[str, tuple[tuple[int, ...], str]], expected: Mapping[str, tuple[int, ...]]) -> None:
    shared = sorted(set(found) & set(expected))
    shapes = {name: found[name][0] for name in shared if found[name][0] != expected[name]}
    dtypes = {name: found[name][1] for name in shared if found[name][1] not in _DTYPES}
    problems = {
        "missing": sorted(set(expected) - set(found)),
        "unexpected": sorted(set(found) - set(expected)),
        "of another shape": [f"{name} is {shape}, expected {expected[name]}" for name, shape in shapes.items()],
        "of another dtype": [f"{name} is {dtype}, expected {' or '.join(_DTYPES)}" for name, dtype in dtypes.items()],
    }
    named = [f"{len(names)} {kind}: {', '.join(names)}" for kind, names in problems.items() if names]
    if named:
        raise CheckpointError(
            f"the tensors of {folder / WEIGHTS} do not fit config.json beside it; {'; '.join(named)}: take both from one release"
        )
