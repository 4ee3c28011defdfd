"""Checks of what stands around the layers: the frame's input, the lone norm, and the draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE
from qwen3tts.kernels.embedding import frame_embedding_reference, frame_input
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.norm import rms_norm, rms_norm_reference
from qwen3tts.kernels.philox import uniforms_reference
from qwen3tts.kernels.sampling import Draws, draw_code0, draw_residual, penalise_reference, probabilities_reference

from .cases import Case, Numbers, check_all, relative_error
from .record import Record
from .scope import Scope
from .subject import configs

EPS = 1e-6
BOOKS = 16
STOP_BEHIND_CODES, SUPPRESSED, MIN_FRAMES = 102, 1024, 2
"""Of the releases: the stop code is the 103rd behind the codes, and the last 1,024 ids are control codes."""

NEAR = 1e-5
"""A float32 sum of 3,072 probabilities may be off by a few millionths; so near to a boundary either neighbour is right."""


def run(scope: Scope, record: Record) -> None:
    """Check them all."""
    check_all(cases(scope, scope.device), scope, record)


def cases(scope: Scope, device: torch.device) -> Iterator[Case]:
    """All cases; on the meta device they can be planned."""
    lanes = 40 if scope.on_gpu else 3
    for dtype in scope.dtypes:
        numbers = Numbers(device, dtype)
        for size in scope.sizes:
            talker = configs(size)[0].talker_config
            predictor = talker.code_predictor_config
            yield _norm(numbers, lanes, talker.hidden_size)
            yield _frame_input(numbers, lanes, talker.num_code_groups, predictor.vocab_size, talker.hidden_size)
            yield _code0(numbers, lanes, talker.vocab_size, predictor.hidden_size)
            yield _residual(numbers, lanes, predictor.vocab_size, predictor.hidden_size)
        yield _norm(numbers, lanes, 100)
        yield _frame_input(numbers, lanes, 3, 50, 130)
        yield _residual(numbers, lanes, 1000, 100)


def _norm(numbers: Numbers, lanes: int, width: int) -> Case:
    x, weight = numbers.normal(2 * lanes, width)[::2], numbers.around_one(width)

    def run(launch: Launcher) -> tuple[Tensor]:
        out = numbers.poison(lanes, width)
        rms_norm(launch, x, weight, EPS, out)
        return (out,)

    def exact() -> tuple[Tensor]:
        return (rms_norm_reference(x.double(), weight.double(), EPS),)

    return Case(numbers.dtype, "rms_norm", f"{lanes}x{width}", run, relative_error(exact), numbers.tolerance)


def _frame_input(numbers: Numbers, lanes: int, books: int, vocabulary: int, hidden: int) -> Case:
    """A third of the lanes in their first frame, a third with text left, a third without."""
    state = numbers.integers([[lane % 3, 20 + lane, 40 if lane % 3 == 1 else 0] for lane in range(lanes)])
    frames, positions, ends = state.unbind(1)
    rows = numbers.integers(range(lanes - 1, -1, -1), torch.int32)
    codes = numbers.integers([[(7 * lane + 3 * book) % vocabulary for book in range(books)] for lane in range(lanes)])
    tables = numbers.normal(books, vocabulary, hidden, scale=0.25)
    first, pad = numbers.normal(lanes, hidden), numbers.normal(hidden)
    most = (20 + lanes) // PAGE_SIZE + 1
    text = numbers.normal(lanes * most, PAGE_SIZE, hidden)
    pages = numbers.integers(range(lanes * most)).view(lanes, most)

    def run(launch: Launcher) -> tuple[Tensor]:
        out = numbers.poison(lanes, hidden)
        embeddings, pad_row = (tables[0], tables[1:]), (text, ends, pad, pages)
        frame_input(launch, rows, frames, positions, first, codes, *embeddings, *pad_row, out)
        return (out,)

    def exact() -> tuple[Tensor]:
        lane = torch.arange(lanes, device=numbers.device)
        spoken = text[pages[lane, positions // PAGE_SIZE], positions % PAGE_SIZE].double()
        row = torch.where((positions < ends)[:, None], spoken, pad.double())
        row = row + frame_embedding_reference(codes, tables.double().unbind(), torch.float64)
        return (torch.where((frames == 0)[:, None], first.double(), row)[rows.long()],)

    name = f"{lanes}x{hidden}, {books} of {vocabulary}"
    return Case(numbers.dtype, "frame_input", name, run, relative_error(exact), numbers.tolerance)


def _settings(numbers: Numbers, lanes: int) -> tuple[Draws, Tensor]:
    """Settings of which every lane has others, greedy in every seventh, and penalties."""
    integers = numbers.integers([[2**62 // (lane + 1), lane % 5, (0, 1, 50, 5000)[lane % 4]] for lane in range(lanes)])
    temperatures = [0.0 if lane % 7 == 6 else 0.3 + 0.1 * (lane % 9) for lane in range(lanes)]
    others = [((0.0, 0.1, 0.5)[lane % 3], 1.0 + 0.1 * (lane % 3)) for lane in range(lanes)]
    floats = torch.tensor([(heat, *rest) for heat, rest in zip(temperatures, others, strict=True)], device=numbers.device)
    return Draws(integers[:, 0], integers[:, 1], floats[:, 0], integers[:, 2], floats[:, 1]), floats[:, 2]


def _code0(numbers: Numbers, lanes: int, vocabulary: int, width: int) -> Case:
    suppressed = vocabulary - SUPPRESSED
    stop = suppressed + STOP_BEHIND_CODES
    logits = numbers.normal(lanes, vocabulary, scale=4).float()
    seen = numbers.normal(lanes, vocabulary) > 1
    settings, penalty = _settings(numbers, lanes)
    rows, table = numbers.integers(range(lanes), torch.int32), numbers.normal(vocabulary, width)

    def run(launch: Launcher) -> tuple[Tensor, ...]:
        history = seen.clone()
        codes, x = numbers.integers([[-1] * BOOKS] * lanes), numbers.poison(lanes, width)
        draw_code0(launch, logits, rows, settings, penalty, history, stop, suppressed, MIN_FRAMES, codes, table, x)
        return codes[:, 0], x, history

    def error(results: Sequence[Tensor]) -> float:
        codes, x, history = results
        scores = penalise_reference(logits, seen, penalty)
        ids = torch.arange(vocabulary, device=numbers.device)
        banned = (ids >= suppressed) & ((ids != stop) | (settings.frames < MIN_FRAMES)[:, None])
        wrong = _wrong(scores.masked_fill(banned, float("-inf")), settings, 0, codes)
        expected = seen.scatter(1, codes[:, None], True)
        return (wrong | (x != table[codes]).any(1) | (history != expected).any(1)).double().mean().item()

    return Case(numbers.dtype, "draw_code0", f"{lanes}x{vocabulary}", run, error, 0.0)


def _residual(numbers: Numbers, lanes: int, vocabulary: int, width: int) -> Case:
    """The last book's draw, which also moves the rows on, all but the row that pads."""
    book = BOOKS - 1
    logits = numbers.normal(lanes, vocabulary, scale=4).float()
    settings, _ = _settings(numbers, lanes)
    rows, table = numbers.integers(range(lanes), torch.int32), numbers.normal(vocabulary, width)

    def run(launch: Launcher) -> tuple[Tensor, ...]:
        counters = torch.stack((settings.seeds, settings.frames, settings.top_k, settings.frames + 10), dim=1)
        moved = Draws(counters[:, 0], counters[:, 1], settings.temperature, counters[:, 2], settings.top_p_tail)
        codes, x = numbers.integers([[-1] * BOOKS] * lanes), numbers.poison(lanes, width)
        draw_residual(launch, logits, rows, moved, book, codes, table, x, counters[:, 3])
        return codes[:, book], x, counters

    def error(results: Sequence[Tensor]) -> float:
        codes, x, counters = results
        step = torch.ones_like(codes)
        step[-1] = 0
        still = (counters[:, 1] != settings.frames + step) | (counters[:, 3] != settings.frames + 10 + step)
        return (_wrong(logits, settings, book, codes) | (x != table[codes]).any(1) | still).double().mean().item()

    return Case(numbers.dtype, "draw_residual", f"{lanes}x{vocabulary}", run, error, 0.0)


def _wrong(scores: Tensor, settings: Draws, book: int, codes: Tensor) -> Tensor:
    """Which lanes drew a code that the distribution does not give their random number: bool (lanes,)."""
    greedy = settings.temperature == 0
    temperature = settings.temperature.where(~greedy, 1.0)
    probabilities = probabilities_reference(scores, temperature, settings.top_k, settings.top_p_tail).double()
    cumulative = probabilities.cumsum(1)
    below, above = ((cumulative - part * probabilities).gather(1, codes[:, None])[:, 0] for part in (1, 0))
    uniform = uniforms_reference(settings.seeds, settings.frames, book + 1)[:, book].double() * cumulative[:, -1]
    drawn = (below - NEAR <= uniform) & (uniform <= above + NEAR) & (above > below)
    return torch.where(greedy, codes != scores.argmax(1), ~drawn)
