"""Numerals, against num2words where that is right."""

from __future__ import annotations

import num2words
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.russian.grammar import Case, Gender
from qwen3tts.text.russian.numerals import LONGEST, cardinal, decimal, digits, fraction, ordinal, prefix, spoken

CASES: dict[Case, str] = {"nom": "n", "gen": "g", "dat": "d", "acc": "a", "ins": "i", "loc": "p"}
GENDERS: tuple[Gender, ...] = ("m", "f", "n")
numbers = st.integers(1, 10**18 - 1)
cases = st.sampled_from(sorted(CASES))
genders = st.sampled_from(GENDERS)


@given(n=st.integers(1, 999_999), case=cases, gender=genders)  # num2words puts "одна" before a million
def test_cardinals_are_num2words_without_the_one_of_a_thousand(n: int, case: Case, gender: Gender) -> None:
    expected = num2words.num2words(n, lang="ru", case=CASES[case], gender=gender, animate=False)
    if n // 1000 % 1000 == 1:
        head, thousand, tail = expected.partition(" тысяч") if " тысяч" in expected else ("", "", "")
        expected = " ".join([*head.split()[:-1], (thousand + tail).strip()])
    assert cardinal(n, case, gender) == expected


@given(n=numbers, case=cases, gender=st.sampled_from([*GENDERS, "pl"]))
def test_only_the_last_word_of_an_ordinal_changes(n: int, case: Case, gender: Gender) -> None:
    assert ordinal(n, case, gender).split()[:-1] == ordinal(n).split()[:-1]


@given(n=st.integers(-(10**60), 10**60), case=cases, gender=genders)
def test_every_number_has_words(n: int, case: Case, gender: Gender) -> None:
    assert cardinal(n, case, gender).replace(" ", "").isalpha()
    assert ordinal(n, case, gender).replace(" ", "").isalpha()


@given(text=st.from_regex("[0-9]{1,60}", fullmatch=True), places=st.from_regex("[0-9]{1,20}", fullmatch=True), case=cases)
def test_every_decimal_has_words(text: str, places: str, case: Case) -> None:
    assert decimal(text, places, case).replace(" ", "").isalpha()
    assert spoken(text, case).replace(" ", "").isalpha()


@pytest.mark.parametrize(
    ("n", "words"),
    [
        *[(1, "одно"), (2, "двух"), (25, "двадцатипяти"), (40, "сорока"), (90, "девяносто"), (95, "девяностопяти"), (100, "сто")],
        *[(150, "стопятидесяти"), (300, "трёхсот"), (1000, "тысяче"), (2000, "двухтысяче"), (21, "двадцатиодно")],
    ],
)
def test_heads_of_compounds(n: int, words: str) -> None:
    assert prefix(n) == words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (cardinal(21, "acc", "f"), "двадцать одну"),
        (cardinal(3, "acc", animate=True), "трёх"),
        (cardinal(23, "acc", animate=True), "двадцать три"),
        (cardinal(1900), "тысяча девятьсот"),
        (cardinal(10**18), "один квинтиллион"),
        (cardinal(10**LONGEST), " ".join(["один"] + ["ноль"] * LONGEST)),
        (ordinal(2000, "loc", "pl"), "двухтысячных"),
        (ordinal(2024, "gen"), "две тысячи двадцать четвёртого"),
        (ordinal(3, "acc", "f"), "третью"),
        (ordinal(5, "acc", animate=True), "пятого"),
        (digits("+7 (495)"), "семь четыре девять пять"),
        (decimal("2", "5", "gen"), "двух целых и пяти десятых"),
        (decimal("1", "01", "acc"), "одну целую и одну сотую"),
        (decimal("3", "1415926535"), "три запятая один четыре один пять девять два шесть пять три пять"),
        (fraction(2, 3, "loc"), "двух третьих"),
        (fraction(1, 4, "acc"), "одну четвёртую"),
        (spoken("007"), "ноль ноль семь"),
    ],
)
def test_what_grammar_books_say(words: str, expected: str) -> None:
    assert words == expected
