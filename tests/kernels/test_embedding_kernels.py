"""The kernels of the talker's input and the lone norm, in Triton's interpreter where there is no GPU, against float64."""

from __future__ import annotations

import pytest
import torch

from qwen3tts.kernels.embedding import frame_embedding_reference, frame_input
from qwen3tts.kernels.launch import Launcher
from qwen3tts.kernels.norm import rms_norm, rms_norm_reference

LAUNCH = Launcher()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPES = [torch.float32, torch.bfloat16, torch.float16]

# Of results of size 1 to 10: sums are in float32 and rounded once, half a unit in the last place of the dtype. Only in bfloat16 a
# whole one: the interpreter cuts off where a GPU rounds.
TOLERANCE = {
    torch.float32: dict(rtol=1e-6, atol=4e-6),
    torch.bfloat16: dict(rtol=2**-7, atol=4e-6),
    torch.float16: dict(rtol=2**-11, atol=4e-6),
}


@pytest.fixture(autouse=True)
def on_the_device():
    with torch.device(DEVICE):
        yield


class Frames:
    """Rows in the middle of an utterance, with garbage wherever nothing may be read."""

    def __init__(self, hidden, books=16, dtype=torch.float32, rows=7, page_size=4, page_dtype=torch.int64):
        self.numbers = torch.stack((torch.arange(rows), torch.randint(0, 12, (rows,)), torch.full((rows,), 8)), dim=1)
        self.frames, self.positions, self.text_ends = self.numbers.T
        self.positions[3], self.positions[4] = 7, 8  # the last position with text, and the first without
        self.positions[5] = 10**6  # far past the page table
        self.first_inputs = torch.randn(rows, hidden + 8).to(dtype)[:, :hidden]
        self.codes = torch.randint(0, 11, (rows, books + 3))[:, :books]
        self.codes[:, 0] += torch.randint(0, 9, (rows,))  # the table of code 0 is longer
        self.code_table = torch.randn(20, hidden).to(dtype)
        self.residual_tables = torch.randn(books - 1, 11, hidden).to(dtype)
        self.text = torch.full((3 * rows, page_size, hidden), torch.nan, dtype=dtype)
        self.page_table = torch.randperm(3 * rows).view(rows, 3).to(page_dtype)
        for row in range(rows):
            self.text[self.page_table[row, :2]] = torch.randn(2, page_size, hidden).to(dtype)
        self.pad = torch.randn(hidden).to(dtype)

    def run(self, rows, dtype=None):
        """The kernel's result, in rows that lie apart."""
        hidden = len(self.pad)
        out = torch.full((len(rows), hidden + 8), torch.nan, dtype=dtype or self.pad.dtype)
        state = self.frames, self.positions, self.first_inputs, self.codes, self.code_table, self.residual_tables
        text = self.text, self.text_ends, self.pad, self.page_table
        frame_input(LAUNCH, torch.tensor(rows, dtype=torch.int32), *state, *text, out[:, :hidden])
        assert out[:, hidden:].isnan().all()
        return out[:, :hidden]

    def expected(self, rows):
        """The same in float64."""
        tables = [self.code_table, *self.residual_tables]
        inputs = frame_embedding_reference(self.codes, tables, torch.float64)
        page_size = self.text.shape[1]
        for row, position in enumerate(self.positions.tolist()):
            spoken = position < self.text_ends[row]
            text = self.text[self.page_table[row, position // page_size], position % page_size] if spoken else self.pad
            inputs[row] = inputs[row] + text.double() if self.frames[row] > 0 else self.first_inputs[row].double()
        return inputs[rows]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("hidden", "books"), [(24, 2), (64, 16), (1000, 16), (600, 5)])
def test_frame_input_against_float64(hidden, books, dtype):
    frames, rows = Frames(hidden, books, dtype), [5, 0, 3, 4, 1]
    torch.testing.assert_close(frames.run(rows).double(), frames.expected(rows), **TOLERANCE[dtype])


def test_frame_input_takes_32_bit_page_tables_and_other_dtypes_of_activations():
    frames = Frames(32, dtype=torch.bfloat16, page_dtype=torch.int32)
    torch.testing.assert_close(frames.run([2, 6], torch.float32).double(), frames.expected([2, 6]), **TOLERANCE[torch.float32])


def test_the_first_frame_reads_its_own_input_alone():
    frames = Frames(32)
    frames.codes[0], frames.positions[0] = 10**6, 10**6
    assert torch.equal(frames.run([0, 0]), frames.first_inputs[[0, 0]])


def test_a_lane_has_the_same_input_alone_and_beside_others():
    frames, rows = Frames(300), [6, 2, 5, 0, 2]
    together = frames.run(rows)
    assert all(torch.equal(together[lane : lane + 1], frames.run([row])) for lane, row in enumerate(rows))


def test_frame_input_refuses_what_does_not_fit():
    frames = Frames(32)
    frames.pad = frames.pad[:16]
    with pytest.raises(ValueError, match="wide"):
        frames.run([1])
    frames = Frames(32)
    frames.text_ends = frames.text_ends.clone()
    with pytest.raises(ValueError, match="one stride"):
        frames.run([1])
    frames = Frames(32)
    frames.codes = frames.codes[:, :9]
    with pytest.raises(ValueError, match="book"):
        frames.run([1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 24, 128, 1000, 2048])
def test_rms_norm_against_float64(width, dtype):
    eps, weight = 1e-3, torch.randn(width).to(dtype)
    x = (torch.randn(3, width + 8) * torch.tensor([[1e-2], [1.0], [30.0]])).to(dtype)[:, :width]
    out = torch.full((3, width + 8), torch.nan, dtype=dtype)
    rms_norm(LAUNCH, x, weight, eps, out[:, :width])
    torch.testing.assert_close(out[:, :width].double(), rms_norm_reference(x.double(), weight.double(), eps), **TOLERANCE[dtype])
    assert out[:, width:].isnan().all()
    alone = torch.empty(1, width, dtype=dtype)
    rms_norm(LAUNCH, x[1:2], weight, eps, alone)
    assert torch.equal(alone[0], out[1, :width])


def test_rms_norm_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="do not fit"):
        rms_norm(LAUNCH, torch.randn(2, 8), torch.randn(9), 1e-6, torch.empty(2, 8))
