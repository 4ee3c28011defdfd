"""What the form of a Russian word tells: the case a neighbour has to share, and which case a preposition asks for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache

from qwen3tts.text.russian.grammar import CASES, GENDERS, GRAMMEMES, Case, Gender, parses

_WITH_GENITIVE = """от до из без для у около возле вокруг близ против кроме из-за из-под после вдоль мимо ради внутри среди
            напротив помимо вместо насчёт относительно посреди ото изо безо"""
# Where a preposition takes several cases, the first is the one that places and references ask for.
_PREPOSITIONS: dict[str, tuple[Case, ...]] = {
    **dict.fromkeys(["в", "во", "на"], ("loc", "acc")),
    **dict.fromkeys(["о", "об", "обо", "при"], ("loc",)),
    **dict.fromkeys(["к", "ко", "согласно", "благодаря", "вопреки", "навстречу", "подобно"], ("dat",)),
    "по": ("dat", "acc", "loc"),
    **dict.fromkeys(["над", "надо", "перед", "передо", "пред", "между"], ("ins",)),
    **dict.fromkeys(["под", "подо", "за"], ("ins", "acc")),
    **dict.fromkeys(["с", "со"], ("gen", "ins")),
    **dict.fromkeys(["про", "через", "сквозь"], ("acc",)),
    **dict.fromkeys(_WITH_GENITIVE.split(), ("gen",)),
}
_MOTION = re.compile(
    r"(?:поезд|поедет|ид[её]|ед[еу]|лет[иея]|ш[её]л|шл[аи]|(?:по|при|пере|у|вы|въ|за|съез|про|подъ)(?:ех|езж)|прибы|отправ|достав|командир|рейс|билет|путёвк|приход|приш|пош|перевод|"
    r"перев[ёе]|направ|поверн|сверн|вош|войти|выш|дорог[аиу] |вернул|возвра|внес|включ|вход|ссыла|сосла|опира|указ[ыа])"
    r"[а-яё]*\s+(?:(?:с|со|из|от)\s[^,;!?\n]{2,40}\s)?(?:во?|на)\s+$|(?<!\w)из\s[А-ЯЁа-яё. -]{2,30}\sв\s+$",
    re.IGNORECASE,
)
_WITH = re.compile(
    r"(?:соответств|связ|сравнен|вмест|наряд|ряд|встреч|знаком|"
    r"соглас|одноврем|совмест|параллел|сравни|(?<!\w)(?:ср|соотв)\.)[а-яё]*\s+со?\s+$",
    re.IGNORECASE,
)
_COORDINATED = re.compile(
    r"(?<![\w-])(?P<preposition>[А-Яа-яё-]{1,7}) (?:[а-я]{1,5}\.|§|[а-я]{1,3}-[а-я]{1,3}) ?[^.!?;:\n]{1,40} и $"
)
_CORNER = re.compile(r"(?:угл|перекр[её]стк|пересечени)[а-яё]{1,3} [^.!?;:\n]{0,4}[^!?;:\n]{1,40} (?:и|с) $")
_LAST_WORD = re.compile(r"(?<![А-Яа-яЁё-])([А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)?) ?[«\"„“(]?$")
_GOVERNORS_NOT = frozenset(["адрес", "город", "улица", "дом", "почтовый", "индекс"])


@dataclass(frozen=True)
class Form:
    """One way to understand a word form. gender is None in the plural of adjectives."""

    lemma: str
    part: str
    case: Case
    gender: Gender | None
    plural: bool
    animate: bool
    marks: frozenset[str]


@lru_cache(maxsize=4096)
def forms(word: str) -> tuple[Form, ...]:
    """How a noun or adjective may be understood, the likeliest first; empty for other words."""
    found = []
    for parse in parses(word):
        tag = parse.tag
        part, case = str(tag.POS), CASES.get(str(tag.case))
        if part in ("NOUN", "ADJF", "PRTF", "NUMR") and case:
            gender = GENDERS.get(str(tag.gender)) or ("m" if part == "NOUN" else None)
            marks = frozenset(str(mark) for mark in tag.grammemes)
            found.append(Form(parse.normal_form, part, case, gender, "plur" in tag, "anim" in tag, marks))
    return tuple(found)


def is_verb(word: str) -> bool:
    """Whether a word is most likely a verb."""
    return any(str(parse.tag.POS) in ("VERB", "INFN", "GRND") for parse in parses(word)[:1])


def word_before(left: str) -> str:
    """The word that ends the text on the left, without a sign between; "" if there is none."""
    match = _LAST_WORD.search(left[-60:])
    return match[1] if match else ""


def governed(left: str) -> tuple[Case, ...]:
    """The cases that the preposition on the left may ask for, the likeliest first; none without a preposition."""
    if corner := _CORNER.search(left):
        return ("gen",) if corner[0].endswith(" и ") else ("ins",)
    if coordinated := _COORDINATED.search(left):
        return _PREPOSITIONS.get(coordinated["preposition"].lower(), ())
    options = _PREPOSITIONS.get(word_before(left).lower(), ())
    if options == ("gen", "ins") and _WITH.search(left):
        return ("ins", "gen")
    if options[:2] == ("loc", "acc") and _MOTION.search(left):
        return ("acc", "loc")
    return options


def follows_noun(left: str) -> bool:
    """Whether a noun stands on the left that what comes now may hang on: "жители", but not "адрес" or a name."""
    word = word_before(left)
    found = forms(word) if len(word) > 1 else ()
    proper = not word.islower() and bool(found) and not found[0].marks.isdisjoint(("Name", "Surn", "Patr", "Geox", "Abbr"))
    return bool(found) and not proper and found[0].part == "NOUN" and found[0].lemma not in _GOVERNORS_NOT and not is_verb(word)


def case_in(left: str, shared: Collection[Case] | None = None) -> Case:
    """The case of a noun after what is on the left. shared: the cases that the word it agrees with can be in, if there is one."""
    options = governed(left)
    if options:
        return next((case for case in options if not shared or case in shared), options[0])
    if shared and "nom" not in shared:
        return next(case for case in ("gen", "acc", "loc", "ins", "dat") if case in shared)
    if follows_noun(left) and (not shared or "gen" in shared):
        return "gen"
    return "nom"


@cache
def adjective(lemma: str, case: Case, gender: Gender | None, *, animate: bool = False) -> str:
    """The form of an adjective; gender None is the plural."""
    wanted = {GRAMMEMES[case], {"m": "masc", "f": "femn", "n": "neut", None: "plur"}[gender]}
    if case == "acc" and gender in ("m", None):
        wanted.add("anim" if animate else "inan")
    parse = next((parse for parse in parses(lemma) if str(parse.tag.POS) in ("ADJF", "PRTF")), None)
    inflected = parse.inflect(wanted) if parse else None
    return inflected.word if inflected else lemma
