"""Russian numbers that are nothing more: they count or rank what stands behind them. The last rule reads any digit that is left."""

from __future__ import annotations

import re
from dataclasses import replace

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian import endings, governors, shares
from qwen3tts.text.russian.amounts import join_range
from qwen3tts.text.russian.context import Agreement, agreement_of, case_before, last_noun
from qwen3tts.text.russian.government import words_before
from qwen3tts.text.russian.grammar import inflect
from qwen3tts.text.russian.numerals import LONGEST, decimal, digits, spoken

_START = r"(?<![\w.,/:^])"
_GROUPED = r"[1-9][0-9]{0,2}(?:(?: [0-9]{3}){1,12}|(?:[.'’][0-9]{3}){2,12}|(?:,[0-9]{3}){2,12}|['’][0-9]{3})(?![0-9])"
_WHOLE = rf"(?:{_GROUPED}|[0-9]{{1,60}}(?![0-9]))"
_SIGN = r"(?:(?<![\w)\]°%.,])(?P<sign>[-−–+±]|\+/[-−])(?=[0-9]))?"
_CARDINAL = re.compile(rf"{_SIGN}(?:(?<=[-−–+±])|{_START})(?P<whole>{_WHOLE})(?![.,][0-9]|[^\W\d_])")
_DECIMAL = re.compile(rf"{_SIGN}(?:(?<=[-−–+±])|{_START})(?P<whole>{_WHOLE})[.,](?P<places>[0-9]{{1,60}})(?![0-9]|[.,][0-9])")
_RANGE = re.compile(
    rf"{_SIGN}(?:(?<=[-−–+±])|{_START})(?P<low>{_WHOLE}(?:,[0-9]{{1,9}})?)(?P<link> ?[-–—−÷] ?| ?\.\.\.? ?| ?… ?)"
    rf"(?P<high_sign>[-−–+])?(?P<high>{_WHOLE}(?:,[0-9]{{1,9}})?)(?![\w/:]|[-–—−][0-9]|[.,][0-9]| ?=)"
)
_NUMERO = re.compile(r"(?P<sign>№ ?№?) ?(?P<whole>[0-9]{1,15})(?![\w/]|[.,][0-9])")
_RATIO = re.compile(r"(?<![\w.,:/])(?P<low>[0-9]{1,3}) ?: ?(?P<high>[0-9]{1,3}(?: [0-9]{3}){0,3}|[0-9]{4,9})(?![\w:]|[.,][0-9])")
_SCORE = re.compile(r"(?<![\w.,:/-])(?P<low>[0-9]{1,3}) ?[-–—] ?(?P<high>[0-9]{1,3})(?![\w:-]|[.,][0-9])")
_CHAIN = re.compile(r"(?<![\w.,/:-])[0-9]{1,15}(?:[-–][0-9]{1,15}){2,12}(?![\w-])")
_TIMES = re.compile(r"(?<![\w.,/])(?:[xXхХ×](?P<after>[0-9]{1,3})|(?P<before>[0-9]{1,3})[xXхХ×])(?!\w)")
_GRADE = re.compile(rf"{_START}(?P<whole>[0-9]{{1,3}})(?P<sign>[+-])(?![\w+-]| ?[0-9])")
_KILO = re.compile(rf"{_START}(?P<amount>[0-9]{{1,4}}(?:[.,][0-9])?)[кk](?!\w)")
_ANY = re.compile(r"[0-9]+")
_COMPARED = re.compile(
    r"(?:масштаб|соотношен|пропорци|отношени|разв[её]д|развод|разбав|смеш|шанс|формат|курс)[а-яё]{0,3}[^.!?]{0,20}$", re.IGNORECASE
)
_SCORED = re.compile(
    r"(?:сч[ёе]т|победи|выигра|проигра|сыгра|ничь|разгром|уступи|обыгра|матч)[а-яё]{0,4}[^.!?]{0,30}$", re.IGNORECASE
)
_GRADED = re.compile(
    r"(?:оценк|получи|поста[вн]|четвер|ставлю|учится|сдал|экзамен|зач[ёе]т|написал)[а-яё]{0,4}[^.!?]{0,20}$", re.IGNORECASE
)
_SCHOOL = frozenset(("класс", "курс"))
"""A range of these is from one to another, not about so many."""

_ALL_IN_ONE = re.compile(r"(?<![\w.,])[2-9] в $")
_OUT_OF = re.compile(r" из [0-9]{1,6} [а-яё]")
_SIGNS = {"-": "минус ", "−": "минус ", "–": "минус ", "+": "плюс ", "±": "плюс-минус ", "+/-": "плюс-минус ", "+/−": "плюс-минус "}
_LONGEST_READ = 15
"""An ungrouped number of more digits is a code: nobody reads it as one number."""


def _whole(text: str, agreement: Agreement) -> str:
    """A whole number as it is written, in the form that its surroundings ask for."""
    plain = re.sub(r"[^0-9]", "", text)
    is_code = plain == text and (len(plain) > _LONGEST_READ or (len(plain) > 1 and plain[0] == "0"))
    if is_code or len(plain) > LONGEST:
        return digits(plain)
    return agreement.read(int(plain))


