"""What stands around a date, a year or a time of day, and the case it asks for there."""

from __future__ import annotations

import re
from typing import Literal

from qwen3tts.text.rules import after, before
from qwen3tts.text.russian.forms import forms, word_before
from qwen3tts.text.russian.grammar import Case
from qwen3tts.text.russian.stops import kept_stop

_WITH_GENITIVE = """с со до от после около из возле вокруг накануне ранее раньше позже позднее начиная вплоть ото кроме
против без для вечером утром днём ночью вечера утра дня ночи"""
_CASES: dict[str, Case] = {
    **dict.fromkeys(_WITH_GENITIVE.split(), "gen"),
    **dict.fromkeys(("к", "ко"), "dat"),
    **dict.fromkeys(("на", "за", "по", "через", "про", "под", "спустя"), "acc"),
    **dict.fromkeys(("перед", "между", "над", "пред"), "ins"),
    **dict.fromkeys(("о", "об", "при"), "loc"),
}
_WITH = re.compile(
    r"(?<!\w)между [^.!?\n]{1,40} и $|"
    r"(?:сравнени[а-я]{1,3}|аналогии|сопоставлени[а-я]{1,3}|связи|вместе|наряду|совпа[а-я]{1,6}|параллельно) (?:с|со) $",
    re.IGNORECASE,
)
_TODAY = re.compile(r"(?:сегодня|завтра|вчера|послезавтра|позавчера|наступил[оа]?|наступает|наступит)(?: [-–—])? $", re.IGNORECASE)
_LINE_BEGINS = re.compile(r"(?:^|[\n(\[:|•]|[.!?…]) ?[«\"*-]?$")
_LINE_ENDS = re.compile(r"[»\".,;!?)\]|]{0,3}\s*(?:$|\n|(?:в |,? ?)[0-9]{1,2}:[0-9]{2})")
_IS_SOMETHING = re.compile(r" [-–—] [^0-9]| (?:явля|считает|празднует|станет|стало)")
_SENTENCE = re.compile(r"[.!?…\n][\s»”\")]+(?=[^.!?…\n]*$)")


def moment_case(left: str, default: Case, *, inside: Literal["acc", "loc"]) -> Case:
    """The case that the preposition on the left asks for; inside: the one after "в", "в пятницу" but "в году"."""
    if _WITH.search(left):
        return "ins"
    word = word_before(left).lower()
    return inside if word in ("в", "во") else _CASES.get(word, default)


def is_alone(match: re.Match[str]) -> bool:
    """Whether nothing but a heading or a time of day is on the line of a match."""
    return bool(_LINE_BEGINS.search(before(match))) and bool(_LINE_ENDS.match(after(match)))


def is_named(match: re.Match[str]) -> bool:
    """Whether a day is what the sentence is about: "сегодня 12 июня", "12 июня — День России"."""
    if _TODAY.search(before(match)):
        return True
    return bool(_LINE_BEGINS.search(before(match))) and bool(_IS_SOMETHING.match(after(match)))


def year_stop(match: re.Match[str]) -> str:
    """The stop of "г." where it ends a sentence; a sentence of two words goes on, whatever follows: "В 1991 г. СССР"."""
    left = _SENTENCE.split(before(match))[-1]
    return kept_stop(match, before_capital=len(left.split()) > 2)


def counts_what_follows(match: re.Match[str]) -> bool:
    """Whether a bare number belongs to the noun behind it: "в 1984 домах", "до 2000 рублей", "1500 кг"."""
    right = re.match(r" ?(?:(?P<sign>[%‰°₽$€£¥×*/+=^])|(?P<word>[^\W\d_]+)(?P<stop>\.?))", after(match))
    if not right:
        return False
    if right["sign"]:
        return True
    word = right["word"].lower()
    if not re.search(r"[а-яё]", word):
        return len(word) <= 3
    if right["stop"] and len(word) <= 4 and not re.match(r"\s*$|\s+[А-ЯЁ]", after(match)[right.end() :]):
        return True
    if re.fullmatch(r"тыс|млн|млрд|трлн|руб|раза?|человек|шт|[кмс]?м|[км]?г|лет", word):
        return True
    found = forms(word)[:1]
    return bool(found) and found[0].part in ("NOUN", "ADJF") and found[0].plural and found[0].case not in ("nom", "acc")
