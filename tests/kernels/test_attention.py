"""The attention references against float64 softmax, on awkward shapes."""

import pytest
import torch

from qwen3tts.kernels.paged_attention import paged_attention_reference, write_pages_reference
from qwen3tts.kernels.predictor_attention import predictor_attention_reference
from qwen3tts.kernels.prefill_attention import QUERIES_AT_ONCE, prefill_attention_reference

HEADS = [(1, 1, 2), (4, 2, 16), (16, 8, 128), (6, 2, 32), (5, 1, 8)]
"""(query heads, key heads, head_dim)"""


def attend(query, key, value, mask=None):
    """query (n, heads, d), key and value (length, kv_heads, d) in float64, one head at a time."""
    group = query.shape[1] // key.shape[1]
    out = torch.empty_like(query, dtype=torch.float64)
    for head in range(query.shape[1]):
        scores = query[:, head].double() @ key[:, head // group].double().T / query.shape[2] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        out[:, head] = scores.softmax(-1) @ value[:, head // group].double()
    return out


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), HEADS)
@pytest.mark.parametrize("n", [1, 2, 31, 2 * QUERIES_AT_ONCE + 3])
def test_prefill_is_causal_softmax(heads, kv_heads, head_dim, n):
    query, key, value = torch.randn(n, heads, head_dim), torch.randn(n, kv_heads, head_dim), torch.randn(n, kv_heads, head_dim)
    causal = torch.arange(n)[:, None] >= torch.arange(n)
    expected = attend(query, key, value, causal)
    torch.testing.assert_close(prefill_attention_reference(query, key, value).double(), expected, rtol=1e-5, atol=1e-5)


def paged(lengths, kv_heads, head_dim, page_size=16):
    """Random rows of these lengths, written into pages in shuffled order among pages full of garbage."""
    rows = [(torch.randn(n, kv_heads, head_dim), torch.randn(n, kv_heads, head_dim)) for n in lengths]
    widest = -(-max(lengths) // page_size)
    order = torch.randperm(widest * len(lengths)) + 1
    table = order.view(len(lengths), widest)
    keys = torch.full((len(order) + 1, page_size, kv_heads, head_dim), 1e9)
    values = keys.clone()
    for row, (key, value) in enumerate(rows):
        for position in range(len(key)):
            at = torch.tensor([position])
            write_pages_reference(keys, key[position : position + 1], table[row : row + 1], at)
            write_pages_reference(values, value[position : position + 1], table[row : row + 1], at)
    return rows, keys, values, table


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), HEADS)
@pytest.mark.parametrize("lengths", [(1,), (16,), (17, 1, 40), (15, 33, 32, 2)])
def test_paged_attention_reads_each_rows_own_pages(heads, kv_heads, head_dim, lengths):
    rows, keys, values, table = paged(lengths, kv_heads, head_dim)
    query = torch.randn(len(lengths), heads, head_dim)
    got = paged_attention_reference(query, keys, values, table, torch.tensor(lengths))
    for i, (key, value) in enumerate(rows):
        torch.testing.assert_close(got[i : i + 1].double(), attend(query[i : i + 1], key, value), rtol=1e-5, atol=1e-5)


def test_a_neighbour_never_changes_a_row():
    lengths = (40, 3, 17)
    _, keys, values, table = paged(lengths, 2, 16)
    query = torch.randn(3, 4, 16)
    together = paged_attention_reference(query, keys, values, table, torch.tensor(lengths))
    for i, length in enumerate(lengths):
        alone = paged_attention_reference(query[i : i + 1], keys, values, table[i : i + 1], torch.tensor([length]))
        assert torch.equal(together[i : i + 1], alone)


@pytest.mark.parametrize(("heads", "kv_heads", "head_dim"), HEADS)
@pytest.mark.parametrize(("m", "length"), [(1, 1), (2, 2), (1, 16), (3, 9)])
def test_predictor_attention_is_causal_over_its_newest_positions(heads, kv_heads, head_dim, m, length):
    query = torch.randn(3, m, heads, head_dim)
    keys, values = torch.randn(3, length, kv_heads, head_dim), torch.randn(3, length, kv_heads, head_dim)
    mask = torch.arange(length) <= torch.arange(length - m, length)[:, None]
    got = predictor_attention_reference(query, keys, values)
    for i in range(3):
        torch.testing.assert_close(got[i].double(), attend(query[i], keys[i], values[i], mask), rtol=1e-5, atol=1e-5)
