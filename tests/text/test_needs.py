"""No rule is passed over where its pattern would match."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from qwen3tts.text import english, russian
from qwen3tts.text.needs import needs_of
from qwen3tts.text.rules import Rule

TABLE = Path(__file__).parents[1] / "data" / "normalize.tsv"
TEXTS = [line.split("\t")[2] for line in TABLE.read_text(encoding="utf-8").splitlines()]
RULES = [*english.RULES, *russian.RULES]


def is_able(rule: Rule, text: str) -> bool:
    return not any(set(text).isdisjoint(needed) for needed in rule.needs)


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        ("a[0-9]+", ["a", "0123456789"]),
        ("(?i)ab?", ["aA"]),
        ("x|yz", ["xy"]),
        ("x|y*", []),
        ("(?:a|[bc])d{0,2}", ["abc"]),
        ("(?<=к )[^x]", [" ", "к"]),
        ("(?!q)a", ["a"]),
        (r"\d\w\s.", []),
        ("(?i:s)t", ["sSſ", "t"]),
    ],
)
def test_needs_are_what_is_certain(pattern: str, needs: list[str]) -> None:
    assert set(needs_of(re.compile(pattern))) == set(map(frozenset, needs))


def test_every_match_in_the_table_is_found() -> None:
    for rule in RULES:
        assert [text for text in TEXTS if rule.pattern.search(text) and not is_able(rule, text)] == []


@pytest.mark.parametrize("rule", RULES, ids=[f"{i}-{rule.kind}" for i, rule in enumerate(RULES)])
def test_what_matches_has_what_is_needed(rule: Rule) -> None:
    @settings(max_examples=10, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.from_regex(rule.pattern))
    def check(text: str) -> None:
        if rule.pattern.search(text):
            assert is_able(rule, text)

    # Where its lookarounds refuse whatever hypothesis makes of the rest, the table has to do.
    with suppress(Unsatisfiable):
        check()


def test_most_rules_need_something() -> None:
    assert sum(bool(rule.needs) for rule in RULES) > 0.9 * len(RULES)
