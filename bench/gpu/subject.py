"""The models that are asked: random weights in the shapes of a release, drawn on the device; and engines of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from qwen3tts.backend import BACKENDS
from qwen3tts.cache.pages import pages_for
from qwen3tts.checkpoint import Checkpoint, embedded_checkpoint
from qwen3tts.config import CodecConfig, ModelConfig
from qwen3tts.engine.build import build_engine
from qwen3tts.engine.engine import Engine
from qwen3tts.engine.frame import run_frame
from qwen3tts.engine.triton_runner import TritonRunner
from qwen3tts.engine.utterance import Utterance
from qwen3tts.kernels.launch import Launch, Launcher
from qwen3tts.prepare import prepare
from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.types import SamplingParams, SpeechRequest

from ..random_weights import random_checkpoint, write_configs
from ..releases import RELEASED, SIZES, read_configs

SMALL = "small"
"""A size for dry runs: the embedded checkpoint's widths, a layer of everything, and three codebooks."""

SMALL_BOOKS = 3


@dataclass(frozen=True)
class Subject:
    """A model with random weights, and what an engine is built with."""

    checkpoint: Checkpoint
    tokenizer: Tokenizer
    device: torch.device
    dtype: torch.dtype
    kv_positions: int

    @classmethod
    def draw(cls, size: str, device: torch.device, dtype: torch.dtype, kv_positions: int) -> Subject:
        """Draw the weights of a size; there is no file of them."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            if size == SMALL:
                folder = embedded_checkpoint()
            else:
                write_configs(folder, _released(size))
            checkpoint = random_checkpoint(*configs(size), folder, torch.Generator(device).manual_seed(0))
            return cls(checkpoint, Tokenizer.load(folder), device, dtype, kv_positions)

    def engine(
        self,
        max_batch: int,
        *,
        backend: str = "triton",
        graphs: bool = True,
        quantize: str | None = None,
        dtype: torch.dtype | None = None,
        buckets: Sequence[int] | None = None,
    ) -> Engine:
        """An engine; on a CPU without graphs, whatever is asked for. buckets: None is the usual ones."""
        engine = build_engine(
            self.checkpoint,
            self.device,
            dtype or self.dtype,
            max_batch,
            self.kv_positions,
            backend=BACKENDS[backend],
            cuda_graphs=graphs and self.device.type == "cuda",
            quantize=quantize,
            graph_buckets=buckets,
        )
        if self.device.type == "cuda":
            # Frames run in a stream of their own, which does not wait for the one that the weights were packed in.
            torch.cuda.synchronize(self.device)
        return engine

    def runner(self, max_batch: int, *, graphs: bool = True, buckets: Sequence[int] | None = None) -> TritonRunner:
        """What runs the frames of an engine on our kernels."""
        frames = self.engine(max_batch, graphs=graphs, buckets=buckets).frames
        assert isinstance(frames, TritonRunner)  # by the backend
        return frames

    def utterance(
        self, text: str, language: str, frames: int, chunk_frames: int = 1, sampling: SamplingParams | None = None
    ) -> Utterance:
        """A request that speaks for `frames` frames."""
        request = SpeechRequest(text, language=language, sampling=sampling or SamplingParams(), max_frames=frames)
        return prepare(self.checkpoint, self.tokenizer, request, chunk_frames, self.kv_positions)


def configs(size: str) -> tuple[ModelConfig, CodecConfig]:
    """The configurations of a size."""
    if size != SMALL:
        return read_configs(_released(size), RELEASED / "speech_tokenizer.config.json")
    folder = embedded_checkpoint()
    model, codec = read_configs(folder / "config.json", folder / "speech_tokenizer" / "config.json")
    talker = model.talker_config
    predictor = replace(talker.code_predictor_config, num_hidden_layers=1, num_code_groups=SMALL_BOOKS)
    talker = replace(talker, num_hidden_layers=1, num_code_groups=SMALL_BOOKS, code_predictor_config=predictor)
    decoder = replace(codec.decoder_config, num_quantizers=SMALL_BOOKS)
    return replace(model, talker_config=talker), replace(codec, decoder_config=decoder)


def _released(size: str) -> Path:
    return RELEASED / f"{SIZES[size]}-custom_voice.config.json"


def speak(engine: Engine, utterances: Iterable[Utterance]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Speak utterances side by side, all at once: codes int64 (frames, codebooks) and samples float32 (n,) of each."""
    speaking = list(utterances)
    engine.submit(speaking)
    while not all(utterance.done for utterance in speaking):
        engine.step()
    return [spoken(utterance) for utterance in speaking]


def spoken(utterance: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """The codes and samples of an utterance that has ended, whatever its chunks."""
    chunks = utterance.chunks
    return np.concatenate([chunk.codes for chunk in chunks]), np.concatenate([chunk.samples for chunk in chunks])


def occupy(runner: TritonRunner, subject: Subject, lanes: int, context: int, room: int) -> None:
    """Bring the first rows to where their next frame attends to `context` positions, with random keys and values.

    room: positions that each can go on for.
    """
    rows, pages = runner.rows, pages_for(context + room)
    sampling = subject.checkpoint.generation.sampling
    with torch.cuda.stream(runner.stream):
        for cache in (runner.cache.keys, runner.cache.values):
            cache.normal_()
        for row in range(lanes):
            own = list(range(1 + row * pages, 1 + (row + 1) * pages))
            rows.start(row, context - 2, rows.pad, rows.pad[None, :][:0], own, SamplingParams().resolved(sampling, seed=row))
    # The first frame of an utterance has an input of its own; from the second on frames are alike.
    runner.launch(range(lanes))()


def frame_launches(runner: TritonRunner, lanes: int) -> tuple[list[Launch], list[Launch]]:
    """The launches of a frame of the first lanes, with the runner's own tensors: the talker's, the predictor's.

    The draw of code 0 is the talker's last.
    """
    plan: list[Launch] = []
    buffers, rows = runner.buffers.first(lanes), runner.rows_of_lanes[:lanes]
    run_frame(Launcher(runner.launcher.dependent, plan), runner.model, runner.rows, runner.cache, buffers, rows)
    predictor = 1 + next(i for i, launch in enumerate(plan) if launch.name == "draw")
    return plan[:predictor], plan[predictor:]


def make(launcher: Launcher, launches: Iterable[Launch]) -> None:
    """Make planned launches, chained or not as the launcher has it."""
    for launch in launches:
        launcher(
            *(launch.kernel, launch.grid, *launch.arguments),
            work=launch.work,
            warps=launch.warps,
            stages=launch.stages,
            **launch.constants,
        )
