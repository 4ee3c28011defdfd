"""Times of day and durations in English."""

from __future__ import annotations

import re

from qwen3tts.text.english.numerals import DASH, cardinal, digits, number
from qwen3tts.text.rules import Rule, after, before

_HOUR = r"(?:[01]?[0-9]|2[0-4])"
_MINUTE = r"[0-5][0-9]"
_MERIDIEM = r"(?:[ap]m\b\.?|[AP]M\b\.?|[ap]\. ?m\.|[AP]\. ?M\.|[ap]\.m\b|[AP]\.M\b)"
_START = r"(?<![\w:.,/$€£])(?<![0-9][-–])"
_END = r"(?!(?!ish\b)[\w:/]|[.,-][0-9])"
_SPOKEN_HOUR = re.compile(r" ?(?:o['’]clock|noon|midnight|hours)\b", re.I)
_LASTING = re.compile(r"\b(?:in|of|for|last(?:s|ed)|time:?|took|takes|under|over|duration:?|length:?|running|by) $", re.I)
_PROPORTION = re.compile(
    r"\b(?:ratios?|scale|odds|scored?|aspect|mix|mixed|won|lost)(?: ratio)?(?: (?:of|is|was|at|in))?(?: an?)?:? $", re.I
)
_AT = re.compile(r"\b(?:at|by|until|from|to|before|after|since|around) $", re.I)


def _clock(hour: str, minute: str | None, *, bare: bool = False) -> str:
    """bare: "a.m." or "o'clock" follows, or the hour is the beginning of a range."""
    hours = "zero" if int(hour) == 0 else cardinal(int(hour))
    if minute and int(minute):
        return f"{hours} {'oh ' if int(minute) < 10 else ''}{cardinal(int(minute))}"
    if bare or not minute:
        return hours
    if int(hour) == 0:
        return "midnight"
    return f"{hours} o'clock" if int(hour) <= 12 else f"{hours} hundred"


def _seconds(text: str | None) -> str:
    return (
        f" and {number(text)} second{'' if text in ('01', '1') else 's'}".replace("zero ", "", 1)
        if text and text.strip("0.")
        else ""
    )


def _meridiem(text: str) -> str:
    return f" {text[0].lower()}.m."


def _half_day(match: re.Match[str]) -> str | None:
    if int(match["hour"]) > 12 and not match["minute"]:
        return None
    first = ""
    if match["from"]:
        first = _clock(match["from"], match["from_minute"], bare=True)
        first += (_meridiem(match["from_m"].strip()) if match["from_m"] else "") + " to "
    return first + _clock(match["hour"], match["minute"], bare=True) + _seconds(match["second"]) + _meridiem(match["m"])


def _range(match: re.Match[str]) -> str:
    return f"{_clock(match[1], match[2])} to {_clock(match[3], match[4])}"


def _of_day(match: re.Match[str]) -> str:
    hour, minute = match["hour"], match["minute"]
    if _PROPORTION.search(before(match)) and not match["second"]:
        return f"{number(hour)} to {number(minute)}"
    if match["second"] and match["second"] != "00" and _LASTING.search(before(match)):
        return _lasting(hour, minute, match["second"])
    hundred = _SPOKEN_HOUR.match(after(match))
    if hundred and "hours" in hundred[0]:
        zero = "oh " if hour.startswith("0") else ""
        return f"{zero}{cardinal(int(hour))} {'hundred' if minute == '00' else cardinal(int(minute))}"
    verses = f" to {number(match['verse'])}" if match["verse"] else ""
    tail = f" point {digits(match['tenths'])}" if match["tenths"] else "-" if after(match).startswith("ish") else ""
    return _clock(hour, minute, bare=bool(hundred)) + _seconds(match["second"]) + tail + verses + _zone(match["zone"])


def _zone(text: str | None) -> str:
    if not text:
        return ""
    if text.strip() == "Z":
        return " UTC"
    hour, minute = int(text[1:3]), int(text[-2:])
    return f" {'plus' if text[0] == '+' else 'minus'} {_clock(str(hour), str(minute).zfill(2), bare=True)}"


def _count(n: str, unit: str) -> str:
    return f"{number(n.lstrip('0') or '0')} {unit}{'' if int(float(n)) == 1 and '.' not in n else 's'}"


def _lasting(hour: str | None, minute: str | None, second: str | None) -> str:
    parts = [_count(n, unit) for n, unit in ((hour, "hour"), (minute, "minute"), (second, "second")) if n and n.strip("0")]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 2 else " and ".join(parts) or "zero hours"


