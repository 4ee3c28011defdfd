"""From logits to a code: penalty, suppression, temperature, top-k, top-p and a draw keyed by (seed, frame, codebook).

Order and meaning are those of transformers' logits processors as the official `generate` stacks them. The settings are tensors of
one value a row: nothing about a request is baked into a launch.

A draw is one launch with a program a lane: 8 or 12 KB of logits come in, one code goes out, and its embedding, 2 or 4 KB, goes to
where the code predictor reads its next input. There are 16 draws in a frame and each waits for the one before, so what counts is
latency. Sorting 2,048 logits takes 66 exchanges between threads, but nothing here needs an order, only the place where one would be
cut: bisection finds it in 10 to 15 sums for top-k, and in 33 at most for any cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qwen3tts.kernels.language import gdc_launch_dependents, gdc_wait, jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher, Work, bytes_of
from qwen3tts.kernels.philox import philox_uniform

IDS_A_WARP = 512
"""Of a sum over all ids, a warp's part then takes about as long as the exchange between warps (by the count of instructions)."""


@dataclass(frozen=True)
class Draws:
    """What the draws of all rows depend on besides the logits: a (rows,) tensor each, of any stride, one for each dtype.

    seeds, frames, top_k: int64. temperature, top_p_tail: float32. Meaning: `uniforms_reference`, `probabilities_reference`; a
    temperature of 0 takes the likeliest.
    """

    seeds: Tensor
    frames: Tensor
    temperature: Tensor
    top_k: Tensor
    top_p_tail: Tensor


@jit
def _image(x):
    """Float32 as int32 of the same order: the bits without the sign, with a minus where there was one. 0 and -0 are one."""
    bits = x.to(tl.int32, bitcast=True)
    return tl.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


@jit
def _cut(image, weight, budget, top):
    """The largest image below which weights sum to `budget` at most; never above `top`, the largest image of all.

    The first guess is a quarter of the largest score (an exponent less 2): mostly the cut lies above, which saves 6 rounds of 15.
    """
    low, high, middle = tl.full((), -0x7F800000, tl.int32), top + 1, top - (2 << 23)
    while low + 1 < high:
        below = tl.sum(tl.where(image < middle, weight, 0))
        # Where the budget is met exactly, both: no other cut would drop as much.
        low = tl.where(below <= budget, middle, low)
        high = tl.where(below < budget, high, middle)
        middle = (low & high) + ((low ^ high) >> 1)
    return low


@jit
def _weights(scores, temperature, top_k, tail, BLOCK: tl.constexpr):
    """`probabilities_reference` of one row, times their sum: the likeliest weighs 1, what is dropped 0.

    Top-k compares the scores themselves: dividing by the temperature keeps their order.
    """
    likeliest = tl.max(scores)
    image, top = _image(scores), _image(likeliest)
    # The bound keeps a reciprocal from overflow: infinity times the likeliest's 0 would be no number.
    weight = tl.exp2((scores - likeliest) * tl.minimum(1.4426950408889634 / temperature, 1e38))
    if top_k > 0:
        weight = tl.where(image < _cut(image, 1, BLOCK - top_k, top), 0.0, weight)
    if tail > 0:
        budget = tail * tl.sum(weight)
        cut = _cut(image, weight, budget, top)
        tied = image == cut
        # Among equals the first ids fall first, one by one, and the last one never.
        rank = tl.cumsum(tied.to(tl.int32))
        spent = tl.sum(tl.where(image < cut, weight, 0.0)) + rank * weight
        falls = tied & (spent <= budget) & (rank < tl.max(rank))
        weight = tl.where((image < cut) | falls, 0.0, weight)
    return weight


@jit
def _sample(scores, ids, uniform, temperature, top_k, tail, VOCABULARY: tl.constexpr, BLOCK: tl.constexpr):
    """`sample_reference` of one row: scores (BLOCK,), of which all from VOCABULARY on are -inf."""
    if temperature == 0:
        code = tl.argmax(scores, 0)
    else:
        weight = _weights(scores, temperature, top_k, tail, BLOCK)
        cumulative = tl.cumsum(weight)
        # A parallel sum may fall by a rounding from one id to the next: only ids that have a weight count.
        possible = weight > 0
        total = tl.max(tl.where(possible, cumulative, 0.0))
        code = tl.min(tl.where(possible & (cumulative > uniform * total), ids, BLOCK))
    # Where logits are no numbers, nothing compares; the code is an index of tables all the same.
    return tl.minimum(code, VOCABULARY - 1)


@jit
def _constrain(scores, ids, seen, penalty, early, STOP: tl.constexpr, SUPPRESSED_FROM: tl.constexpr):
    """`penalise_reference` of one row, then -inf for control ids, and for the stop code while it is early."""
    scores = tl.where(seen, tl.where(scores < 0, scores * penalty, tl.div_rn(scores, penalty)), scores)
    suppressed = ((ids >= SUPPRESSED_FROM) & (ids != STOP)) | (early & (ids == STOP))
    return tl.where(suppressed, float("-inf"), scores)


