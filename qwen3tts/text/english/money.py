"""Sums of money in English."""

from __future__ import annotations

import re

from qwen3tts.text.english.measures import per_word
from qwen3tts.text.english.numerals import (
    AMOUNT,
    DASH,
    NUMBER,
    SCALE_WORD,
    SCALES,
    cardinal,
    counted,
    describes,
    leading,
    number,
    plain,
    split_sign,
)
from qwen3tts.text.rules import Rule

_DOLLAR = ("dollar", "dollars", "cent", "cents")
_SIGNS: dict[str, tuple[str, ...]] = {
    "$": _DOLLAR,
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen"),
    "￥": ("yen", "yen"),
    "CN¥": ("yuan", "yuan"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won"),
    "₺": ("lira", "liras", "kurush", "kurush"),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₿": ("bitcoin", "bitcoins"),
    "฿": ("baht", "baht"),
    "₫": ("dong", "dong"),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₸": ("tenge", "tenge"),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "₾": ("lari", "laris"),
    "֏": ("dram", "drams"),
    "R$": ("real", "reais", "centavo", "centavos"),
    "zł": ("zloty", "zlotys", "grosz", "groszy"),
    "kr": ("krona", "kronor"),
}
_DOLLARS = {
    ("US$", "USD", "U.S.$", "US $", "USD $", "USD$"): "US",
    ("A$", "AU$", "AUD", "AUD $", "AUD$"): "Australian",
    ("C$", "CA$", "CAD", "CAD $", "CAD$", "CDN$"): "Canadian",
    ("NZ$", "NZD"): "New Zealand",
    ("HK$", "HKD"): "Hong Kong",
    ("S$", "SGD"): "Singapore",
    ("NT$", "TWD"): "Taiwan",
}
_CODES: dict[str, tuple[str, ...]] = {
    "EUR": _SIGNS["€"],
    "GBP": _SIGNS["£"],
    "JPY": _SIGNS["¥"],
    "CNY": _SIGNS["CN¥"],
    "RMB": _SIGNS["CN¥"],
    "RUB": _SIGNS["₽"],
    "RUR": _SIGNS["₽"],
    "INR": _SIGNS["₹"],
    "Rs": _SIGNS["₹"],
    "Rs.": _SIGNS["₹"],
    "KRW": _SIGNS["₩"],
    "TRY": _SIGNS["₺"],
    "UAH": _SIGNS["₴"],
    "ILS": _SIGNS["₪"],
    "BTC": _SIGNS["₿"],
    "THB": _SIGNS["฿"],
    "VND": _SIGNS["₫"],
    "KZT": _SIGNS["₸"],
    "BRL": _SIGNS["R$"],
    "PLN": _SIGNS["zł"],
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "SEK": ("Swedish krona", "Swedish kronor"),
    "NOK": ("Norwegian krone", "Norwegian kroner"),
    "DKK": ("Danish krone", "Danish kroner"),
    "CZK": ("Czech koruna", "Czech korunas"),
    "MXN": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "ZAR": ("rand", "rand", "cent", "cents"),
    "AED": ("dirham", "dirhams"),
    "PHP": _SIGNS["₱"],
}
_CURRENCIES: dict[str, tuple[str, ...]] = {
    **_SIGNS,
    **_CODES,
    **{name: (f"{land} dollar", f"{land} dollars", *_DOLLAR[2:]) for names, land in _DOLLARS.items() for name in names},
}


def _any(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_ANY = _any(list(_CURRENCIES))
_FIRSTS = f"[{''.join(sorted({re.escape(name[0]) for name in _CURRENCIES}))}]"
_LETTERS = "|".join(sorted(SCALES, key=len, reverse=True))
_SUM = rf"(?:{NUMBER}|[0-9]{{1,5}},[0-9]{{2}}(?![0-9,]))"
_SCALE = rf"(?: ?(?P<letter>{_LETTERS})(?!\w)|[ -](?P<scale>{SCALE_WORD})\b)?"
_TO_SCALED = rf" to (?=[$€£¥₽₹₩] ?{_SUM}(?: ?(?:{_LETTERS})|[ -]{SCALE_WORD})\b)"
_AMOUNT_FIRST = leading(AMOUNT, r"(?<![\w.,/:$€£].)", signed=True)
_PER = r"(?: ?/ ?(?P<per>(?:sq\.? ?|cu\.? ?)?[A-Za-zµ]{1,12}[²³23]?)(?![\w]))?"


def _sum(match: re.Match[str]) -> str | None:
    name = match["currency"]
    if match["first"].startswith("0") and match["first"].strip("0").isdigit() and len(match["first"]) > 1:
        return None
    words = _CURRENCIES[name]
    if match["code"]:
        words = _CURRENCIES[match["code"]]
    scale = SCALES[match["letter"]] if match["letter"] else match["scale"]
    sign, first = split_sign((match["sign"] or "") + match["first"])
    if words[0] == "euro" and re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", first):
        first = first.replace(".", "")
    first = plain("0" + first if first.startswith(".") else first)
    second = match["second"]
    adjective = describes(match)
    if second or scale or not _exact(first, words):
        lower = f" {SCALES[match['lower']]}" if second and match["lower"] else ""
        spoken = sign + number(first) + lower + (f" to {number(second)}" if second else "") + (f" {scale}" if scale else "")
        reading = counted(spoken, words[0], words[1], one_only=first == "1" and not (second or scale), adjective=adjective)
    else:
        reading = sign + _major_and_minor(first, words)
    return reading + (" plus" if match["more"] else "") + (f" per {per_word(match['per'])}" if match["per"] else "")


def _exact(first: str, words: tuple[str, ...]) -> bool:
    """Whether a sum is whole units and hundredths that have a name."""
    return len(words) > 2 and bool(re.fullmatch(r"[^.]+\.[0-9]{1,2}", first))


def _major_and_minor(first: str, words: tuple[str, ...]) -> str:
    whole, part = first.split(".")
    minor = int(part.ljust(2, "0"))
    major = "" if number(whole) == "zero" and minor else f"{number(whole)} {words[0] if whole == '1' else words[1]}"
    minors = f"{cardinal(minor)} {words[2] if minor == 1 else words[3]}" if minor else ""
    return " and ".join(filter(None, (major, minors)))


def _coins(match: re.Match[str]) -> str | None:
    one, many = ("cent", "cents") if match["coin"] == "¢" else ("penny", "pence")
    upper = f" to {number(match['second'])}" if match["second"] else ""
    words = number(match["first"]) + upper
    reading = counted(words, one, many, one_only=match["first"] == "1" and not upper, adjective=describes(match))
    return reading + (f" per {per_word(match['per'])}" if match["per"] else "")


RULES: tuple[Rule, ...] = (
    Rule(
        "money",
        re.compile(
            rf"(?P<sign>[-−–+](?<![\w$€£¥₽.,)-].) ?)?(?<![\w$])"
            rf"(?={_FIRSTS})(?P<currency>{_ANY}) ?(?P<first>(?<! )[-−]?{_SUM}|(?<= ){_SUM})"
            rf"(?:(?P<lower>[kKmMbB](?=[-–]))?(?:{DASH}|{_TO_SCALED})(?:{_ANY})? ?(?P<second>{_SUM}))?{_SCALE}"
            rf"(?P<more>\+(?!\w))?"
            rf"(?: ?(?P<code>USD|AUD|CAD|NZD|HKD|SGD)\b(?! ?[0-9]))?{_PER}"
            r"(?!\w|[.,][0-9])"
        ),
        _sum,
    ),
    Rule(
        "money",
        re.compile(
            rf"(?P<first>{_AMOUNT_FIRST})(?P<sign>)"
            rf"(?:(?P<lower>[kKmMbB](?=[-–]))?{DASH}(?P<second>{_SUM}))?{_SCALE}(?P<more>\+)?"
            rf"[ -]?(?={_FIRSTS})(?P<currency>{_ANY})(?P<code>)(?!\w| ?[0-9]){_PER}"
        ),
        _sum,
    ),
    Rule(
        "money",
        re.compile(
            r"(?<![\w.,/:-])(?P<first>[0-9]{1,2}(?:\.[0-9])?)(?:[-–](?P<second>[0-9]{1,2}))?"
            r"(?P<coin> ?¢|(?<=[0-9])p(?!\w))" + _PER
        ),
        _coins,
    ),
)
