"""Random numbers keyed by (seed, frame, codebook).

Philox4x32-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3") is counter-based: a number depends on its key and
counter alone, never on batching, chunking or neighbours, and there is no state to keep. It costs 40 integer operations a draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qwen3tts.kernels.language import jit, tl

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = 0xFFFFFFFF


@jit
def philox_uniform(
    seed, frame, book,
    MULTIPLIER_0: tl.constexpr = _MULTIPLIERS[0], MULTIPLIER_1: tl.constexpr = _MULTIPLIERS[1],
    KEY_STEP_0: tl.constexpr = _KEY_STEPS[0], KEY_STEP_1: tl.constexpr = _KEY_STEPS[1], ROUNDS: tl.constexpr = _ROUNDS,
):  # fmt: skip
    """`uniforms_reference` of one row and codebook, to the bit. seed, frame: int64. book: an integer, constant or not."""
    word0, word1 = frame.to(tl.uint32), (book + tl.zeros_like(frame)).to(tl.uint32)
    word2 = tl.full((), 0, tl.uint32)
    word3 = word2
    key0, key1 = seed.to(tl.uint32), (seed >> 32).to(tl.uint32)
    for _ in tl.static_range(ROUNDS):
        high0, low0 = tl.umulhi(word0, MULTIPLIER_0), tl.mul(word0, MULTIPLIER_0, sanitize_overflow=False)
        high1, low1 = tl.umulhi(word2, MULTIPLIER_1), tl.mul(word2, MULTIPLIER_1, sanitize_overflow=False)
        word0, word1, word2, word3 = high1 ^ word1 ^ key0, low1, high0 ^ word3 ^ key1, low0
        key0 = tl.add(key0, KEY_STEP_0, sanitize_overflow=False)
        key1 = tl.add(key1, KEY_STEP_1, sanitize_overflow=False)
    return (word0 >> 9).to(tl.float32) * 2.0**-23


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
