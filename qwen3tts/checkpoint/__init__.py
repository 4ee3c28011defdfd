"""Find, validate and map a release folder."""

from qwen3tts.checkpoint.load import Checkpoint, load_checkpoint
from qwen3tts.checkpoint.locate import embedded_checkpoint, locate
from qwen3tts.checkpoint.schema import codec_tensors, model_tensors

__all__ = ["Checkpoint", "codec_tensors", "embedded_checkpoint", "load_checkpoint", "locate", "model_tensors"]
