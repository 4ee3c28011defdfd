"""Times of day and how long something takes: "в 15:30", "с 9:00 до 18:00", "9:05:07", "в 9.30", "18-00", "10 ч 15 мин"."""

from __future__ import annotations

import re
from functools import lru_cache

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.context import case_before
from qwen3tts.text.russian.grammar import Case, counted
from qwen3tts.text.russian.moments import counts_what_follows, moment_case
from qwen3tts.text.russian.numerals import cardinal
from qwen3tts.text.russian.stops import kept_stop

_BEGIN = r"(?<![\w.,:/+−])(?<!\w-)"
_CLOCK = r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9])?"
_COLON = re.compile(
    rf"(?:{_BEGIN}|(?<=[0-9]T))(?P<first>{_CLOCK})(?: ?[-–—] ?(?P<last>{_CLOCK}))?"
    r"(?:(?<=:[0-9]{2})Z(?!\w)|(?![\w:/]|[.,][0-9]|-\w))"
    r"(?: ?(?P<half>[aApP]\.?[mM](?!\w)\.?))?(?: ?(?:ч\.|ч|час\.|часов|часа)(?![\w:])(?! [0-9]))?"
)
_LOOSE_CLOCK = r"(?:[01]?[0-9]|2[0-4])[.-][0-5][0-9]"
_LOOSE = re.compile(
    rf"(?<![\w.,:/-])(?P<first>{_LOOSE_CLOCK})(?: ?[–—-] ?(?P<last>{_LOOSE_CLOCK}))?(?![\w:/%°]|[.,-][0-9]|-\w| ?[%°₽$€])"
    r"(?P<hour> ?(?:ч\.|ч|час\.|часов|часа|мск|МСК)(?!\w))?"
)
_LATIN_HOUR = re.compile(rf"{_BEGIN}(?P<hour>1[0-2]|0?[1-9]) ?(?P<half>[aApP]\.?[mM])(?![\w])(?P<stop>\.?)")
_LASTS = re.compile(
    rf"{_BEGIN}(?P<hours>[0-9]{{1,3}}) ?(?:ч|час)\.? ?(?P<minutes>[0-9]{{1,2}}) ?(?:мин|м)(?!\w)\.?"
    r"(?: ?(?P<seconds>[0-9]{1,2}) ?(?:сек|с)(?!\w)\.?)?"
)
_SCORE = re.compile(
    r"(?<!\w)(?:(?i:(?:со)?сч[её]т|соотноше|пропорци|масштаб|выигра|(?:по)?бед|проигр|обыгр|сыгра|ничь|разгром|отношени|уступил|"
    r"разбав|развод(?:ить|ят)|развед[иеё]|смеша[йт]|смешив|формат|шанс|вничью|экран)|Мф|Мк|Лк|Ин|Быт|Пс|Рим|Кор|Исх|Деян)"
    r"[а-яё]{0,6}\.?(?: [^\s.!?]{1,20}){0,3} ?[(«]?$"
)
_MOMENT = re.compile(r"(?<!\w)(?:в|к|до|с|после|около) $")
_AT = re.compile(
    r"(?<!\w)(?:в|во|с|со|до|к|ко|около|после|на|время:?|начало:?|открыто:?|работаем:?|выезд|приезд|ежедневно) $", re.IGNORECASE
)
_UNTIL = re.compile(r"(?<!\w)(?:с|со) [0-9]{1,2}(?P<mark>[.-])[0-9]{2} до $")
_DAY_PARTS = ((4, "ночи"), (12, "утра"), (17, "дня"), (24, "вечера"))
_NOT_HOURS = re.compile(r" ?(?:раза?|процент|тыс|млн|млрд|руб|балл|км|кг|м|см|мм|л|г|т|га|метр|литр|миллион|долл|евро)(?!\w)")


def _clock(match: re.Match[str]) -> str | None:
    if _SCORE.search(before(match)) and not _MOMENT.search(before(match)):
        return None
    case = moment_case(before(match), "nom", inside="acc")
    if match["half"]:
        hours, _, rest = match["first"].partition(":")
        if match["last"] or not 1 <= int(hours) <= 12:
            return None
        return _half(int(hours), int(rest[:2]), match["half"], case) + kept_stop(match)
    return _both(match["first"].split(":"), (match["last"] or "").split(":"), case) + kept_stop(match)


def _loose(match: re.Match[str]) -> str | None:
    """ "в 9.30", "до 18-00": where nothing but a time can be meant."""
    left = before(match)
    low, high = int(match["first"][:-3]), int(match["first"][-2:])
    if "-" in match["first"] and (match["hour"] or "").strip() not in ("мск", "МСК") and low < high <= 24 and not match["last"]:
        return None  # "10-12 часов"
    if match["last"] and match["first"][-3] != match["last"][-3]:
        return None
    if not match["hour"] and (not _AT.search(left) or counts_what_follows(match) or _NOT_HOURS.match(after(match))):
        return None
    exact = match["first"].endswith(("00", "15", "30", "45")) or bool(match["last"]) or bool(_UNTIL.search(left))
    if not match["hour"] and "-" in match["first"] and not exact:
        return None
    if not match["hour"] and re.search(r"(?<!\w)(?:на|около|после|до|с|к) $", left) and not exact:
        return None
    times = [re.split("[.-]", time or "") for time in (match["first"], match["last"])]
    return _both(times[0], times[1], moment_case(left, "nom", inside="acc")) + kept_stop(match)


def _latin_hour(match: re.Match[str]) -> str:
    return _half(int(match["hour"]), 0, match["half"], moment_case(before(match), "nom", inside="acc")) + kept_stop(match)


def _lasts(match: re.Match[str]) -> str:
    """ "10ч30мин": how long, or when."""
    case = case_before(before(match), noun="час")
    parts = [(match["hours"], "час"), (match["minutes"], "минута"), (match["seconds"], "секунда")]
    return " ".join(_counted(int(number), phrase, case) for number, phrase in parts if number) + kept_stop(match)


def _both(first: list[str], last: list[str], case: Case) -> str:
    spoken = _spoken([int(part) for part in first], case)
    if not last[0]:
        return spoken
    return f"{spoken} — {_spoken([int(part) for part in last], case)}"


def _spoken(parts: list[int], case: Case) -> str:
    """Hours, minutes and seconds; full hours without minutes."""
    words = [_counted(n, phrase, case) for n, phrase in zip(parts, ("час", "минута", "секунда"), strict=False)]
    return " ".join(words if any(parts[1:]) else words[:1])


@lru_cache(maxsize=1024)
def _counted(n: int, phrase: str, case: Case) -> str:
    return f"{cardinal(n, case, 'm' if phrase == 'час' else 'f')} {counted(n, phrase, case)}"


def _half(hours: int, minutes: int, half: str, case: Case) -> str:
    """Twelve-hour time, with the part of the day that Russian says instead of "am" and "pm"."""
    of_day = hours % 12 + (12 if half[0] in "pP" else 0)
    part = next(name for end, name in _DAY_PARTS if of_day < end)
    return f"{_spoken([hours, minutes], case)} {part}"


RULES: tuple[Rule, ...] = (
    Rule("time", _COLON, _clock),
    Rule("time", _LOOSE, _loose),
    Rule("time", _LATIN_HOUR, _latin_hour),
    Rule("time", _LASTS, _lasts),
)
