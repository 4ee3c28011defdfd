"""Years and decades in English: which number of four digits is a year, and which counts something."""

from __future__ import annotations

import re

from qwen3tts.text.english.numerals import DASH, NOT_FOLLOWED, cardinal, plural, spaced, year
from qwen3tts.text.rules import Rule, after, before

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?"
    r"|JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?"
    r"|NOV(?:EMBER)?|DEC(?:EMBER)?)"
)
ERA = r"(?:BC|BCE|AD|CE|B\.C\.(?:E\.)?|A\.D\.|C\.E\.)"

_MEASURED = (
    r"people|men|women|children|persons|students|soldiers|residents|inhabitants|troops|refugees|workers|employees|users"
    r"|customers|dollars|euros|pounds|rubles|yen|cents|percent|miles|meters|metres|kilometers|kilometres|feet|inches|yards"
    r"|acres|hectares|tons|tonnes|grams|kilograms|kilos|ounces|liters|litres|gallons|calories|watts|volts|degrees|words"
    r"|pages|lines|copies|steps|points|items|pieces|times|days|hours|minutes|seconds|weeks|months|years|bytes|bits|pixels"
    r"|rpm|votes|seats|units|cases|deaths|jobs|homes|houses|cars"
)
COUNTED = re.compile(rf" (?:more |other |different |square |cubic )?(?:{_MEASURED})\b")
_PLURAL = re.compile(
    r" (?!(?:was|is|has|does|as|its|this|his|us|thus|perhaps|always|across|versus)\b)[a-z]{2,30}(?<![su])s\b|,? (?:or so|odd) "
)
_SURE = re.compile(
    rf"(?:\b(?:[Ii]n|[Ss]ince|[Dd]uring|[Cc]irca|b\.|d\.|[Cc]a?\.|[Yy]ears?|[Ss]pring|[Ss]ummer|[Aa]utumn|[Ff]all"
    r"|[Ww]inter|[Cc]lass of|[Bb]ack to|FY|Q[1-4]|H[12]"
    rf"|[Ee]arly|[Ll]ate|[Mm]id|[Aa]nno|[Cc]opyright|[Bb]orn"
    rf"|[Dd]ied|[Ee]stablished|[Ff]ounded|[Ee]st\.|{MONTH}\.?,?|AD|A\.D\.)[ -]|[©~]|[Mm]id-|\b[bdrc]\.)$"
)
_LIKELY = re.compile(
    r"\b(?:[Bb]y|[Ff]rom|[Oo]f|[Uu]ntil|[Tt]ill|[Tt]o|[Aa]fter|[Bb]efore|[Bb]etween|[Aa]round|[Aa]bout|[Pp]re-|[Pp]ost-"
    r"|[Bb]etween [0-9]{4} and|[Ff]rom [0-9]{4} to|[0-9]{4},? and|[0-9]{4},|[0-9]{4} or) ?$"
)
_DETERMINED = re.compile(r"(?:\b(?:[Tt]he|[Tt]his|[Tt]hat|[Oo]ur|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir|[Mm]y)|['’]s|\b[Aa]n?) $")
_AMOUNT_BEFORE = re.compile(
    r"(?:\b(?:[Rr]oom|[Ff]light|[Pp]age|[Cc]ode|[Pp]in|PIN|[Oo]ver|[Uu]nder|[Nn]early|[Aa]lmost"
    r"|[Tt]otal of|[Ee]xactly|only|than|least|most|just|up to"
    r"|costs?|paid|sold|bought|weighs?|worth|approximately|roughly|some|equals?|is|are|all|these|those)|=) $"
)
_SPAN_BEGINS = re.compile(r"\b(?:[Ff]rom|[Bb]etween) $")
_SPAN_ENDS = re.compile(rf" (?:to|and|until|through) [12][0-9]{{3}}\b(?! (?:{_MEASURED})\b)")
_NAME_AFTER = re.compile(r" [A-Z][a-z]+(?<!s)\b")
_RELATED = re.compile(
    r"['’]s\b| (?:was|is|saw|will|has|marked|brought|became|edition|election|season|Olympics|World|film|movie|novel)\b"
)


