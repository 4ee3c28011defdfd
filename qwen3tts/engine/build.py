"""From a checkpoint to an engine that is ready to run."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch
from torch import Tensor

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import PageAllocator, pages_for
from qwen3tts.checkpoint import Checkpoint
from qwen3tts.codec import DecoderState, DecoderWeights
from qwen3tts.config import TalkerConfig
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.frame_runner import FrameRunner
from qwen3tts.engine.rows import Rows
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.model.prompt import embed_text
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights

MOST_KV_POSITIONS = 16384


def build_engine(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, max_batch: int, kv_positions: int | None
) -> Engine:
    """Place the weights and reserve all state.

    dtype: of the weights. On the CPU arithmetic is float32 whatever the weights are stored in, so float32 leaves narrower stored
    weights as they are, mapped from the file: the numbers are the same. max_batch: utterances in flight. kv_positions: of the KV
    cache, shared by them; None takes what a quarter of the memory holds, 16,384 at most.
    """
    config = checkpoint.config.talker_config
    arithmetic = torch.float32 if device.type == "cpu" else dtype
    tensors = place_weights(checkpoint.model, device, dtype)
    talker = TalkerWeights.read(tensors, config, arithmetic)
    predictor = CodePredictorWeights.read(tensors, config.code_predictor_config, arithmetic)
    if kv_positions is None:
        kv_positions = _affordable_positions(config, device, arithmetic)
    pages = 1 + pages_for(kv_positions)
    with torch.inference_mode():
        pad = embed_text(talker, [checkpoint.config.tts_pad_token_id], arithmetic)[0]
        rows = Rows.allocate(config, max_batch, pages, pad)
        cache = PagedKV.allocate(config, pages, arithmetic, device)
        codec_config = checkpoint.codec_config.decoder_config
        codec_tensors = {name: tensor.to(device) for name, tensor in checkpoint.codec.items() if name.startswith("decoder.")}
        codec_weights = DecoderWeights.read(codec_tensors, codec_config)
        codec_state = DecoderState(codec_config, max_batch, device)
    clock = StageClock()
    return Engine(
        scheduler=Scheduler(max_batch, PageAllocator(pages)),
        frames=FrameRunner(config, talker, predictor, rows, cache, clock),
        codec=CodecRunner(codec_config, codec_weights, codec_state, clock),
        sample_rate=checkpoint.codec_config.output_sample_rate,
        clock=clock,
    )


def place_weights(tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Bring the talker's and predictor's weights to a device. On the CPU float32 keeps them mapped, whatever they are stored in."""
    mapped = device.type == "cpu" and dtype == torch.float32
    return {name: t if mapped else t.to(device, dtype) for name, t in tensors.items() if name.startswith("talker.")}


def _affordable_positions(config: TalkerConfig, device: torch.device, dtype: torch.dtype) -> int:
    """KV positions in a quarter of the memory (of the GPU: what is free), at most MOST_KV_POSITIONS."""
    if device.type == "cuda":
        memory = torch.cuda.mem_get_info(device)[0]
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    position = 2 * config.num_hidden_layers * config.key_value_size * dtype.itemsize
    return min(MOST_KV_POSITIONS, memory // 4 // position)
