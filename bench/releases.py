"""The releases whose shapes the benches measure."""

from __future__ import annotations

from pathlib import Path

from qwen3tts.config import CodecConfig, ModelConfig
from qwen3tts.config.files import read_json

RELEASED = Path(__file__).parent / "released"
"""Their JSON files."""

SIZES = {"0.6B": "0b6", "1.7B": "1b7"}
"""Name -> how their files name it."""


def read_configs(model: Path, codec: Path) -> tuple[ModelConfig, CodecConfig]:
    """The configurations of a model and a codec. Raises ConfigError for files that are none."""
    return ModelConfig.read(read_json(model), str(model)), CodecConfig.read(read_json(codec), str(codec))
