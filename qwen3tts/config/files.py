"""JSON files of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qwen3tts.errors import CheckpointError, ConfigError


def read_json(path: Path) -> dict[str, Any]:
    """Parse a JSON object. Raises CheckpointError where the file cannot be read, ConfigError where it is not a JSON object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): take the file from the release") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}): take the file from the release") from error
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}): take the file from the release"
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is not a JSON object but {type(data).__name__}: take the file from the release")
    return data
