"""Philox in a kernel, in Triton's interpreter where there is no GPU, against its reference."""

from __future__ import annotations

import torch

from qwen3tts.kernels.language import jit, tl
from qwen3tts.kernels.philox import philox_uniform, uniforms_reference

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BOOKS = 16


@jit
def uniform_kernel(seeds, frames, books, out, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(out + i, philox_uniform(tl.load(seeds + i), tl.load(frames + i), tl.load(books + i)))


def test_uniforms_are_the_references_to_the_bit():
    n = 64
    seeds, frames = torch.randint(-(2**63), 2**63 - 1, (n,)), torch.randint(0, 2**31, (n,))
    seeds[:4], frames[:4] = torch.tensor([0, -1, 2**63 - 1, 2**32]), torch.tensor([0, 2**32 - 1, 1, 2])
    books, got = torch.arange(n) % BOOKS, torch.empty(n, device=DEVICE)
    uniform_kernel[(1,)](seeds.to(DEVICE), frames.to(DEVICE), books.to(DEVICE), got, N=n)
    assert torch.equal(got.cpu(), uniforms_reference(seeds, frames, BOOKS).gather(1, books[:, None])[:, 0])
