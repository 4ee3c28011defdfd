"""The sampling kernel, in Triton's interpreter where there is no GPU, against float64: what is kept, drawn, and written where."""

from __future__ import annotations

import dataclasses

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.kernels.language import jit, next_power_of_2, tl
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.philox import uniforms_reference
from qwen3tts.kernels.sampling import Draws, _weights, draw_code0, draw_residual, penalise_reference, sample_reference

LAUNCH = Launcher()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
VOCABULARIES = [64, 128, 1000, 1152, 2048, 3072]
BOOKS = 16

# Sums of up to 4,096 float32 numbers, one by one in the interpreter: an ulp (6e-8 of the sum) each at worst, and about its square
# root where roundings are random. Whether an id at such a distance from a cut or a draw is in or out is for the rounding to decide.
NEAR = 4e-6

NO_NUMBERS = pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")


@pytest.fixture(autouse=True)
def on_the_device():
    with torch.device(DEVICE):
        yield


@jit
def weights_kernel(scores, temperature, top_k, tail, out, N: tl.constexpr, BLOCK: tl.constexpr):
    ids = tl.arange(0, BLOCK)
    row = tl.load(scores + ids, mask=ids < N, other=float("-inf"))
    tl.store(out + ids, _weights(row, tl.load(temperature), tl.load(top_k), tl.load(tail), BLOCK), mask=ids < N)


def exact(scores, temperature, top_k, tail):
    """Probabilities (vocabulary,) in float64, 0 for what is dropped, and the ids so near to the top-p cut that rounding decides."""
    scores = scores.double()
    if top_k > 0:
        scores = scores.masked_fill(scores < scores.sort().values[max(0, len(scores) - top_k)], -torch.inf)
    probabilities = (scores / float(temperature)).softmax(0)
    order = scores.sort(stable=True).indices
    below = probabilities[order].cumsum(0)
    dropped, near = torch.zeros(2, len(scores), dtype=torch.bool)
    dropped[order] = below <= float(tail)
    near[order] = (below - float(tail)).abs() < NEAR
    dropped[order[-1]] = False
    probabilities[dropped] = 0
    return probabilities / probabilities.sum(), near & (tail > 0)


def kernel_weights(scores, temperature, top_k, tail):
    out = torch.full((len(scores),), torch.nan)
    settings = torch.tensor([temperature]), torch.tensor([top_k]), torch.tensor([tail])
    weights_kernel[(1,)](scores, *settings, out, N=len(scores), BLOCK=next_power_of_2(len(scores)))
    return out, exact(scores, settings[0], top_k, settings[2])


def check_weights(scores, temperature, top_k, tail):
    weights, (probabilities, near) = kernel_weights(scores, temperature, top_k, tail)
    assert weights.max() == 1
    assert weights.isfinite().all() and (weights >= 0).all()
    # What is less likely than the likeliest by more than float32 can hold weighs 0.
    representable = (probabilities == 0) | (probabilities > 1e-36 * probabilities.max())
    comparable = representable & ~near
    assert torch.equal((weights > 0)[comparable], (probabilities > 0)[comparable])
    if not near.any():
        torch.testing.assert_close(weights.double() / weights.double().sum(), probabilities, rtol=2e-5, atol=1e-7)


def logits_of(kind, vocabulary):
    """Logits of which all differ, or few do, or most cannot be."""
    logits = 4 * torch.randn(vocabulary)
    if kind == "tied":
        return logits.round() * 0.5 - 0.0 * logits.sign()
    return logits.masked_fill(torch.rand(vocabulary) < 0.7, -torch.inf) if kind == "few" else logits


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_kept_ids_and_probabilities(vocabulary):
    cases = [(top_k, tail) for top_k in (0, 1, 50, vocabulary + 5) for tail in (0.0, 0.1, 0.5, 0.999)]
    for case, (top_k, tail) in list(enumerate(cases))[VOCABULARIES.index(vocabulary) % 2 :: 2]:
        logits = logits_of(("different", "tied", "few")[case % 3], vocabulary)
        check_weights(logits, (0.9, 0.1, 3.0, 1.0, 0.6)[case % 5], top_k, tail)


