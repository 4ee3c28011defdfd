"""Released configurations and random weights of their shapes; no checkpoint is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from qwen3tts.checkpoint import codec_tensors, model_tensors
from qwen3tts.checkpoint.schema import Shapes
from qwen3tts.config import CodecConfig, ModelConfig
from qwen3tts.config.files import read_json

from ..random_weights import draw
from ..releases import RELEASED


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """Run as the engine does, without autograd, and on the same random numbers every time."""
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


@pytest.fixture(scope="session")
def config(request: pytest.FixtureRequest) -> ModelConfig:
    """The configuration of a benchmark's size, a parameter that comes indirectly; 0.6B where the size makes no difference."""
    name = f"{getattr(request, 'param', '0b6')}-custom_voice.config.json"
    return ModelConfig.read(read_json(RELEASED / name), name)


@pytest.fixture(scope="session")
def codec_config() -> CodecConfig:
    """The codec's configuration, which both sizes share."""
    name = "speech_tokenizer.config.json"
    return CodecConfig.read(read_json(RELEASED / name), name)


@pytest.fixture(scope="session")
def predictor_tensors(config: ModelConfig) -> dict[str, Tensor]:
    """Random tensors of the code predictor in bfloat16, the dtype of a release."""
    return random_tensors(model_tensors(config), "talker.code_predictor.", torch.bfloat16)


@pytest.fixture(scope="session")
def decoder_tensors(codec_config: CodecConfig) -> dict[str, Tensor]:
    """Random tensors of the codec's decoder."""
    return random_tensors(codec_tensors(codec_config), "decoder.", torch.float32)


def random_tensors(shapes: Shapes, prefix: str, dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors below `prefix`, as `bench.random_weights` draws them."""
    wanted = {name: shape for name, shape in shapes.items() if name.startswith(prefix)}
    return dict(draw(wanted, dtype, torch.Generator().manual_seed(0)))
