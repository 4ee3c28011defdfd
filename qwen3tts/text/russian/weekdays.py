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
_DAY = re.compile(rf"(?<![\w.\-])(?P<day>{_ANY})(?:\s?[-–—]\s?(?P<last>{_ANY}))?(?![\w\-]|\.\w)")
_LISTED_BEFORE = re.compile(
    r"(?<!\w)(?:пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|сред[ау]|четверг|пятниц[ау]|суббот[ау]),? (?:и )?$", re.IGNORECASE
)
_LISTED_AFTER = re.compile(rf"\.?(?:(?:,| и) (?:{_ANY})(?!\w)|[:,]? ?[0-9]|:| [-–—] )")
_BEGINS = re.compile(r"(?:^|[\n(,;.:!?]) ?$")
_AVERAGE = re.compile(r"\.? [а-яё]")
_UNTIL = re.compile(r"(?<!\w)со? [А-Яа-яё.]{2,11} по $")


def _read(match: re.Match[str]) -> str | None:
    left, day = before(match), match["day"]
    options = governed(left)
    if match["last"]:
        last = _form(match["last"].lower(), "nom")
        return f"{as_written(day, _form(day.lower(), 'nom'))} — {last}"
    if day.lower() == "ср" and after(match).startswith(".") and _AVERAGE.match(after(match)):
        return None
    if options:
        asks = "acc" if options[0] == "loc" or _UNTIL.search(left) else options[0]
        return _form(day.lower(), asks) if not day.isupper() or word_before(left).lower() in ("в", "во", "по", "со", "до") else None
    right = after(match)
    listed = _LISTED_BEFORE.search(left) or (
        _LISTED_AFTER.match(right) and (not day.islower() or (_BEGINS.search(left) and right[:1] != "."))
    )
    if not listed:
        return None
    case: Case = "acc" if re.search(r"[ую],? (?:и )?$", left) else "nom"
    return as_written(day, _form(day.lower(), case))


def _form(day: str, case: Case) -> str:
    return inflect(_DAYS[day], case, False)


RULES = (Rule("date", _DAY, _read),)
