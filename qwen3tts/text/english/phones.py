"""Telephone, card and account numbers: digit by digit, in the groups that they are written in."""

from __future__ import annotations

import re

from qwen3tts.text.english.numbers import digits
from qwen3tts.text.rules import Rule, before

_EXTENSION = r"(?:,? ?(?:ext\.?|extension|x|Ext\.?) ?(?P<extension>[0-9]{1,6}))?"
_NO_MORE = r"(?![\w]|[-–.,/:][0-9])"
_FREE = r"(?<![\w.,/:$€£#+-])"
_CALL = re.compile(
    r"\b(?:call|dial|ring|phone|telephone|tel|mobile|cell|fax|text|texted|sms|contact|reach|hotline|helpline|whatsapp|number|no|office|home|"
    r"landline|voicemail|called|calling|dialed|dialled|dialing|phoned|t|m|f)\b[^.!?\n]{0,40}$",
    re.IGNORECASE,
)
_EMERGENCY_BEFORE = re.compile(
    r"\b(?:call|dial|ring|phone|called|calling|dialed|dialled|dialing|to|via|text|a|the)\s[\"“]?$"
    r"|\bemergency(?: number)?(?: in [\w ]{1,20}| line)?(?: is|:)? $",
    re.IGNORECASE,
)
_EMERGENCY_AFTER = re.compile(
    r" (?:calls?|callers?|operators?|dispatch|dispatchers?|emergency|hotline|services?|system|recording)\b"
    r"| is [\w' ]{0,40}\b(?:emergency|crisis)\b| (?:for|in) (?:an |all |any )?emergenc"
)
_NUMBERED = re.compile(
    r"\b(?:(?:pin|passcode|password|otp|code|account|acct\.?|serial|tracking|passport|ssn|isbn|issn|vin|imei|ein|iban|s/n|routing|cvv|cvc)"
    r"(?: (?:number|no\.?|code|id))?"
    r"|(?:card|invoice|order|confirmation|reference|booking|reservation|ticket|id|case|membership|policy|customer|license|licence|badge|"
    r"member|employee|student|plate|reg|registration|flight|model|part)"
    r" (?:number|no\.?|code|id|num)|plate)(?: is| was)?:? ?(?-i:[A-Z]{1,3}[ -])?$",
    re.IGNORECASE,
)
_TEXTED = re.compile(
    r"\b(?:[Tt]ext|TEXT|[Ss]end|[Mm]essage|SMS) [\"“'‘]?[A-Z][A-Z0-9]{0,15}(?: [A-Z0-9]{1,15})?[\"”'’]? to $|\b[Tt]ext(?:ing)? $"
)
_SHORT = ("911", "999", "112", "411", "311", "211", "511", "711", "811", "988", "101", "111", "000")


def _grouped(text: str) -> str:
    return ", ".join(digits(group) for group in re.findall(r"[0-9]+", text))


def _phone(match: re.Match[str]) -> str:
    said = ("plus " if match["number"][0] == "+" else "") + _grouped(match["number"])
    return said + (f", extension {digits(match['extension'])}" if match["extension"] else "")


def _international(match: re.Match[str]) -> str | None:
    return _phone(match) if 8 <= sum(map(str.isdigit, match["number"])) <= 15 else None


def _vanity(match: re.Match[str]) -> str:
    return f"{_grouped(match[1])}, {match[2]}" + (f" {digits(match[3])}" if match[3] else "")


def _local(match: re.Match[str]) -> str | None:
    """555-1234, unless it could be a range."""
    if match["number"][:3] != "555" and not _CALL.search(before(match)):
        return None
    return _phone(match)


def _called(match: re.Match[str]) -> str | None:
    return _phone(match) if _CALL.search(before(match)) else None


def _emergency(match: re.Match[str]) -> str | None:
    left = before(match)
    follows = _EMERGENCY_AFTER.match(match.string, match.end())
    calls = _EMERGENCY_BEFORE.search(left)
    if not (follows or (calls and calls[0].lower().split()[0] not in ("to", "a", "the", "via"))):
        return None
    return digits(match[0])


