"""Parts of a century or a decade that are written short: "в сер. XIX в.", "во 2-й пол. 18 в.", "кон. 80-х гг."."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, before
from qwen3tts.text.russian.forms import case_in, follows_noun, governed
from qwen3tts.text.russian.grammar import Case, gender_of, inflect
from qwen3tts.text.russian.numerals import ordinal
from qwen3tts.text.russian.roman import ROMAN, value
from qwen3tts.text.russian.stops import as_written, kept_stop

_PARTS = {
    "сер": "середина",
    "нач": "начало",
    "кон": "конец",
    "пол": "половина",
    "полов": "половина",
    "четв": "четверть",
    "тр": "треть",
}
_NTH = rf"(?:(?P<digit>[1-4])(?:-?[а-я]{{1,2}})?|(?P<roman>(?=[IVХX]){ROMAN})|(?P<word>перв|втор|посл|трет)\.)"
_WORDS = {"перв": "первая", "втор": "вторая", "посл": "последняя", "трет": "третья"}
_TIME = (
    rf"(?P<century>(?:[12]?[0-9])(?=(?:[-–—][12]?[0-9])? ?вв?\.|-го (?:в\.|век))"
    rf"|(?=[IVХX]){ROMAN}(?=(?:[-–—](?=[IVХX]){ROMAN})? ?(?:вв?\.|век|столет|тыс)))"
    r"|(?:[12][0-9])?[0-9]0-?х|[12][0-9]{3}(?=(?:[-–—][12][0-9]{3})? ?(?:г\.|гг\.|год))"
    r"|(?:янв|фев|мар|апр|ма[яй]|июн|июл|авг|сен|окт|ноя|дек)[а-я]{0,6}(?![\w])"
)
_PERIOD = re.compile(
    rf"(?<![\w.,/\-])(?:{_NTH} ?)?(?P<part>[Сс]ер|[Нн]ач|[Кк]он|пол|полов|четв|тр)\."
    rf"(?P<then> ?[-–—] ?(?:сер|нач|кон)\.)? ?"
    rf"(?:(?P<first>(?=[IVХX]){ROMAN})(?= ?[-–—] ?(?:сер|нач|кон)\.)|(?P<year>[12][0-9]{{3}} ?г\.)|(?=(?:{_TIME})))"
)
_EARLIER = re.compile(rf"(?:сер|нач|кон)\. ?(?=[IVХX]){ROMAN} ?[-–—] ?$", re.IGNORECASE)
_ARABIC = re.compile(r"(?<=[а-яё] )(?P<number>[12]?[0-9])(?P<last>[-–—][12]?[0-9])? ?(?P<short>вв?\.)")
_MILLENNIUM = re.compile(rf"(?<![\w.,/\-])(?=[IVX]){ROMAN}(?:-[а-я]{{1,2}})? тыс\.")
_PART_BEFORE = re.compile(
    r"(?:середин|начал|кон[ец]ц?|половин|четверт|трет|рубеж)[а-яё]{0,3} $|(?:сер|нач|кон|пол|полов|четв)\. ?$"
)


def _period(match: re.Match[str]) -> str | None:
    part, left = match["part"].lower(), before(match)
    nth = match["digit"] or match["roman"] or match["word"]
    if bool(nth) != (part in ("пол", "полов", "четв", "тр")):
        return None
    noun = _PARTS[part]
    if earlier := _EARLIER.search(left):
        left = left[: earlier.start()]
    options = governed(left)
    case: Case = options[0] if options else "gen" if follows_noun(left) else case_in(left)
    words = inflect(noun, case, False)
    if match["word"]:
        words = f"{inflect(_WORDS[match['word']], case, False)} {words}"
    elif nth:
        number = int(match["digit"]) if match["digit"] else value(match["roman"])
        words = f"{ordinal(number, case, gender_of(noun))} {words}"
    if match["then"]:
        words += " — " + inflect(_PARTS[match["then"].strip(" .-–—")], case, False)
    # A year is left for the next round, which sees the whole noun.
    rest = ordinal(value(match["first"]), "gen") if match["first"] else match["year"] or ""
    return f"{as_written(match['part'], words)} {rest}"


def _arabic(match: re.Match[str]) -> str | None:
    """The century in figures behind such a part: the number is left for the next round, which sees the whole noun."""
    if not _PART_BEFORE.search(before(match)):
        return None
    last = match["last"] or ""
    return f"{match['number']}{last} {'веков' if last else 'века'}{kept_stop(match)}"


def _millennium(match: re.Match[str]) -> str:
    left = before(match)
    case = case_in(left) if governed(left) else "gen" if follows_noun(left) or _PART_BEFORE.search(left) else "nom"
    number = ordinal(value(match[0].split("-")[0].split()[0]), case, "n")
    return f"{number} {inflect('тысячелетие', case, False)}{kept_stop(match)}"


RULES = (Rule("century", _PERIOD, _period), Rule("century", _MILLENNIUM, _millennium), Rule("century", _ARABIC, _arabic))