@hypothesis.settings(max_examples=30)
@given(
    st.lists(st.sampled_from([-torch.inf, -3.0, -1.0, -0.0, 0.0, 1.0, 1.5, 80.0]), min_size=1, max_size=20),
    st.integers(0, 22),
    st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.9, 1.0]),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_kept_ids_among_ties(values, top_k, tail, temperature):
    scores = torch.tensor([*values, -3.0])  # one at least can be
    check_weights(scores, temperature, top_k, tail)


@pytest.mark.parametrize(
    ("values", "top_k", "tail", "kept"),
    [
        ([1, 1, 1, 1], 0, 0.5, [2, 3]),  # equals fall in the order of their ids, as many as the tail holds exactly
        ([1, 1, 1, 1], 0, 1.0, [3]),  # never the last
        ([2, 0, 2, -0.0, 1], 4, 0.0, [0, 1, 2, 3, 4]),  # 0 and -0 are equal, and so both the fourth
        ([2, 0, 2, -0.0, 1], 3, 0.0, [0, 2, 4]),
        ([-9, -2, -8, -2], 2, 0.25, [1, 3]),
    ],
)
def test_what_is_kept_at_a_boundary(values, top_k, tail, kept):
    weights, _ = kernel_weights(torch.tensor(values, dtype=torch.float32), 1.0, top_k, tail)
    assert weights.nonzero()[:, 0].tolist() == kept


@NO_NUMBERS
def test_a_temperature_whose_reciprocal_overflows_keeps_the_likeliest():
    weights, _ = kernel_weights(torch.tensor([1.0, 3.0, 2.0, 3.0]), 1e-40, 0, 0.0)
    assert weights.tolist() == [0.0, 1.0, 0.0, 1.0]


class Batch:
    """State of some rows as the engine has it: columns of packed tensors, rows that lie apart, and a last row that pads batches."""

    def __init__(self, vocabulary, rows=12, width=24, lanes=None):
        self.rows = torch.randperm(rows - 1)[: lanes or rows - 1].to(torch.int32)
        n = len(self.rows)
        self.logits = torch.stack([logits_of(("different", "tied")[i % 2], vocabulary) for i in range(n)])
        self.numbers = torch.stack(
            (torch.randint(99, (rows,)), torch.randint(5, (rows,)), torch.randint(-(2**62), 2**62, (rows,)),
             torch.tensor([0, 50, 1, vocabulary + 5, 7]).repeat(rows)[:rows]), dim=1,
        )  # fmt: skip
        tails, temperatures = torch.tensor([0.0, 0.0, 0.1, 0.5]), torch.tensor([0.9, 0.0, 3.0, 0.1, 1.0, 0.7])
        self.floats = torch.stack((temperatures.repeat(rows)[:rows], tails.repeat(rows)[:rows], 1 + torch.rand(rows)), dim=1)
        self.positions, frames, seeds, top_k = self.numbers.T
        temperature, tail, self.penalty = self.floats.T
        self.settings = Draws(seeds, frames, temperature, top_k, tail)
        self.seen = torch.rand(rows, vocabulary) < 0.1
        self.codes = torch.full((rows, BOOKS + 3), -1)[:, :BOOKS]
        self.table = torch.randn(vocabulary, width)
        self.x = torch.full((n, width + 8), -7.0)[:, :width]

    def draw(self, book, **changed):
        """`draw_residual` of the batch, which does not advance, with some arguments changed."""
        names = "logits", "rows", "settings", "codes", "table", "x"
        draw_residual(LAUNCH, book=book, **{name: getattr(self, name) for name in names} | {"positions": None} | changed)

    def draw_first(self, *limits):
        """`draw_code0` of the batch. limits: stop_id, suppressed_from, min_frames."""
        rest = self.codes, self.table, self.x
        draw_code0(LAUNCH, self.logits, self.rows, self.settings, self.penalty, self.seen, *limits, *rest)

    def expected(self, scores, book):
        """For each lane the ids that may be drawn: one, or two where the draw is near the end of an id's share."""
        s, ids = self.settings, []
        uniforms = uniforms_reference(s.seeds, s.frames, BOOKS)[:, book].double()
        for lane, row in enumerate(self.rows.tolist()):
            if s.temperature[row] == 0:
                ids.append({first_of_likeliest(scores[lane])})
                continue
            probabilities, near = exact(scores[lane], s.temperature[row], int(s.top_k[row]), s.top_p_tail[row])
            assert not near.any()
            ends = probabilities.cumsum(0)
            ends[int(probabilities.nonzero().max()) :] = 2
            ids.append({int((ends > uniforms[row] + d).nonzero()[0]) for d in (-NEAR, NEAR)})
        return ids


