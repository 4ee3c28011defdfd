"""Days of the week written short: "Пн–Пт", "с пн по пт", "в ср"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.forms import governed, word_before
from qwen3tts.text.russian.grammar import Case, inflect
from qwen3tts.text.russian.stops import as_written

_DAYS = {
    "пн": "понедельник",
    "вт": "вторник",
    "ср": "среда",
    "чт": "четверг",
    "пт": "пятница",
    "сб": "суббота",
    "вс": "воскресенье",
}
_ANY = "|".join(f"{day}|{day.capitalize()}|{day.upper()}" for day in _DAYS)
_STOP = r"(?:\.(?= (?:по|и|до|с|или|[-–—]) |,|:|\)| [а-яё]| [0-9]{1,2} (?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)))?"
_DAY = re.compile(rf"(?<![\w.\-])(?P<day>{_ANY})(?:\.?\s?[-–—]\s?(?P<last>{_ANY}))?(?P<stop>{_STOP})(?![\w\-]|\.\w)")
_WRITTEN = r"(?:понедельник|вторник|сред|четверг|пятниц|суббот|воскресень)[а-яё]{0,3}"
_LIST_BEFORE = re.compile(rf"(?<!\w)(?:(?:{_ANY}|{_WRITTEN})\.?(?:, | и | или )){{1,6}}$", re.IGNORECASE)
_LISTED_AFTER = re.compile(rf"(?:(?:,| и) (?:{_ANY})(?!\w)|[:,]? ?[0-9]|:| [-–—] )")
_GOES_ON = re.compile(r" (?:по|и|до|с|или) ")
_BEGINS = re.compile(r"(?:^|[\n(,;.:!?]) ?$")
_UNTIL = re.compile(r"(?<!\w)со? [А-Яа-яё.]{2,11} по $")


def _read(match: re.Match[str]) -> str | None:
    left, right, day, stop = before(match), after(match), match["day"], match["stop"]
    if match["last"]:
        first, last = _form(day.lower(), "nom"), _form(match["last"].lower(), "nom")
        return f"{as_written(day, first)} — {last}"
    if stop and right[1:2].islower() and (day.lower() == "ср" or not _GOES_ON.match(right)):
        return None  # "ср. данные", "сб. статей"
    if day.isupper() and re.match(r" [А-ЯЁ«]", right):
        return None  # "ВС РФ"
    listed = _LIST_BEFORE.search(left)
    head = left[: listed.start()] if listed else left
    if (options := governed(head)) and (not day.isupper() or word_before(head).lower() in ("в", "во", "по", "со", "до")):
        until = _UNTIL.search(head)
        if word_before(head).lower() == "по" and not until:
            return inflect(_DAYS[day.lower()], "dat", True)
        return _form(day.lower(), "acc" if options[0] == "loc" or until else options[0])
    if options or not (listed or (_LISTED_AFTER.match(right) and (not day.islower() or _BEGINS.search(left)))):
        return None
    return as_written(day, _form(day.lower(), "nom"))


def _form(day: str, case: Case) -> str:
    return inflect(_DAYS[day], case, False)


RULES = (Rule("date", _DAY, _read),)
