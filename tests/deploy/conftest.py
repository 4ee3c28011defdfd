"""The Ray application, as a module: deploy/ is no package."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ray_serve() -> Iterator[ModuleType]:
    """deploy/ray_serve.py."""
    pytest.importorskip("ray.serve", reason="ray is not installed: it is in the extra `ray`")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield importlib.import_module("deploy.ray_serve")
