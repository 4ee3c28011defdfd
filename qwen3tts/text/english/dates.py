"""Dates in English, in every common order of day, month and year."""

from __future__ import annotations

import re

from qwen3tts.text.english.numerals import DASH, cardinal, ordinal, year
from qwen3tts.text.english.years import COUNTED, MONTH, MONTHS
from qwen3tts.text.rules import Rule, after, before

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAY = (
    r"(?:(?P<weekday>Mon(?:day)?|Tue(?:s(?:day)?)?|Wed(?:s|nesday)?|Thu(?:rs?(?:day)?)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
    r"\b\.?(?P<comma>,?) (?P<the>the )?)?"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_SUFFIX = r"(?:st|nd|rd|th)"
_YEAR = r"(?:1[0-9]{3}|2[01][0-9]{2})"
_NAMED = rf"(?P<month>{MONTH})\b\.?"
_END = r"(?![\w/:]|[.,-][0-9])"
_START = r"(?<![\w.,/:$€£-])"
_TO_DAY = rf"(?:(?:{DASH}| to (?=[0-9]))(?P<last>{_DAY}){_SUFFIX}?)?"
_ON = re.compile(
    r"\b(?:on|dated?|due|until|till|since|before|after|by|starting|from|date:|DOB:?|born|"
    r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs?)?|Fri|Satur|Sat|Sun)(?:day)?),? $"
)
_EXPIRES = re.compile(r"\b(?:exp(?:ir\w+|\.)?(?: date)?:?|valid (?:thru|through|until|to):?) $", re.I)
_DATED = re.compile(
    r"\b(?:[Dd]ated?:?|[Oo]n|[Aa]s of|[Ss]ince|[Ff]rom|[Uu]ntil|[Bb]efore|[Aa]fter|[Bb]y|DOB:?|[Bb]orn"
    r"|[Bb]ackup|[Ss]napshot|[Rr]eleased?) $"
)
_THE = re.compile(r"\b[Tt]he (?:[0-9]{1,2}(?:st|nd|rd|th)?(?:,? and |,? or |, | to ))*$")


def month_name(text: str) -> str:
    """ "September" of "Sept"."""
    return next(month for month in MONTHS if month.lower().startswith(text.rstrip(".").lower()[:3]))


def _written_year(text: str) -> int:
    """Of two digits those of the last and the present century."""
    text = text.lstrip("'’")
    return int(text) if len(text) > 2 else int(text) + (2000 if int(text) < 50 else 1900)


def _weekday(match: re.Match[str]) -> str:
    if not match["weekday"]:
        return ""
    name = next(day for day in _WEEKDAYS if day.startswith(match["weekday"][:3]))
    return f"{name}{match['comma']} "


def _month_first(month: str, day: int, written_year: str | None) -> str:
    ending = f", {year(_written_year(written_year))}" if written_year else ""
    return f"{month} {ordinal(day)}{ending}"


def _day_first(month: str, day: int, written_year: str | None) -> str:
    ending = f", {year(_written_year(written_year))}" if written_year else ""
    return f"the {ordinal(day)} of {month}{ending}"