@jit(do_not_specialize=["book"])
def draw_kernel(
    logits, logits_stride, rows, seeds, frames, top_k, integer_stride, temperature, tail, penalty, float_stride,
    seen, seen_stride, book, codes, codes_stride, table, x, x_stride, positions, last_row,
    STOP: tl.constexpr, SUPPRESSED_FROM: tl.constexpr, MIN_FRAMES: tl.constexpr, VOCABULARY: tl.constexpr, WIDTH: tl.constexpr,
    BLOCK: tl.constexpr, WIDTH_BLOCK: tl.constexpr, DEPENDENT: tl.constexpr,
):  # fmt: skip
    """The draw of one lane. Lanes that pad a batch share the last row and may overwrite each other's codes: nobody reads them."""
    if DEPENDENT:
        gdc_launch_dependents()
        gdc_wait()
    lane = tl.program_id(0)
    ids = tl.arange(0, BLOCK)
    inside = ids < VOCABULARY
    scores = tl.load(logits + lane * logits_stride + ids, mask=inside, other=float("-inf"))
    row = tl.load(rows + lane).to(tl.int64)
    integers, floats = row * integer_stride, row * float_stride
    frame = tl.load(frames + integers)
    if seen is not None:
        seen += row * seen_stride
        history = tl.load(seen + ids, mask=inside, other=0)
        scores = _constrain(scores, ids, history, tl.load(penalty + floats), frame < MIN_FRAMES, STOP, SUPPRESSED_FROM)
    uniform = philox_uniform(tl.load(seeds + integers), frame, book)
    code = _sample(
        scores, ids, uniform, tl.load(temperature + floats), tl.load(top_k + integers), tl.load(tail + floats), VOCABULARY, BLOCK
    )
    tl.store(codes + row * codes_stride + book, code.to(tl.int64))
    if seen is not None:
        tl.store(seen + code, True)
    if positions is not None:
        tl.store(frames + integers, frame + 1, mask=row < last_row)
        tl.store(positions + integers, tl.load(positions + integers) + 1, mask=row < last_row)
    if table is not None:
        column = tl.arange(0, WIDTH_BLOCK)
        embedding = tl.load(table + code.to(tl.int64) * WIDTH + column, mask=column < WIDTH)
        tl.store(x + lane * x_stride + column, embedding.to(x.dtype.element_ty), mask=column < WIDTH)


def draw_code0(
    launch: Launcher,
    logits: Tensor,
    rows: Tensor,
    settings: Draws,
    penalty: Tensor,
    seen: Tensor,
    stop_id: int,
    suppressed_from: int,
    min_frames: int,
    codes: Tensor,
    table: Tensor,
    x: Tensor,
) -> None:
    """Draw code 0 of each lane's row into codes[row, 0], mark it in `seen`, and copy its embedding to x[lane].

    logits: float32 (n, vocabulary). rows: int32 (n,). penalty: float32 (rows,), of repetition, with the stride of the temperature.
    seen: bool (rows, vocabulary). Ids from `suppressed_from` on are never drawn but for `stop_id`, and that not before frame
    `min_frames`. codes: int64 (rows, books). table: (vocabulary, width). x: (n, width). Rows of matrices may lie apart.
    """
    if penalty.dtype != torch.float32 or penalty.stride() != settings.temperature.stride():
        raise ValueError(f"penalty is {penalty.dtype} of stride {penalty.stride()}: it has to be like the temperature")
    if seen.dtype != torch.bool or seen.shape != (codes.shape[0], logits.shape[1]) or seen.stride(1) != 1:
        raise ValueError(f"seen {tuple(seen.shape)} {seen.dtype} does not fit {logits.shape[1]} ids of {codes.shape[0]} rows")
    history = penalty, seen, (stop_id, suppressed_from, min_frames)
    _draw(launch, logits, rows, settings, 0, codes, table, x, history=history)


def draw_residual(
    launch: Launcher,
    logits: Tensor,
    rows: Tensor,
    settings: Draws,
    book: int,
    codes: Tensor,
    table: Tensor | None,
    x: Tensor | None,
    positions: Tensor | None,
) -> None:
    """Draw one of codes 1 to 15 of each lane's row into codes[row, book], and copy its embedding to x[lane].

    As `draw_code0`; after the last book there is no next input, so table and x are None. positions: int64 (rows,), with the stride
    of the frames; where given, as for the last book, the row's position and frame go up by 1. The last row of all pads batches and
    stays where it is.
    """
    if positions is not None and (positions.dtype != torch.int64 or positions.stride() != settings.frames.stride()):
        raise ValueError(f"positions are {positions.dtype} of stride {positions.stride()}: they have to be like the frames")
    _draw(launch, logits, rows, settings, book, codes, table, x, positions=positions)