def _in_era(match: re.Match[str]) -> str:
    words = [year(int(number.replace(",", ""))) for number in (match["first"], match["second"]) if number]
    return " to ".join(words)


def _decades(match: re.Match[str]) -> str:
    upper = f" to {plural(year(int(match['second'])) if len(match['second']) == 4 else cardinal(int(match['second'])))}"
    return plural(year(int(match["first"]))) + (upper if match["second"] else "")


def _first_decade(match: re.Match[str]) -> str:
    return plural(year(int(match["first"])))


def _span(match: re.Match[str]) -> str | None:
    first, second = match["first"], match["second"]
    full = first[: -len(second)] + second
    counted = COUNTED.match(after(match)) and len(second) == 4
    if int(full) <= int(first) or counted or (int(first) >= 2100 or (int(first) % 1000 == 0 and int(full) - int(first) > 200)):
        return None
    if len(second) == 4:
        last = year(int(second))
    else:
        last = f"oh {cardinal(int(second))}" if second.startswith("0") else cardinal(int(second))
    return f"{year(int(first))} {'' if match['slash'] else 'to '}{last}"


def _year(match: re.Match[str]) -> str | None:
    """None for what counts something: before 1900 the words around have to say that it is a year."""
    n, left, right = int(match[0]), before(match), after(match)
    if _SPAN_BEGINS.search(left) and _SPAN_ENDS.match(right):
        is_year = True
    elif _SURE.search(left):
        is_year = not COUNTED.match(right)
    elif _DETERMINED.search(left):
        is_year = n >= 1800 and not COUNTED.match(right)
    elif COUNTED.match(right) or _PLURAL.match(right) or n > 2100 or _AMOUNT_BEFORE.search(left):
        is_year = False
    elif n % 100 and n >= 1500 and _NAME_AFTER.match(right):
        is_year = True
    elif _LIKELY.search(left) or _RELATED.match(right) or (left.endswith("(") and right.startswith((")", "-", "–"))):
        is_year = n % 100 > 0 or n >= 1800
    else:
        is_year = 1900 <= n < 2100
    return spaced(match, year(n)) if is_year else None


RULES: tuple[Rule, ...] = (
    Rule(
        "year",
        re.compile(
            rf"(?<![\w.,])(?P<first>[0-9]{{1,4}}|[0-9]{{1,2}},[0-9]{{3}})(?:{DASH}(?P<second>[0-9]{{1,4}}))?(?= ?{ERA}(?![\w]))"
        ),
        _in_era,
    ),
    Rule("year", re.compile(r"(?<=\bAD )(?P<first>[0-9]{1,4})(?:[-–—](?P<second>[0-9]{1,4}))?(?![\w]|[.,:/][0-9])"), _in_era),
    Rule(
        "year",
        re.compile(
            rf"(?<![\w.,/$€£])(?P<first>1[0-9]{{2}}0|20[0-9]0)(?:['’]?s{DASH}(?P<second>[12][0-9]{{2}}0|[1-9]0))['’]?s(?!\w)"
        ),
        _decades,
    ),
    Rule("year", re.compile(r"(?<![\w.,/$€£])(?P<first>1[0-9]{2}0|20[0-9]0)['’]?s(?!\w)(?! of\b)"), _first_decade),
    Rule(
        "year",
        re.compile(
            r"(?<![\w.,/:$€£-])(?P<first>1[0-9]{3}|20[0-9]{2})(?:(?P<slash>/)|(?: [-–—] |[-–—−]))"
            r"(?P<second>1[0-9]{3}|2[01][0-9]{2}|[0-9]{1,2})"
            r"(?![\w/:-]|[.,][0-9])"
        ),
        _span,
    ),
    Rule(
        "year",
        re.compile(
            rf"(?<![\w,/:$€£])(?:(?<!\.)|(?<=\b[bdrcC]\.))(?<![0-9] )(?<![0-9][-–])[12][0-9]{{3}}{NOT_FOLLOWED}"
            rf"(?![\w%°½¼¾+]| ?[x×] ?[0-9]| [0-9]{{3}}\b| ?%)"
        ),
        _year,
    ),
)
