"""Abbreviations, and whether the stop behind one also ends the sentence."""

from __future__ import annotations

import re

from qwen3tts.text.english.numerals import cardinal
from qwen3tts.text.rules import Rule, after, before, ends_phrase

_OPENERS = (
    "The A An He She It They We You I This That These Those There Then When While If In On At But And Or So His Her Its Their My "
    "Our What Who How Why Where After Before As For From By No Not Yes All Some Many Most Every Each Is Are Was Were Do Does Did "
    "Can Could Will Would Please Let Maybe However Although Because Since Now Here Today Tomorrow Yesterday Also Once Only Another"
).replace(" ", "|")
_SENTENCE_END = re.compile(rf"[\"'”’)\]]*(?:\s*$|\s*\n|\s+[\"'“‘(]?(?:(?:{_OPENERS})\b|[А-ЯЁ]))")
_CAPITAL_NEXT = re.compile(r"[\"'”’)\]]*(?:\s*$|\s*\n|\s+[\"'“‘(]?[A-ZА-ЯЁ])")


def final_stop(match: re.Match[str], *, may_end: bool = True) -> str:
    """The stop that a sentence keeps when its last abbreviation gives up its own. may_end: any capital begins a new sentence."""
    rest = after(match)
    return "." if not ends_phrase(match) and (_CAPITAL_NEXT if may_end else _SENTENCE_END).match(rest) else ""


def cased(written: str, reading: str) -> str:
    """The reading with a capital where the abbreviation has one."""
    return reading[0].upper() + reading[1:] if written[0].isupper() else reading


# Anywhere. Those that end a sentence easily keep their stop before any capital.
_LIST_ENDS = {"etc": "et cetera", "&c": "et cetera", "et al": "et al"}
_ANYWHERE = {
    "e.g": "for example",
    "e. g": "for example",
    "i.e": "that is",
    "i. e": "that is",
    "a.k.a": "also known as",
    "vs": "versus",
    "viz": "namely",
    "cf": "compare",
    "approx": "approximately",
    "appt": "appointment",
    "assoc": "associate",
    "asst": "assistant",
    "attn": "attention",
    "acct": "account",
    "avg": "average",
    "bldg": "building",
    "dept": "department",
    "depts": "departments",
    "encl": "enclosed",
    "est": "estimated",
    "excl": "excluding",
    "govt": "government",
    "incl": "including",
    "intl": "international",
    "max": "maximum",
    "mfg": "manufacturing",
    "mgmt": "management",
    "mgr": "manager",
    "misc": "miscellaneous",
    "natl": "national",
    "pkg": "package",
    "pls": "please",
    "qty": "quantity",
    "tel": "telephone",
    "univ": "university",
    "vol": "volume",
    "vols": "volumes",
    "yr": "year",
    "yrs": "years",
}
_SHORT = {
    "w/o": "without",
    "w/in": "within",
    "b/w": "between",
    "cont'd": "continued",
    "int'l": "international",
    "gov't": "government",
    "dep't": "department",
    "w/": "with",
    "b/c": "because",
    "c/o": "care of",
    "n/a": "not applicable",
    "N/A": "not applicable",
    "s/he": "she or he",
    "aka": "also known as",
    "km/h": "kilometers per hour",
    "m/s": "meters per second",
    "vs": "versus",
    "approx": "approximately",
    "w.r.t.": "with respect to",
    "p/m": "per month",
    "p/w": "per week",
    "pcm": "per calendar month",
    "Ctrl": "Control",
    "CTRL": "Control",
    "Cmd": "Command",
    "et al": "et al",
}
# Behind a capitalised word.
_FIRMS = {
    "Inc": "Incorporated",
    "Ltd": "Limited",
    "Co": "Company",
    "Corp": "Corporation",
    "Bros": "Brothers",
    "Assn": "Association",
}
_NAMES = {"Max", "Viz", "Est"}
"""Words of their own, at a sentence's end."""
# Before a number.
_NUMBERED = {
    "no": "number",
    "hwy": "highway",
    "rte": "route",
    "rt": "route",
    "nos": "numbers",
    "nr": "number",
    "p": "page",
    "pp": "pages",
    "pg": "page",
    "vol": "volume",
    "vols": "volumes",
    "fig": "figure",
    "figs": "figures",
    "ch": "chapter",
    "chap": "chapter",
    "chaps": "chapters",
    "sec": "section",
    "sect": "section",
    "art": "article",
    "arts": "articles",
    "para": "paragraph",
    "paras": "paragraphs",
    "eq": "equation",
    "eqs": "equations",
    "ex": "example",
    "pt": "part",
    "op": "opus",
    "ed": "edition",
    "ep": "episode",
    "eps": "episodes",
    "apt": "apartment",
    "ste": "suite",
    "fl": "floor",
    "rm": "room",
    "bldg": "building",
    "tab": "table",
    "ver": "version",
    "rev": "revision",
    "ext": "extension",
    "iss": "issue",
    "app": "appendix",
    "col": "column",
    "c": "circa",
    "ca": "circa",
    "est": "established",
    "min": "minimum",
    "max": "maximum",
    "ln": "line",
    "v": "verse",
    "vv": "verses",
}
_UNITS_TOO = {"min", "max", "sec", "pt", "p", "c", "v", "ch", "fl"}
_FIGURE_BEFORE = re.compile(r"[0-9] $")
_PRONOUN = re.compile(r" ?I\b")
_STOPLESS = {
    "Est",
    "Hwy",
    "Rte",
    "Ext",
    "pp",
    "vol",
    "vols",
    "fig",
    "figs",
    "apt",
    "ste",
    "rm",
    "bldg",
    "ext",
    "No",
    "Nos",
    "Ch",
    "Sec",
    "Vol",
    "Fig",
}
_CALENDAR = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December", "Mon": "Monday",
    "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday",
    "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip


