"""Checks of attention and of what prepares it, in the shapes of the models and in awkward ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from qwen3tts.cache.pages import PAGE_SIZE, pages_for
from qwen3tts.kernels.attention_output import Chunks, attention_output
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.linear import Matrix
from qwen3tts.kernels.paged_attention import CHUNK, paged_attention, whole_paged_attention
from qwen3tts.kernels.predictor_attention import predictor_attention
from qwen3tts.kernels.prefill_attention import prefill_attention
from qwen3tts.kernels.qkv import qk_norm_rope_reference, rope_table, rotate_and_store

from .cases import Case, Numbers, check_all, relative_error
from .record import Record
from .scope import Scope
from .subject import SMALL, configs

EPS = 1e-6
THETA = 1e6
CHUNKS = 8
"""Of the longest context."""
POSITIONS = ((0,), (15, 0, 300, CHUNK - 1, CHUNK, 511, 16, CHUNKS * CHUNK - 1, 77), (1, CHUNK - 1, CHUNK))
"""Of the new position of each lane: one stream, contexts that end beside the ends of pages and chunks, and the first steps."""

PROMPTS = ((1, 15, 64, 65, 130, 37), (9,))
AWKWARD_HEADS = ((6, 2, 40), (5, 1, 24))
"""Heads, key heads, head_dim: no powers of two, groups of 3 and 5."""


@dataclass(frozen=True)
class Heads:
    """Heads of queries, of keys and values, and the numbers in each; random norms, and the rotation of all positions."""

    numbers: Numbers
    query: int
    key: int
    dim: int

    @property
    def width(self) -> int:
        """Of the projections of a token."""
        return (self.query + 2 * self.key) * self.dim

    def rotation(self, positions: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines as the kernels read them."""
        return rope_table(torch.arange(positions, device=self.numbers.device), self.dim, THETA)

    def split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (tokens, heads, dim) of packed projections, in float64."""
        heads = qkv.double().view(len(qkv), -1, self.dim)
        query, key, value = heads.split((self.query, self.key, self.key), dim=1)
        return query, key, value

    @property
    def name(self) -> str:
        """Of the shape."""
        return f"{self.query}/{self.key}x{self.dim}"


def run(scope: Scope, record: Record) -> None:
    """Check them all."""
    check_all(cases(scope, scope.device), scope, record)


def cases(scope: Scope, device: torch.device) -> Iterator[Case]:
    """All cases; on the meta device they can be planned."""
    for dtype in scope.dtypes:
        numbers = Numbers(device, dtype)
        for shape in _shapes(scope):
            heads = Heads(numbers, *shape)
            for positions in POSITIONS if scope.on_gpu else POSITIONS[2:]:
                yield _decode(heads, positions, whole=False)
                yield _decode(heads, positions, whole=True)
            for lengths in PROMPTS if scope.on_gpu else PROMPTS[1:]:
                yield _rotate(heads, lengths)
                yield _prefill(heads, lengths)
            for start, new in ((0, 2), (2, 1), (15, 1)) if scope.on_gpu else ((0, 2),):
                yield _predictor(heads, 5 if scope.on_gpu else 1, start, new)


def _shapes(scope: Scope) -> list[tuple[int, int, int]]:
    stacks = [configs(size)[0].talker_config for size in scope.sizes if size != SMALL]
    stacks += [stack.code_predictor_config for stack in stacks]
    released = {(stack.num_attention_heads, stack.num_key_value_heads, stack.head_dim) for stack in stacks}
    return [*sorted(released), *AWKWARD_HEADS[: 2 if scope.on_gpu else 1]]


def _attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """One query (heads, dim) over keys and values (length, key heads, dim): (heads, dim), all float64."""
    grouped = query.view(keys.shape[1], -1, query.shape[1])
    weights = (torch.einsum("kgd,lkd->kgl", grouped, keys) / math.sqrt(query.shape[1])).softmax(-1)
    return torch.einsum("kgl,lkd->kgd", weights, values).reshape(query.shape)


def _decode(heads: Heads, positions: Sequence[int], whole: bool) -> Case:
    """A step of lanes whose rows are in reverse, with NaN in pages that are nobody's and past each row's end.

    Not whole: in chunks, which the output projection puts together; NaN behind the last of them.
    """
    numbers, lanes = heads.numbers, len(positions)
    pages, most = [pages_for(position + 1) for position in positions], pages_for(CHUNKS * CHUNK) + 1
    table = [list(range(2 + sum(pages[:i]), 2 + sum(pages[: i + 1]))) + [0] * (most - pages[i]) for i in range(lanes)]
    page_table = numbers.integers(table[::-1])
    rows, newest = numbers.integers(range(lanes - 1, -1, -1), torch.int32), numbers.integers(positions[::-1])
    keys, values = (numbers.poison(2 + sum(pages), PAGE_SIZE, heads.key, heads.dim) for _ in range(2))
    for row_pages, position in zip(table, positions, strict=True):
        for at in range(0, position, PAGE_SIZE):
            for cache in (keys, values):
                cache[row_pages[at // PAGE_SIZE], : position - at] = numbers.normal(
                    min(PAGE_SIZE, position - at), heads.key, heads.dim
                )
    q_norm, k_norm, qkv = numbers.around_one(heads.dim), numbers.around_one(heads.dim), numbers.normal(lanes, heads.width)
    cos, sin = heads.rotation(max(positions) + 1)
    weight = numbers.normal(64, heads.query * heads.dim, scale=(heads.query * heads.dim) ** -0.5)
    slots = [(row_pages[position // PAGE_SIZE], position % PAGE_SIZE) for row_pages, position in zip(table, positions, strict=True)]
    new = tuple(numbers.integers(column) for column in zip(*slots, strict=True))

    def run(launch: Launcher) -> tuple[Tensor, ...]:
        cached = keys.clone(), values.clone()
        context = (launch, qkv, q_norm, k_norm, EPS, cos, sin, *cached, page_table, rows, newest)
        if whole:
            out = numbers.poison(lanes, heads.query * heads.dim)
            whole_paged_attention(*context, out)
        else:
            partials = numbers.poison(lanes, CHUNKS, heads.query, heads.dim, dtype=torch.float32)
            lse, out = numbers.poison(*partials.shape[:3], dtype=torch.float32), numbers.poison(lanes, 64).zero_()
            paged_attention(*context, partials, lse)
            attention_output(launch, Chunks(partials, lse, rows, newest, CHUNK), Matrix(weight), out)
        return out, *(cache[new] for cache in cached)

    def exact() -> tuple[Tensor, ...]:
        query, key, value = heads.split(qkv)
        at = numbers.integers(positions)
        query, key = (
            qk_norm_rope_reference(x, norm.double(), EPS, cos[at].double(), sin[at].double())
            for x, norm in ((query, q_norm), (key, k_norm))
        )
        mixed = []
        for lane, (row_pages, position) in enumerate(zip(table, positions, strict=True)):
            past = [cache[row_pages].flatten(0, 1)[:position].double() for cache in (keys, values)]
            # The new key is attended to as it is cached.
            mixed.append(_attend(query[lane], torch.cat((past[0], key[lane, None])), torch.cat((past[1], value[lane, None]))))
        out = torch.stack(mixed).flatten(1)
        return out if whole else out @ weight.double().T, key, value

    kernel = "whole_paged_attention" if whole else "paged_attention"
    return _case(kernel, heads, f"{lanes} lanes to {max(positions)}", run, exact)


def _rotate(heads: Heads, lengths: Sequence[int]) -> Case:
    """Prompts packed one after another, each into the pages of a row of its own."""
    numbers, tokens = heads.numbers, sum(lengths)
    most = pages_for(max(lengths))
    page_table = numbers.integers(range(1, 1 + len(lengths) * most)).view(len(lengths), most).flip(1).contiguous()
    token_rows = [row for row, length in enumerate(lengths) for _ in range(length)]
    token_positions = [position for length in lengths for position in range(length)]
    rows, positions = numbers.integers(token_rows, torch.int32), numbers.integers(token_positions)
    q_norm, k_norm, qkv = numbers.around_one(heads.dim), numbers.around_one(heads.dim), numbers.normal(tokens, heads.width)
    cos, sin = heads.rotation(max(lengths))
    slots = [1 + row * most + most - 1 - position // PAGE_SIZE for row, position in zip(token_rows, token_positions, strict=True)]
    page, offset = numbers.integers(slots), positions % PAGE_SIZE

    def run(launch: Launcher) -> tuple[Tensor, ...]:
        packed = qkv.clone()
        keys, values = (numbers.poison(1 + len(lengths) * most, PAGE_SIZE, heads.key, heads.dim) for _ in range(2))
        rotate_and_store(launch, packed, q_norm, k_norm, EPS, cos, sin, keys, values, page_table, rows, positions)
        return packed, keys[page, offset], values[page, offset]

    def exact() -> tuple[Tensor, ...]:
        query, key, value = heads.split(qkv)
        angles = cos[positions].double(), sin[positions].double()
        query = qk_norm_rope_reference(query, q_norm.double(), EPS, *angles)
        key = qk_norm_rope_reference(key, k_norm.double(), EPS, *angles)
        return torch.cat((query, key, value), dim=1).flatten(1), key, value

    return _case("rotate_and_store", heads, f"{tokens} tokens", run, exact)


def _prefill(heads: Heads, lengths: Sequence[int]) -> Case:
    """Packed prompts, an empty one at their end, and NaN in the padding after them."""
    numbers, tokens = heads.numbers, sum(lengths)
    qkv = torch.cat((numbers.normal(tokens, heads.width), numbers.poison(3, heads.width)))
    ends = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    starts = numbers.integers([*ends, tokens], torch.int32)

    def run(launch: Launcher) -> tuple[Tensor]:
        out = numbers.poison(len(qkv), heads.query * heads.dim)
        prefill_attention(launch, qkv, heads.query, heads.key, starts, out)
        return (out[:tokens],)

    def exact() -> tuple[Tensor]:
        query, key, value = heads.split(qkv)
        spans = [(begin, at + 1) for begin, end in pairwise(ends) for at in range(begin, end)]
        return (torch.stack([_attend(query[end - 1], key[begin:end], value[begin:end]) for begin, end in spans]).flatten(1),)

    return _case("prefill_attention", heads, f"{tokens} tokens", run, exact)


def _predictor(heads: Heads, lanes: int, start: int, new: int) -> Case:
    """New positions from `start` of 16, with NaN in what is not there yet."""
    numbers, end = heads.numbers, start + new
    q_norm, k_norm, qkv = numbers.around_one(heads.dim), numbers.around_one(heads.dim), numbers.normal(lanes, new, heads.width)
    keys, values = (numbers.poison(lanes, 16, heads.key, heads.dim) for _ in range(2))
    for cache in (keys, values):
        cache[:, :start] = numbers.normal(lanes, start, heads.key, heads.dim)
    cos, sin = heads.rotation(16)

    def run(launch: Launcher) -> tuple[Tensor, ...]:
        cached = keys.clone(), values.clone()
        out = numbers.poison(lanes, new, heads.query * heads.dim)
        predictor_attention(launch, qkv, q_norm, k_norm, EPS, cos, sin, *cached, start, out)
        return out, *(cache[:, start:end] for cache in cached)

    def exact() -> tuple[Tensor, ...]:
        query, key, value = heads.split(qkv.flatten(0, 1))
        angles = tuple(rotation[start:end].double().repeat(lanes, 1) for rotation in (cos, sin))
        query = qk_norm_rope_reference(query, q_norm.double(), EPS, *angles).view(lanes, new, heads.query, heads.dim)
        key = qk_norm_rope_reference(key, k_norm.double(), EPS, *angles).view(lanes, new, heads.key, heads.dim)
        value = value.view(lanes, new, heads.key, heads.dim)
        all_keys, all_values = (torch.cat((c[:, :start].double(), x), dim=1) for c, x in ((keys, key), (values, value)))
        mixed = [
            _attend(query[lane, i], all_keys[lane, : start + i + 1], all_values[lane, : start + i + 1])
            for lane in range(lanes)
            for i in range(new)
        ]
        return torch.stack(mixed).view(lanes, new, -1), key, value

    return _case("predictor_attention", heads, f"{new} from {start}", run, exact)


def _case(
    kernel: str, heads: Heads, name: str, run: Callable[[Launcher], tuple[Tensor, ...]], exact: Callable[[], tuple[Tensor, ...]]
) -> Case:
    numbers = heads.numbers
    return Case(numbers.dtype, kernel, f"{heads.name}, {name}", run, relative_error(exact), numbers.tolerance)
