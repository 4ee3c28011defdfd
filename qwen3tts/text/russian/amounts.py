"""How much of something: a number or a range as it is written before a unit or a currency, and its words in every case."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qwen3tts.text.rules import after, before
from qwen3tts.text.russian import grammar
from qwen3tts.text.russian.context import case_before
from qwen3tts.text.russian.forms import forms
from qwen3tts.text.russian.government import without_shared
from qwen3tts.text.russian.grammar import Case, Gender
from qwen3tts.text.russian.numerals import cardinal, decimal, fraction

START = r"(?<!\w)(?<![0-9][.,:/])(?<![A-Za-zА-ЯЁ0-9][-−–])"
"""Before the first digit (or sign) of an amount: it is no end of a code or of another number."""

_GROUPS = r"[1-9][0-9]{0,2}(?: [0-9]{3}){1,6}(?![0-9])|[1-9][0-9]{0,2}(?:[.,'’][0-9]{3}){2,6}(?![0-9])"
_SIGNED = rf"(?:(?<![\w.,)°%])(?:[-–+±](?=[0-9])|− ?))?(?:{_GROUPS}|[0-9]{{1,30}})(?:[.,][0-9]{{1,9}})?(?![0-9])"
_MIXED = r"(?:[0-9]{1,3} )?[0-9]{1,2}[/⁄][0-9]{1,2}(?![0-9/.])|[0-9]{0,3} ?[½⅓⅔¼¾⅛]"
NUMBER = rf"(?:{_MIXED}|{_SIGNED})"
_BETWEEN = r" ?(?:[-–—−÷]|\.\.\.?|…) ?"
RANGE = rf"{NUMBER}(?:{_BETWEEN}[-−–+]?{NUMBER})?"
SCALE = r"(?:(?:тыс|млн|млрд|трлн)(?!\w)\.?|(?:тысяч|миллион|миллиард|триллион)(?:ами|ах|ам|ом|ов|ей|а|у|е|и)?(?!\w))"
PAIR = rf"(?P<lead>[Оо]т|[Сс]о?|[Мм]ежду) (?P<low>{NUMBER}) (?P<link>до|по|и) (?P<high>{NUMBER})"
"""Two ends of a range in words, the unit behind the second only: "от 5 до 10 кг"."""

_PAIR_CASES: dict[tuple[str, str], tuple[Case, Case]] = {
    ("от", "до"): ("gen", "gen"),
    ("с", "до"): ("gen", "gen"),
    ("с", "по"): ("gen", "acc"),
    ("между", "и"): ("ins", "ins"),
}
_SCALES = {"тыс": "тысяча", "млн": "миллион", "млрд": "миллиард", "трлн": "триллион"}
_SCALE_STEMS = {"тысяч": "тысяча", "миллион": "миллион", "миллиард": "миллиард", "триллион": "триллион"}
_SCALE_CASES: dict[str, Case] = {"ами": "ins", "ах": "loc", "ам": "dat"}
_SIGNS = {"-": "минус ", "−": "минус ", "–": "минус ", "+": "плюс ", "±": "плюс-минус "}
_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅛": (1, 8)}
_GENDERS: dict[str, Gender] = {"евро": "m", "тенге": "m", "биткоин": "m", "песо": "m"}
_FIXED = frozenset({"евро", "тенге", "промилле", "песо", "ангстрем", "эре"})
_COLLECTIVE = {2: "двое", 3: "трое", 4: "четверо"}
# The dictionary knows "столовая" as a room, and misspells sieverts: they take the forms of another phrase, with letters put in.
_FORMED_AS = {
    "столовая ложка": ("чайная ложка", "чайн", "столов"),
    "биткоин": ("магазин", "магазин", "биткоин"),
    **{f"{size}зиверт": ("метр", "метр", f"{size}зиверт") for size in ("", "милли", "микро", "нано")},
    "ньютон-метр": ("метр", "метр", "ньютон-метр"),
    "килограмм-сила": ("сила", "сил", "килограмм-сил"),
}
_WITH = re.compile(r"(?<!\w)[Сс]о? $")
_THING_WITH = re.compile(r"(?<!\w)([А-Яа-яЁё]{3,30}) со? $")
_UNTIL = re.compile(r"[^.!?]{0,40} (?:до|по) [0-9$€]")
_IN_HAND = re.compile(
    r"(?: [а-яё]{1,12})? "
    r"(?:в кармане|в руках|в кошельке|на руках|на сч[её]т[еу]|наличными|за душой|долга|в запасе)(?!\w)"
)
_CHANGES = frozenset(
    ("рост", "падение", "снижение", "повышение", "увеличение", "цена", "стоимость", "зарплата", "тариф", "заказ", "скидка")
)
_NUMBER = re.compile(NUMBER)
_RANGE = re.compile(rf"(?P<first>{NUMBER})(?:{_BETWEEN}(?P<last>[-−–+]?{NUMBER}))?")
_RATIO = re.compile(r"(?:(?P<whole>[0-9]{1,3}) )?(?P<top>[0-9]{1,2})[/⁄](?P<bottom>[0-9]{1,2})")


@dataclass(frozen=True)
class Number:
    """sign: as written; whole and fraction: digits; ratio: a common fraction beside them."""

    sign: str
    whole: str
    fraction: str = ""
    ratio: tuple[int, int] | None = None

    @property
    def is_whole(self) -> bool:
        return not self.fraction and self.ratio is None


def numbers_in(text: str) -> list[Number]:
    """The numbers of an amount as it is written: one, or two of a range."""
    match = _RANGE.fullmatch(text)
    return [_parse(number) for number in match.group("first", "last") if number] if match else all_numbers(text)[:2]


def all_numbers(text: str) -> list[Number]:
    """The numbers of a size as it is written, however many."""
    return [_parse(match[0]) for match in _NUMBER.finditer(text)]


def _parse(text: str) -> Number:
    sign = text[0] if text[0] in _SIGNS else ""
    body = text[len(sign) :].strip()
    if body[-1] in _VULGAR:
        return Number(sign, body[:-1].strip(), ratio=_VULGAR[body[-1]])
    if (ratio := _RATIO.fullmatch(body)) is not None:
        return Number(sign, ratio["whole"] or "", ratio=(int(ratio["top"]), int(ratio["bottom"])))
    if re.fullmatch(_GROUPS, body):
        return Number(sign, re.sub(r"[^0-9]", "", body))
    whole, _, places = body.replace(",", ".").rpartition(".") if re.search(r"[.,]", body) else (body, "", "")
    return Number(sign, re.sub(r"[^0-9]", "", whole), places)


def say(number: Number, phrase: str, case: Case) -> str:
    """A number with what it counts: "двадцать пять килограммов"."""
    return f"{_words(number, phrase, case)} {_counted(number, phrase, case)}"


def say_range(numbers: list[Number], scale: str, phrase: str, case: Case) -> str:
    """One number or both ends of a range, perhaps in thousands or millions, with what they count. phrase: "" for no noun."""
    counted = scale_noun(scale) or phrase
    agreeing = "" if counted == "сутки" and len(numbers) > 1 else counted  # "три-пять суток", not "трое-пять"
    words = [_words(number, agreeing, case) for number in numbers]
    spoken = words[0] if len(words) == 1 else join_range(*words)
    if counted:
        spoken += f" {_counted(numbers[-1], counted, case)}"
    return f"{spoken} {_plural(phrase)}" if scale and phrase else spoken


def say_pair(match: re.Match[str], scale: str, phrase: str) -> str | None:
    """What PAIR found, with the unit behind it; None where the words do not belong together."""
    cases = _PAIR_CASES.get((match["lead"].lower().replace("со", "с"), match["link"]))
    if cases is None:
        return None
    low, high = _parse(match["low"]), _parse(match["high"])
    first = _words(low, scale_noun(scale) or phrase, cases[0])
    return f"{match['lead']} {first} {match['link']} {say_range([high], scale, phrase, cases[1])}"


def join_range(first: str, second: str) -> str:
    """Both ends of a range: a hyphen where both are one word."""
    return f"{first}{' — ' if ' ' in first + second else '-'}{second}"


def case_at(match: re.Match[str], phrase: str, scale: str = "", numbers: Sequence[Number] = ()) -> Case:
    """The case that what stands left of an amount asks for, or the form of its "миллионами"."""
    for ending, case in _SCALE_CASES.items():
        if scale.endswith(ending):
            return case
    count = int(numbers[-1].whole or "0") if numbers and numbers[-1].is_whole else None
    return case_before(before(match), noun=scale_noun(scale) or phrase or None, count=count)


def in_hand(match: re.Match[str]) -> bool:
    """Whether somebody carries it: "с 500 руб. в кармане"."""
    return bool(_WITH.search(before(match)) and _IN_HAND.match(after(match)))


def has_thing(match: re.Match[str]) -> bool:
    """Whether "с" says what somebody has, not where something begins: "ноутбук с 16 ГБ"."""
    left = without_shared(before(match))
    if in_hand(match):
        return True
    if not _WITH.search(left) or _UNTIL.match(after(match)):
        return False
    found = _THING_WITH.search(left)
    what = forms(found[1].lower())[:1] if found else ()
    return bool(what) and what[0].part == "NOUN" and what[0].lemma not in _CHANGES


def scale_noun(scale: str) -> str:
    """The noun of "тыс." or "миллионами"; "" for no scale."""
    short = scale.rstrip(".")
    if short in _SCALES:
        return _SCALES[short]
    return next((noun for stem, noun in _SCALE_STEMS.items() if short.startswith(stem)), "")


@lru_cache(maxsize=4096)
def form(phrase: str, case: Case, plural: bool) -> str:
    """A noun of a unit or currency in another form."""
    return phrase if phrase in _FIXED else _formed(phrase, lambda like: grammar.inflect(like, case, plural))


def _formed(phrase: str, inflected: Callable[[str], str]) -> str:
    """A form of a phrase, by that of another where the dictionary has none."""
    if phrase not in _FORMED_AS:
        return inflected(phrase)
    like, letters, put_in = _FORMED_AS[phrase]
    return inflected(like).replace(letters, put_in)


@lru_cache(maxsize=4096)
def gender(phrase: str) -> Gender:
    """The gender of a unit or currency."""
    return _GENDERS.get(phrase) or grammar.gender_of(_FORMED_AS.get(phrase, (phrase,))[0])


@lru_cache(maxsize=4096)
def _words(number: Number, phrase: str, case: Case) -> str:
    """The number alone, agreeing with what it counts."""
    sign = _SIGNS.get(number.sign, "")
    if number.ratio is not None:
        parts = fraction(*number.ratio, case=case) if number.ratio[1] else f"{number.ratio[0]} дробь ноль"
        if not number.whole:
            return sign + parts
        whole = int(number.whole)
        return f"{sign}{cardinal(whole, case, 'f')} {grammar.counted(whole, 'целая', case)} и {parts}"
    if number.fraction:
        return sign + decimal(number.whole or "0", number.fraction, case)
    n = int(number.whole or "0")
    if phrase == "сутки":
        return sign + _days(n, case)
    return sign + cardinal(n, case, gender(phrase) if phrase else "m")


def _days(n: int, case: Case) -> str:
    """Before "сутки", which have no singular: "одни", "двое"."""
    if n == 1:
        return {"nom": "одни", "acc": "одни", "ins": "одними"}.get(case, "одним" if case == "dat" else "одних")
    return _COLLECTIVE.get(n, cardinal(n, case)) if case in ("nom", "acc") else cardinal(n, case)


@lru_cache(maxsize=4096)
def _counted(number: Number, phrase: str, case: Case) -> str:
    """What is counted, as it stands behind the number."""
    if phrase in _FIXED:
        return phrase
    if phrase == "сутки":
        wanted: Case = "gen" if case in ("nom", "acc") and number.whole != "1" else case
        return {"nom": "сутки", "acc": "сутки", "gen": "суток", "dat": "суткам", "ins": "сутками", "loc": "сутках"}[wanted]
    if not number.is_whole:
        return _formed(phrase, grammar.counted_fraction)
    unmoved = case == "acc" and gender(phrase) != "f"  # nothing that is measured with is alive, whatever the dictionary says
    return _formed(phrase, lambda like: grammar.counted(int(number.whole or "0"), like, "nom" if unmoved else case))


@lru_cache(maxsize=4096)
def _plural(phrase: str) -> str:
    """What thousands are of: the form after a big round number."""
    return (
        phrase
        if phrase in _FIXED
        else "суток"
        if phrase == "сутки"
        else _formed(phrase, lambda like: grammar.counted(1000, like, "gen"))
    )
