"""From logits to a code: penalty, suppression, temperature, top-k, top-p and a draw keyed by (seed, frame, codebook).

Order and meaning are those of transformers' logits processors as the official `generate` stacks them. The settings are tensors of
one value a row: nothing about a request is baked into a launch. Philox4x32-10 (Salmon et al., 2011, "Parallel random numbers: as
easy as 1, 2, 3") is counter-based: a draw depends on its key alone, never on batching, chunking or neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = 0xFFFFFFFF


def philox_reference(counter: Sequence[Tensor], key: Sequence[Tensor]) -> list[Tensor]:
    """Philox4x32-10: four random 32-bit words for each counter of four words and key of two, all int64 tensors of one shape."""
    for _ in range(_ROUNDS):
        # A 64-bit product may wrap into the sign; its bits are right all the same, and the mask drops the sign's copies.
        first, second = counter[0] * _MULTIPLIERS[0], counter[2] * _MULTIPLIERS[1]
        counter = [
            ((second >> 32) & _LOW) ^ counter[1] ^ key[0],
            second & _LOW,
            ((first >> 32) & _LOW) ^ counter[3] ^ key[1],
            first & _LOW,
        ]
        key = [(word + step) & _LOW for word, step in zip(key, _KEY_STEPS, strict=True)]
    return list(counter)


def uniforms_reference(seeds: Tensor, frames: Tensor, books: int) -> Tensor:
    """One uniform number in [0, 1) for each row and codebook: float32 (n, books).

    seeds: int64 (n,), read as 64 unsigned bits. frames: int64 (n,), the index of the row's frame. The Philox key is the seed, the
    counter (frame, codebook, 0, 0). Multiples of 2^-23, so that u * total stays below total in float32.
    """
    shape = (seeds.shape[0], books)
    book = torch.arange(books, device=seeds.device).expand(shape)
    zero = torch.zeros_like(book)
    seed = seeds.unsqueeze(1).expand(shape)
    words = philox_reference((frames.unsqueeze(1).expand(shape), book, zero, zero), (seed & _LOW, (seed >> 32) & _LOW))
    return (words[0] >> 9).float() * 2.0**-23


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
    ordered, order = scores.sort(dim=-1)
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
