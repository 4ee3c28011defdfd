"""The attention kernels against float64: numbers, what is written where, invariance. In the interpreter where there is no GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from qwen3tts.kernels import paged_attention as paged_module
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.paged_attention import CHUNK, combine_reference, paged_attention, whole_paged_attention
from qwen3tts.kernels.predictor_attention import predictor_attention
from qwen3tts.kernels.prefill_attention import prefill_attention
from qwen3tts.kernels.qkv import rope_table, rotate_and_store

LAUNCH = Launcher()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PAGE_SIZE = 16
EPS = 1e-6

SHAPES = [(4, 2, 16), (3, 1, 32), (5, 1, 8), (2, 1, 24), (2, 1, 128)]
"""(query heads, key heads, head_dim): groups and head_dims that are powers of two, and that are not."""
CASES = [*((shape, torch.float32) for shape in SHAPES), ((2, 1, 16), torch.bfloat16), ((2, 1, 24), torch.float16)]

# Float32 sums of some hundred products, and scores of up to 30 in the exponent: a few ulp (6e-8) of each.
SUMS = 2e-5
# And one rounding of what is stored: half an ulp, of the 11 bits of float16 and the 8 of bfloat16; a whole one of bfloat16 in the
# interpreter, which cuts bits off.
STORED = {torch.float32: SUMS, torch.float16: 2**-11 + SUMS, torch.bfloat16: 2**-8 * (2 if DEVICE == "cpu" else 1) + SUMS}
# On tensor cores the weights of values are rounded too, before they are summed.
ROUNDED_WEIGHTS = {torch.float32: SUMS, torch.float16: 2**-9, torch.bfloat16: 2**-6}


def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape).to(dtype).to(DEVICE)


def nans(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.full(shape, torch.nan, dtype=dtype, device=DEVICE)


def check(got: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(got.double(), expected, rtol=tolerance, atol=tolerance)


def check_same(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention of the last n positions, float64. query: (n, heads, head_dim). key, value: (length, kv_heads, head_dim)."""
    n, heads, head_dim = query.shape
    key, value = (x.double().repeat_interleave(heads // x.shape[1], dim=1) for x in (key, value))
    scores = torch.einsum("qhd,khd->hqk", query.double(), key) / head_dim**0.5
    hidden = torch.ones(n, len(key), dtype=torch.bool, device=key.device).triu(len(key) - n + 1)
    return torch.einsum("hqk,khd->qhd", scores.masked_fill(hidden, -torch.inf).softmax(-1), value)


@dataclass(frozen=True)
class Layer:
    """What queries and keys go through in a layer, for positions up to 400."""

    heads: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    q_norm: Tensor
    k_norm: Tensor
    cos: Tensor
    sin: Tensor

    @classmethod
    def random(cls, shape: tuple[int, int, int], dtype: torch.dtype) -> Layer:
        norms = random(shape[2], dtype=dtype), random(shape[2], dtype=dtype)
        return cls(*shape, dtype, *norms, *rope_table(torch.arange(400, device=DEVICE), shape[2], 1e4))

    @property
    def arguments(self) -> tuple[Tensor, Tensor, float, Tensor, Tensor]:
        return self.q_norm, self.k_norm, EPS, self.cos, self.sin

    def projection(self, *lanes: int) -> Tensor:
        return random(*lanes, (self.heads + 2 * self.kv_heads) * self.head_dim, dtype=self.dtype)

    def split(self, qkv: Tensor, positions: Tensor) -> tuple[Tensor, ...]:
        """Rotated queries and keys in float64, and values, of n projections at their positions: (n, heads of each, head_dim)."""
        *queries_and_keys, values = self.heads_of(qkv)
        rotated = []
        for x, norm in zip(queries_and_keys, (self.q_norm, self.k_norm), strict=True):
            x = x.double() / (x.double().square().mean(-1, keepdim=True) + EPS).sqrt() * norm.double()
            pairs = torch.complex(*x.chunk(2, dim=-1)) * torch.complex(self.cos.double(), self.sin.double())[positions, None]
            rotated.append(torch.cat((pairs.real, pairs.imag), dim=-1))
        return *rotated, values

    def heads_of(self, qkv: Tensor) -> tuple[Tensor, ...]:
        return qkv.view(len(qkv), -1, self.head_dim).split((self.heads, self.kv_heads, self.kv_heads), dim=1)


@dataclass(frozen=True)
class Step:
    """One step of lanes: rows 1, 2, ... in permuted order, then one of padding, which is row 0 at page 0.

    Pages are shuffled, and NaN wherever no row has written yet. past: each lane's keys and values so far.
    """

    layer: Layer
    qkv: Tensor
    keys: Tensor
    values: Tensor
    page_table: Tensor
    rows: Tensor
    positions: Tensor
    past: list[Tensor]

    @classmethod
    def random(cls, layer: Layer, positions: list[int], table_dtype: torch.dtype = torch.int64) -> Step:
        n, pages = len(positions), max(positions) // PAGE_SIZE + 2
        table = torch.zeros(n + 1, pages, dtype=torch.int64)
        table[1:] = torch.randperm(n * pages).view(n, pages) + 1
        keys, values = nans(2, n * pages + 1, PAGE_SIZE, layer.kv_heads, layer.head_dim, dtype=layer.dtype)
        order = torch.randperm(n) + 1
        past = []
        for row, position in zip(order.tolist(), positions, strict=True):
            past.append(random(2, position, layer.kv_heads, layer.head_dim, dtype=layer.dtype))
            at = torch.arange(position)
            slots = table[row, at // PAGE_SIZE].to(DEVICE), (at % PAGE_SIZE).to(DEVICE)
            keys[slots], values[slots] = past[-1]
        of_rows = torch.zeros(n + 1, dtype=torch.int64)
        of_rows[order] = torch.tensor(positions)
        rows = torch.cat((order, torch.zeros(1, dtype=torch.int64))).int().to(DEVICE)
        tables = table.to(table_dtype).to(DEVICE), rows, of_rows.to(DEVICE)
        return cls(layer, layer.projection(n + 1), keys, values, *tables, past)

    @property
    def arguments(self) -> tuple[object, ...]:
        return LAUNCH, self.qkv, *self.layer.arguments, self.keys, self.values, self.page_table, self.rows, self.positions

    def in_chunks(self) -> tuple[Tensor, Tensor]:
        chunks = len(self.qkv), self.page_table.shape[1] * PAGE_SIZE // CHUNK + 1, self.layer.heads
        partials, lse = nans(*chunks, self.layer.head_dim), nans(*chunks)
        paged_attention(*self.arguments, partials, lse)
        return partials, lse

    def whole(self) -> Tensor:
        out = nans(len(self.qkv), self.layer.heads * self.layer.head_dim, dtype=self.layer.dtype)
        whole_paged_attention(*self.arguments, out)
        return out

    def check(self) -> None:
        """Both forms against float64: what they give, and that of the pages only the new slots change."""
        step = replace(self, keys=self.keys.clone(), values=self.values.clone())
        self.check_result(step, step.whole().view(len(self.rows), self.layer.heads, -1), STORED[self.layer.dtype])
        step = replace(self, keys=self.keys.clone(), values=self.values.clone())
        partials, lse = step.in_chunks()
        positions = self.positions[self.rows.long()]
        self.check_result(step, combine_reference(partials, lse, positions), SUMS)
        behind = torch.arange(lse.shape[1], device=DEVICE) > positions[:, None] // CHUNK
        assert torch.equal(lse.isnan(), behind[..., None].expand_as(lse))
        assert torch.equal(partials.isnan(), behind[..., None, None].expand_as(partials))

    def check_result(self, step: Step, result: Tensor, tolerance: float) -> None:
        """Attention (lanes, heads, head_dim), and the pages it leaves in `step`."""
        positions = self.positions[self.rows.long()]
        query, new_key, new_value = self.layer.split(self.qkv, positions)
        slots = self.page_table[self.rows.long(), positions // PAGE_SIZE].long(), positions % PAGE_SIZE
        check(step.keys[slots], new_key, STORED[self.layer.dtype])
        check_same(step.values[slots], new_value)
        for lane, (key, value) in enumerate(self.past):
            key = torch.cat((key, step.keys[slots][lane : lane + 1]))
            value = torch.cat((value, new_value[lane : lane + 1]))
            check(result[lane : lane + 1], attention(query[lane : lane + 1], key, value), tolerance)
        for cache, untouched in ((step.keys, self.keys), (step.values, self.values)):
            cache[slots] = untouched[slots]
            check_same(cache, untouched)


@pytest.mark.parametrize(("shape", "dtype"), CASES)
def test_a_step_attends_to_its_row(shape, dtype):
    Step.random(Layer.random(shape, dtype), [130, 0], torch.int64 if dtype == torch.float32 else torch.int32).check()


def test_a_step_at_the_edges_of_pages_and_chunks():
    Step.random(Layer.random((5, 1, 8), torch.float32), [1, 15, 16, 127, 128, 299]).check()


def test_neither_the_batch_nor_the_number_of_programs_changes_a_bit(monkeypatch):
    step = Step.random(Layer.random((5, 1, 8), torch.bfloat16), [260, 3])
    partials, lse = step.in_chunks()
    whole = step.whole()
    for lane in range(len(step.past)):
        alone = replace(step, qkv=step.qkv[lane : lane + 1], rows=step.rows[lane : lane + 1])
        for got, expected in zip((*alone.in_chunks(), alone.whole()), (partials, lse, whole), strict=True):
            check_same(got[0], expected[lane])
    for splits in (1, 2):  # three chunks have three programs otherwise
        monkeypatch.setattr(paged_module, "PROGRAMS", splits * len(step.qkv))
        for got, expected in zip(step.in_chunks(), (partials, lse), strict=True):
            check_same(got, expected)


@pytest.mark.parametrize(("shape", "dtype"), CASES)
def test_a_frame_of_the_predictor(shape, dtype):
    check_predictor(Layer.random(shape, dtype), lanes=2, length=3)


def test_a_frame_of_the_predictor_to_its_end():
    check_predictor(Layer.random((5, 1, 8), torch.float32), lanes=1, length=17)


def check_predictor(layer: Layer, lanes: int, length: int) -> None:
    """A frame, two positions first and then one by one, against float64; a lane alone; and what is written into the cache."""
    cache = nans(2, lanes, length, layer.kv_heads, layer.head_dim, dtype=layer.dtype)
    keys, values = cache
    qkv = layer.projection(lanes, length)
    split = [layer.split(lane, torch.arange(length, device=DEVICE)) for lane in qkv]
    for start, new in [(0, 2), *((i, 1) for i in range(2, length))]:
        past, end = cache.clone(), start + new
        out = nans(lanes, new, layer.heads * layer.head_dim, dtype=layer.dtype)
        predictor_attention(LAUNCH, qkv[:, start:end].contiguous(), *layer.arguments, keys, values, start, out)
        for lane, (query, key, value) in enumerate(split):
            check(keys[lane, start:end], key[start:end], STORED[layer.dtype])
            expected = attention(query[start:end], keys[lane, :end], value[:end])
            check(out[lane].view(new, layer.heads, -1), expected, STORED[layer.dtype])
            check_same(values[lane, start:end], value[start:end])
        check_same(cache[:, :, :start], past[:, :, :start])
        assert cache[:, :, end:].isnan().all()
        if lanes > 1:
            alone, of_lane = torch.empty_like(out[-1:]), past[:, -1:].contiguous()
            predictor_attention(LAUNCH, qkv[-1:, start:end].contiguous(), *layer.arguments, *of_lane, start, alone)
            check_same(alone, out[-1:])


@pytest.mark.parametrize(("shape", "dtype"), CASES)
def test_a_prompt_is_rotated_in_place_and_stored(shape, dtype):
    layer = Layer.random(shape, dtype)
    step = Step.random(layer, [40, 20])
    # Two rows' tokens in any order, and padding.
    rows = step.rows[[0, 0, 0, 1, 1, 2, 2]]
    positions = torch.tensor([0, 17, 40, 16, 3, 0, 0], device=DEVICE)
    qkv = layer.projection(len(rows))
    expected = layer.split(qkv, positions)
    keys, values, rotated = step.keys.clone(), step.values.clone(), qkv.clone()
    rotate_and_store(LAUNCH, rotated, *layer.arguments, keys, values, step.page_table, rows, positions)
    query, key, value = layer.heads_of(rotated)
    check(query, expected[0], STORED[dtype])
    check(key, expected[1], STORED[dtype])
    check_same(value, expected[2])
    slots = (step.page_table[rows.long(), positions // PAGE_SIZE], positions % PAGE_SIZE)
    for cache, untouched, new in ((keys, step.keys, key), (values, step.values, value)):
        check_same(cache[tuple(slot[:5] for slot in slots)], new[:5])
        cache[slots] = untouched[slots]
        check_same(cache, untouched)


@pytest.mark.parametrize(("shape", "dtype"), [case for case in CASES if DEVICE == "cuda" or case[1] != torch.bfloat16])
def test_packed_prompts_attend_to_themselves(shape, dtype):
    # The interpreter has no dot product of bfloat16.
    check_prefill(Layer.random(shape, dtype), [33, 1, 0, 20])


@pytest.mark.parametrize("lengths", [[200], [15, 16, 17], [63, 64, 65], [5, 0, 0, 0, 0]])
def test_prompts_of_many_lengths(lengths):
    check_prefill(Layer.random((2, 1, 8), torch.float16), lengths)


def check_prefill(layer: Layer, lengths: list[int]) -> None:
    """Packed prompts with padding behind them, which is NaN, against float64 and against each alone."""
    sizes = (layer.heads, layer.kv_heads)
    total = sum(lengths)
    qkv = layer.projection(total + 9)
    qkv[total:] = torch.nan
    starts = torch.tensor([0, *lengths]).cumsum(0).int().to(DEVICE)
    out = nans(total + 9, layer.heads * layer.head_dim, dtype=layer.dtype)
    prefill_attention(LAUNCH, qkv, *sizes, starts, out)
    assert out[total:].isnan().all()
    for start, length in [pair for pair in zip(starts.tolist(), lengths, strict=False) if pair[1]]:
        own = qkv[start : start + length]
        got = out[start : start + length]
        check(got.view(length, layer.heads, -1), attention(*layer.heads_of(own)), ROUNDED_WEIGHTS[layer.dtype])
        alone = torch.empty_like(got)
        prefill_attention(LAUNCH, own, *sizes, torch.tensor([0, length], dtype=torch.int32, device=DEVICE), alone)
        check_same(alone, got)


def test_what_does_not_fit_is_refused_by_name():
    step = Step.random(Layer.random((4, 2, 16), torch.float32), [3])
    with pytest.raises(ValueError, match=r"keys .* has strides"):
        replace(step, keys=step.keys.transpose(0, 1)).whole()
    with pytest.raises(ValueError, match=r"rows of .*\(1,\) do not fit"):
        replace(step, rows=step.rows[1:]).whole()
    with pytest.raises(ValueError, match=r"qkv \(2, 128\), partials .* do not fit"):
        paged_attention(*step.arguments, nans(3, 1, 4, 16), nans(3, 1, 4))
    cache = nans(1, 16, 2, 16)
    with pytest.raises(ValueError, match=r"a start at 15 of keys"):
        predictor_attention(LAUNCH, step.qkv[None], *step.layer.arguments, cache, cache, 15, nans(1, 2, 64))
    with pytest.raises(ValueError, match=r"positions \(1,\) do not fit"):
        rotate_and_store(*replace(step, positions=step.positions[1:]).arguments)
    with pytest.raises(ValueError, match=r"out .* do not fit, or are not contiguous"):
        prefill_attention(LAUNCH, step.qkv, 4, 2, step.rows, nans(2, 65))
