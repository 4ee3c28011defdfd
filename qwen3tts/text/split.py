"""Long texts in pieces that a model can say: cut where a reader would breathe, and never inside what belongs together."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from qwen3tts.text.sentences import sentence_ends

AHEAD = 3
"""Pieces that are looked ahead, so that the last ones come out alike."""

_BREAK = r"\r\n|\r(?!\n)|[\n\x0b\x0c\x85\u2028]"
_BLANK_LINE = re.compile(rf"(?:{_BREAK})[^\S\r\n\x0b\x0c\x85\u2028\u2029]*(?:{_BREAK}|\u2029)\s*|\u2029\s*")

# What a cut costs beside one at a sentence's end, in pieces: so much farther from a fair length may the better place be.
_SENTENCE, _LINE, _CLAUSE, _CONJUNCTION, _WORD, _SPACE, _CHARACTER = 0.0, 0.1, 0.3, 0.45, 0.7, 1.5, 3.0

_NEW_LINE = re.compile(r"(?<=\S)\s*\n\s*(?=\S)")
_CLAUSE_END = re.compile(
    r"(?:[;:,!?…)\]}»”]|(?<=[^\s0-9] )[—–-])(?=\s)|[，；：、）】」』》](?![，；：、）】」』》。！？”’])|(?<=\S)(?=\s*\n)"
)
_BEFORE_CONJUNCTION = re.compile(
    r"""(?<=[^\s0-9.])(?=\s{1,8}(?:
    and|or|but|nor|because|although|though|while|when|where|which|who|that|if|unless|until|since|
    и|а|но|или|либо|что|чтобы|который|которая|которое|которые|потому|поскольку|когда|если|хотя|где|
    und|oder|aber|weil|dass|wenn|et|ou|mais|parce|qui|quand|y|o|pero|porque|cuando|e|ma|perché|quando|mas
    )\s)""",
    re.IGNORECASE | re.VERBOSE,
)
_BETWEEN_WORDS = re.compile(
    r"(?<=\S)(?=\s)|(?<=[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])(?=[〆ぁ-ゖァ-ヺ\u3400-\u9fff\uf900-\ufaff])"
)
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ")
_ANY_SPACE = re.compile(r"(?<=\S)(?=\s)")
_KEPT = re.compile(
    r"""(?:(?<![.…].)(?<=\.)|(?<=[№#§$€£¥₽~≈±+−]))\s{1,8}(?=\S)
    |(?<=[0-9%‰])\s{1,8}(?=[^\W\d_]|[%‰°№$€£¥₽₹¢]|[0-9]{3}(?![0-9])|[–—-]\s?[0-9])
    |(?<=[0-9]\s[–—-])\s{1,8}(?=[0-9])""",
    re.VERBOSE,
)
"""The space inside an abbreviation, a number, or a number with its unit or sign."""


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Each paragraph and where it begins; blank lines part them. White space at the ends of the text stays with the paragraphs."""
    first = re.search(r"\S", text)
    if first is None:
        return
    start = 0
    for match in _BLANK_LINE.finditer(text, first.start()):
        if match.end() < len(text):
            yield start, text[start : match.start()]
            start = match.end()
    yield start, text[start:]


def split(paragraph: str, count: Callable[[str], int], most: int) -> Iterator[str]:
    """Cut a paragraph into pieces of at most `most` tokens, evenly, at the best places; the white space at a cut is dropped.

    count: the tokens of a text. Only a single character of more tokens, with what is joined to it, makes a piece of more.
    """
    if not paragraph or count(paragraph) <= most:
        yield from [paragraph] * bool(paragraph)
        return
    atoms = _atoms(paragraph, count, most)
    held: deque[_Atom] = deque()
    held_tokens, start, ended = 0, 0, False
    while True:
        while not ended and held_tokens <= AHEAD * most:
            atom = next(atoms, None)
            ended = atom is None
            if atom is not None:
                held.append(atom)
                held_tokens += atom.tokens
        if not held:
            return
        taken = _take(list(held), len(held), most, most, ended)
        while taken > 1 and (counted := count(paragraph[start : held[taken - 1].end].strip())) > most:
            fitting = sum(held[i].tokens for i in range(taken)) * most // counted
            taken = _take(list(held), taken - 1, fitting, most, ended)
        end = held[taken - 1].end
        held_tokens -= sum(held.popleft().tokens for _ in range(taken))
        if piece := paragraph[start:end].strip():
            yield piece
        start = end


@dataclass(frozen=True)
class _Atom:
    """What is not cut, as it is short enough: it ends at `end`, a cut there costs `cost`."""

    end: int
    tokens: int
    cost: float


def _take(atoms: list[_Atom], longest: int, limit: int, most: int, ended: bool) -> int:
    """How many atoms the next piece has: one, or up to `longest` of at most `limit` tokens. ended: none follow these."""
    sums = list(accumulate(atom.tokens for atom in atoms))
    target = sums[-1] / max(1, -(-sums[-1] // most)) if ended else most
    fitting = [i for i, tokens in enumerate(sums[:longest]) if tokens <= limit] or [0]
    return 1 + min(fitting, key=lambda i: (atoms[i].cost * (i + 1 < len(atoms)) + abs(sums[i] - target) / most, -i))


def _atoms(text: str, count: Callable[[str], int], most: int) -> Iterator[_Atom]:
    """The sentences, and the parts of those that are too long, from left to right."""
    start = 0
    for sentence_end in sentence_ends(text):
        end = start + len(text[start:sentence_end].rstrip())
        lines = [m.start() for m in _NEW_LINE.finditer(text, start, end) if not text[m.end()].islower() and m.start() > start]
        for line_end in [*lines, end]:
            yield from _divided(text, start, line_end, _SENTENCE if line_end == end else _LINE, 0, count, most)
            start = line_end


def _divided(text: str, start: int, end: int, cost: float, depth: int, count: Callable[[str], int], most: int) -> Iterator[_Atom]:
    """A piece as one atom if it is short enough, else what the next way of cutting makes of it."""
    piece = text[start:end]
    tokens = count(piece.strip())
    if tokens <= most or depth == len(_WAYS):
        yield _Atom(end, max(tokens, count(piece)) if piece[:1].isspace() else tokens, cost)
        return
    cut_cost, places = _WAYS[depth]
    for place in places(text, start, end):
        if start < place < end:
            yield from _divided(text, start, place, cut_cost, depth + 1, count, most)
            start = place
    yield from _divided(text, start, end, cost, depth + 1, count, most)


def _clause_ends(text: str, start: int, end: int) -> Iterator[int]:
    return (match.end() for match in _CLAUSE_END.finditer(text, start, end))


def _conjunctions(text: str, start: int, end: int) -> Iterator[int]:
    return (match.start() for match in _BEFORE_CONJUNCTION.finditer(text, start, end))


def _words(text: str, start: int, end: int) -> Iterator[int]:
    for match in _BETWEEN_WORDS.finditer(text, start, end):
        place = match.start()
        if not _KEPT.match(text, place) and text[place] not in _SMALL_KANA and not _is_joined(text[place - 1], text[place]):
            yield place


def _spaces(text: str, start: int, end: int) -> Iterator[int]:
    return (match.start() for match in _ANY_SPACE.finditer(text, start, end))


def _characters(text: str, start: int, end: int) -> Iterator[int]:
    return (place for place in character_ends(text, start, end) if not text[place - 1].isspace())


_WAYS: tuple[tuple[float, Callable[[str, int, int], Iterator[int]]], ...] = (
    (_CLAUSE, _clause_ends),
    (_CONJUNCTION, _conjunctions),
    (_WORD, _words),
    (_SPACE, _spaces),
    (_CHARACTER, _characters),
)


def character_ends(text: str, start: int, end: int) -> Iterator[int]:
    """The offsets behind each character of `text[start:end]` with its accents, or emoji with the rest of its sequence."""
    halves = 0
    for place in range(start + 1, end):
        halves = halves + 1 if _is_half_of_flag(text[place - 1]) else 0
        if not _is_joined(text[place - 1], text[place]) and not (halves % 2 and _is_half_of_flag(text[place])):
            yield place
    if start < end:
        yield end


def _is_joined(before: str, after: str) -> bool:
    """Whether a cut between two characters parts one from its accents, or an emoji from the rest of its sequence."""
    if after < "\u0300":
        return before == "\r" and after == "\n"
    if before == "\u200d" or after in "\u200c\u200d" or unicodedata.category(after).startswith("M"):
        return True
    return "\u1160" <= after <= "\u11ff" or "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f"


def _is_half_of_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