def _draw(
    launch: Launcher,
    logits: Tensor,
    rows: Tensor,
    settings: Draws,
    book: int,
    codes: Tensor,
    table: Tensor | None,
    x: Tensor | None,
    *,
    history: tuple[Tensor, Tensor, tuple[int, int, int]] | None = None,
    positions: Tensor | None = None,
) -> None:
    _check(logits, rows, settings, codes, table, x)
    n, vocabulary = logits.shape
    width = 1 if table is None else table.shape[1]
    block = next_power_of_2(vocabulary)
    penalty, seen, (stop_id, suppressed_from, min_frames) = history or (None, None, (0, 0, 0))
    launch(
        draw_kernel, (n,),
        logits, logits.stride(0), rows,
        settings.seeds, settings.frames, settings.top_k, settings.frames.stride(0),
        settings.temperature, settings.top_p_tail, penalty, settings.temperature.stride(0),
        seen, 0 if seen is None else seen.stride(0),
        book, codes, codes.stride(0), table, x, 0 if x is None else x.stride(0), positions, codes.shape[0] - 1,
        work=Work(0, bytes_of(logits) + (0 if seen is None else logits.numel()) + 2 * bytes_of(x), 4 * logits.numel()),
        warps=min(8, max(1, block // IDS_A_WARP)),
        STOP=stop_id, SUPPRESSED_FROM=suppressed_from, MIN_FRAMES=min_frames, VOCABULARY=vocabulary, WIDTH=width,
        BLOCK=block, WIDTH_BLOCK=next_power_of_2(width),
    )  # fmt: skip


def _check(logits: Tensor, rows: Tensor, settings: Draws, codes: Tensor, table: Tensor | None, x: Tensor | None) -> None:
    integers, floats = (settings.seeds, settings.frames, settings.top_k), (settings.temperature, settings.top_p_tail)
    for values, dtype in ((integers, torch.int64), (floats, torch.float32)):
        if {value.dtype for value in values} != {dtype} or len({value.stride() for value in values}) != 1:
            raise ValueError(f"settings {[(value.dtype, value.stride()) for value in values]} are not {dtype} of one stride")
    if logits.dtype != torch.float32 or logits.stride(1) != 1 or rows.dtype != torch.int32 or rows.shape != logits.shape[:1]:
        raise ValueError(f"logits {tuple(logits.shape)} {logits.dtype} and rows {tuple(rows.shape)} {rows.dtype} do not fit")
    if codes.dtype != torch.int64 or codes.stride(1) != 1:
        raise ValueError(f"codes are {codes.dtype} of strides {codes.stride()}: rows of int64 are needed")
    if table is None or x is None:
        if table is not x:
            raise ValueError("table and x go together: give both or neither")
    elif x.shape != (len(rows), table.shape[1]) or x.stride(1) != 1 or not table.is_contiguous() or len(table) < logits.shape[1]:
        raise ValueError(f"table {tuple(table.shape)} and x {tuple(x.shape)} do not fit logits {tuple(logits.shape)}")


def penalise_reference(logits: Tensor, seen: Tensor, penalty: Tensor) -> Tensor:
    """Repetition penalty: logits of seen ids are divided by the penalty if positive, multiplied if negative.

    logits: (n, vocabulary). seen: bool (n, vocabulary). penalty: (n,).
    """
    factor = penalty.unsqueeze(1)
    return torch.where(seen, torch.where(logits < 0, logits * factor, logits / factor), logits)


def probabilities_reference(logits: Tensor, temperature: Tensor, top_k: Tensor, top_p_tail: Tensor) -> Tensor:
    """The distribution that a sampler has to draw from: float32 (n, vocabulary).

    logits: (n, vocabulary), penalised and suppressed. temperature: (n,), above 0. top_k: int64 (n,), 0 keeps all; ties with the
    k-th stay. top_p_tail: (n,), 1 - top_p: the least likely ids whose probabilities sum to at most this are dropped, never the
    likeliest.
    """
    scores = logits.float() / temperature.unsqueeze(1)
    vocabulary = scores.shape[1]
    ordered, order = scores.sort(dim=-1, stable=True)
    rank = (vocabulary - top_k.clamp(max=vocabulary)).unsqueeze(1)
    kth = ordered.gather(1, rank.where(top_k.unsqueeze(1) > 0, 0))
    ordered = ordered.masked_fill(ordered < kth, float("-inf"))
    tail = ordered.softmax(-1).cumsum(-1) <= top_p_tail.unsqueeze(1)
    tail[:, -1] = False
    # Without top-p (a tail of 0) only ids of probability 0 fall here, which changes nothing.
    ordered = ordered.masked_fill(tail, float("-inf"))
    return torch.empty_like(scores).scatter_(1, order, ordered).softmax(-1)


def draw_reference(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """The id at which the cumulative distribution passes `uniforms` (n,): int64 (n,)."""
    cumulative = probabilities.cumsum(-1)
    target = uniforms.unsqueeze(1) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True).squeeze(1)


def sample_reference(logits: Tensor, uniforms: Tensor, temperature: Tensor, top_k: Tensor, top_p_tail: Tensor) -> Tensor:
    """One id a row, int64 (n,): the likeliest where the temperature is 0, else a draw. Arguments as above."""
    greedy = temperature == 0
    drawn = draw_reference(probabilities_reference(logits, temperature.where(~greedy, 1.0), top_k, top_p_tail), uniforms)
    return torch.where(greedy, logits.argmax(-1), drawn)
