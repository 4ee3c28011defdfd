"""Sampling against transformers' processors (stored goldens), Random123's vectors and statistics."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from qwen3tts.kernels.philox import philox_reference, uniforms_reference
from qwen3tts.kernels.sampling import (
    draw_reference,
    penalise_reference,
    probabilities_reference,
    sample_reference,
)


def row(value, dtype=torch.float32):
    return torch.tensor([value], dtype=dtype)


@pytest.mark.parametrize("case", range(5))
def test_probabilities_are_those_of_the_official_processors(small, case):
    with open(small / "sampling.json") as file:
        settings = json.load(file)[case]
    tensors = load_file(small / "sampling.safetensors")
    logits, history = tensors[f"{case}.logits"], tensors[f"{case}.history"]
    seen = torch.zeros(1, len(logits), dtype=torch.bool)
    seen[0, history] = True
    scores = penalise_reference(logits[None], seen, row(settings["repetition_penalty"]))
    scores[0, -1024:] = -torch.inf
    if len(history) >= settings["min_new_tokens"]:
        scores[0, settings["eos"]] = penalise_reference(logits[None], seen, row(settings["repetition_penalty"]))[0, settings["eos"]]
    got = probabilities_reference(
        scores, row(settings["temperature"]), row(settings["top_k"], torch.int64), row(1 - settings["top_p"])
    )
    torch.testing.assert_close(got[0], tensors[f"{case}.probabilities"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # Random123's kat_vectors for philox4x32-10
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, words):
    got = philox_reference([row(word, torch.int64) for word in counter], [row(word, torch.int64) for word in key])
    assert tuple(int(word) for word in got) == words


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 5))
def test_a_uniform_depends_on_its_seed_frame_and_book_alone(seed, frame, n, place):
    place %= n
    seeds, frames = torch.randint(-(2**62), 2**62, (n,)), torch.randint(0, 99, (n,))
    seeds[place], frames[place] = seed, frame
    together = uniforms_reference(seeds, frames, 16)[place]
    assert torch.equal(together, uniforms_reference(row(seed, torch.int64), row(frame, torch.int64), 16)[0])
    assert ((together >= 0) & (together < 1)).all()


def test_uniforms_are_uniform_and_differ_between_books_frames_and_seeds():
    values = uniforms_reference(torch.arange(64).repeat_interleave(64), torch.arange(64).repeat(64), 16)
    assert values.unique().numel() > 0.995 * values.numel()
    counts = torch.histc(values, 64, 0, 1)
    chi_square = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert chi_square < 120  # 63 degrees of freedom: one in 10^5 exceeds 121


def test_draws_follow_the_distribution():
    probabilities = torch.tensor([0.5, 0.0, 0.25, 0.2, 0.05, 0.0])
    n = 40_000
    uniforms = uniforms_reference(torch.arange(n), torch.zeros(n, dtype=torch.int64), 1)[:, 0]
    drawn = draw_reference(probabilities.expand(n, -1), uniforms)
    frequencies = drawn.bincount(minlength=6) / n
    torch.testing.assert_close(frequencies, probabilities, rtol=0, atol=0.01)
    assert frequencies[1] == frequencies[5] == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.25, 1 - 2.0**-23]))
def test_a_draw_never_takes_an_impossible_id(seed, uniform):
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(1, 97, generator=generator) * (torch.rand(1, 97, generator=generator) > 0.7)
    probabilities[0, int(torch.randint(97, (1,), generator=generator))] += 0.1
    code = int(draw_reference(probabilities / probabilities.sum(), row(uniform)))
    assert probabilities[0, code] > 0


def test_top_k_keeps_ties_and_top_p_keeps_the_likeliest():
    logits = torch.tensor([[1.0, 3.0, 2.0, 2.0, 0.0]])
    kept = probabilities_reference(logits, row(1.0), row(2, torch.int64), row(0.0))[0] > 0
    assert kept.tolist() == [False, True, True, True, False]
    kept = probabilities_reference(logits, row(1.0), row(0, torch.int64), row(1.0))[0] > 0
    assert kept.tolist() == [False, True, False, False, False]


def test_rows_keep_their_own_settings():
    logits = torch.randn(3, 50)
    temperature, top_k, tail = torch.tensor([0.0, 0.7, 1.3]), torch.tensor([5, 0, 3]), torch.tensor([0.0, 0.2, 0.0])
    uniforms = torch.tensor([0.3, 0.6, 0.99])
    together = sample_reference(logits, uniforms, temperature, top_k, tail)
    alone = [sample_reference(*(t[i : i + 1] for t in (logits, uniforms, temperature, top_k, tail))) for i in range(3)]
    assert together.tolist() == [int(code) for code in alone]
    assert together[0] == logits[0].argmax()


def test_penalty_touches_seen_ids_once_in_the_direction_of_less_likely():
    logits, seen = torch.tensor([[2.0, -2.0, 3.0]]), torch.tensor([[True, True, False]])
    assert penalise_reference(logits, seen, row(2.0)).tolist() == [[1.0, -4.0, 3.0]]