def _valid(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _american(match: re.Match[str]) -> str | None:
    """Jan 5, Jan. 5th, January 5-7, 2024, Monday, January 5 2024."""
    if not match["year"] and not match["suffix"] and COUNTED.match(after(match)):
        return None
    reading = f"{month_name(match['month'])} {ordinal(int(match['day']))}"
    if match["last"]:
        reading += f" to {ordinal(int(match['last']))}"
    the = match["the"] or ""
    return _weekday(match) + the + reading + (f", {year(_written_year(match['year']))}" if match["year"] else "")


def _british(match: re.Match[str]) -> str:
    """5 January 2024, 5th of January, 5-7 Jan, Mon 5 Jan."""
    article = "" if _THE.search(before(match)) and not match["weekday"] else "the "
    days = ordinal(int(match["day"])) + (f" to the {ordinal(int(match['last']))}" if match["last"] else "")
    written = match["year"]
    ending = f", {year(_written_year(written))}" if written else ""
    stop = "." if match[0].endswith(".") and re.match(r"[\"'”’)]*(?: [A-Z\"“(]|\n|$)", after(match)) else ""
    return f"{_weekday(match)}{article}{days} of {month_name(match['month'])}{ending}{stop}"


def _dashed_name(match: re.Match[str]) -> str:
    return _day_first(month_name(match["month"]), int(match["day"]), match["year"])


def _numeric(match: re.Match[str]) -> str | None:
    """1/5/2024 is American, and so is 3-14-2024; what cannot be, or is parted by full stops, has the day first."""
    first, second = match["first"], match["second"]
    if _valid(second, first) and not (match["mark"] == "." and _valid(first, second)):
        return _weekday(match) + _month_first(MONTHS[int(first) - 1], int(second), match["year"])
    if _valid(first, second):
        return _weekday(match) + _day_first(MONTHS[int(second) - 1], int(first), match["year"])
    return None


def _iso(match: re.Match[str]) -> str | None:
    if not _valid(match["day"], match["month"]):
        return None
    return (
        _month_first(MONTHS[int(match["month"]) - 1], int(match["day"]), match["year"])
        + ("," if match["t"] else "")
        + (" " if match["t"] else "")
    )


def _compact(match: re.Match[str]) -> str | None:
    """20240314 alone, or where a date is named."""
    left = before(match)
    dated = not left or _DATED.search(left)
    if not dated or re.match(r" (?!(?:is|was|has)\b)[a-z]+s\b", after(match)):
        return None
    return _month_first(MONTHS[int(match["month"]) - 1], int(match["day"]), match["year"])


def _slashed_month(match: re.Match[str]) -> str | None:
    """3/14 only where a preposition or a weekday says that it is a date."""
    left = before(match)
    if _EXPIRES.search(left) and int(match["day"]) > 20:
        return f"{MONTHS[int(match['month']) - 1]} {year(2000 + int(match['day']))}"
    plain = re.search(
        r"\b(?:[Oo]n|[Ww]eek(?:end)? of|[Dd]ated?|[Dd]ue|DOB:?|day,?|(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\.?,?) $", left
    )
    padded = match["month"].startswith("0") and len(match["day"]) == 2
    likely = int(match["day"]) > 12 and (_ON.search(left) or re.search(r"/[0-9]{1,2}(?: to | and | through | ?[-–] ?)$", left))
    fraction = re.match(r" (?:of|cup|inch|mile|pages?)\b", after(match))
    if not (plain or padded or likely or match["weekday"]) or not _valid(match["day"], match["month"]) or fraction:
        return None
    return _weekday(match) + _month_first(MONTHS[int(match["month"]) - 1], int(match["day"]), None)


def _year_month(match: re.Match[str]) -> str | None:
    if re.search(r"\b[Tt]he $", before(match)) or re.match(
        r" (?:season|school|academic|fiscal|budget|winter|campaign)", after(match)
    ):
        return None
    if int(match["month"]) == (int(match["year"]) + 1) % 100:
        return None
    return f"{MONTHS[int(match['month']) - 1]} {year(int(match['year']))}"


def _month_year_digits(match: re.Match[str]) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {year(int(match['year']))}"


def _month_year(match: re.Match[str]) -> str:
    first = f"{month_name(match['first'])} to " if match["first"] else ""
    return f"{first}{month_name(match['month'])}{',' if match['comma'] else ''} {year(_written_year(match['year']))}"


def _quarter(match: re.Match[str]) -> str:
    upper = f" to {match['letter']} {cardinal(int(match['last']))}" if match["last"] else ""
    written = f" {year(_written_year(match['year']))}" if match["year"] else ""
    return f"{match['letter']} {cardinal(int(match['number']))}{upper}{written}"


def _fiscal(match: re.Match[str]) -> str:
    return f"FY {year(_written_year(match[1]))}{' ' + cardinal(int(match[2])) if match[2] else ''}"


def _earlier_day(match: re.Match[str]) -> str:
    return ("" if _THE.search(before(match)) else "the ") + ordinal(int(match[0]))


_DATE_ENDS = re.compile(
    r"(?<![0-9/.-])[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}$"
    rf"|\b(?:{MONTH}\.? [0-9]{{1,2}}{_SUFFIX}?|[0-9]{{1,2}}{_SUFFIX}? {MONTH}\.?)(?:,? {_YEAR})?$"
)


def _to_next(match: re.Match[str]) -> str | None:
    return " to " if _DATE_ENDS.search(before(match)) else None


RULES: tuple[Rule, ...] = (
    Rule("date", re.compile(rf"(?<=[0-9]){DASH}(?=[0-9]{{1,4}}([/.-])[0-9]{{1,2}}\1[0-9]{{1,4}}(?![\w/.-]?[0-9]))"), _to_next),
    Rule("date", re.compile(rf"(?<=[\w.]){DASH}(?={MONTH}\b\.? [0-9]|[0-9]{{1,2}}{_SUFFIX}? {MONTH}\b)"), _to_next),
    Rule(
        "date",
        re.compile(
            rf"(?<!\w){_WEEKDAY}{_NAMED} (?P<day>{_DAY})(?P<suffix>{_SUFFIX}?){_TO_DAY}(?:,? (?P<year>{_YEAR}|['’][0-9]{{2}}\b))?"
            r"(?![\w/:%°]|[.,-][0-9]| ?%)"
        ),
        _american,
    ),
    Rule(
        "date",
        re.compile(
            rf"(?<!\w){_WEEKDAY}{_START}(?P<day>{_DAY}){_SUFFIX}?{_TO_DAY}(?: of)? {_NAMED}"
            rf"(?:,? (?P<year>{_YEAR}|['’][0-9]{{2}}\b))?{_END}"
        ),
        _british,
    ),
    Rule(
        "date", re.compile(rf"{_START}(?P<day>{_DAY})[-/. ](?P<month>{MONTH})[-/.](?P<year>{_YEAR}|[0-9]{{2}}){_END}"), _dashed_name
    ),
    Rule(
        "date",
        re.compile(
            rf"(?<!\w){_WEEKDAY}{_START}(?P<first>{_DAY})(?P<mark>[/.-])(?P<second>{_DAY})(?P=mark)"
            rf"(?P<year>{_YEAR}|(?:(?<=/)|(?<=[0-9]{{2}}[.-][0-9]{{2}}[.-]))[0-9]{{2}}){_END}"
        ),
        _numeric,
    ),
    Rule(
        "date",
        re.compile(
            rf"{_START}(?P<year>{_YEAR})(?P<mark>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=mark)"
            rf"(?P<day>{_DAY})(?:(?P<t>[Tt])(?=[0-9]{{2}}:?[0-9]{{2}})|(?![\w/:-]|[.,][0-9]))"
        ),
        _iso,
    ),
    Rule(
        "date",
        re.compile(rf"{_START}(?P<year>19[0-9]{{2}}|20[0-9]{{2}})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01]){_END}"),
        _compact,
    ),
    Rule("date", re.compile(rf"(?<!\w){_WEEKDAY}{_START}(?P<month>0?[1-9]|1[0-2])/(?P<day>{_DAY}){_END}"), _slashed_month),
    Rule("date", re.compile(rf"{_START}(?P<year>19[0-9]{{2}}|20[0-9]{{2}})[-/.](?P<month>0[1-9]|1[0-2]){_END}(?!-)"), _year_month),
    Rule("date", re.compile(rf"{_START}{_DAY}(?= (?:and|or) {_DAY} {MONTH}\b)"), _earlier_day),
    Rule("date", re.compile(rf"{_START}(?P<month>0?[1-9]|1[0-2])/(?P<year>19[0-9]{{2}}|20[0-9]{{2}}){_END}"), _month_year_digits),
    Rule(
        "date",
        re.compile(
            rf"(?<!\w)(?:(?P<first>{MONTH})\b\.?(?: to |{DASH}))?{_NAMED}(?P<comma>,?)"
            rf" (?P<year>{_YEAR}|['’][0-9]{{2}}\b)(?![\w/:%]|[.,-][0-9])"
        ),
        _month_year,
    ),
    Rule(
        "date",
        re.compile(
            rf"(?<!\w)(?P<letter>[QH])(?P<number>[1-4])(?:[-–](?P=letter)?(?P<last>[2-4]))?"
            rf"(?:(?:[ /-]|(?=['’]))(?P<year>{_YEAR}|['’][0-9]{{2}}\b)|(?<=[-–][2-4])|(?<=[-–][QH][2-4]))(?!\w)"
        ),
        _quarter,
    ),
    Rule("date", re.compile(r"(?<!\w)FY ?['’]?([0-9]{4}|[0-9]{2})(?:[/–-]([1-9][0-9]))?(?![\w/-]|[.,][0-9])"), _fiscal),
)
