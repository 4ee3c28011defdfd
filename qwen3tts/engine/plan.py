"""The launches of a frame or a prefill without a GPU, without weights and without running them: shapes alone decide."""

from __future__ import annotations

import torch

from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import pages_for
from qwen3tts.checkpoint import model_tensors
from qwen3tts.config import ModelConfig
from qwen3tts.engine.frame import FrameBuffers, FrameModel, run_frame
from qwen3tts.engine.prefill_runner import PROMPTS_AT_ONCE
from qwen3tts.engine.rows import Rows
from qwen3tts.kernels.launch import Launch, Launcher
from qwen3tts.model.fused_prefill import empty_tokens, prefill
from qwen3tts.model.packed import PackedPredictor, PackedTalker, Placement
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights

META = torch.device("meta")


def plan_model(config: ModelConfig, positions: int, dtype: torch.dtype, quantize: str | None, wide: bool) -> FrameModel:
    """A model of the shapes of `config`, without numbers. positions: the longest context."""
    tensors = {name: torch.empty(shape, dtype=dtype, device=META) for name, shape in model_tensors(config).items()}
    talker_config, place = config.talker_config, Placement.at(META, dtype, quantize)
    talker = PackedTalker.pack(TalkerWeights.read(tensors, talker_config, dtype), talker_config, positions, place)
    predictor_config = talker_config.code_predictor_config
    weights = CodePredictorWeights.read(tensors, predictor_config, dtype)
    predictor = PackedPredictor.pack(weights, predictor_config, talker.codec_embedding, place)
    return FrameModel(talker_config, talker, predictor, wide)


def frame_plan(
    config: ModelConfig,
    lanes: int,
    *,
    wide: bool,
    dependent: bool,
    dtype: torch.dtype = torch.bfloat16,
    quantize: str | None = None,
    positions: int = 4096,
) -> list[Launch]:
    """The launches of one frame of `lanes` lanes, in order, as `TritonRunner` makes them."""
    plan: list[Launch] = []
    model = plan_model(config, positions, dtype, quantize, wide)
    rows, cache = _state(model, lanes, positions, dtype)
    buffers = FrameBuffers.allocate(model.config, lanes, wide, positions, dtype, META)
    run_frame(Launcher(dependent, plan), model, rows, cache, buffers, torch.empty(lanes, dtype=torch.int32, device=META))
    return plan


def prefill_plan(
    config: ModelConfig,
    tokens: int,
    *,
    dependent: bool,
    dtype: torch.dtype = torch.bfloat16,
    quantize: str | None = None,
    positions: int = 4096,
) -> list[Launch]:
    """The launches of a prefill of `tokens` tokens, in order."""
    plan: list[Launch] = []
    model = plan_model(config, positions, dtype, quantize, True)
    rows, cache = _state(model, 1, positions, dtype)
    static = empty_tokens(tokens, PROMPTS_AT_ONCE, model.config.hidden_size, dtype, META)
    prefill(Launcher(dependent, plan), model.talker, model.config, static, cache.keys, cache.values, rows.page_table, "triton")
    return plan


def _state(model: FrameModel, lanes: int, positions: int, dtype: torch.dtype) -> tuple[Rows, PagedKV]:
    pages = pages_for(positions) - 1
    pad = torch.empty(model.config.hidden_size, dtype=dtype, device=META)
    return Rows.allocate(model.config, lanes, pages, pad), PagedKV.allocate(model.config, pages, dtype, META)
