"""Quantities with units in English."""

from __future__ import annotations

import re

from qwen3tts.text.english.measures import UNIT, per_word, unit_words
from qwen3tts.text.english.numerals import (
    AMOUNT,
    DASH,
    FRACTIONAL,
    NOT_INSIDE,
    SCALE_WORD,
    amount,
    before_noun,
    counted,
    describes,
    is_one,
    leading,
    number,
)
from qwen3tts.text.rules import Rule, after, before

_FREE = r"(?<![\w.,:].)"
_DOTTED = (
    r"(?:(?<=ft|in|oz|lb|yd|mi|hr|qt|pt|yr|mo|wk)|(?<=lbs|min|sec|hrs|gal|tsp|yrs|mos|yds|wks)|(?<=tbsp|mins|secs|Tbsp))"
    r"\.(?= [a-z(]| [0-9]{1,2}(?:\.[0-9])? ?(?:in|oz)\b|[,;:)])"
)
_SIZED = re.compile(r"[.,;)]|[- ]?(?:wide|long|tall|high|deep|thick|diameter|in diameter|diagonal|x|×|by|of (?:rain|snow))\b")
_TALL = re.compile(r" (?:[a-z]+ )?(?:tall|high|wide|long|deep|ceilings?|walls?|fences?|by)\b")
_FEET_BEFORE = re.compile(r"(?:\bft\.?|\bfeet|['′’]) $|[x×] ?$")
_NOUN = re.compile(
    r" (?:round|square|springform|baking|cake|pie|deep|cast|loaf|skillet|pan|pot|dish|tin|cubes?|slices?|pieces|strips|rounds)\b"
)
_PEOPLE = re.compile(
    r" (?:people|users|followers|views|subscribers|customers|copies|homes|downloads|jobs|visitors|times|viewers|players)\b"
)
_HEAT = re.compile(r"\b(?:oven|temperature|preheat|heat|bake|weather|fever|hot|cold|warm|high|low)\b", re.I)
_FONT = re.compile(r"[- ](?:font|type|text|size|bold|italic|Arial|Times|lead)")
_SCALES = {"C": "Celsius", "F": "Fahrenheit", "K": "Kelvin"}
_POINTS = {"N": "north", "S": "south", "E": "east", "W": "west"}


def _reads(match: re.Match[str], symbol: str, joined: bool) -> bool:
    """Whether letters that are other things as well are a unit here."""
    right = after(match)
    capital = re.match(r" [A-Z0-9]", right)
    tests = {
        "in": lambda: (
            joined
            or not right
            or match["stop"]
            or _SIZED.match(right)
            or _FEET_BEFORE.search(before(match))
            or "x" in match["dimensions"]
        ),
        "s": lambda: not joined or "." in match[0],
        "A": lambda: not right.startswith(".D") and (joined or describes(match) or not re.match(r" [a-z]", right)),
        "K": lambda: not joined and not re.match(r" (?:run|race|walk|resolution|video|TV)", right),
        "N": lambda: not capital,
        "W": lambda: not capital,
        "C": lambda: joined or _is_heat(match),
        "F": lambda: joined or _is_heat(match),
        "t": lambda: not re.match(r"['’]", right),
        "sf": lambda: not joined,
        "cd": lambda: not joined,
        "ha": lambda: not right.startswith(" ha"),
    }
    return symbol not in tests or bool(tests[symbol]())


def _is_heat(match: re.Match[str]) -> bool:
    """ "72 F" alone or after what is said of temperatures, not "Exercise 3 C"."""
    left, right = before(match), after(match)
    high = re.fullmatch(r"[-−]?[0-9]{2,3}", match["first"]) and not re.match(r"[\w-]| [A-Z0-9]", right)
    return bool(_HEAT.search(left) or (high and not re.search(r"[A-Z][a-z]+\.? $|\b[a-z]*(?:room|seat|gate|row|apt)\.? $", left)))