def first_of_likeliest(scores):
    return int((scores == scores.max()).nonzero()[0])


def check_drawn(drawn, expected):
    assert all(code in ids for code, ids in zip(drawn.tolist(), expected, strict=True))
    assert sum(len(ids) > 1 for ids in expected) <= 1 + 0.1 * len(expected)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_residual_codes(vocabulary):
    batch = Batch(vocabulary)
    expected = batch.expected(batch.logits, 5)
    batch.draw(5)
    rows, settings = batch.rows.long(), batch.settings
    check_drawn(batch.codes[rows, 5], expected)
    uniforms = uniforms_reference(settings.seeds, settings.frames, BOOKS)[rows, 5]
    of_rows = settings.temperature[rows], settings.top_k[rows], settings.top_p_tail[rows]
    check_drawn(sample_reference(batch.logits, uniforms, *of_rows), expected)


@pytest.mark.parametrize("vocabulary", [64, 1152, 3072])
def test_code_0(vocabulary):
    batch, speech = Batch(vocabulary), vocabulary // 3 * 2
    rows, stop = batch.rows.long(), speech + 3  # ids above speech are control codes, and the stop code is one of them
    batch.logits[:, stop] += 20  # often drawn as soon as it may be
    late = batch.settings.frames[rows] >= 2
    control = (torch.arange(vocabulary) >= speech).repeat(len(rows), 1)
    control[late, stop] = False
    scores = penalise_reference(batch.logits, batch.seen[rows], batch.penalty[rows]).masked_fill(control, -torch.inf)
    expected = batch.expected(scores, 0)
    assert {True, False} == set(late.tolist())
    batch.draw_first(stop, speech, 2)
    drawn = batch.codes[rows, 0]
    check_drawn(drawn, expected)
    assert (drawn[late] == stop).any() and (drawn[~late] < speech).all()


def test_draws_follow_the_distribution():
    n, logits = 250, torch.tensor([0.5, -torch.inf, 1.0, 0.0, 2.0])
    numbers = torch.stack((torch.arange(n) + 1000, torch.arange(n) % 7, torch.zeros(n, dtype=torch.int64)), dim=1)
    floats = torch.tensor([[0.8, 0.0]]).repeat(n, 1)
    codes = torch.zeros(n, 2, dtype=torch.int64)
    settings = Draws(numbers[:, 0], numbers[:, 1], floats[:, 0], numbers[:, 2], floats[:, 1])
    draw_residual(LAUNCH, logits.repeat(n, 1), torch.arange(n, dtype=torch.int32), settings, 1, codes, None, None, None)
    counts = codes[:, 1].bincount(minlength=5)
    share = (logits.double() / 0.8).softmax(0)
    possible = share > 0
    assert counts[~possible].sum() == 0
    chi_square = ((counts - n * share)[possible] ** 2 / (n * share)[possible]).sum()
    assert chi_square < 17  # 3 degrees of freedom: less than one in 10^3 exceeds 16.3