def _texted(match: re.Match[str]) -> str | None:
    return digits(match[0]) if _TEXTED.search(before(match)) else None


def _listed(match: re.Match[str]) -> str | None:
    """A number that stands for something and counts nothing: a PIN, an order, an account."""
    left = before(match)
    if not (
        _NUMBERED.search(left) or (len(match[2]) > 5 and match[2].isdigit() and re.search(r"\b[Nn](?:o\.?|umber|um\.?) $", left))
    ):
        return None
    return ("number " if match[1] else "") + _grouped(match[2])


def _card(match: re.Match[str]) -> str:
    return _grouped(match[0])


_SEP = r"[ .-]"
RULES = (
    Rule(
        "phone",
        re.compile(
            rf"{_FREE}(?P<number>(?:\+?1{_SEP}?)?(?:\([0-9]{{3}}\) ?|[0-9]{{3}}[.-])[0-9]{{3}}[ .-][0-9]{{4}}"
            rf"|\+?1 [0-9]{{3}} [0-9]{{3}} [0-9]{{4}}){_EXTENSION}{_NO_MORE}"
        ),
        _phone,
    ),
    Rule(
        "phone",
        re.compile(rf"(?<![\w+])(?P<number>\+[0-9]{{1,3}}(?:[ .-]?\(?[0-9]{{1,10}}\)?){{1,6}}(?<=[0-9])){_EXTENSION}{_NO_MORE}"),
        _international,
    ),
    Rule(
        "phone",
        re.compile(rf"{_FREE}((?:1-)?8[0-9]{{2}})-([A-Z]{{3,10}}(?:-[A-Z]{{2,10}})?)(?:-([0-9]{{1,4}}))?(?![\w-])"),
        _vanity,
    ),
    Rule(
        "phone",
        re.compile(rf"{_FREE}(?P<number>\(?0[0-9]{{2,4}}\)?[ -][0-9]{{3,4}}[ -]?[0-9]{{3,4}}){_EXTENSION}{_NO_MORE}"),
        _phone,
    ),
    Rule("phone", re.compile(rf"{_FREE}(?P<number>0[0-9]{{4}} [0-9]{{6}}){_EXTENSION}{_NO_MORE}"), _phone),
    Rule("phone", re.compile(rf"{_FREE}(?P<number>[0-9]{{3}}[-.][0-9]{{4}}){_EXTENSION}{_NO_MORE}"), _local),
    Rule(
        "phone",
        re.compile(rf"{_FREE}(?P<number>[0-9]{{3}} [0-9]{{3}} [0-9]{{4}}|[0-9]{{7}}|[0-9]{{10,11}}){_EXTENSION}{_NO_MORE}"),
        _called,
    ),
    Rule("phone", re.compile(rf"{_FREE}(?:{'|'.join(_SHORT)})(?![\w%]|[-.,:/][0-9])"), _emergency),
    Rule("phone", re.compile(rf"{_FREE}[0-9]{{4,6}}{_NO_MORE}"), _texted),
    Rule("card", re.compile(rf"{_FREE}[0-9]{{4}}(?:([ -])[0-9]{{4}})(?:\1[0-9]{{4}}){{2,4}}{_NO_MORE}"), _card),
    Rule("code", re.compile(r"[0-9](?:(?<=ISBN .)|(?<=ISBN: .)|(?<=-10: .)|(?<=-13: .))[0-9 -]{8,16}[0-9X](?!\w)"), _card),
    Rule("card", re.compile(rf"{_FREE}[0-9]{{4}}([ -])[0-9]{{6}}\1[0-9]{{5}}{_NO_MORE}"), _card),
    Rule(
        "code",
        re.compile(rf"{_FREE}(?:[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}|97[89][ -]?(?:[0-9]{{1,7}}[ -]){{2,3}}[0-9X]){_NO_MORE}"),
        _card,
    ),
    Rule("code", re.compile(rf"(?<![\w.,/:$€£+-])(#)?([0-9]{{3,30}}(?:[ -][0-9]{{1,12}}){{0,6}}){_NO_MORE}"), _listed),
)
