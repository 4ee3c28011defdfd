"""Numbers in English: ordinals, fractions, percentages, ranges, and the net below everything that is written in digits."""

from __future__ import annotations

import re

from qwen3tts.text.english import years
from qwen3tts.text.english.numerals import (
    AMOUNT,
    DASH,
    FRACTIONAL,
    NOT_FOLLOWED,
    NOT_INSIDE,
    NUMBER,
    SCALES,
    amount,
    cardinal,
    decimal,
    digits,
    fraction,
    leading,
    number,
    ordinal,
    plural,
    resolution,
    spaced,
    year,
)
from qwen3tts.text.rules import Rule, after, before

__all__ = ["RULES", "cardinal", "decimal", "digits", "number", "ordinal", "year"]

_SUFFIX = r"(?:st|nd|rd|th|ST|ND|RD|TH)"
_ORDINAL = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,20})"
_ORDINAL_REST = r"(?:[0-9]{0,2}(?:,[0-9]{3}){1,6}|[0-9]{0,19})"
_AFTER_NOTHING = r"(?<![\w.,].)"
_ALONE = r"(?<![\w,/:-].)(?<![^A-Za-z]\..)"
_APART = r"(?<![\w/⁄].)(?<![0-9][.,-].)"
_EQUALS_AFTER = re.compile(r"\s*[=≈≠]|\s*[-+−×*/]\s*[0-9.]{1,12}\s*[=≈≠]")
_ASKED_AFTER = re.compile(r"\s*(?:\?|is\b|equals\b)")
_EQUALS_BEFORE = re.compile(r"[=≈≠]\s*$|[=≈≠]\s*[0-9.]{1,12}\s*[-+−×*/]\s*$")
_RATED = re.compile(
    r"\b(?:rat\w+|scor\w+|g[aeio]t|gave|give|it|a|grad\w+|mark\w*|solid|review|overall)(?: (?:an?|of|it|at|as|me))?:? $", re.I
)
_ASKED = re.compile(r" (?:times|people|would|doctors|dentists|customers|women|men|experts|patients|students|stars)\b")
_SPORT_SIZE = re.compile(r" (?:run|race|runs|races|marathon|course)\b")
_SCREEN = re.compile(
    r"[- ]?(?:video|TV|television|resolution|display|screen|monitor|UHD|camera|footage|movie|film|Blu|HDR|content)"
)
_BILLIONS = re.compile(r" (?:users|people|views|downloads|dollars|euros|years|streams|customers|devices|parameters)\b")
_PREPOSITION = re.compile(
    r"\b(?:of|in|since|from|to|by|until|till|before|after|late|early|and|summer|spring|fall|autumn|winter|the|class|back) $", re.I
)
_WHOLE = re.compile(
    r" (?:people|persons|inhabitants|residents|citizens|visitors|users|soldiers|troops|employees|workers|students|copies|units"
    r"|items|pieces|votes|jobs|homes|cars|members|customers|euros|dollars|rubles|yen|lira|pesos)\b"
)
"""What has no thousandths: a full stop before three digits parts thousands."""
_NAMED_LIKE_YEARS = re.compile(r"[1-9][0-9][1-9]")


def _ordinal(match: re.Match[str]) -> str:
    first, last = (ordinal(int(written.replace(",", ""))) if written else "" for written in (match["lead"], match["ordinal"]))
    words = last or first
    first = f"{first} to " if last else ""
    return spaced(match, first + (plural(words) if match["plural"] else words))


def _suffixed_fraction(match: re.Match[str]) -> str:
    return fraction(int(match[1]), int(match[2]))


def _percent(match: re.Match[str]) -> str:
    name = "per mille" if match["sign"] == "‰" else "percent"
    first = amount(match["first"])
    if not match["second"]:
        return spaced(match, f"{first} {name}")
    return spaced(match, f"{first} {'percent ' if match['between'] else ''}to {amount(match['second'])} {name}")