def _surroundings(match: re.Match[str], n: int) -> Agreement:
    """What is asked of a number; alone it is masculine."""
    left = before(match)
    found = agreement_of(left, n, after(match))
    named = last_noun(left) in governors.LABELS
    if found is not None and not (named and found.ordinal and not (found.case == "gen" and found.noun in governors.RANKED)):
        return found
    case = case_before(left, count=n)
    if case == "acc" and _OUT_OF.match(after(match)) and words_before(left)[-1:] == ("в",):
        case = "loc"
    if n == 1 and _ALL_IN_ONE.search(left):
        case = "loc"
    return Agreement(case, "m", plural=True, animate=False)


def _number(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text)[-LONGEST:])


def _read_cardinal(match: re.Match[str]) -> str:
    around = _surroundings(match, _number(match["whole"]))
    return _SIGNS.get(match["sign"] or "", "") + _whole(match["whole"], around)


def _read_decimal(match: re.Match[str]) -> str:
    whole = re.sub(r"[^0-9]", "", match["whole"])
    return _SIGNS.get(match["sign"] or "", "") + decimal(whole, match["places"], case_before(before(match)))


def _read_range(match: re.Match[str]) -> str | None:
    low, high = match["low"], match["high"]
    n = _number(high.partition(",")[0])
    counted, ranked = agreement_of(before(match), n, after(match)), agreement_of(f"{before(match)}1-", n, after(match))
    is_rank = ranked is not None and (ranked.noun in _SCHOOL or (ranked.noun == "этаж" and ranked.case == "loc"))
    last = ranked if ranked is not None and (counted is None or is_rank) else _surroundings(match, n)
    if "," in high:  # "1-1,5 часа": the noun's form tells nothing of the case
        last = Agreement(case_before(before(match)), last.gender, plural=True, animate=False)
    signs = [_SIGNS.get(match[name] or "", "") for name in ("sign", "high_sign")]
    first = replace(
        last, animate=last.animate and len(high) == 1 and high < "5"
    )  # "на трёх-четырёх", but "на четыре-шесть человек"
    if low == "1" and words_before(before(match))[-1:] == ("по",):
        first = replace(first, case="dat")
    words = [signs[0] + _end(low, first), signs[1] + _end(high, last)]
    if match["link"].strip() in ("-", "–", "—", "−") and match["link"] != match["link"].strip() and not last.noun:
        return f"{words[0]}{match['link']}{words[1]}"
    return join_range(*words)


def _end(text: str, agreement: Agreement) -> str:
    whole, comma, places = text.partition(",")
    return decimal(re.sub(r"[^0-9]", "", whole), places, agreement.case) if comma else _whole(whole, agreement)


def _read_numero(match: re.Match[str]) -> str:
    case = case_before(before(match), noun="метр")
    if case == "acc" and re.search(r"(?:под|за) $", before(match)):
        case = "ins"
    return f"{inflect('номер', case, plural=match['sign'].count('№') > 1)} {spoken(match['whole'])}"


def _read_ratio(match: re.Match[str]) -> str:
    low, high = match["low"], re.sub(r"[^0-9]", "", match["high"])
    if _COMPARED.search(before(match)) or len(high) > 3:
        return f"{spoken(low)} к {spoken(high, 'dat')}"
    return f"{spoken(low)} {spoken(high)}"


def _read_score(match: re.Match[str]) -> str | None:
    return f"{spoken(match['low'])} {spoken(match['high'])}" if _SCORED.search(before(match)) else None


def _read_chain(match: re.Match[str]) -> str:
    return " ".join(spoken(part) for part in re.findall(r"[0-9]+", match[0]))


def _read_times(match: re.Match[str]) -> str:
    return f"икс {spoken(match['after'])}" if match["after"] else f"{spoken(match['before'])} икс"


def _read_kilo(match: re.Match[str]) -> str | None:
    """Thousands as in chats: "зарплата 100к"; behind "дом" it is something else."""
    return (
        None if last_noun(before(match)) in governors.LABELS else shares.scaled(match["amount"], "тыс", case_before(before(match)))
    )


def _read_grade(match: re.Match[str]) -> str | None:
    """A school mark, or an age from which on: "5+", "18+"."""
    if len(match["whole"]) == 1 and _GRADED.search(before(match)):
        return f"{spoken(match['whole'])} с {'плюсом' if match['sign'] == '+' else 'минусом'}"
    return f"{spoken(match['whole'], case_before(before(match)))} плюс" if match["sign"] == "+" else None


def _read_any(match: re.Match[str]) -> str:
    left, right = before(match)[-1:], after(match)[:1]
    words = digits(match[0]) if len(match[0]) > _LONGEST_READ else spoken(match[0])
    return f"{' ' if left.isalnum() else ''}{words}{' ' if right.isalnum() else ''}"


RULES = (
    *endings.RULES,
    *shares.RULES,
    Rule("number", _NUMERO, _read_numero),
    Rule("number", _CHAIN, _read_chain),
    Rule("score", _SCORE, _read_score),
    Rule("score", _RATIO, _read_ratio),
    Rule("number", _GRADE, _read_grade),
    Rule("number", _KILO, _read_kilo),
    Rule("range", _RANGE, _read_range),
    Rule("decimal", _DECIMAL, _read_decimal),
    Rule("number", _CARDINAL, _read_cardinal),
    Rule("number", _TIMES, _read_times),
    Rule("number", _ANY, _read_any),
)
