"""Checks of whole models: what must not change a code, and how near the codes are to those of plain torch.

Codes are compared bit for bit. Samples are on a GPU the work of torch's libraries, whose order of sums depends on the sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from qwen3tts.engine.engine import Engine
from qwen3tts.engine.torch_runner import TorchRunner
from qwen3tts.engine.triton_runner import TritonRunner
from qwen3tts.engine.utterance import Utterance
from qwen3tts.kernels.launch import Launcher
from qwen3tts.model.talker import codec_logits, talker_step
from qwen3tts.types import SamplingParams

from ..report import Result
from ..workload import TEXTS
from .record import Record, one_line
from .scope import Scope
from .subject import Subject, occupy, speak

Codes = Sequence[np.ndarray]

PCM_TOLERANCE = 1e-2
"""Of the samples, relative to their root mean square. Random decoders amplify the 1e-7 of a float32 rounding up to ten
thousandfold; a frame whose state went wrong is off by all of it."""

LOGITS_RATIO = 1.25
"""Our kernels round less often than the references, so they err less; the rest is for the luck of single roundings."""

STEADY_FRAMES = 20


def run(scope: Scope, record: Record) -> None:
    """Check the first of the sizes."""
    subject = Subject.draw(scope.sizes[0], scope.device, scope.dtype, scope.kv_positions)
    for rows in scope.rows.values():
        codes = check_engine(subject.engine(rows), subject, scope, rows, record)
        if scope.on_gpu:
            _check_launching(codes, subject, scope, rows, record)
    if scope.on_gpu:
        _check_steady(subject, scope, record)
    compare_with_torch(subject, scope, record)


def check_engine(engine: Engine, subject: Subject, scope: Scope, rows: int, record: Record) -> Codes:
    """What must not change a code, of an engine of so many rows; returns the codes of a batch."""
    count = min(rows, scope.utterances)
    whole = speak(engine, _requests(subject, scope, count))
    batch = [codes for codes, _ in whole]
    alone = [speak(engine, [utterance])[0][0] for utterance in _requests(subject, scope, count)[: scope.alone]]
    record.check(f"batch_equals_alone.b{rows}", differing(batch[: scope.alone], alone), 0, f"{len(alone)} of {count}")
    for chunk_frames in (1, 4):
        streamed = speak(engine, _requests(subject, scope, count, chunk_frames))
        record.check(f"streamed_equals_whole.b{rows}.chunk{chunk_frames}", differing([c for c, _ in streamed], batch), 0)
        error = max(_pcm_error(pcm, whole_pcm) for (_, pcm), (_, whole_pcm) in zip(streamed, whole, strict=True))
        record.check(f"streamed_pcm.b{rows}.chunk{chunk_frames}", error, PCM_TOLERANCE if scope.on_gpu else 0)
    joined = _joined(engine, _requests(subject, scope, count))
    record.check(f"admission_changes_nothing.b{rows}", differing(joined, batch), 0)
    return batch


def _check_launching(codes: Codes, subject: Subject, scope: Scope, rows: int, record: Record) -> None:
    """That replayed graphs, launches one by one, and launches that are not chained give the same codes."""
    eager = subject.engine(rows, graphs=False)
    for check in ("replay_equals_eager", "chained_equals_unchained"):
        same = [spoken for spoken, _ in speak(eager, _requests(subject, scope, len(codes)))]
        record.check(f"{check}.b{rows}", differing(same, codes), 0)
        frames = _triton(eager)
        frames.launcher = frames.prefill.launcher = Launcher()


def _requests(subject: Subject, scope: Scope, count: int, chunk_frames: int = 1000) -> list[Utterance]:
    """Mixed texts, lengths, seeds and settings; every fourth is greedy."""
    requests = []
    for i in range(count):
        language, text = TEXTS[i % len(TEXTS)]
        sampling = SamplingParams(seed=i, greedy=i % 4 == 3, top_k=(50, 0, 20)[i % 3], top_p=(1.0, 0.9)[i % 2])
        requests.append(subject.utterance(text, language, max(1, scope.frames - i % 3), chunk_frames, sampling))
    return requests


def _joined(engine: Engine, utterances: Sequence[Utterance]) -> Codes:
    """Codes of utterances of which each comes in a frame after the one before."""
    waiting, speaking = list(utterances), []
    while waiting or not all(utterance.done for utterance in speaking):
        if waiting:
            speaking.append(waiting.pop(0))
            engine.submit(speaking[-1:])
        engine.step()
    return [np.concatenate([chunk.codes for chunk in utterance.chunks]) for utterance in speaking]


def _triton(engine: Engine) -> TritonRunner:
    assert isinstance(engine.frames, TritonRunner)  # by the backend that it was built with
    return engine.frames


def differing(codes: Codes, others: Codes) -> float:
    """The share of codes that differ; all, where the numbers of frames do."""
    if [len(c) for c in codes] != [len(c) for c in others]:
        return 1.0
    return float((np.concatenate(list(codes)) != np.concatenate(list(others))).mean())


def _pcm_error(samples: np.ndarray, others: np.ndarray) -> float:
    """The largest difference, relative to the root mean square."""
    return float(np.abs(samples - others).max() / np.sqrt(np.square(others).mean()))


def _check_steady(subject: Subject, scope: Scope, record: Record) -> None:
    """Frames of a full batch: nothing is allocated, and no call waits for the device but the one that waits for the codes."""
    lanes = scope.few_rows
    runner = _triton(subject.engine(lanes))
    occupy(runner, subject, lanes, min(scope.contexts), STEADY_FRAMES + 10)
    rows = list(range(lanes))
    runner.launch(rows)()
    torch.cuda.synchronize(scope.device)
    before = torch.cuda.memory_stats(scope.device)["allocation.all.allocated"]
    waiting = 0
    codes = runner.launch(rows)
    for _ in range(STEADY_FRAMES):
        torch.cuda.set_sync_debug_mode("error")
        try:
            following = runner.launch(rows)
        except RuntimeError as error:
            record.remark(f"a launch waited for the device: {one_line(error)}")
            waiting += 1
            break
        finally:
            torch.cuda.set_sync_debug_mode("default")
        codes()
        codes = following
    torch.cuda.synchronize(scope.device)
    after = torch.cuda.memory_stats(scope.device)["allocation.all.allocated"]
    record.check("steady_loop_allocations", after - before, 0, f"in {STEADY_FRAMES} frames of {lanes}")
    record.check("steady_loop_waits", waiting, 0)


def compare_with_torch(subject: Subject, scope: Scope, record: Record) -> None:
    """The first frame's logits of our kernels and of the references, both against the references in float32."""
    exact = _first_logits(subject, scope, backend="torch", dtype=torch.float32)
    theirs, ours = _first_logits(subject, scope, backend="torch"), _first_logits(subject, scope)
    torch_error, error = _relative(theirs[0], exact[0]), _relative(ours[0], exact[0])
    if scope.on_gpu:
        record.check("logits_error_over_torch", error / torch_error, LOGITS_RATIO, f"{error:.3g} over {torch_error:.3g}")
    else:
        record.check("logits_error", error, 1e-4)
    same = (ours[1] == theirs[1]).float().mean().item()
    record.add(Result("first_frame_codes_equal", same * 100, "%", note="of a greedy frame of ours and torch's; ties decide"))
    if scope.fp8:
        quantized = _first_logits(subject, scope, quantize="fp8")
        note = f"relative, against float32 weights; unquantised {error:.3g}"
        record.add(Result("fp8_logits_error", _relative(quantized[0], exact[0]), "", note=note))