def _quantity(match: re.Match[str]) -> str | None:
    symbol, gap = match["unit"], match["gap"]
    joined = not gap
    if not _reads(match, symbol, joined):
        return None
    if symbol == "m" and _PEOPLE.match(after(match)):
        return f"{amount(match['first'])} million"
    one, many = unit_words(symbol)
    if symbol == "pt" and (joined or _FONT.match(after(match))):
        one, many = "point", "points"
    words = amount(match["first"])
    parts = [part for part in re.split(r" ?[x×] ?(?=[0-9.])", match["dimensions"]) if part]
    words += "".join(f" by {amount(part)}" for part in parts)
    if match["second"]:
        between = f" {unit_words(match['repeated'])[1]}" if match["repeated"] else ""
        words += f"{between} to {amount(match['second'])}"
    if match["scale"]:
        words += f" {match['scale']}"
    single = is_one(match["first"]) and words == amount(match["first"])
    if symbol == "in" and match["stop"] and _NOUN.match(after(match)):
        return counted(words, one, many, one_only=single, adjective=True)
    return counted(
        words, one, many, one_only=single, adjective=gap == "-" or describes(match) or (symbol == "pt" and one == "point")
    )


def _by(match: re.Match[str]) -> str | None:
    return " by " if re.search(rf"[0-9] ?(?:{UNIT}|[\"'″′”’])$", before(match)) else None


def _feet(match: re.Match[str]) -> str | None:
    """5'11", 6 ft 2 in and 5ft11."""
    feet, inches, mark = match["feet"], match["inches"], match["mark"]
    if not mark and (not inches.isdecimal() or int(inches) >= 12):
        return None
    if describes(match):
        return f"{amount(feet)}-foot-{amount(inches)}" + ("-inch" if mark else "")
    upper = counted(amount(feet), "foot", "feet", one_only=feet == "1", adjective=False)
    lower = counted(amount(inches), "inch", "inches", one_only=inches == "1", adjective=False)
    return upper if inches == "0" else f"{upper} {lower}"


def _foot(match: re.Match[str]) -> str | None:
    """A straight mark behind a number means feet where a size is told."""
    described = describes(match)
    beside = match["sides"] or re.match(r" ?[x×] ?[0-9]", after(match))
    opened = re.search(r"(?<!\w)['‘][^'’]*$", before(match))
    told = described or _TALL.match(after(match)) or re.match(r"[.,;)]|$", after(match))
    if match["mark"].strip() != "′" and not beside and (opened or not told):
        return None
    words = " by ".join([amount(match["first"]), *(amount(side) for side in re.findall(AMOUNT, match["sides"] or ""))])
    return counted(words, "foot", "feet", one_only=words == "one", adjective=described or bool(beside and before_noun(match)))


def _inches(match: re.Match[str]) -> str | None:
    """A straight quotation mark behind a number means inches unless it closes what another has opened."""
    quotes = before(match)
    if match["mark"] == '"' and len(re.findall(r"(?<![0-9])\"", quotes)) % 2:
        return None
    if match["mark"] == "”" and quotes.count("“") > quotes.count("”"):
        return None
    words = amount(match["first"]) + (f" to {amount(match['second'])}" if match["second"] else "")
    words += "".join(f" by {amount(side)}" for side in re.findall(AMOUNT, match["sides"] or ""))
    single = is_one(match["first"]) and not (match["second"] or match["sides"])
    described = describes(match) or bool(re.match(" [a-z]", after(match)) and before_noun(match))
    return counted(words, "inch", "inches", one_only=single, adjective=described)


def _angle(match: re.Match[str]) -> str:
    names = (("degrees", "degree"), ("minutes", "minute"), ("seconds", "second"))
    parts = [
        counted(number(match[name]), one, name, one_only=match[name] == "1", adjective=False) for name, one in names if match[name]
    ]
    return " ".join([*parts, *(_POINTS[match[name]] for name in ("point", "point2") if match[name])])


def _scale(match: re.Match[str]) -> str:
    return _SCALES[match[0][-1]] if len(match[0]) == 1 else f"degrees {_SCALES[match[0][-1]]}"


def _per(match: re.Match[str]) -> str | None:
    return f" per {per_word(match[1])}" if re.search(r"[0-9] ?[x×]?(?:[ -][A-Za-z]{1,14})?$", before(match)) else None


