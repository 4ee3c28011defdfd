"""A text in pieces, as somebody writes it, read like the whole: a word waits only while what follows may change its reading."""

from __future__ import annotations

import re
from collections.abc import Callable

from qwen3tts.text.normalize import Normalized
from qwen3tts.text.words import ends_sentence, take_words

LOOKAHEAD = 32
"""Characters that have to follow a number, a sign or an abbreviation before it is read: "5 января 2024 года" has eighteen."""

LONGEST_SENTENCE = 400
"""Characters after which what is said is forgotten, sentence or not."""

# Letters with plain punctuation: nothing that follows changes how they are read. Capitals may be a Roman numeral.
_PLAIN = re.compile(r"\s*[\"'«“(\[]*(?![IVXLCDM]+\b)[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:!?…\"'»”)\]]*\s*")

_CURLY = re.compile("[‘’“”„]")


class Writing:
    """The words of a text that is being written, as they are to be read. normalize: None reads them as they are written."""

    def __init__(self, normalize: Callable[[str], Normalized] | None) -> None:
        self._normalize = normalize
        self._unfinished = ""
        self._sentence, self._read = "", 0
        self._tried = LOOKAHEAD  # new characters when they were last found not to be ready

    def take(self, piece: str, all_written: bool) -> list[str]:
        """The words that are ready now that `piece` is written too; together, all of them are the text."""
        words, self._unfinished = take_words(self._unfinished + piece, all_written)
        if self._normalize is None:
            return words
        ready: list[str] = []
        for word in words:
            if self._read > LONGEST_SENTENCE or (self._read == len(self._sentence) and ends_sentence(self._sentence)):
                self._sentence, self._read = self._sentence[self._read :], 0
            self._sentence += word
            ready += self._ready(False)
        return ready + (self._ready(True) if all_written else [])

    def _ready(self, all_written: bool) -> list[str]:
        """What of the sentence can be read and has not been."""
        new = self._sentence[self._read :]
        if new and (all_written or len(new) > LONGEST_SENTENCE or self._settled(new)):
            reading = self._reading(new)
            self._read = len(self._sentence)
        elif len(new) > self._tried + LOOKAHEAD:
            self._tried = len(new)
            reading = self._far_reading()
        else:
            return []
        if reading:
            self._tried = LOOKAHEAD
        return take_words(reading, True)[0]

    def _far_reading(self) -> str:
        """Of the new words that have enough behind them, whatever that is."""
        assert self._normalize is not None
        start, end = self._read, self._sentence.rfind(" ", self._read + 1, len(self._sentence) - LOOKAHEAD)
        whole = self._normalize(self._sentence)
        first, last = start, end
        for span in whole.spans:
            if span.start < start < span.end or span.start <= end < span.end:
                return ""
            longer = span.spoken_end - span.spoken_start - (span.end - span.start)
            first, last = first + longer * (span.end <= start), last + longer * (span.end <= end)
        if end < 0:
            return ""
        self._read = end
        return whole.text[first:last]

    def _settled(self, new: str) -> bool:
        """Whether nothing that follows changes how these words are read."""
        words, _ = take_words(new, True)
        length = 0
        for word in reversed(words):
            length += len(word)
            if length > LOOKAHEAD:
                return True
            if _PLAIN.fullmatch(word) is None:
                return False
        return True

    def _reading(self, new: str) -> str:
        """Of the new words, in the light of those before them."""
        assert self._normalize is not None
        if not _CURLY.search(new) and all(_PLAIN.fullmatch(word) for word in take_words(new, True)[0]):
            return new
        whole = self._normalize(self._sentence)
        start, shift = self._read, 0
        for span in whole.spans:
            if span.end <= start:
                shift = span.spoken_end - span.end
            elif span.start < start:
                said, reading = self._sentence[span.start : start], whole.text[span.spoken_start : span.spoken_end]
                # Its first words are spoken already: they are those of the reading, or the rest is read by itself.
                if not reading.startswith(said):
                    return self._normalize(new).text
                return whole.text[span.spoken_start + len(said) :]
        return whole.text[start + shift :]