def test_writes_are_where_they_belong_and_nowhere_else():
    batch = Batch(100, rows=6, lanes=3)
    rows, tensors = batch.rows.long(), [name for name, value in vars(batch).items() if isinstance(value, torch.Tensor)]
    before = {name: getattr(batch, name).clone() for name in tensors}
    batch.draw_first(99, 90, 2)
    code = batch.codes[rows, 0]
    before["codes"][rows, 0], before["seen"][rows, code], before["x"] = code, True, batch.table[code]
    assert all(torch.equal(getattr(batch, name), before[name]) for name in tensors)
    assert (batch.x._base[:, batch.x.shape[1] :] == -7).all()
    batch.draw(15, table=None, x=None, positions=batch.positions)
    before["codes"][rows, 15] = batch.codes[rows, 15]
    before["numbers"][rows, :2] += 1
    before["positions"] = before["numbers"][:, 0]
    assert all(torch.equal(getattr(batch, name), before[name]) for name in tensors)
    assert ((batch.codes[rows, 15] >= 0) & (batch.codes[rows, 15] < 100)).all()


def test_a_lane_draws_the_same_alone_and_among_padding():
    batch, lanes = Batch(200, lanes=4), torch.tensor([3, 0, 2])
    rows, numbers, padding = batch.rows.long()[lanes], batch.numbers.clone(), torch.full((2,), len(batch.codes) - 1)
    padded = dict(logits=torch.cat((batch.logits[lanes], torch.randn(2, 200))), rows=torch.cat((rows, padding)).int())
    padded |= dict(codes=torch.zeros_like(batch.codes), x=torch.zeros(5, 24))
    for book in (4, 15):
        batch.draw(book, **padded)
        for lane in range(4):
            one = slice(lane, lane + 1)
            batch.draw(book, logits=batch.logits[one], rows=batch.rows[one], x=batch.x[one])
        assert torch.equal(padded["codes"][rows, book], batch.codes[rows, book])
        assert torch.equal(padded["x"][:3], batch.x[lanes])
    batch.draw(15, **padded | dict(table=None, x=None, positions=batch.positions))
    numbers[rows, :2] += 1
    assert torch.equal(batch.numbers, numbers)  # the last row stays where it is


def test_greedy_takes_the_first_of_equals_whatever_the_other_settings():
    batch = Batch(300)
    batch.floats[:, 0] = 0
    batch.logits = batch.logits.round()
    batch.draw(2)
    assert batch.codes[batch.rows.long(), 2].tolist() == [first_of_likeliest(logits) for logits in batch.logits]


@NO_NUMBERS
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_logits_that_are_no_numbers_give_an_id(value):
    batch = Batch(100)
    batch.logits[:, ::3] = value
    batch.logits[0] = value
    batch.draw(2)
    drawn = batch.codes[batch.rows.long(), 2]
    assert ((drawn >= 0) & (drawn < 100)).all()


def test_what_does_not_fit_is_refused():
    batch = Batch(64)
    apart = dataclasses.replace(batch.settings, seeds=batch.settings.seeds.clone())
    refused = [
        (dict(settings=apart), "one stride"),
        (dict(logits=batch.logits.bfloat16()), "do not fit"),
        (dict(rows=batch.rows.long()), "do not fit"),
        (dict(table=batch.table[:60]), "do not fit"),
        (dict(table=None), "together"),
        (dict(codes=batch.codes.int()), "int64"),
        (dict(positions=batch.positions.clone()), "like the frames"),
    ]
    for changed, message in refused:
        with pytest.raises(ValueError, match=message):
            batch.draw(2, **changed)
    batch.seen = batch.seen[1:]
    with pytest.raises(ValueError, match="seen"):
        batch.draw_first(63, 60, 2)
    batch.penalty = batch.penalty.clone()
    with pytest.raises(ValueError, match="like the temperature"):
        batch.draw_first(63, 60, 2)
