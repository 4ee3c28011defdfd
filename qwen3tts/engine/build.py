"""From a checkpoint to an engine that is ready to run."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from qwen3tts.backend import Backend
from qwen3tts.cache.paged_kv import PagedKV
from qwen3tts.cache.pages import PAGE_SIZE, PageAllocator, pages_for
from qwen3tts.checkpoint import Checkpoint
from qwen3tts.codec import DecoderState, DecoderWeights
from qwen3tts.config import TalkerConfig
from qwen3tts.device import free_memory
from qwen3tts.engine.codec_runner import CodecRunner
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.frame import FrameBuffers, FrameModel, is_wide
from qwen3tts.engine.graphs import Progress, frame_buckets
from qwen3tts.engine.prefill_runner import PrefillRunner
from qwen3tts.engine.profile import Profile, load_profile
from qwen3tts.engine.rows import Rows
from qwen3tts.engine.scheduler import Scheduler
from qwen3tts.engine.stages import StageClock
from qwen3tts.engine.torch_runner import TorchRunner
from qwen3tts.engine.triton_runner import TritonRunner
from qwen3tts.errors import InputError
from qwen3tts.kernels.launch import DEPENDENT_CAPABILITY, Launcher
from qwen3tts.model.packed import PackedPredictor, PackedTalker, Placement
from qwen3tts.model.prompt import embed_text
from qwen3tts.model.weights import CodePredictorWeights, TalkerWeights

MOST_KV_POSITIONS = 16384
POSITIONS_PER_ROW = 512
"""In the KV cache, for many rows: a sentence or two with its worst case, 40 s of speech."""

log = logging.getLogger("qwen3tts")


def build_engine(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    max_batch: int,
    kv_positions: int | None,
    *,
    backend: Backend,
    cuda_graphs: bool,
    quantize: str | None = None,
    graph_buckets: Sequence[int] | None = None,
    profile: Profile | None = None,
    queue: int | None = None,
    progress: Progress | None = None,
) -> Engine:
    """Place the weights, reserve all state, and record the graphs if there are to be any.

    dtype: of the weights. On the CPU arithmetic is float32 whatever the weights are stored in, so float32 leaves narrower stored
    weights as they are, mapped from the file: the numbers are the same. max_batch: utterances in flight. kv_positions: of the KV
    cache, shared by them; None takes what a quarter of the memory holds, `most_kv_positions` at most. graph_buckets: batch sizes;
    None is the usual ones up to max_batch. profile, queue: of the scheduler, see there; None is the profile "latency". Raises
    InputError for buckets that leave a batch out, DeviceError where memory does not suffice.
    """
    buckets = tuple(sorted(set(graph_buckets or frame_buckets(max_batch))))
    if buckets[-1] < max_batch:
        raise InputError(f"graph_buckets={list(buckets)} leave out batches of max_batch={max_batch}: add {max_batch}")
    clock = StageClock()
    frames: TorchRunner | TritonRunner
    weight_error = None
    with torch.inference_mode():
        if backend.kernels == "torch":
            frames = _torch_runner(checkpoint, device, dtype, max_batch, kv_positions, clock)
        else:
            place = Placement.at(device, _arithmetic(device, dtype), quantize)
            frames = _triton_runner(checkpoint, place, max_batch, kv_positions, buckets, backend.prefill_attention, clock)
            weight_error = place.error
        codec = _codec_runner(checkpoint, device, max_batch, buckets if cuda_graphs else (), clock)
        if device.type == "cuda":
            # All of this was made on the default stream; frames and codec have streams of their own.
            torch.cuda.synchronize(device)
        if isinstance(frames, TritonRunner) and cuda_graphs:
            frames.capture(progress)
            codec.capture(progress)
    return Engine(
        scheduler=Scheduler(
            max_batch,
            PageAllocator(frames.cache.keys.shape[1]),
            profile or load_profile("latency"),
            checkpoint.codec_config.frame_seconds,
            queue,
        ),
        frames=frames,
        codec=codec,
        stop_code=checkpoint.config.talker_config.codec_eos_token_id,
        sample_rate=checkpoint.codec_config.output_sample_rate,
        clock=clock,
        weight_error=weight_error,
    )


def most_kv_positions(max_batch: int) -> int:
    """Positions of a KV cache whose size nobody asked for, where the memory suffices."""
    return max(MOST_KV_POSITIONS, POSITIONS_PER_ROW * max_batch)


def _arithmetic(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if device.type == "cpu" else dtype


def _torch_runner(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, max_batch: int, kv_positions: int | None, clock: StageClock
) -> TorchRunner:
    config, arithmetic = checkpoint.config.talker_config, _arithmetic(device, dtype)
    tensors = place_weights(checkpoint.model, device, dtype)
    talker = TalkerWeights.read(tensors, config, arithmetic)
    predictor = CodePredictorWeights.read(tensors, config.code_predictor_config, arithmetic)
    rows, cache = _reserve(checkpoint, talker, max_batch, kv_positions, device, arithmetic)
    return TorchRunner(config, talker, predictor, rows, cache, clock)


def _triton_runner(
    checkpoint: Checkpoint,
    place: Placement,
    max_batch: int,
    kv_positions: int | None,
    buckets: tuple[int, ...],
    attention: str,
    clock: StageClock,
) -> TritonRunner:
    config, device, lanes = checkpoint.config.talker_config, place.device, buckets[-1]
    wide, gpu = is_wide(max_batch), device.type == "cuda"
    # A frame that is thrown away may stand one position behind the last page.
    positions = (kv_positions or most_kv_positions(max_batch)) + 2 * PAGE_SIZE
    read = TalkerWeights.read(checkpoint.model, config, place.dtype)
    read_predictor = CodePredictorWeights.read(checkpoint.model, config.code_predictor_config, place.dtype)
    packed = PackedTalker.pack(read, config, positions, place)
    predictor = PackedPredictor.pack(read_predictor, config.code_predictor_config, packed.codec_embedding, place)
    prompt_talker, prompt_predictor = prompt_weights(read, read_predictor, packed, predictor, place)
    rows, cache = _reserve(checkpoint, prompt_talker, max_batch, kv_positions, device, place.dtype)
    launcher = Launcher(dependent=gpu and torch.cuda.get_device_capability(device) >= DEPENDENT_CAPABILITY)
    return TritonRunner(
        model=FrameModel(config, packed, predictor, wide),
        talker=prompt_talker,
        predictor=prompt_predictor,
        prefill=PrefillRunner.allocate(config, packed, cache, rows.page_table, launcher, attention),
        rows=rows,
        cache=cache,
        buffers=FrameBuffers.allocate(config, lanes, wide, positions, place.dtype, device),
        rows_of_lanes=torch.full((lanes,), max_batch, dtype=torch.int32, device=device),
        buckets=buckets,
        launcher=launcher,
        stream=torch.cuda.Stream(device) if gpu else None,
        clock=clock,
    )


def _reserve(
    checkpoint: Checkpoint,
    talker: TalkerWeights,
    max_batch: int,
    kv_positions: int | None,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[Rows, PagedKV]:
    """The state of the batch and the KV cache, from what the weights have left of the memory."""
    config = checkpoint.config.talker_config
    pages = 1 + pages_for(kv_positions or _affordable_positions(config, max_batch, device, dtype))
    pad = embed_text(talker, [checkpoint.config.tts_pad_token_id], dtype)[0]
    return Rows.allocate(config, max_batch, pages, pad), PagedKV.allocate(config, pages, dtype, device)


def _codec_runner(
    checkpoint: Checkpoint, device: torch.device, rows: int, buckets: tuple[int, ...], clock: StageClock
) -> CodecRunner:
    config = checkpoint.codec_config.decoder_config
    weights = DecoderWeights.read(checkpoint.read_codec(), config, device=device)
    if device.type == "cuda" and weights.first_convolution.layout != "cuda":
        log.warning("The package was built without nvcc, so the codec runs in plain torch: install it again where nvcc is found.")
    state = DecoderState(config, rows + 1, device)
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None
    return CodecRunner(config, weights, state, clock, stream, buckets)


def prompt_weights(
    talker: TalkerWeights,
    predictor: CodePredictorWeights,
    packed: PackedTalker,
    packed_predictor: PackedPredictor,
    place: Placement,
) -> tuple[TalkerWeights, CodePredictorWeights]:
    """What embeds prompts, in its place: embeddings and the text projection, without layers. Shares the packed tables."""
    vectors = ("text_embedding", "text_fc1", "text_fc1_bias", "text_fc2", "text_fc2_bias")
    placed = {name: place.tensor(getattr(talker, name)) for name in vectors}
    return (
        replace(talker, layers=(), codec_embedding=packed.codec_embedding, **placed),
        replace(predictor, layers=(), heads=(), codec_embeddings=packed_predictor.residual_embeddings.unbind()),
    )


def place_weights(tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Bring the talker's and predictor's weights to a device. On the CPU float32 keeps them mapped, whatever they are stored in."""
    mapped = device.type == "cpu" and dtype == torch.float32
    return {name: t if mapped else t.to(device, dtype) for name, t in tensors.items() if name.startswith("talker.")}


def _affordable_positions(config: TalkerConfig, max_batch: int, device: torch.device, dtype: torch.dtype) -> int:
    """KV positions in a quarter of the memory (of the GPU: what is free), at most `most_kv_positions`."""
    memory = free_memory(device) if device.type == "cuda" else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    position = 2 * config.num_hidden_layers * config.key_value_size * dtype.itemsize
    return min(most_kv_positions(max_batch), memory // 4 // position)
