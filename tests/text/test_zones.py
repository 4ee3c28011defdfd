"""Which rules read which piece."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen3tts.text.zones import zones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("В 2024 году Apple продала 5 iPhone за $999.", [("ru", "В 2024 году Apple продала 5 iPhone за $999.")]),
        ("He said 5. Я сказал 6! Then 7.", [("en", "He said 5. "), ("ru", "Я сказал 6! "), ("en", "Then 7.")]),
        ("I have 5. 我有5个苹果。Then 7.", [("en", "I have 5. "), ("en", "Then 7.")]),
        ('Он сказал: "I have 5 apples", и ушёл.', [("ru", 'Он сказал: "'), ("en", "I have 5 apples"), ("ru", '", и ушёл.')]),
        ("Meet me at 5:00, сказал он мне в 6:00 дома", [("en", "Meet me at 5:00"), ("ru", ", сказал он мне в 6:00 дома")]),
        ("5", [("en", "5")]),
        ("3:05. Привет", [("ru", "3:05. Привет")]),
        ("Привет. 5!", [("ru", "Привет. 5!")]),
        ("Ich habe 5 Äpfel und du nicht.", []),
        ("Je mange 3 pommes avec toi.", []),
        ("Він має 5 яблук і 3 груші", []),
        ("我有5个苹果。", []),
        ("ユーザーは5人です", []),
        ("", []),
        ("Meeting at 10:30, а потом 2 часа отдыха.", [("en", "Meeting at 10:30"), ("ru", ", а потом 2 часа отдыха.")]),
        ("The 21st century — это XXI век.", [("en", "The 21st century — "), ("ru", "это XXI век.")]),
        ("Dr. Ivanov приехал 5 мая.", [("en", "Dr. Ivanov"), ("ru", " приехал 5 мая.")]),
        ("На улице -20 °C, but it feels like 5 °F.", [("ru", "На улице -20 °C"), ("en", ", but it feels like 5 °F.")]),
        ("Пишите на ivan@mail.ru или www.example.com до 5 мая.", [("ru", "Пишите на ivan@mail.ru или www.example.com до 5 мая.")]),
        ("The value of π is 3.14.", [("en", "The value of π is 3.14.")]),
        ("Ｈｅｌｌｏ 5 cats", [("en", "Ｈｅｌｌｏ 5 cats")]),
        ('По-русски «5 стульев», а тут "5 chairs".', [("ru", 'По-русски «5 стульев», а тут "'), ("en", "5 chairs"), ("ru", '".')]),
        ("Купил «Windows 10» и iPhone 15 Pro Max.", [("ru", "Купил «Windows 10» и iPhone 15 Pro Max.")]),
        ("Правило 1: don't panic.", [("ru", "Правило 1"), ("en", ": don't panic.")]),
        ("12 июня is Russia Day.", [("ru", "12 июня"), ("en", " is Russia Day.")]),
        ("The 2nd edition, 2-е издание.", [("en", "The 2nd edition, "), ("ru", "2-е издание.")]),
        ("Пётр I founded the city.", [("ru", "Пётр I"), ("en", " founded the city.")]),
        ("Windows 11 занимает 64 GB.", [("ru", "Windows 11 занимает 64 GB.")]),
        ("Встреча в 15:00, meeting room 5.", [("ru", "Встреча в 15:00"), ("en", ", meeting room 5.")]),
        ("При Петре I было 8 GB RAM.", [("ru", "При Петре I было 8 GB RAM.")]),
    ],
)
def test_auto_goes_by_script(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(zone.language, text[zone.start : zone.end]) for zone in zones(text, "auto")] == expected


@pytest.mark.parametrize(("language", "expected"), [("ru", 1), ("en", 1), ("de", 0), ("zh", 0)])
def test_a_language_that_is_given_holds_everywhere(language: str, expected: int) -> None:
    found = zones("Я have 5", language)
    assert [(zone.start, zone.end, zone.language) for zone in found] == [(0, 8, language)] * expected


@given(st.text() | st.text('a я5.,!? \n"»中é$', max_size=60))
def test_zones_follow_each_other(text: str) -> None:
    found = zones(text, "auto")
    assert all(0 <= zone.start < zone.end <= len(text) for zone in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("piece", ["5 a 5 я ", "a", ".", "a.", " ", "1", "я a ", "\n", "a.a ", "中。", '"5 '])
def test_takes_linear_time(piece: str) -> None:
    """A second at most; what is quadratic takes minutes."""
    text = piece * 40_000
    started = time.process_time()
    zones(text, "auto")
    assert time.process_time() - started < 10