def _after_power(match: re.Match[str]) -> str | None:
    if not re.search(r"(?:10\^[-−]?[0-9]{1,3}|10⁻?[⁰¹²³⁴-⁹]{1,3})$", before(match)):
        return None
    return " " + unit_words(match["unit"])[1]


RULES: tuple[Rule, ...] = (
    Rule(
        "unit",
        re.compile(
            rf"(?P<degrees>[0-9]{NOT_INSIDE}[0-9]{{0,2}}(?:\.[0-9]{{1,9}})?) ?[°º]"
            r"(?: ?(?P<minutes>[0-9]{1,2}(?:\.[0-9]{1,6})?) ?['′’]"
            r"(?: ?(?P<seconds>[0-9]{1,2}(?:\.[0-9]{1,6})?) ?(?:[\"″”]|''|′′))?"
            r"(?: ?(?P<point>[NSEW])\b)?| ?(?P<point2>[NSEW])\b)"
        ),
        _angle,
    ),
    Rule(
        "unit",
        re.compile(
            rf"(?P<feet>[0-9](?<![\w.,:].)[0-9]{{0,2}}) ?['′’][ -]?(?P<inches>{FRACTIONAL}|[0-9]{{1,2}}(?:\.[0-9]{{1,2}})?)"
            r"(?P<mark> ?(?:[\"″”]|''|′′|’’))?(?![\w])"
        ),
        _feet,
    ),
    Rule(
        "unit",
        re.compile(
            rf"(?P<first>{leading(AMOUNT, _FREE)})(?P<sides>(?:['′’] ?[x×] ?{AMOUNT}(?=['′’])){{1,2}})?(?P<mark> ?′|['’])(?!\w)"
        ),
        _foot,
    ),
    Rule(
        "unit",
        re.compile(
            r"(?P<feet>[0-9](?<![\w.,:-].)[0-9]{0,2}) ?(?:ft|foot|feet)(?:\.(?= ))? ?"
            r"(?P<inches>[0-9]{1,2}(?:\.[0-9]{1,2})?|1?[0-9] [1-7]/[248])"
            r"(?P<mark> ?(?:in|inch|inches)\b(?:\.(?= [a-z]))?)?(?!\w|-[0-9])"
        ),
        _feet,
    ),
    Rule("unit", re.compile(r"[CFK°º](?:(?:(?<=degrees .)|(?<=degree .))(?<![°º])(?!['’-])|(?<=[°º])[CF])(?!\w)"), _scale),
    Rule(
        "unit",
        re.compile(
            rf"(?P<first>{leading(AMOUNT, _FREE)})(?:{DASH}(?P<second>{AMOUNT})|(?P<sides>(?:[\"″”]? ?[x×] ?{AMOUNT}){{1,2}}))?"
            rf"(?P<mark>\"|″|”|''|′′)(?!\w)"
        ),
        _inches,
    ),
    Rule(
        "unit",
        re.compile(
            rf"(?P<first>{leading(AMOUNT, signed=True)})(?P<dimensions>(?: ?[x×] ?{AMOUNT}){{0,3}})"
            rf"(?:(?: ?(?P<repeated>{UNIT}))?{DASH}(?P<second>[-−+]?{AMOUNT}))?(?: (?P<scale>{SCALE_WORD}))?"
            rf"(?P<gap> ?|-)(?=[A-Za-z°º℃℉µμΩÅ])(?P<unit>{UNIT})(?P<stop>{_DOTTED})?"
        ),
        _quantity,
    ),
    Rule("unit", re.compile(r"(?<=[\w\"'″′”’²]) ?[x×] ?(?=[0-9])"), _by),
    Rule(
        "unit",
        re.compile(
            r"(?<=[A-Za-z×])/((?:day|week|wk|month|mo|year|yr|hour|hr|minute|min|second|sec|night|person|capita|game|unit)(?!\w))"
        ),
        _per,
    ),
    Rule("unit", re.compile(rf"(?<=[0-9⁰¹²³⁴-⁹]) (?P<unit>{UNIT})"), _after_power),
)
