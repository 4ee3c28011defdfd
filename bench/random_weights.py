"""Random weights in the shapes of a release, and the JSON files beside them.

They are scaled so that no activation grows or dies, the waveform is audible and a sampled run goes on: they cost what a release
costs, and say nothing.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from qwen3tts.checkpoint import Checkpoint, codec_tensors, embedded_checkpoint, model_tensors
from qwen3tts.checkpoint.schema import Shapes
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig, GenerationConfig, ModelConfig
from qwen3tts.config.files import read_json

from .releases import RELEASED

SHARED_FILES = (
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "speech_tokenizer/config.json",
    "speech_tokenizer/configuration.json",
    "speech_tokenizer/preprocessor_config.json",
)

LOUDNESS = 0.25
"""Standard deviation of the waveform: audible, and seldom cut off at 1."""

# Mean and standard deviation of a tensor whose name matches, first match first; any other is scaled to its fan-in.
_SPREADS = (
    (r"codebook\.initialized$", 1.0, 0.0),
    (r"cluster_usage$", 1.0, 0.05),
    (r"(alpha|beta)$", 0.0, 0.3),  # logarithms
    (r"(scale|gamma)$", 0.3, 0.03),
    (r"norm\d?\.weight$|layernorm\.weight$", 1.0, 0.05),
    (r"bias$", 0.0, 0.02),
    (r"embed(ding)?_sum$", 0.0, 1.0),
    (r"embedding(\.\d+)?\.weight$", 0.0, 0.25),  # the sum of a frame's 16 has a deviation of 1
)
# Gains over the fan-in: heads as peaked as trained ones; branches that no norm precedes, where a gain of 1 would double the power.
_GAINS = ((r"(codec_head|lm_head\.\d+)\.weight$", 3.0), (r"(conv2\.conv|block\.3\.conv)\.weight$", 0.3))
_TRANSPOSED = re.compile(r"decoder\.(upsample\.\d+\.0|decoder\.\d+\.block\.1)\.conv\.weight")


def write_configs(folder: Path, config: Path) -> None:
    """The release's JSON files, and a vocabulary of the released size: the embedded one, filled up with pieces no merge makes."""
    (folder / "speech_tokenizer").mkdir()
    shutil.copyfile(config, folder / "config.json")
    for name in SHARED_FILES:
        shutil.copyfile(RELEASED / name.replace("/", "."), folder / name)
    shutil.copyfile(embedded_checkpoint() / "merges.txt", folder / "merges.txt")
    vocabulary = read_json(embedded_checkpoint() / "vocab.json")
    size = min(int(i) for i in read_json(folder / "tokenizer_config.json")["added_tokens_decoder"])
    vocabulary |= {f"<filler-{i}>": i for i in range(len(vocabulary), size)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")


def random_checkpoint(config: ModelConfig, codec_config: CodecConfig, folder: Path, generator: torch.Generator) -> Checkpoint:
    """A checkpoint whose weights are nowhere but on the generator's device. folder: where its other files are.

    model: bfloat16. codec: float32.
    """
    return Checkpoint(
        folder=folder,
        config=config,
        codec_config=codec_config,
        generation=GenerationConfig.read(read_json(folder / "generation_config.json"), "generation_config.json"),
        model=dict(draw_model(config, generator)),
        codec=draw_codec(codec_config, generator),
    )


def draw_model(config: ModelConfig, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """The tensors of `model.safetensors`, one at a time.

    The stop code has a logit of 0: below any code that top-k leaves, and one in 200,000 where all codes are left.
    """
    for name, tensor in draw(model_tensors(config), torch.bfloat16, generator):
        if name == "talker.codec_head.weight":
            tensor[config.talker_config.codec_eos_token_id] = 0
        yield name, tensor


def draw_codec(config: CodecConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """The tensors of `speech_tokenizer/model.safetensors`."""
    tensors = dict(draw(codec_tensors(config), torch.float32, generator))
    _level(tensors, config.decoder_config, generator)
    return tensors


def draw(shapes: Shapes, dtype: torch.dtype, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Random tensors of these names and shapes, one at a time, on the generator's device."""
    for name, shape in shapes.items():
        mean, deviation = _spread(name, shape)
        yield name, torch.empty(shape, dtype=dtype, device=generator.device).normal_(mean, deviation, generator=generator)


def _spread(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    for pattern, mean, deviation in _SPREADS:
        if re.search(pattern, name):
            return mean, deviation
    gain = next((gain for pattern, gain in _GAINS if re.search(pattern, name)), 1.0)
    # Of a transposed convolution (in, out, kernel) a sample sees kernel / stride taps: 2 in the wave blocks, 1 in the upsamplers.
    taps = 2 if ".block." in name else 1
    fan_in = shape[0] * taps if _TRANSPOSED.fullmatch(name) else math.prod(shape[1:])
    return 0.0, gain / fan_in**0.5


def _level(tensors: dict[str, Tensor], config: CodecDecoderConfig, generator: torch.Generator) -> None:
    """Scale the decoder's last convolution, in place, so that random codes sound at `LOUDNESS` and have no offset."""
    name = f"decoder.decoder.{len(config.upsample_rates) + 2}.conv"
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    weight *= 1e-3  # so that nothing is cut off at 1 while it is measured
    bias.zero_()
    codes = torch.randint(config.codebook_size, (1, 12, config.num_quantizers), generator=generator, device=generator.device)
    slot = torch.zeros(1, dtype=torch.int64, device=generator.device)
    with torch.no_grad():
        wave = decode(DecoderWeights.read(tensors, config), config, codes, DecoderState(config, 1, generator.device), slot).samples
    scale = LOUDNESS / wave.std()
    weight *= scale
    bias -= wave.mean() * scale
