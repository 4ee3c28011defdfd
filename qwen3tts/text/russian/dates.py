"""Days of the month: "12 июня", "с 5 по 10 мая", "12.06.2024", "2024-06-12"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, before
from qwen3tts.text.russian import centuries, years
from qwen3tts.text.russian.amounts import join_range
from qwen3tts.text.russian.grammar import Case, inflect
from qwen3tts.text.russian.moments import counts_what_follows, is_alone, is_named, moment_case, year_stop
from qwen3tts.text.russian.numerals import ordinal
from qwen3tts.text.russian.roman import value
from qwen3tts.text.russian.stops import as_written

MONTHS = ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря")
_NOMINATIVE = ("январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь")
_ENDINGS: dict[str, Case] = {
    **dict.fromkeys(("го", "ого"), "gen"),
    **dict.fromkeys(("ое", "е"), "nom"),
    **dict.fromkeys(("му", "ому"), "dat"),
    **dict.fromkeys(("м", "ом"), "loc"),
    "ым": "ins",
}
_LINKS: dict[str, Case] = {"по": "acc", "на": "acc", "до": "gen"}

_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:-?(?:ого|го|ое|е|ому|му|ым|ом|м)(?=[ ,]))?"
_MONTH = rf"(?:{'|'.join(MONTHS)}|(?:янв|февр?|мар|апр|ию[нл]|авг|сент?|окт|нояб?|дек)\.?)"
_BEGIN = r"(?<![\w.,:/№#$€₽])(?<!\w-)"
_DAYS = rf"(?P<days>{_DAY}(?:(?: ?[-–—] ?|, | по | до | и | или | на ){_DAY}){{0,4}}) (?P<month>{_MONTH})(?!\w)"
_YEAR = r"(?P<year>[12][0-9]{3}|[0-9]{2}(?= ?г))(?![0-9]|[.,:/-][0-9]|-\w)"
_GOD = r"(?P<god> ?(?:года|г\.|г(?!\w)))"
_DAY_PARTS = re.compile(
    r"(?P<link> ?[-–—] ?|, | по | до | и | или | на )?(?P<day>[0-9]{1,2})(?:-?(?P<ending>[а-я]{1,3})(?=[ ,]|$))?"
)

_NUMERIC = (
    r"(?:[0-9]{1,2}(?P<{0}>[./-])[0-9]{1,2}(?P={0})(?:[12][0-9]{3}|[0-9]{2})|[12][0-9]{3}(?P<{0}i>[./-])[0-9]{2}(?P={0}i)[0-9]{2})"
    r"(?![0-9]|[.,/][0-9]|-(?![0-9]{1,2}[./][0-9]{1,2}[./])[0-9])"
)
_DOTTED = r"(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2])(?![0-9]|[.,:/-][0-9])"
_DATED = re.compile(
    r"(?:^|[\n(:])\s?$|(?<!\w)(?:с|до|от|по|к|на|за|дат[аеуы]|срок|числа|отправлени[ея]|прибыти[ея]|доставк[аи]|дедлайн|"
    r"понедельник|вторник|сред[ау]|четверг|пятниц[ау]|суббот[ау]|воскресенье|пн|вт|ср|чт|пт|сб|вс)[:,.]? $",
    re.IGNORECASE,
)
_TIMED = re.compile(r"[0-9]\.(?:00|1[3-9]|[2-5][0-9]) до $")


def _day_month(match: re.Match[str]) -> str | None:
    if match.groupdict().get("year") and not match["god"] and counts_what_follows(match):
        return None
    parts = list(_DAY_PARTS.finditer(match["days"]))
    default: Case = "nom" if is_named(match) else "gen"
    first = case = moment_case(before(match), default, inside="acc")
    words = ""
    for part in parts:
        link = (part["link"] or "").strip()
        case = _LINKS.get(link, first) if link else first
        case = _ENDINGS.get(part["ending"] or "", case)
        day = ordinal(int(part["day"]), case, "n")
        if link in ("-", "–", "—"):
            words = join_range(words, day)
        else:
            words += (part["link"] or "") + day
    return f"{words} {_month_word(match['month'])}{_year(match)}"


def _short_month(match: re.Match[str]) -> str:
    """ "янв. 2020": a month without its day."""
    month = next(month for month in _NOMINATIVE if month.startswith(match["short"].lower()[:3]))
    return as_written(match["short"], inflect(month, moment_case(before(match), "nom", inside="loc"), plural=False))


def _quoted_day(match: re.Match[str]) -> str:
    """ "«17» апреля" of a contract: the quotes are no speech."""
    case = moment_case(before(match), "gen", inside="acc")
    return f"{ordinal(int(match['day']), case, 'n')} {_month_word(match['month'])}{_year(match)}"


def _month_word(text: str) -> str:
    """The genitive of a month as it was written: "сент." is "сентября"."""
    short = text.rstrip(".")
    month = next((month for month in MONTHS if month.startswith(short.lower()[:3])), short)
    return month[0].upper() + month[1:] if text[0].isupper() else month


def _year(match: re.Match[str]) -> str:
    if not match.groupdict().get("year"):
        return year_stop(match)
    return f" {ordinal(int(match['year']), 'gen')} года{year_stop(match)}"


def _numeric(match: re.Match[str]) -> str | None:
    words: list[str] = []
    for written in (match["first"], match["last"]):
        date = _date(written) if written else None
        if written and date is None:
            return None
        if date:
            default: Case = "nom" if is_alone(match) or is_named(match) else "gen"
            case = moment_case(before(match), default, inside="acc")
            day, month, year = date
            spoken = ordinal(day, case, "n")
            if match["lead"] and not words:
                if not 0 < int(match["lead"]) < day:
                    return None
                spoken = join_range(ordinal(int(match["lead"]), case, "n"), spoken)
            words.append(f"{spoken} {MONTHS[month - 1]} {ordinal(year, 'gen')} года")
    clock = " " if match["clock"] else ""
    return " — ".join(words) + clock + year_stop(match)


def _date(text: str) -> tuple[int, int, int] | None:
    """Day, month and year of a date in digits; the month may stand first where there are not so many months."""
    first, second, third = re.split(r"[./-]", text)
    year_first = len(first) == 4
    day, month, year = (third, second, first) if year_first else (first, second, third)
    if int(month) > 12 and not year_first:
        day, month = month, day
    if len(year) == 2 and not (len(first) == len(second) == 2 and "-" not in text):
        return None
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    return int(day), int(month), int(year)


def _roman_month(match: re.Match[str]) -> str | None:
    """ "12.VI.2024"."""
    day, month = int(match["day"]), value(match["month"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    case = moment_case(before(match), "nom" if is_alone(match) else "gen", inside="acc")
    return f"{ordinal(day, case, 'n')} {MONTHS[month - 1]} {ordinal(int(match['year']), 'gen')} года{year_stop(match)}"


def _dotted(match: re.Match[str]) -> str | None:
    """ "до 12.06": a day and a month, where nothing but a date can be meant."""
    left = before(match)
    if counts_what_follows(match) or _TIMED.search(left):
        return None
    single = match["first"][1] == "."
    if not _DATED.search(left) and (single or not match["last"]):
        return None
    if single and (is_alone(match) or (match["first"][2] == "1" and not match["last"])):
        return None
    default: Case = "nom" if is_alone(match) else "gen"
    first = moment_case(left, default, inside="acc")
    words = [_short_date(match["first"], first)]
    if match["last"]:
        words.append(_short_date(match["last"], _LINKS.get(match["link"].strip(), first)))
    year = f" {ordinal(int(match['year']), 'gen')} года" if match["year"] else ""
    link = match["link"] if match["link"] and match["link"].strip() in _LINKS else " — "
    return link.join(words) + year


def _short_date(text: str, case: Case) -> str:
    day, month = text.split(".")
    return f"{ordinal(int(day), case, 'n')} {MONTHS[int(month) - 1]}"


RULES: tuple[Rule, ...] = (
    Rule("date", re.compile(rf"{_BEGIN}{_DAYS},? {_YEAR}{_GOD}?", re.IGNORECASE), _day_month),
    Rule("date", re.compile(_BEGIN + _DAYS, re.IGNORECASE), _day_month),
    Rule(
        "date",
        re.compile(rf"[«\"“„](?P<day>0?[1-9]|[12][0-9]|3[01])[»\"”“] (?P<month>{_MONTH})(?!\w)(?: {_YEAR}{_GOD}?)?", re.IGNORECASE),
        _quoted_day,
    ),
    Rule(
        "date",
        re.compile(
            rf"{_BEGIN}(?:(?P<lead>[0-9]{{1,2}}) ?[-–—] ?(?=[0-9]{{1,2}}\.))?(?P<first>{_NUMERIC.replace('{0}', 'a')})"
            rf"(?: ?[-–—] ?(?P<last>{_NUMERIC.replace('{0}', 'b')}))?"
            r"(?:(?P<clock>T)(?=[0-9]{2}:[0-9]{2})|(?!\w| ?[%₽$€])(?: ?(?:года|г\.|г(?!\w)))?)"
        ),
        _numeric,
    ),
    Rule(
        "date",
        re.compile(
            rf"{_BEGIN}(?P<first>{_DOTTED.replace('[.,:/-][0-9]', '[.,:/][0-9]')})(?:(?P<link> ?[-–—] ?| по | до )"
            rf"(?P<last>(?:0?[1-9]|[12][0-9]|3[01])\.(?:0[1-9]|1[0-2]))(?![0-9])(?:\.(?P<year>[12][0-9]{{3}}))?)?"
        ),
        _dotted,
    ),
    Rule(
        "date",
        re.compile(
            rf"{_BEGIN}(?P<day>[0-9]{{1,2}})\.(?P<month>[IVX]{{1,4}})\.(?P<year>[12][0-9]{{3}})(?![\w-])(?: ?(?:года|г\.))?"
        ),
        _roman_month,
    ),
    Rule(
        "date",
        re.compile(
            r"(?<![\w-])(?P<short>[Яя]нв|[Фф]евр?|[Аа]пр|[Ии]ю[нл]|[Аа]вг|[Сс]ент?|[Оо]кт|[Нн]ояб?|[Дд]ек)\."
            r"(?= (?:19|20)[0-9]{2}(?![0-9]))"
        ),
        _short_month,
    ),
    *years.RULES,
    *centuries.RULES,
)
