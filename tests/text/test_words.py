"""Words of a text in pieces: whatever the pieces, their tokens are those of the whole text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.tokenizer import Tokenizer
from qwen3tts.text.words import ends_sentence, take_words

SAMPLES = (
    'Well -- I can\'t (really) say: 3.14 or 1,000? "No!" he said… ok.',
    "Ёлки-палки, «что это»?  Два  пробела, и\nновая строка.\r\n\nАбзац; конец!",
    "你好，世界！今天天气很好。我们去公园吧？Mixed 中文 text。",
    "こんにちは、元気ですか？ 한국어도 있어요. e\u0301a\u0308 👩‍👩‍👧 naïve",
)
text = st.one_of(
    st.lists(
        st.sampled_from([*" \n.,!?'\"-…，。！？、", "a", "I'll", "Word", "слово", "你好", "世", "7", "é", "e\u0301", "👍", "\t"]),
        max_size=30,
    ).map("".join),
    st.text(max_size=40).filter(lambda s: not any("\ud800" <= c <= "\udfff" for c in s)),
)


@pytest.fixture(scope="module")
def tokenizer(small):
    return Tokenizer.load(small / "custom_voice")


def words_of(pieces):
    held, words = "", []
    for i, piece in enumerate(pieces):
        new, held = take_words(held + piece, all_written=i == len(pieces) - 1)
        words += new
    assert held == ""
    return words


def in_pieces(text, cuts):
    edges = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(edges)] or [""]


@given(text, st.lists(st.integers(0, 1000), max_size=12))
def test_any_pieces_give_the_tokens_of_the_whole(tokenizer, text, cuts):
    words = words_of(in_pieces(text, cuts))
    assert "".join(words) == text.rstrip()
    assert [token for word in words for token in tokenizer.encode(word)] == list(tokenizer.encode(text.rstrip()))


@pytest.mark.parametrize("sample", SAMPLES)
def test_letter_by_letter(tokenizer, sample):
    words = words_of(list(sample))
    assert len(words) > 5
    assert [token for word in words for token in tokenizer.encode(word)] == list(tokenizer.encode(sample))


def test_a_word_is_held_until_it_is_complete():
    assert take_words("Hello wor", all_written=False) == (["Hello"], " wor")
    assert take_words(" world, my", all_written=False) == ([" world,"], " my")
    assert take_words("Hello", all_written=False) == ([], "Hello")
    assert take_words("Hello ", all_written=True) == (["Hello"], "")
    assert take_words(" \n", all_written=True) == ([], "")
    assert take_words("你好，世", all_written=False) == (["你好"], "，世")


@pytest.mark.parametrize("word", [" end.", "what?!", "so…", ' said."', "好。", "(yes.)", "конец!»"])
def test_sentences_end(word):
    assert ends_sentence(word)


@pytest.mark.parametrize("word", [" end", "3.14", "well,", "", "a.b", "-"])
def test_and_go_on(word):
    assert not ends_sentence(word)