def _duration(match: re.Match[str]) -> str | None:
    names = (("day", "d"), ("hour", "h"), ("minute", "m"), ("second", "s"))
    parts = [_count(match[group], name) for name, group in names if match[group]]
    return " ".join(parts) if len(parts) > 1 else None


def _ratio(match: re.Match[str]) -> str:
    verse = re.search(
        r"\b(?:Psalms?|Ps\.|Genesis|Gen\.|Exodus|Isaiah|Jeremiah|Ezekiel|Proverbs|Job|Numbers|Deuteronomy) $", before(match)
    )
    return (" " if verse else " to ").join(number(part) for part in match[0].split(":"))


def _military(match: re.Match[str]) -> str | None:
    left = before(match)
    if not (match[1].startswith("0") or not left or _AT.search(left)) or after(match).startswith(" of"):
        return None
    hour = ("oh " if match[1].startswith("0") else "") + cardinal(int(match[1]))
    return f"{hour} {'hundred' if match[2] == '00' else cardinal(int(match[2]))} hours"


def _offset(match: re.Match[str]) -> str:
    return f"{match[1]} {'plus' if match[2] == '+' else 'minus'} {_clock(match[3], match[4], bare=True)}"


RULES: tuple[Rule, ...] = (
    Rule(
        "time",
        re.compile(
            rf"{_START}(?:(?P<from>{_HOUR})(?:[:.](?P<from_minute>{_MINUTE}))?(?P<from_m> ?{_MERIDIEM})?{DASH})?"
            rf"(?P<hour>{_HOUR})(?:[:.](?P<minute>{_MINUTE})(?::(?P<second>{_MINUTE}))?)? ?(?P<m>{_MERIDIEM})(?!\w)"
        ),
        _half_day,
    ),
    Rule("time", re.compile(rf"{_START}({_HOUR}):({_MINUTE}){DASH}({_HOUR}):({_MINUTE}){_END}"), _range),
    Rule(
        "time",
        re.compile(
            rf"(?:(?<=[0-9][Tt])|{_START})(?P<hour>{_HOUR}):(?P<minute>{_MINUTE})(?::(?P<second>{_MINUTE}))?"
            rf"(?:\.(?P<tenths>[0-9]{{1,9}}))?"
            rf"(?:(?P<zone> ?Z\b|[+−-][0-9]{{2}}:?[0-9]{{2}}\b)|[-–](?P<verse>[0-9]{{1,3}}))?{_END}"
        ),
        _of_day,
    ),
    Rule(
        "duration",
        re.compile(
            r"(?<![\w.,])(?:(?P<d>[0-9]{1,4})d ?)?(?:(?P<h>[0-9]{1,4}) ?h(?:rs?\.?)? ?)?"
            r"(?:(?P<m>[0-9]{1,2})(?: ?m(?:ins?)?|(?<=h[0-9]{2}))(?:(?= ?[0-9])|(?![\w])))? ?"
            r"(?:(?P<s>[0-9]{1,2}(?:\.[0-9]{1,3})?) ?s(?:ecs?)?)?(?!\w)(?<=[a-z0-9])"
        ),
        _duration,
    ),
    Rule(
        "ratio",
        re.compile(r"(?<![\w:.,/])[0-9]{1,6}(?:\.[0-9]{1,3})?(?::[0-9]{1,6}(?:\.[0-9]{1,3})?){1,4}(?![\w:/]|[.,][0-9])"),
        _ratio,
    ),
    Rule("time", re.compile(r"[ –—−-](?<=[mM.].)(?:(?<= )[-–—−] |(?<! ))(?=noon\b|midnight\b)"), lambda match: " to "),
    Rule("time", re.compile(rf"\b(noon|midnight){DASH}(?=[0-9])"), lambda match: f"{match[1]} to "),
    Rule("time", re.compile(rf"(?<![\w.,:])([01][0-9]|2[0-3])({_MINUTE}) ?(?:hours|hrs?|h)(?!\w)"), _military),
    Rule("time", re.compile(r"(?<!\w)(GMT|UTC) ?([+−–-]) ?([0-9]{1,2})(?::?([0-9]{2}))?(?!\w)"), _offset),
    Rule(
        "time",
        re.compile(
            rf"(?<=\b[Aa]t )({_HOUR})\.({_MINUTE})"
            r"(?=[,;!?)]|\.?(?:\s*$| [A-Z\n])| (?:on|in the|this|tomorrow|today|tonight|sharp|every|and)\b)"
        ),
        lambda match: _clock(match[1], match[2]),
    ),
)
