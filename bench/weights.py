"""A full-size checkpoint with random weights, for benches: `python -m bench.weights {0.6B,1.7B} DIR`.

The shapes are those of a release; the weights are noise, scaled so that no activation grows or dies, the waveform is audible and a
sampled run goes on. It costs what a release costs, and says nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from qwen3tts.checkpoint import codec_tensors, embedded_checkpoint, model_tensors
from qwen3tts.checkpoint.schema import Shapes
from qwen3tts.codec import DecoderState, DecoderWeights, decode
from qwen3tts.config import CodecConfig, CodecDecoderConfig, ModelConfig
from qwen3tts.config.files import read_json
from qwen3tts.errors import InputError, OutputError, Qwen3TTSError

from .command import Parser, whole_number

RELEASED = Path(__file__).parent / "released"
SIZES = {"0.6B": "0b6", "1.7B": "1b7"}
KINDS = ("custom_voice", "voice_design", "base")
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

_ALIGNMENT = 64

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


def main(argv: Sequence[str] | None = None) -> int:
    """Write the checkpoint that the arguments (without the program's name) ask for; returns the exit code, 0 or 2."""
    parser = Parser(prog="bench.weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet, or is empty")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0])
    parser.add_argument("--seed", type=whole_number(0), default=0)
    console = Console(stderr=True)
    try:
        options = parser.parse_args(argv)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            write_checkpoint(options.folder, options.size, options.kind, options.seed, progress)
    except Qwen3TTSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_checkpoint(folder: Path, size: str, kind: str, seed: int, progress: Progress) -> None:
    """Write a checkpoint in the released layout under `folder`, whole or not at all.

    Raises InputError where there is no release of that size and kind, OutputError where the folder is taken or cannot be written.
    """
    source = RELEASED / f"{SIZES[size]}-{kind}.config.json"
    if not source.is_file():
        raise InputError(f"--kind {kind}: there is no {size} release of it: take {' or '.join(s for s in SIZES if s != size)}")
    folder = folder.resolve()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} is there already: give another folder, or remove it")
        partial = folder.with_name(f"{folder.name}.partial")
        if partial.exists():
            raise OutputError(f"{partial} is left from a run that was killed, or still written: remove it")
        partial.mkdir(parents=True)
        try:
            _write_files(partial, source)
            write_weights(partial, torch.Generator().manual_seed(seed), progress)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial)
            raise
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}): choose another place") from error


def _write_files(folder: Path, config: Path) -> None:
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


def write_weights(folder: Path, generator: torch.Generator, progress: Progress) -> None:
    """Write `model.safetensors` and `speech_tokenizer/model.safetensors` in the shapes of the config.json beside each."""
    config = ModelConfig.read(read_json(folder / "config.json"), "config.json")
    codec = CodecConfig.read(read_json(folder / "speech_tokenizer" / "config.json"), "speech_tokenizer/config.json")
    shapes, codec_shapes = model_tensors(config), codec_tensors(codec)
    task = progress.add_task("writing", total=sum(map(math.prod, (*shapes.values(), *codec_shapes.values()))))

    def advance(tensor: Tensor) -> None:
        progress.update(task, advance=tensor.numel())

    stop = config.talker_config.codec_eos_token_id
    drawn = draw(shapes, torch.bfloat16, generator)
    write_safetensors(folder / "model.safetensors", shapes, torch.bfloat16, _without_stop(drawn, stop), advance)
    tensors = dict(draw(codec_shapes, torch.float32, generator))
    level(tensors, codec.decoder_config, generator)
    write_safetensors(folder / "speech_tokenizer" / "model.safetensors", codec_shapes, torch.float32, tensors.items(), advance)


def draw(shapes: Shapes, dtype: torch.dtype, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Random tensors of these names and shapes, one at a time."""
    for name, shape in shapes.items():
        mean, deviation = _spread(name, shape)
        yield name, torch.empty(shape, dtype=dtype).normal_(mean, deviation, generator=generator)


def _spread(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    for pattern, mean, deviation in _SPREADS:
        if re.search(pattern, name):
            return mean, deviation
    gain = next((gain for pattern, gain in _GAINS if re.search(pattern, name)), 1.0)
    # Of a transposed convolution (in, out, kernel) a sample sees kernel / stride taps: 2 in the wave blocks, 1 in the upsamplers.
    taps = 2 if ".block." in name else 1
    fan_in = shape[0] * taps if _TRANSPOSED.fullmatch(name) else math.prod(shape[1:])
    return 0.0, gain / fan_in**0.5


def _without_stop(tensors: Iterable[tuple[str, Tensor]], stop: int) -> Iterator[tuple[str, Tensor]]:
    """Give the stop code a logit of 0: below any code that top-k leaves, and one in 200,000 where all codes are left."""
    for name, tensor in tensors:
        if name == "talker.codec_head.weight":
            tensor[stop] = 0
        yield name, tensor


def level(tensors: dict[str, Tensor], config: CodecDecoderConfig, generator: torch.Generator) -> None:
    """Scale the decoder's last convolution, in place, so that random codes sound at `LOUDNESS` and have no offset."""
    name = f"decoder.decoder.{len(config.upsample_rates) + 2}.conv"
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    weight *= 1e-3  # so that nothing is cut off at 1 while it is measured
    bias.zero_()
    codes = torch.randint(config.codebook_size, (1, 12, config.num_quantizers), generator=generator)
    slot = torch.zeros(1, dtype=torch.int64)
    with torch.no_grad():
        wave = decode(DecoderWeights.read(tensors, config), config, codes, DecoderState(config, 1), slot)
    scale = LOUDNESS / wave.std()
    weight *= scale
    bias -= wave.mean() * scale


def write_safetensors(
    path: Path, shapes: Shapes, dtype: torch.dtype, tensors: Iterable[tuple[str, Tensor]], advance: Callable[[Tensor], None]
) -> None:
    """Write tensors as they come, in the order of `shapes`, so that one at a time is held. `advance` is called after each."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype.itemsize
        code = {torch.bfloat16: "BF16", torch.float32: "F32"}[dtype]
        header[name] = {"dtype": code, "shape": shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in tensors:
            file.write(tensor.flatten().view(torch.uint8).numpy().data)
            advance(tensor)


if __name__ == "__main__":
    sys.exit(main())