def _fractional(match: re.Match[str]) -> str | None:
    if parts := re.fullmatch(r"([0-9]+)/(10|100|[2-9]|20|50)", match[0]):
        top, bottom = int(parts[1]), int(parts[2])
        if bottom in (2, 4, 8) and re.match(r" (?:time|meter)\b(?! series| jobs?| employ)", after(match)):
            return f"{cardinal(top)} {cardinal(bottom)}"
        rated = bottom in (5, 10, 20, 50, 100) and (bottom >= 10 or top > 1) and _RATED.search(before(match))
        if top <= bottom and (rated or (top == bottom and bottom > 4) or _ASKED.match(after(match))):
            return f"{cardinal(top)} out of {cardinal(bottom)}"
    words = amount(match[0])
    short = re.match(r" an? ", after(match)) or re.search(r"\b[Aa] $", before(match))
    return spaced(match, words.removeprefix("one ") if short else words)


def _rating(match: re.Match[str]) -> str:
    return f"{number(match[1])} out of {number(match[2])}"


def _times(match: re.Match[str]) -> str | None:
    if re.search(r"[=≈(+*/] ?$| [-−] $", before(match)):
        return None
    upper = f" to {number(match['second'])}" if match["second"] else ""
    return f"{number(match['first'])}{upper} times"


def _dimensions(match: re.Match[str]) -> str | None:
    if re.match(r"\s*(?:\^|\*\*|[⁰¹²³⁴-⁹⁻])", after(match)):
        return None
    sums = _EQUALS_AFTER.match(after(match)) or _ASKED_AFTER.match(after(match)) or _EQUALS_BEFORE.search(before(match))
    read = number if sums else resolution
    words = (" times " if sums else " by ").join(read(part.strip()) for part in re.split("[x×X]", match[0].removesuffix("s")))
    return spaced(match, plural(words) if match["plural"] else words)


def _scaled(match: re.Match[str]) -> str | None:
    letter, rest = match["scale"], after(match)
    if letter == "K" and (_SCREEN.match(rest) or _SPORT_SIZE.match(rest) or match["first"] in ("4", "8")) and not match["second"]:
        return f"{number(match['first'])} K"
    if letter in ("b", "t", "T", "m", "mm", "MM", "mil") or (
        letter == "B" and "." not in match["first"] and not _BILLIONS.match(rest)
    ):
        return None
    upper = f" to {number(match['second'])}" if match["second"] else ""
    lower = f" {SCALES[match['lower']]}" if match["lower"] else ""
    return f"{number(match['first'])}{lower}{upper} {SCALES[letter]}"


def _and_more(match: re.Match[str]) -> str:
    return f"{number(match[1])} plus"


def _chain(match: re.Match[str]) -> str:
    return " ".join(number(part) for part in re.split("[-–]", match[0]))


def _range(match: re.Match[str]) -> str:
    first, second = amount(match["first"]), amount(match["second"])
    if _EQUALS_AFTER.match(after(match)) or _EQUALS_BEFORE.search(before(match)):
        return f"{first} minus {second}"
    if not (before(match) or after(match)) and " " in match[0] and re.fullmatch("[0-9]+ - [0-9]+", match[0]) and _falls(match):
        return f"{first} minus {second}"
    if first == second and re.fullmatch("[2-9]0", match["second"]):
        return f"{first}-{second}"
    return f"{first} to {second}"


def _falls(match: re.Match[str]) -> bool:
    return int(match["first"][:30]) > int(match["second"][:30])


def _plural(match: re.Match[str]) -> str:
    written = match[1].replace(",", "")
    if re.fullmatch("10{1,3}", written) and after(match).startswith(" of "):
        return plural(cardinal(int(written)).removeprefix("one "))
    if _NAMED_LIKE_YEARS.fullmatch(written):
        return plural(f"{cardinal(int(written[0]))} {cardinal(int(written[1:]))}")
    return plural(number(written))


def _short_decade(match: re.Match[str]) -> str:
    return plural(cardinal(int(match[1])))


def _short_year(match: re.Match[str]) -> str | None:
    if not _PREPOSITION.search(before(match)):
        return None
    return f"oh {cardinal(int(match[1]))}" if match[1].startswith("0") else cardinal(int(match[1]))


def _scientific(match: re.Match[str]) -> str:
    return f"{number(match['first'])} times ten to the power of {number(match['power'])}"


def _number(match: re.Match[str]) -> str:
    text = match[0]
    if re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text) and _WHOLE.match(after(match)):
        text = text.replace(".", "")
    return spaced(match, number(text))


