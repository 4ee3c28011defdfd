"""Letters and digits together: versions, models, contracts, standards, plates. Letters stay, numbers become words."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian import periods, phones, powers, references, weekdays
from qwen3tts.text.russian.forms import adjective, case_in, forms
from qwen3tts.text.russian.numerals import cardinal, digits, ordinal
from qwen3tts.text.russian.stops import kept_stop

_LETTER = r"A-Za-zА-ЯЁа-яё"
_VERSION = re.compile(r"(?<![\w.,])(?P<v>[vV]\.? ?)?[0-9]{1,5}(?:\.[0-9]{1,5}){2,5}(?P<port>[:/][0-9]{1,5})?(?![\w]|[.,][0-9])")
_SHORT_VERSION = re.compile(r"(?<![\w.,])(?P<v>[vV]\.? ?)(?P<number>[0-9]{1,4}(?:\.[0-9]{1,5})?)(?![\w]|[.,][0-9])")
_NAMED_VERSION = re.compile(
    r"(?:(?<=[A-Za-z] )|(?<=[A-Za-z]/)|(?<=[Вв]ерсия )|(?<=[Вв]ерсии )|(?<=[Вв]ерсию )|(?<=[Вв]ерсией ))"
    r"(?P<number>[0-9]{1,4}\.[0-9]{1,4})(?P<tail>[a-z]{0,2})(?![\w]|[.,][0-9])"
)
_MEASURED = re.compile(
    r"\s?(?:[%$€₽£¥°‰]|(?:[кмсд]?м|к?г|мг|м?л|руб|р\.|тыс|млн|млрд|трлн|долл|евро|сек|мин|час|балл|процент"
    r"|[KMGT]B|[кМГТ]Б|[kKMG]?Hz|[кМГ]?Гц)(?![а-яёA-Za-z]))"
)
_MODEL = re.compile(
    rf"(?<![\w.,/+\-])(?P<letters>[A-Za-z]{{1,15}}|[А-ЯЁ][А-ЯЁа-яё]{{0,14}}|топ)-(?P<number>[0-9]{{1,6}})(?P<tail>[{_LETTER}]{{0,3}})(?![\w\-/])"
)
_MIXED = re.compile(
    r"(?<![\w.,/+\-])(?=[A-Za-zА-ЯЁа-яё]{1,12}[0-9])[A-Za-zА-ЯЁ][A-Za-zА-ЯЁа-яё0-9]{1,40}(?:[-/][A-ZА-ЯЁ0-9]{1,8}){0,5}(?![\w])"
)
_NUMBER_LETTERS = re.compile(r"(?<![\w.,/+\-])[0-9]{1,5}-[А-ЯЁA-Z]{1,4}(?![\w\-])")
_FIRST_DIGITS = re.compile(r"(?<![\w.,/+\-])(?P<number>[0-9]{1,4})(?P<letters>[GDKДК]|[pр]|D[A-Z]?)(?P<tail>[0-9]{0,2})(?![\w])")
_CLASS = re.compile(
    r"(?<![\w.,/+\-])(?P<number>[0-9]{1,2})"
    r"(?: ?(?P<letter>[«\"][А-Еа-е][»\"]|[А-Е])|-?(?P<glued>[а-еА-Е])) (?=класс(?P<ending>[а-яё]{0,3}))"
)
_STANDARD = re.compile(r"(?<=[А-Яа-яA-Z] )(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6}){0,3})(?P<year>[-–—][0-9]{2,4})(?![\w\-])")
_STANDARDS = re.compile(r"(?:ГОСТ|ОСТ|ТУ|СНиП|СП|ISO|ИСО|СанПиН|МЭК|EN)(?: [РRР])?(?: ?[А-ЯA-Z/]{2,6})? $")
_CONTRACT = re.compile(rf"№ ?(?P<code>[0-9{_LETTER}]{{1,12}}(?:[-/.][0-9{_LETTER}]{{1,12}}){{1,6}})(?![\w])")
_PLATE = re.compile(
    r"(?<![\w])(?P<a>[АВЕКМНОРСТУХ]) ?(?P<b>[0-9]{3}) ?(?P<c>[АВЕКМНОРСТУХ]{2}) ?(?P<d>[0-9]{2,3})(?: ?(?P<rus>RUS))?(?![\w])"
)
_AREA = re.compile(
    r"(?<![\w.,])(?P<number>[0-9]{1,3}(?: ?[0-9]{3}){0,3}(?:,[0-9]{1,3})?) ?"
    r"(?P<short>кв|куб)\. ?(?=(?P<noun>(?:кило|санти|милли|деци)?метр[а-я]{0,3}))"
)
_AREAS = {"кв": "квадратный", "куб": "кубический"}
_BORN = re.compile(r"(?<![\w.,])(?P<year>[12][0-9]{3}) ?г\. ?р\.")
_SPOKEN = {
    "mc2": "mc в квадрате",
    "24/7": "двадцать четыре на семь",
    "50/50": "пятьдесят на пятьдесят",
    "10/10": "десять из десяти",
    "4x4": "четыре на четыре",
    "4х4": "четыре на четыре",
}
_AIRCRAFT = re.compile(r"(?:(?<=Boeing )|(?<=Боинг )|(?<=Боинга )|(?<=Боинге )|(?<=Боингом ))[0-9]{3}-[0-9]{2,3}(?![\w\-])")
_SAID = re.compile(rf"(?<![\w.,/\-])(?:{'|'.join(_SPOKEN)})(?![\w/\-]|[.,][0-9])")
_PIECES = re.compile(rf"[0-9]+|[{_LETTER}]+|[-–—/.]")
_SIGNS = {"/": "дробь", ".": "точка", "-": "тире", "–": "тире", "—": "тире"}
_YEARS = range(1900, 2100)
_HEIGHTS = frozenset(["240", "360", "480", "720", "1080", "1440", "2160"])
"""Of pictures on a screen: "1080p"."""


def say_number(run: str) -> str:
    """A number of a code: years and small numbers as such, others of four digits in pairs, longer ones digit by digit."""
    if len(run) > 1 and run[0] == "0":
        return phones.say_group(run) if len(run) < 4 else digits(run)
    if len(run) == 4 and int(run) not in _YEARS and not run.endswith("00"):
        return phones.say_groups(run)
    return cardinal(int(run)) if len(run) <= 6 else digits(run)


def spell_code(code: str, *, dashes: bool = True) -> str:
    """A code piece by piece. A hyphen between a letter and a number is not spoken; one between numbers is, if `dashes`."""
    pieces = _PIECES.findall(code)
    words = []
    for i, piece in enumerate(pieces):
        if piece[0].isdigit():
            words.append(say_number(piece))
        elif piece in _SIGNS:
            spoken = piece not in "-–—" or (
                dashes and 0 < i < len(pieces) - 1 and pieces[i - 1][0].isdigit() and pieces[i + 1][0].isdigit()
            )
            words += [_SIGNS[piece]] if spoken else []
        else:
            words.append(piece)
    return " ".join(words)


def _points(number: str) -> str:
    return " точка ".join(_part(part) for part in number.split("."))


def _part(run: str) -> str:
    return digits(run) if len(run) > 1 and run[0] == "0" else cardinal(int(run))


def _is_date(number: str) -> bool:
    parts = number.split(".")
    if len(parts) != 3 or not 1 <= int(parts[1]) <= 12:
        return False
    day, year = (parts[2], parts[0]) if len(parts[0]) == 4 else (parts[0], parts[2])
    if not 1 <= int(day) <= 31 or len(day) > 2:
        return False
    return int(year) in range(1000, 2200) if len(year) == 4 else len(year) == 2 and len(parts[1]) == 2


def _version(match: re.Match[str]) -> str | None:
    written = match[0].removeprefix(match["v"] or "").removesuffix(match["port"] or "")
    if not match["v"] and _is_date(written):
        return None
    if all(len(part) == 3 for part in written.split(".")[1:]) and written.count(".") < 3:
        return None  # thousands grouped by stops
    port = f" {'двоеточие' if match['port'][0] == ':' else 'слэш'} {_part(match['port'][1:])}" if match["port"] else ""
    return f"{_letter(match['v'])}{_points(written)}{port}"


def _letter(v: str | None) -> str:
    return f"{v.strip(' .')} " if v else ""


def _short_version(match: re.Match[str]) -> str:
    return f"{_letter(match['v'])}{_points(match['number'])}"


def _named_version(match: re.Match[str]) -> str | None:
    if _MEASURED.match(after(match)) or _MEASURED.match(match["tail"]):
        return None
    return f"{_points(match['number'])}{' ' if match['tail'] else ''}{match['tail']}"


def _model(match: re.Match[str]) -> str | None:
    letters, tail = match["letters"], match["tail"]
    if tail and tail.islower() and tail[0] in "абвгдежзийклмнопрстуфхцчшщъыьэюя":
        return None  # an ending: "Ту-154х"
    return f"{letters} {say_number(match['number'])}{' ' if tail else ''}{tail}"


def _mixed(match: re.Match[str]) -> str | None:
    if re.fullmatch(r"[xXхХ×][0-9]+", match[0]):
        return None  # times so many
    return spell_code(match[0], dashes=False)


def _first_digits(match: re.Match[str]) -> str | None:
    letters, number = match["letters"], match["number"]
    if letters in ("p", "р") and number not in _HEIGHTS:
        return None  # roubles
    if letters in ("K", "К", "G") and (len(number) > 1 or match["tail"]):
        return None  # kelvins, grams
    tail = f" {say_number(match['tail'])}" if match["tail"] else ""
    return f"{cardinal(int(number))} {letters}{tail}"


def _class(match: re.Match[str]) -> str | None:
    found = [form for form in forms(f"класс{match['ending']}") if form.part == "NOUN" and not form.plural]
    if not found:
        return None
    case = case_in(before(match), frozenset(form.case for form in found))
    return f"{ordinal(int(match['number']), case, 'm')} {match['letter'] or match['glued']} "


def _standard(match: re.Match[str]) -> str | None:
    if not _STANDARDS.search(before(match)):
        return None
    return f"{_points(match['number'])} тире {_part(match['year'][1:])}"


def _contract(match: re.Match[str]) -> str | None:
    if not any(character.isdigit() for character in match["code"]) or re.fullmatch(
        r"[0-9]+[-–][0-9]+|[0-9]+[.,][0-9]+", match["code"]
    ):
        return None
    return f"номер {spell_code(match['code'])}"


def _plate(match: re.Match[str]) -> str:
    rus = f" {match['rus']}" if match["rus"] else ""
    return f"{match['a']} {phones.say_group(match['b'])} {match['c']} {phones.say_group(match['d'])}{rus}"


def _area(match: re.Match[str]) -> str | None:
    """ "20 кв. метров": the adjective; the number is left for the next round, which sees the whole noun."""
    found = [form for form in forms(match["noun"]) if form.part == "NOUN"]
    if not found:
        return None
    one = re.search(r"(?<!1)1$", match["number"]) and "," not in match["number"]
    form = found[0]
    many = form.plural and form.case != "nom"
    word = adjective(_AREAS[match["short"]], form.case if one or many else "gen", "m" if one else None)
    return f"{match['number']} {word} "


def _born(match: re.Match[str]) -> str:
    """ "1990 г. р.": the year is left for the next round, which sees its case."""
    return f"{match['year']} года рождения{kept_stop(match)}"


def _said(match: re.Match[str]) -> str:
    return _SPOKEN[match[0]]


RULES: tuple[Rule, ...] = (
    *powers.RULES,
    *phones.RULES,
    *weekdays.RULES,
    *periods.RULES,
    *references.HOUSES,
    Rule("code", _SAID, _said),
    Rule("abbreviation", _AREA, _area),
    Rule("date", _BORN, _born),
    Rule("code", _CONTRACT, _contract),
    Rule("code", _PLATE, _plate),
    Rule("code", _CLASS, _class),
    Rule("code", _STANDARD, _standard),
    Rule("version", _VERSION, _version),
    Rule("version", _SHORT_VERSION, _short_version),
    Rule("version", _NAMED_VERSION, _named_version),
    Rule("code", _MODEL, _model),
    Rule("code", _AIRCRAFT, lambda match: spell_code(match[0], dashes=False)),
    Rule("code", _NUMBER_LETTERS, lambda match: spell_code(match[0])),
    Rule("code", _MIXED, _mixed),
    Rule("code", _FIRST_DIGITS, _first_digits),
)
