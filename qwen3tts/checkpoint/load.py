"""A release folder, checked whole and mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from qwen3tts.checkpoint.mapping import ReadTensors, map_tensors, weight_files
from qwen3tts.checkpoint.schema import codec_tensors, model_tensors
from qwen3tts.config import CodecConfig, GenerationConfig, ModelConfig
from qwen3tts.config.files import read_json
from qwen3tts.errors import CheckpointError, ConfigError

CODEC_FOLDER = "speech_tokenizer"


@dataclass(frozen=True)
class Checkpoint:
    """A release folder.

    model: tensors of the talker, the code predictor and (base models) the speaker encoder. codec: those of the codec.
    Both are views of the mapped files: reading one reads the file, and nothing else does.
    """

    folder: Path
    config: ModelConfig
    codec_config: CodecConfig
    generation: GenerationConfig
    model: Mapping[str, Tensor]
    codec: Mapping[str, Tensor]

    def read_codec(self) -> Mapping[str, Tensor]:
        """The codec's tensors for those who make their own of them: see `ReadTensors`."""
        return ReadTensors(self.folder / CODEC_FOLDER)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Check a release folder and map its weights; no weight is read.

    Raises CheckpointError, which names every missing file, or every tensor that is missing, unexpected or of another shape; and
    ConfigError, which names the file and the key, or the line and column of broken JSON.
    """
    _require_files(folder)
    config = ModelConfig.read(read_json(folder / "config.json"), str(folder / "config.json"))
    codec_path = folder / CODEC_FOLDER / "config.json"
    codec_config = CodecConfig.read(read_json(codec_path), str(codec_path))
    _check_fit(folder, config, codec_config)
    generation = folder / "generation_config.json"
    return Checkpoint(
        folder=folder,
        config=config,
        codec_config=codec_config,
        generation=GenerationConfig.read(read_json(generation), str(generation)) if generation.exists() else GenerationConfig(),
        model=map_tensors(folder, model_tensors(config)),
        codec=map_tensors(folder / CODEC_FOLDER, codec_tensors(codec_config)),
    )


def _require_files(folder: Path) -> None:
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder: give a folder with the files of a release")
    tokenizer = ("tokenizer.json",) if (folder / "tokenizer.json").is_file() else ("vocab.json", "merges.txt")
    required = [folder / name for name in ("config.json", "tokenizer_config.json", *tokenizer)]
    required += [folder / CODEC_FOLDER / "config.json", *weight_files(folder), *weight_files(folder / CODEC_FOLDER)]
    missing = [str(path.relative_to(folder)) for path in required if not path.is_file()]
    if missing:
        raise CheckpointError(f"{folder} lacks {', '.join(missing)}: download the whole release")


def _check_fit(folder: Path, config: ModelConfig, codec: CodecConfig) -> None:
    """The model speaks codes that the codec knows, in both directions."""
    predictor = config.talker_config.code_predictor_config
    pairs = {
        "num_code_groups and the decoder's num_quantizers": (predictor.num_code_groups, codec.decoder_config.num_quantizers),
        "num_code_groups and encoder_valid_num_quantizers": (predictor.num_code_groups, codec.encoder_valid_num_quantizers),
        "the predictor's vocab_size and the codec's codebook_size": (predictor.vocab_size, codec.decoder_config.codebook_size),
    }
    for what, (mine, theirs) in pairs.items():
        if mine != theirs:
            raise ConfigError(f"{folder}: {what} differ, {mine} and {theirs}: take the model and its codec from one release")
    width, enc_dim = config.talker_config.hidden_size, config.speaker_encoder_config.enc_dim
    if config.kind == "base" and enc_dim != width:
        raise ConfigError(
            f"{folder / 'config.json'}: enc_dim is {enc_dim} and the talker's hidden_size {width}, but a speaker embedding is an "
            "input of the talker: take the file from the release"
        )
