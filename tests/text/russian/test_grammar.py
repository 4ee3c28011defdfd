"""Forms of words, and nothing that is no word is spoilt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.russian.context import agreement_of, case_before
from qwen3tts.text.russian.grammar import Case, counted, counted_fraction, gender_of, inflect, senses

CASES: tuple[Case, ...] = ("nom", "gen", "dat", "acc", "ins", "loc")


@pytest.mark.parametrize(
    ("phrase", "one", "two", "five", "of_five", "part"),
    [
        ("рубль", "рубль", "рубля", "рублей", "рублями", "рубля"),
        ("метр в секунду", "метр в секунду", "метра в секунду", "метров в секунду", "метрами в секунду", "метра в секунду"),
        ("градус Цельсия", "градус Цельсия", "градуса Цельсия", "градусов Цельсия", "градусами Цельсия", "градуса Цельсия"),
        ("квадратный метр", "квадратный метр", "квадратных метра", "квадратных метров", "квадратными метрами", "квадратного метра"),
        ("лошадиная сила", "лошадиная сила", "лошадиные силы", "лошадиных сил", "лошадиными силами", "лошадиной силы"),
        ("целая", "целая", "целых", "целых", "целыми", "целой"),
        ("гигабайт", "гигабайт", "гигабайта", "гигабайт", "гигабайтами", "гигабайта"),
        ("человек", "человек", "человека", "человек", "человеками", "человека"),
        ("год", "год", "года", "лет", "годами", "года"),
        ("евро", "евро", "евро", "евро", "евро", "евро"),
        ("сутки", "сутки", "суток", "суток", "сутками", "суток"),
    ],
)
def test_counted(phrase: str, one: str, two: str, five: str, of_five: str, part: str) -> None:
    assert [counted(n, phrase) for n in (1, 21, 2, 34, 5, 11, 112, 0)] == [one, one, two, two, five, five, five, five]
    assert counted(5, phrase, "ins") == of_five
    assert counted(1000, phrase, "ins") == five
    assert counted_fraction(phrase) == part


def test_capitals_and_genders_are_kept() -> None:
    assert inflect("Главная улица", "dat", plural=False) == "Главной улице"
    assert [gender_of(phrase) for phrase in ("метр", "тонна в час", "квадратная миля", "ведро")] == ["m", "f", "f", "n"]


@given(phrase=st.text(max_size=60), case=st.sampled_from(CASES), plural=st.booleans(), n=st.integers(-100, 10**20))
def test_nothing_raises(phrase: str, case: Case, plural: bool, n: int) -> None:
    inflect(phrase, case, plural)
    counted(n, phrase, case, animate=plural)
    counted_fraction(phrase)
    gender_of(phrase)
    senses(phrase)


@pytest.mark.parametrize(
    ("left", "noun", "case"),
    [
        ("около ", None, "gen"),
        ("от 5 до ", None, "gen"),
        ("к 5, 6 и ", None, "dat"),
        ("между 5 и ", None, "ins"),
        ("по сравнению с ", None, "ins"),
        ("с ", "рубль", "gen"),
        ("в ", "метр", "loc"),
        ("длиной в ", "метр", "acc"),
        ("не менее чем за ", "рубль", "acc"),
        ("в течение последних ", None, "gen"),
        ("равна примерно ", None, "dat"),
        ("Дом. ", None, "nom"),
    ],
)
def test_case_before(left: str, noun: str | None, case: Case) -> None:
    assert case_before(left, noun=noun) == case


def test_one_after_po_is_in_the_dative() -> None:
    assert [case_before("по ", count=n) for n in (1, 2, 11, 21)] == ["dat", "acc", "acc", "dat"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("дал 5 городам", "пяти"),
        ("видел 3 студентов", "трёх"),
        ("пришли 3 студента", "три"),
        ("на 3 этаже", "третьем"),
        ("прошло 2 суток", "двое"),
        ("в 5 и 6 классах", "пятом"),
        ("жители 5 домов", "пяти"),
        ("обложки 21 книги", "двадцати одной"),
    ],
)
def test_agreement(text: str, words: str) -> None:
    match = re.search("[0-9]+", text)
    assert match is not None
    found = agreement_of(text[: match.start()], int(match[0]), text[match.end() :])
    assert found is not None
    assert found.read(int(match[0])) == words


@given(left=st.text(max_size=90), right=st.text(max_size=90))
def test_agreement_never_raises(left: str, right: str) -> None:
    agreement_of(left, 21, right)