RULES: tuple[Rule, ...] = (
    *years.RULES,
    Rule(
        "ordinal",
        re.compile(
            rf"(?P<lead>[0-9](?<![/⁄].){NOT_INSIDE}{_ORDINAL_REST})(?:{_SUFFIX}?{DASH}(?P<ordinal>{_ORDINAL}))?"
            rf"(?:{_SUFFIX}|(?<=1)(?:er|ère))"
            r"(?P<plural>s?)(?!\w)"
        ),
        _ordinal,
    ),
    Rule("fraction", re.compile(rf"(?<![\w/⁄.,])([0-9]{{1,3}})[/⁄]([0-9]{{1,4}}){_SUFFIX}s?(?!\w)"), _suffixed_fraction),
    Rule(
        "percent",
        re.compile(
            rf"(?P<first>{leading(AMOUNT, signed=True)})(?:(?P<between> ?%)?{DASH}(?P<second>[-−+]?{AMOUNT}))?"
            rf"(?:(?P<sign> ?[%‰])| pct\b)"
        ),
        _percent,
    ),
    Rule(
        "fraction",
        re.compile(r"(?<![\w/⁄.,])1[/⁄]([0-9]{2,5}) ?(?:s|secs?|seconds?)(?!\w)"),
        lambda match: f"{fraction(1, int(match[1]))} of a second",
    ),
    Rule("fraction", re.compile(r"(?<![\w/⁄.,])([0-9]{1,2}\.[0-9]{1,2}) ?/ ?(4|5|10|20|100)(?![\w/⁄]|[.,][0-9])"), _rating),
    Rule("fraction", re.compile(rf"{leading(FRACTIONAL, _APART, signed=True)}(?![0-9])"), _fractional),
    Rule(
        "number",
        re.compile(
            rf"(?P<first>{leading(NUMBER)})(?:[x×]?[-–](?P<second>{NUMBER}))?(?:[xX]| ?×)(?![\w²³])(?! ?(?:[0-9]|[(a-z]\b|[=<>≤≥]))"
        ),
        _times,
    ),
    Rule(
        "dimensions",
        re.compile(rf"{leading(NUMBER, _AFTER_NOTHING)}(?: ?[x×X] ?{NUMBER}){{1,3}}(?P<plural>s(?!\w))?(?![x×X0-9]|[.,][0-9])"),
        _dimensions,
    ),
    Rule(
        "number",
        re.compile(
            rf"(?P<first>{leading(NUMBER, signed=True)})(?:(?P<lower>[kKM])?[-–](?P<second>{NUMBER}))?"
            rf"(?P<scale>{'|'.join(sorted(SCALES, key=len, reverse=True))})(?!\w)"
        ),
        _scaled,
    ),
    Rule("number", re.compile(rf"({leading(NUMBER)})\+(?![\w+=(])(?! ?[0-9(])"), _and_more),
    Rule("number", re.compile(r"(?<![\w.,/:-])[0-9]{1,3}(?:[-–][0-9]{1,3}){2,9}(?![\w/:-]|[.,][0-9])"), _chain),
    Rule(
        "range",
        re.compile(
            rf"(?P<first>{leading(AMOUNT, _ALONE, signed=True)}){DASH}"
            rf"(?P<second>[-−]?(?:{FRACTIONAL}|{NUMBER}))(?:(?![\w/:-]|[.,][0-9])|(?=-[a-z]{{2}}))"
        ),
        _range,
    ),
    Rule("number", re.compile(r"(?<!\w)['’‘]([1-9]0)['’]?s(?!\w)"), _short_decade),
    Rule("year", re.compile(r"(?<!\w)['’‘]([0-9]{2})(?![\w'’])"), _short_year),
    Rule("number", re.compile(r"(?<![\w.,])([0-9]{1,3}|[0-9]{1,3},000|[0-9]{4,9})['’]?s(?!\w)"), _plural),
    Rule(
        "number",
        re.compile(r"(?P<first>(?<![\w.,-])[-−]?[0-9]{1,4}(?:\.[0-9]{1,20})?)[eE](?P<power>[-−+]?[0-9]{1,3})(?!\w|[.,-][0-9])"),
        _scientific,
    ),
    Rule("number", re.compile(rf"{leading(NUMBER, signed=True)}{NOT_FOLLOWED}"), _number),
    Rule("number", re.compile(r"[0-9]+"), _number),
)
