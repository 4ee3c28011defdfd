"""Numbers that name rather than count: phones, post codes, accounts, cards. They are read in groups of two and three digits."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.numerals import cardinal, digits

_COUNTRIES = re.compile(r"7|1|20|27|3[0123469]|4[013456789]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2}")
_LONG_COUNTRIES = re.compile(r"37[0-9]|38[0-9]|35[0-9]|42[013]|85[0-9]|9[679][0-9]|99[0-9]")
# How many digits are spoken together in a run written without breaks.
_CHUNKS = {4: (2, 2), 5: (3, 2), 6: (2, 2, 2), 7: (3, 2, 2), 8: (2, 2, 2, 2), 9: (2, 3, 2, 2), 10: (3, 3, 2, 2)}
_SEPARATOR = r"[ .\-‐‑–]?"

_INTERNATIONAL = re.compile(rf"(?<![\w+])\+[0-9]{{1,4}}(?:{_SEPARATOR} ?\(?[0-9]{{1,10}}\)?){{1,6}}(?![0-9])")
_RUSSIAN = re.compile(
    rf"(?<![\w.,/+\-])(?:[78]{_SEPARATOR} ?)?(?:\([0-9]{{3,5}}\)|[0-9]{{3,5}}){_SEPARATOR} ?[0-9]{{1,3}}"
    rf"{_SEPARATOR}[0-9]{{2}}{_SEPARATOR}[0-9]{{2}}(?![\w/]|[.,\-][0-9])"
)
_LOCAL = re.compile(
    r"(?<![\w.,/+\-])(?:[0-9]{3}-[0-9]{2}-[0-9]{2}|[0-9]{3}-[0-9]{4}|[0-9]{1,2}-[0-9]{2}-[0-9]{2})(?![\w/\-]|[.,][0-9])"
)
_CALLED = re.compile(
    r"(?:тел|факс|моб|звон|номер|whatsapp|viber|telegram|контакт|справк)[а-яёa-z.]*:? ?(?:по )?(?:тел[а-яё.]*|номер[а-яё]*)?:? ?$",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"(?<!\w)(?P<label>(?:ИНН|КПП|ОГРН|ОГРНИП|БИК|ОКПО|ОКВЭД|СНИЛС|ISBN|[шШ]трих-?код|ISSN|IBAN|IMEI|УИН|полис(?:а|у|ом|е)?|[рРкКлЛ]/с"
    r"|[сС]ч[её]т(?:а|у|ом|е)?|[кК]арт(?:а|ы|е|у|ой)|[пП]аспорт(?:а|у|ом|е)?|[сС]ери[яию]|[кК]од(?:а|у|ом)?|[пП]ароль|[пП]ин-код)"
    r"(?: №)?:? )(?P<number>[0-9]{2,4}(?:[ \-][0-9]{1,12}){1,5}|[0-9]{4,25})(?![\w]|[.,][0-9])"
)
_CARD = re.compile(r"(?<![\w.,\-])[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?![\w]|[.,\-][0-9])")
_POST_CODE = re.compile(
    r"(?<![\w.,\-])[1-6][0-9]{5}"
    r"(?=,? (?:г\.|гор\.|город|[Рр]осси|РФ|ул\.|респ|обл|пос|с\.|д\.|[А-ЯЁ][а-яё]+(?:,| обл| край| р-н|ская|ский)))"
)
_INDEXED = re.compile(r"(?<=индекс )[0-9]{6}(?![\w])|(?<=индекс: )[0-9]{6}(?![\w])")


def say_group(group: str) -> str:
    """Digits as one number, the zeros before it one by one."""
    rest = group.lstrip("0")
    zeros = [digits("0")] * (len(group) - len(rest))
    return " ".join([*zeros, cardinal(int(rest))] if rest else zeros)


def say_groups(run: str) -> str:
    """A run of digits in groups."""
    if len(run) <= 3:
        return say_group(run)
    if len(run) not in _CHUNKS:
        return digits(run)
    words, position = [], 0
    for size in _CHUNKS[len(run)]:
        words.append(say_group(run[position : position + size]))
        position += size
    return " ".join(words)


def _runs(text: str) -> list[str]:
    return re.findall(r"[0-9]+", text)


def _international(match: re.Match[str]) -> str | None:
    runs = _runs(match[0])
    count = sum(map(len, runs))
    if not 8 <= count <= 15 or (len(runs) > 1 and any(len(run) == 1 for run in runs[1:])):
        return None
    if len(runs[0]) > 3 or (len(runs) == 1):
        code = _LONG_COUNTRIES.match(runs[0]) or _COUNTRIES.match(runs[0])
        if code is None:
            return f"плюс {digits(''.join(runs))}"
        runs[:1] = [code[0], runs[0][code.end() :]]
    return "плюс " + " ".join(say_groups(run) for run in runs if run) + _closed(match)


def _closed(match: re.Match[str]) -> str:
    """The bracket that closes one opened before the number."""
    return ")" if match[0].count(")") > match[0].count("(") else ""


def _russian(match: re.Match[str]) -> str | None:
    runs = _runs(match[0])
    count = sum(map(len, runs))
    whole = match[0][0] in "78" and count == 11
    bracketed = "(" in match[0] and count == 10
    called = _CALLED.search(before(match)) is not None
    if len(runs) == 1:
        if whole and (match[0].startswith(("89", "79", "88", "84")) or called):
            return say_group(runs[0][0]) + " " + say_groups(runs[0][1:])
        return say_groups(runs[0]) if called and count in (6, 7, 10) else None
    if not (whole or bracketed or (called and count in (6, 7, 10))):
        return None
    if whole and len(runs[0]) > 1:
        runs[:1] = [runs[0][0], runs[0][1:]]
    return " ".join(say_groups(run) for run in runs)


def _local(match: re.Match[str]) -> str | None:
    runs = _runs(match[0])
    called = _CALLED.search(before(match)) is not None
    if not called and len(runs) == 3 and len(runs[0]) < 3:
        return None
    if not called and len(runs) == 2:
        return None
    return " ".join(say_groups(run) for run in runs)


def _labelled(match: re.Match[str]) -> str | None:
    number = match["number"]
    runs = _runs(number)
    label = match["label"].lower()
    if label.startswith(("сч", "код", "парол", "серия", "серии", "серию")) and len(runs) == 1 and len(runs[0]) < 6:
        return None
    if len(runs) == 1:
        words = digits(number)
    elif label.startswith("карт"):
        words = ", ".join(digits(run) for run in runs)
    else:
        words = " ".join(say_groups(run) for run in runs)
    return match["label"] + words


def _card(match: re.Match[str]) -> str:
    return ", ".join(digits(run) for run in _runs(match[0]))


def _post_code(match: re.Match[str]) -> str | None:
    if after(match).startswith((" руб", " чел")):
        return None
    return f"{say_group(match[0][:3])} {say_group(match[0][3:])}"


RULES = (
    Rule("phone", _INTERNATIONAL, _international),
    Rule("code", _LABELLED, _labelled),
    Rule("code", _CARD, _card),
    Rule("phone", _RUSSIAN, _russian),
    Rule("phone", _LOCAL, _local),
    Rule("code", _POST_CODE, _post_code),
    Rule("code", _INDEXED, _post_code),
)