_LIFE = {"b": "born", "d": "died", "r": "reigned"}


def _any(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _list_end(match: re.Match[str]) -> str:
    return cased(match[1], _LIST_ENDS[match[1].lower()]) + final_stop(match)


def _anywhere(match: re.Match[str]) -> str | None:
    stop = final_stop(match, may_end=False)
    if (stop and match[1] in _NAMES) or match[1] == "EST":
        return None
    if match[1].lower() == "est" and after(match).startswith(" in "):
        return cased(match[1], "established")
    return cased(match[1], _ANYWHERE[match[1].lower()]) + stop


def _firm(match: re.Match[str]) -> str:
    return _FIRMS[match[1]] + final_stop(match, may_end=False)


def _numbered(match: re.Match[str]) -> str | None:
    word, stop = match[1], match[2]
    if not stop and word not in _STOPLESS:
        return None
    if (word in _UNITS_TOO and _FIGURE_BEFORE.search(before(match))) or (word.lower() == "no" and _PRONOUN.match(after(match))):
        return None
    reading = _NUMBERED[word.lower()]
    if word.lower() == "est" and not re.match(r" ?(?:1[5-9]|20)[0-9]{2}(?![\w,])", after(match)):
        reading = "estimated"
    return cased(word, reading) + " " * (match.string[match.end()] != " ")


def _day(match: re.Match[str]) -> str | None:
    if before(match).lower().endswith(("the ", "the\n")):
        return None  # the Sun
    return _CALENDAR[match[1]] + final_stop(match, may_end=False)


def _days(match: re.Match[str]) -> str:
    return ", ".join(_CALENDAR[day.rstrip(".")] for day in match[0].split("/"))


def _span(match: re.Match[str]) -> str:
    return f"{_CALENDAR[match[1]]} to {_CALENDAR[match[2]]}"


RULES = (
    Rule(
        "calendar",
        re.compile(rf"(?<![\w.@/&-])({_any(_CALENDAR)})\.?(?: ?[-–—] ?| to )({_any(_CALENDAR)})(?:\.(?=[,;:)]| [a-z0-9])|(?!\w))"),
        _span,
    ),
    Rule("calendar", re.compile(rf"(?<![\w.@/&-])(?:{_any(_CALENDAR)})\.?(?:/(?:{_any(_CALENDAR)})\.?){{1,6}}(?![\w/])"), _days),
    Rule(
        "calendar",
        re.compile(
            r"(?<![\w.@/&-])(?:(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri)(?=[:,;)]| [0-9]| and | or | at | from |[^\S\n]*$)"
            r"|(?:Sat|Sun)(?=: |:? [0-9]{1,2}(?::[0-9]{2}|[-–]| ?[ap]\.?m)))"
        ),
        lambda match: _CALENDAR[match[0]],
    ),
    Rule("calendar", re.compile(r"(?<![\w.@/&-])M[-–]F(?=,?:? [0-9])"), lambda match: "Monday to Friday"),
    Rule("abbreviation", re.compile(r"(?<![\w.@/&-])([Ee]q)(s?)\.(?= \()"), lambda match: cased(match[1], "equation") + match[2]),
    Rule("abbreviation", re.compile(rf"(?<![\w.@/&-])({_any(_LIST_ENDS)})\.", re.IGNORECASE), _list_end),
    Rule(
        "abbreviation",
        re.compile(
            rf"(?<![\w.@/&$-])(?=[A-Z]{{1,5}}\.? ?[0-9IVXLC])({_any(_NUMBERED)})(\.?)(?= ?(?:[0-9]|(?-i:[IVXLC]{{1,8}}\b(?!\.))))",
            re.IGNORECASE,
        ),
        _numbered,
    ),
    Rule("abbreviation", re.compile(r"(?<![\w.@/&-])(pp?)\.(?= [ivxl]{1,7}\b)"), lambda match: _NUMBERED[match[1]]),
    Rule("abbreviation", re.compile(rf"(?<![\w.@/&-])(?=[A-Z]{{1,6}}\.)({_any(_ANYWHERE)})\.(?!\w)", re.IGNORECASE), _anywhere),
    Rule("abbreviation", re.compile(rf"(?<![\w./@&-])(?:{_any(_SHORT)})(?![\w/.@-])"), lambda match: _SHORT[match[0]]),
    Rule("abbreviation", re.compile(r"(?<![\w.@/&-])([bdr])\. ?(?=(?:c\. ?)?[12][0-9]{3}\b)"), lambda match: f"{_LIFE[match[1]]} "),
    Rule("abbreviation", re.compile(r"(?<![\w.@/&-])Sec\.(?= of [A-Z])"), lambda match: "Secretary"),
    Rule(
        "abbreviation", re.compile(r"(?<![\w.,/-])([0-9]{1,3}) ?y/?o(?![\w/])"), lambda match: f"{cardinal(int(match[1]))}-year-old"
    ),
    Rule("abbreviation", re.compile(r"(?<![\w./@&-])[Ww]/(?=[a-z]{2}|[0-9])"), lambda match: cased(match[0], "with ")),
    Rule("abbreviation", re.compile(rf"(?=[A-Z])(?:(?<=[\w)&!.] )|(?<=[\w)], ))({_any(_FIRMS)})\.(?!\w)"), _firm),
    Rule("abbreviation", re.compile(r"(?<=[a-z] )v\.(?= [A-Z])"), lambda match: "versus"),
    Rule("abbreviation", re.compile(r"(?<=[0-9](?:st|nd|rd|th) )ed\.(?!\w)"), lambda match: "edition" + final_stop(match)),
    Rule("abbreviation", re.compile(r"(?<=[0-9%] )p\.a\.(?!\w)"), lambda match: "per annum" + final_stop(match)),
    Rule("calendar", re.compile(rf"(?<![\w.@/&-])({_any(_CALENDAR)})\.(?! ?[0-9])(?!\w)"), _day),
)