def _first_logits(
    subject: Subject, scope: Scope, backend: str = "triton", dtype: torch.dtype | None = None, quantize: str | None = None
) -> tuple[Tensor, Tensor]:
    """Logits (n, vocabulary) of code 0 of the first frame of some utterances, greedy, and all its codes (n, codebooks)."""
    count = min(scope.utterances, scope.few_rows)
    engine = subject.engine(scope.few_rows, backend=backend, graphs=False, dtype=dtype, quantize=quantize)
    greedy = SamplingParams(seed=0, greedy=True)
    utterances = [subject.utterance(text, language, 1, sampling=greedy) for language, text in TEXTS[:count]]
    engine.submit(utterances)
    engine.frames.admit(engine.scheduler.plan(engine.now()).admitted)
    rows = [utterance.row for utterance in utterances]
    frames = engine.frames
    if isinstance(frames, TorchRunner):
        index = torch.tensor(rows, device=scope.device)
        state = (frames.rows.inputs[index], frames.rows.positions[index], frames.cache.keys, frames.cache.values)
        hidden = talker_step(frames.talker, frames.config, *state, frames.rows.page_table[index])
        logits = codec_logits(frames.talker, hidden)
    codes = torch.from_numpy(frames.launch(rows)())
    if isinstance(frames, TritonRunner):
        logits = frames.buffers.talker.logits[: len(rows)].clone()
    return logits, codes


def _relative(result: Tensor, exact: Tensor) -> float:
    return ((result.double() - exact.double()).norm() / exact.double().norm()).item()
