"""Centuries, and what else of a calendar is numbered: "в XIX–XX вв.", "с XV по XVII век", "в I квартале", "21 век"."""

from __future__ import annotations

import re
from functools import cache

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.amounts import join_range
from qwen3tts.text.russian.forms import follows_noun
from qwen3tts.text.russian.grammar import Case, gender_of, inflect
from qwen3tts.text.russian.moments import moment_case
from qwen3tts.text.russian.numerals import ordinal
from qwen3tts.text.russian.roman import ROMAN, value
from qwen3tts.text.russian.stops import kept_stop

_STEMS = {
    "век": "век",
    "столети": "столетие",
    "тысячелети": "тысячелетие",
    "квартал": "квартал",
    "полугоди": "полугодие",
    "половин": "половина",
    "четверт": "четверть",
}
_SHORT = {"в": "век", "вв": "век", "кв": "квартал"}
_CASES: tuple[Case, ...] = ("nom", "gen", "dat", "acc", "ins", "loc")
_LINKS: dict[str, Case] = {"по": "acc", "до": "gen"}

_ROMAN_SIGN = rf"(?=[IІVXХL]){ROMAN}"
_SIGN = rf"(?:{_ROMAN_SIGN}|[0-9]{{1,2}})"
_BEGIN = r"(?<![\w.,:/№'’])(?<!\w-)"
_ENDING = r"(?:-(?:ого|го|ый|ий|й|ому|му|ым|ом|м|ое|е|я|ю))?"
_CENTURY = re.compile(
    rf"{_BEGIN}(?:(?P<first>{_SIGN}){_ENDING}(?P<link> ?[-–—] ?| по | до | и | или |, ))?(?P<last>{_SIGN}){_ENDING}"
    rf" ?(?:(?P<word>(?:{'|'.join(_STEMS)})[а-я]{{0,3}})|(?P<short>вв?\.|вв|кв\.(?= ?[12][0-9]{{3}})))(?!\w)"
)
_LONE = re.compile(rf"{_BEGIN}(?P<last>{_ROMAN_SIGN})(?![\w.'’-])")
_CENTURY_BEFORE = re.compile(r"(?<!\w)([Вв]ек[а-я]{0,3}) $")
_SHORT_NOUN = re.compile(r"(?<!\w)(?:гг|пол|сер|нач|кон|четв)\. $")
_PART = re.compile(r"(?:начал|кон[ец]ц?|середин|рубеж|половин|четверт|трет)[а-яё]{0,3} $", re.IGNORECASE)
_ERA = re.compile(r" ?(?:до )?(?:н\. ?э\.|нашей эры)")
_CENTURY_AT = re.compile(
    r"(?<!\w)(?:в|во|с|со|к|ко|до|от|из|после|по|на рубеже|нач\.|кон\.|сер\.|пол\.|половине|половины) $", re.IGNORECASE
)
_CENTURY_FOLLOWS = re.compile(r"[^.!?\n]{0,60}(?<!\w)[IVXХІ]{1,5} ?(?:в\.|вв\.|век|столети)")


@cache
def _forms(noun: str) -> dict[str, list[tuple[Case, bool]]]:
    """What each form of a noun may be: its cases, and whether it is a plural."""
    found: dict[str, list[tuple[Case, bool]]] = {}
    for plural in (False, True):
        for case in _CASES:
            found.setdefault(inflect(noun, case, plural), []).append((case, plural))
    return found


def _century(match: re.Match[str]) -> str | None:
    link = (match["link"] or "").strip()
    several = bool(match["first"]) and link not in _LINKS
    if match["short"]:
        noun = _SHORT[match["short"].rstrip(".")]
        if match["last"].isdigit() and (
            (match["short"] == "в." and not _is_century(match)) or (noun == "квартал" and not 1 <= int(match["last"]) <= 4)
        ):
            return None
        case = _LINKS.get(link) or moment_case(before(match), _default(match), inside="loc")
        plural = several or match["short"] == "вв."
        word = inflect(noun, case, plural) + kept_stop(match)
    else:
        word = match["word"]
        noun = next(noun for stem, noun in _STEMS.items() if word.startswith(stem))
        found = _case(match, noun, several)
        if found is None:
            return None
        case = found
    words = _ordinal(match["last"], case, noun)
    if match["first"]:
        lead = case if link not in _LINKS else moment_case(before(match), "nom", inside="loc")
        first = _ordinal(match["first"], lead, noun)
        words = f"{first}{match['link']}{words}" if link.isalpha() or link == "," else join_range(first, words)
    return f"{words} {word}"


def _is_century(match: re.Match[str]) -> bool:
    """Whether digits before "в." are a century, not volts or a preposition."""
    if not 1 <= int(match["last"]) <= 21:
        return False
    return bool(_ERA.match(after(match)) or _CENTURY_AT.search(before(match)) or _PART.search(before(match)) or match["first"])


def _case(match: re.Match[str], noun: str, several: bool) -> Case | None:
    """The case of a written noun; None where it does not fit, or a number in digits counts it."""
    options = _forms(noun).get(match["word"].lower(), [])
    if match["last"].isdigit():
        few = int(match["last"]) % 10 in (2, 3, 4) and int(match["last"]) // 10 != 1
        if not options or not any(not plural for _, plural in options) or int(match["last"]) == 0:
            return None
        if few and ("gen", False) in options and not several and not follows_noun(before(match)):
            return None
    cases = [case for case, plural in options if several or not plural] or [case for case, _ in options]
    if not cases:
        return None
    wanted = moment_case(before(match), _default(match), inside="loc")
    return wanted if wanted in cases else "acc" if wanted == "loc" and "acc" in cases else cases[0]


def _default(match: re.Match[str]) -> Case:
    """The case without a preposition: a century hangs on the noun before it."""
    left = before(match)
    return "gen" if follows_noun(left) or _SHORT_NOUN.search(left) else "nom"


def _ordinal(text: str, case: Case, noun: str) -> str:
    return ordinal(int(text) if text.isdigit() else value(text), case, gender_of(noun))


def _lone(match: re.Match[str]) -> str | None:
    """ "век XX"; "с конца XIX до начала XX века", where the noun is said once, at the end."""
    left = before(match)
    if (word := _CENTURY_BEFORE.search(left)) is not None:
        options = [case for case, plural in _forms("век").get(word[1].lower(), []) if not plural]
        return ordinal(value(match["last"]), options[0]) if options else None
    if not _PART.search(left) or not _CENTURY_FOLLOWS.match(after(match)):
        return None
    return ordinal(value(match["last"]), "gen")


RULES = (Rule("century", _CENTURY, _century), Rule("century", _LONE, _lone))
