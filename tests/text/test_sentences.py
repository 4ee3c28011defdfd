"""Sentences end where a reader would stop, in any of the model's languages."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.sentences import sentence_ends

# A bar stands where a sentence ends.
SENTENCES = [
    "Dr. Smith lives on Main St. |He is old.",
    "It rose to 3.5. |Then it fell to v2.0.1. |Done.",
    "See https://a.com/x.html?y=1. |Then go to example.org!",
    "Fruit, e.g. Apples, i.e. Pears. |Yes.",
    "At 5 p.m. |He left. |It is at 10 a.m. Monday. |The U.S. Army, Apple Inc. |It paid.",
    '"Really?" she asked. |"Yes." |He (the other) left.) |She stayed.[1] |Then "no".',
    "What?! |No!! |Wow! |iPhone. |Yahoo! is big.",
    "J. R. R. Tolkien wrote it. |George W. Bush read it. |Plan B. |The end.",
    "No. 5 is alive. |No. |He is not. |See Fig. 3 on p. 12. |On Jan. 5 we met.",
    "1. First. |2. Second. |3. Third.",
    "It was 1984. |Then came 12. |Fine.",
    "Buy:\n|- milk\n|- eggs\n|1. one\n|2) two",
    "Well... maybe. |Well... |Maybe. |So… |Yes.",
    "Хлеб, соль и т. д. |Он ушёл, т. е. Вышел, и т. п. мелочи.",
    "А. С. Пушкин родился в 1799 г. |Он поэт. |И.И. Иванов тоже.",
    "В XX в. |Россия изменилась. |На ул. Ленина, д. 5, г. Москва, рис. 3.",
    "— Что? — спросил он. |— Ничего. |«Куда?» — крикнул я. |Это я. |Он.",
    "Ну... вот так. |Да... |Нет. |Я дал им. |Он ушёл. |Рост 180 см. |Вес 80 кг. |Всё.",
    "你好。|今天天气很好！|我们去？|“好。”他说。|「行くよ。」と彼は言った。|「はい。」|「いいえ。」",
    "Am 5. Mai war es. |Es war z. B. Äpfel, bzw. Birnen usw. |Dann nicht, Hr. Müller.",
    "Bonjour ! |« Oui. » |Elle part avec M. Dupont et Mme. Durand. |Oui.",
    "¿Qué? |¡No! |Sí, en EE. UU. hay. |El Sr. López y la Sra. Díaz.",
    "Il sig. Rossi, il dott. Bianchi, ecc. |Poi basta. |O Sr. Silva. |Sim.",
    "안녕하세요. |반갑습니다! |네.",
    "no marks at all",
]
PIECES = [*"  \n.!?…。！»\"')(", "Dr.", "т. е.", "5", "3.5", "А.", "Word", "слово", "你好", "— ", "1."]
text = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


def pieces(text):
    return [text[a:b] for a, b in itertools.pairwise([0, *sentence_ends(text)])]


@pytest.mark.parametrize("marked", SENTENCES)
def test_sentences(marked):
    assert pieces(marked.replace("|", "")) == [piece for piece in marked.split("|") if piece]


@given(text)
def test_the_ends_part_the_whole_text(text):
    ends = list(sentence_ends(text))
    assert ends == sorted(set(ends))
    assert "".join(pieces(text)) == text
    assert all(piece.strip() for piece in pieces(text)[:-1])


@pytest.mark.parametrize(
    "unit", ["a. ", ".", '."', " ", ". ", "1. ", "Dr. Smith went. ", "。", "!»", "\n- ", "(.", "A. ", "a.a ", "[1]"]
)
def test_takes_linear_time(unit):
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    for _ in sentence_ends(text):
        pass
    assert time.process_time() - started < 5


def test_is_lazy():
    assert next(iter(sentence_ends("One. " + "Two. " * 10**6))) == 5
