"""A text in pieces, as somebody writes it: words whose tokens nothing that follows can change."""

from __future__ import annotations

import re

_CJK = "぀-ヿ㐀-鿿豈-﫿가-힯"

_EDGE = re.compile(rf"(?<=\S)(?= )|(?<=[{_CJK}])(?=[、。，！？；：])")
"""Between two words: before a space, and between a character of Chinese, Japanese or Korean and the mark behind it. The tokenizer's
pre-tokens never reach across either: its words may begin with one space or mark, and end before the next."""

_SENTENCE = re.compile(r"""[.!?…。！？]["'»”’)\]」』]*\s*$""")


def take_words(text: str, all_written: bool) -> tuple[list[str], str]:
    """The words at the beginning of a text that are complete, and the rest; together they are the text.

    A word keeps the space before it. all_written: nothing follows, so the rest is a word too; space at the end goes.
    """
    edges = [match.start() for match in _EDGE.finditer(text)]
    if all_written:
        text = text.rstrip()
        edges = [edge for edge in edges if edge < len(text)] + [len(text)] * bool(text)
    starts = [0, *edges[:-1]]
    words = [text[start:end] for start, end in zip(starts, edges, strict=False)]
    return words, text[edges[-1] :] if edges else text


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with this word."""
    return _SENTENCE.search(word) is not None
