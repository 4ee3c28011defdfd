"""Measures: a number, a range or a size with its unit, in the case of its place; units alone behind "за" and "на"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian import prepositions
from qwen3tts.text.russian.amounts import (
    NUMBER,
    PAIR,
    RANGE,
    SCALE,
    START,
    Number,
    all_numbers,
    case_at,
    form,
    gender,
    has_thing,
    numbers_in,
    say_pair,
    say_range,
)
from qwen3tts.text.russian.context import case_before, cases_before, last_noun
from qwen3tts.text.russian.forms import adjective, forms, word_before
from qwen3tts.text.russian.government import without_shared
from qwen3tts.text.russian.grammar import Case
from qwen3tts.text.russian.numerals import cardinal, decimal, prefix
from qwen3tts.text.russian.stops import kept_stop
from qwen3tts.text.russian.unit_names import UNIT, under, unit_name, unit_part

# A letter that is also a word, a house or a class: what may stand behind it, and before the number.
_LETTERS = "счгтмАВКлбцФНРСABbFgJKLNsV"
_AMOUNT = rf"(?P<amount>{RANGE})(?: ?(?P<scale>{SCALE}))?(?P<gap> ?)(?P<unit>{UNIT})\.?"
_MEASURE = re.compile(rf"{START}(?:{_AMOUNT})")
_PAIRED = re.compile(rf"(?<!\w){PAIR}(?: ?(?P<scale>{SCALE}))?(?P<gap> ?)(?P<unit>{UNIT})\.?")
_SIZE = re.compile(
    rf"{START}(?P<sizes>{NUMBER}(?: ?[×xXхХ] ?{NUMBER}){{1,3}}|[0-9]{{2,3}}/[0-9]{{2,3}}(?= ?мм рт))"
    rf"(?:(?P<gap> ?)(?P<unit>{UNIT})\.?)?(?![\w=])"
)
_ADJECTIVE = re.compile(r"(?<![\w.,-])(?P<number>[0-9]{1,4})-(?P<unit>[кмсд]м|[км]?г|[мкМ]?л|кВт|Вт|ГБ|мин|ч|т)(?= [а-яё])(?!\w)")
_BARE = re.compile(rf"(?<![\w/])(?P<lead>[Зз]а|[Нн]а|[Вв]) (?P<unit>{UNIT})(?:\.(?! ?[А-ЯЁ]\.))?")
_EARLIER = re.compile(r"(?<![\w.,])[-−+]?[0-9][0-9.,]{0,9} ?(?P<unit>[^\W\d][^\d]{0,11}?)\.? $")
_LATITUDE = re.compile(r"(?<=[°′″] )(?P<side>[сю])\. ?ш\.?|(?<=[°′″] )(?P<length>[вз])\. ?д\.?")
_FEET = re.compile(r"(?<![\w.,:'’′])(?P<feet>[0-9]{1,2}) ?['’′] ?(?P<inches>1[01]|[0-9]) ?(?:\"|”|″|''|’’)(?!\w)")
_INCHES = re.compile(rf"{START}(?P<amount>[0-9]{{1,3}}(?:[.,][0-9]{{1,2}})?)(?:\"|”)(?![\w])")
_ANGLE = re.compile(
    r"(?<![\w.,])(?P<degrees>[0-9]{1,3})° ?(?P<minutes>[0-9]{1,2}(?:[.,][0-9]{1,4})?)['’′]"
    r"(?: ?(?P<seconds>[0-9]{1,2}(?:[.,][0-9]{1,4})?)(?:\"|”|″|''))?"
)
_AFTER_WORD = re.compile(
    r"(?<=[а-яё] )(?P<unit>км/ч|км|кг|см|мм|мл|мг|кВт·ч|кВт|[КМГТ]Б|м/с|[км]?м²|кв\. ?м|°C|°F|°)(?![\w/])(?:\.(?! ?[а-яё]))?"
)
_BEFORE_SINGULAR = frozenset(
    ("один", "одна", "два", "две", "три", "четыре", "оба", "обе", "полтора", "полторы", "половина", "четверть")
)
_NUMBER_WITH_ENDING = re.compile(r"(?<![\w-])[0-9]{1,9}-[а-я]{1,3} $")
_RATE = re.compile(rf"(?<=[а-яё]{{3}})/(?P<per>{UNIT})\.?")
_COUNTED_WORD = re.compile(r"[0-9] ?(?:тыс\.|млн|млрд)? ?[а-яё]{3,}$")
_BY = re.compile(r"(?<=[мm²] )[xхXХ×](?= [0-9][0-9.,]{0,9} ?[смдkc]?[мm](?!\w))")
_MIXED = re.compile(
    r"(?:смеш|соедин|взб[ие]|разотр|растер|развед|разве[сд]|запи|перемеш|полож)[а-яё]{1,8}(?: [а-яё]{1,15}){0,2} со? $",
    re.IGNORECASE,
)
_ONLY_WITH = re.compile(r"(?:^|[\n,;:(] ?|(?<!\w)[а-яё]{3,20} )[Сс]о? $")
_YIELDS = re.compile(r"[^.!?\n]{0,60}(?:получ|выход|выш|собира|собр|снима|снял|берут|взял|плат|сто[ия]т|до [0-9])")
_FOLLOWS = re.compile(r" ([а-яё]{2,30})")
_WITHIN = re.compile(r"(?<!\w)[Вв]о? $")
_PRICED = frozenset(("цена", "стоимость", "себестоимость", "аренда", "калорийность", "содержимое"))
_IS_AWAY = re.compile(r" (?:от|ходьбы|езды|пешком|пути|лёта|хода)(?!\w)")
_FED = ("грамм", "литр", "ложка", "тонна", "байт")
_CONTENTS = ("ложка", "байт", "грамм", "литр", "час", "пиксель", "сила", "ватт", "тонна")
_SIDES = {"с": "северной широты", "ю": "южной широты", "в": "восточной долготы", "з": "западной долготы"}
_ADJECTIVES = {
    "час": "часовой",
    "минута": "минутный",
    "тонна": "тонный",
    "метр": "метровый",
    "грамм": "граммовый",
    "литр": "литровый",
    "ватт": "ваттный",
    "байт": "байтный",
}
_BARE_UNITS = frozenset(("кг", "г", "л", "мл", "м", "км", "см", "т", "шт", "га", "чел"))
_BARE_TIMES = frozenset(("мес", "нед", "сут", "мин", "сек"))
_AREAS = ("кв", "куб", "м²", "м2", "м³", "м3", "км²")
_ADDRESS = re.compile(
    r"(?:(?<!\w)(?:д|дом[аеу]?|кв|корп|стр|оф|кабинет|каб|школ[аеуы]|ул|класс[аеу]?|аудитори[яию]|строени[ея]|№)\.? |, )$",
    re.IGNORECASE,
)


def _measure(match: re.Match[str]) -> str | None:
    name = _named(match)
    if name is None:
        return None
    scale = match["scale"] or ""
    numbers = numbers_in(match["amount"])
    if not numbers:
        return None
    return say_range(numbers, scale, name, _case(match, name, numbers, scale)) + kept_stop(match)


def _case(match: re.Match[str], name: str, numbers: list[Number], scale: str) -> Case:
    """The case of a measure; its smaller part is in that of the greater: "до 1 м 80 см"."""
    left = before(match)
    for _ in range(2):
        earlier = _EARLIER.search(left[-28:])
        if not earlier or unit_name(earlier["unit"]) is None:
            break
        left = left[: len(left) - len(earlier[0])]
    if left == before(match):
        case = case_at(match, name, scale, numbers)
        if case in ("nom", "acc") and last_noun(left) in _PRICED:
            return "gen"
        if case == "acc" and _is_within(match, name):
            return "loc"
        return "ins" if case == "gen" and _is_content(match, name) else case
    return case_before(left, noun=name)


def _is_within(match: re.Match[str], name: str) -> bool:
    """Whether "в" says where something is: "в 100 г продукта", but not "пачка в 100 г"."""
    left, right = before(match), after(match)
    found = _WITHIN.search(left)
    if found is None or not name.endswith(_FED):
        return found is not None and name in ("минута", "час") and bool(_IS_AWAY.match(right))
    of = forms((_FOLLOWS.match(right) or ["", ""])[1])[:1]
    if not of or of[0].part != "NOUN" or of[0].case != "gen":
        return False
    return not any(option.part == "NOUN" for option in forms(word_before(left[: found.start()]))[:1])


def _is_content(match: re.Match[str], name: str) -> bool:
    """Whether "с" says what something has or is mixed with: "ноутбук с 16 ГБ", "смешать с 2 л воды", "с 1 кг сахара"."""
    if not name.endswith(_CONTENTS):
        return False
    left, right = without_shared(before(match)), after(match)
    of = forms((_FOLLOWS.match(right) or ["", ""])[1])[:1]
    fed = name.endswith(_FED) and bool(of) and of[0].part == "NOUN" and of[0].case == "gen"
    mixed = _MIXED.search(left) or (fed and _ONLY_WITH.search(left) and not _YIELDS.search(right))
    return has_thing(match) or bool(mixed)


def _named(match: re.Match[str]) -> str | None:
    """The unit that is meant, if one is: a letter behind a number is often something else."""
    unit, right = match["unit"], after(match)
    name = unit_name(unit)
    if name is None or len(unit) > 1 or unit not in _LETTERS:
        return name if not re.match(r"\.[а-яa-z]|@", right) else None
    dotted = match[0].endswith(".")
    left = before(match)
    if unit == "ч" and dotted and re.match(r" ?лож", right):
        return None
    if dotted and re.match(r" ?[а-яё]\.|[а-яa-z]| ?[А-ЯЁ]\.", right):
        return None
    if unit in "BbFJN" or (unit == "K" and len(match.groupdict().get("amount") or "") < 3):
        return None
    if unit in "АВКСНРФAKLgsV":
        if not match["gap"] and unit in "АСКAKsg":
            return None
        initial = dotted and re.match(r" ?[А-ЯЁ][а-яё]+", right) and not re.match(r" (?:Он|Она|Они|Это|Если|Но|И|А|В)(?!\w)", right)
        is_year = re.fullmatch(r"(?:19|20)[0-9]{2}", match.groupdict().get("amount") or "") is not None
        return None if _ADDRESS.search(left) or initial or is_year else name
    if unit == "с" and match["gap"] and re.match(r" (?!(?:и|до|на|в|по|после|при)(?!\w)|—|–)[^\W\d_]", right):
        return name if re.search(r"(?:за|через|каждые|около|примерно|длит[а-я]+|время|менее|более|ещё) $", left) else None
    return None if unit == "б" else name


def _pair(match: re.Match[str]) -> str | None:
    name = _named(match)
    words = say_pair(match, match["scale"] or "", name) if name else None
    return None if words is None else words + kept_stop(match)


def _size(match: re.Match[str]) -> str | None:
    """ "3×4 м": "три на четыре метра"; a product only where it is worked out."""
    name = _named(match) if match["unit"] else None
    if match["unit"] and name is None:
        return None
    sizes = all_numbers(match["sizes"].replace("/", " × "))
    spaced = " " in re.sub(r"(?<=[0-9]) (?=[0-9]{3})", "", match["sizes"])
    if re.match(r" ?[=≈]", after(match)) or re.search(r"[=≈+] ?$", before(match)) or (spaced and not name):
        return None
    if len(sizes) < 2 or any(number.ratio for number in sizes):
        return None
    kind = gender(name) if name else "m"
    words = [
        decimal(size.whole, size.fraction) if size.fraction else cardinal(int(size.whole), "acc" if i and name else "nom", kind)
        for i, size in enumerate(sizes[:-1])
    ]
    last = say_range([sizes[-1]], "", name or "", "acc" if name else "nom")
    return " на ".join([*words, last]) + (kept_stop(match) if name else "")


def _adjective(match: re.Match[str]) -> str | None:
    """ "5-км забег": "пятикилометровый"."""
    name = unit_name(match["unit"])
    stem = next((stem for stem in _ADJECTIVES if name and name.endswith(stem)), None)
    noun = re.match(r" (?:[а-яё]+(?:ый|ий|ой|ая|ое|ые|ого|ому|ом|ым|ую|ых|ыми) ){0,1}([а-яё]+)", after(match))
    found = [option for option in forms(noun[1]) if option.part == "NOUN"] if noun else []
    if name is None or stem is None or not found:
        return None
    asked = cases_before(before(match))
    fitting = sorted((option for option in found if option.case in asked), key=lambda option: option.plural)
    option = next(iter(fitting), found[0])
    lemma = name[: -len(stem)] + _ADJECTIVES[stem]
    known = adjective(_ADJECTIVES[stem], option.case, None if option.plural else option.gender, animate=option.animate)
    return prefix(int(match["number"])) + lemma[: -len(_ADJECTIVES[stem])] + known


def _bare(match: re.Match[str]) -> str | None:
    """A unit that no number stands before: "за кг", "на кв. м"."""
    unit = match["unit"]
    name = unit_name(unit)
    stopped = match[0].endswith(".") or unit in ("сек", "нед", "сут")
    if match["lead"] in ("в", "В") and not (unit in _BARE_TIMES and stopped):
        return None
    if name is None or not (unit in _BARE_UNITS | _BARE_TIMES or unit.startswith(_AREAS)):
        return None
    if re.match(r"\.? ?[А-ЯЁа-яё]", after(match)) and unit in ("г", "м", "т", "л"):
        return None
    return f"{match['lead']} {form(name, 'acc', False)}{kept_stop(match)}"


def _rate(match: re.Match[str]) -> str | None:
    """ "12 кадров/с", "500 рублей/кг": only the lower unit is short."""
    name = unit_part(match["per"])
    if name is None or not _COUNTED_WORD.search(before(match)):
        return None
    link = "за" if re.search(r"(?:рубл|доллар|евро|копе)[а-яё]*$", before(match)) else "на"
    return f" {under(name, link)}{kept_stop(match)}"


def _after_word(match: re.Match[str]) -> str | None:
    """ "несколько км", "десяти кг", "в км/ч"."""
    name = unit_name(match["unit"])
    if name is None:
        return None
    left = before(match)
    if (number := _NUMBER_WITH_ENDING.search(left)) is not None:
        return form(name, case_before(left[: number.start()], "gen", noun=name), True) + kept_stop(match)
    word = word_before(left).lower()
    case: Case = "loc" if word in ("в", "во") else "nom" if word in ("один", "одна") else "gen"
    return form(name, case, word not in _BEFORE_SINGULAR) + kept_stop(match)


def _latitude(match: re.Match[str]) -> str:
    return _SIDES[match["side"] or match["length"]] + kept_stop(match)


def _feet(match: re.Match[str]) -> str:
    return _parts(match, [(match["feet"], "фут"), (match["inches"], "дюйм")])


def _angle(match: re.Match[str]) -> str:
    return _parts(match, [(match["degrees"], "градус"), (match["minutes"], "минута"), (match["seconds"], "секунда")])


def _parts(match: re.Match[str], parts: list[tuple[str | None, str]]) -> str:
    """A measure of several units, all in the case of its place."""
    case = case_at(match, parts[0][1])
    return " ".join(say_range(numbers_in(number), "", name, case) for number, name in parts if number)


def _inches(match: re.Match[str]) -> str | None:
    """A size in inches, where the sign does not close a quotation."""
    sign, left = match[0][-1], before(match).rpartition("\n")[2]
    if left.count("“") + left.count("„") > left.count("”") or (sign == '"' and left.count('"') % 2):
        return None
    numbers = numbers_in(match["amount"])
    return say_range(numbers, "", "дюйм", case_at(match, "дюйм", numbers=numbers))


RULES: tuple[Rule, ...] = (
    Rule("measure", _ADJECTIVE, _adjective),
    Rule("measure", _FEET, _feet),
    Rule("measure", _ANGLE, _angle),
    Rule("measure", _INCHES, _inches),
    Rule("measure", _SIZE, _size),
    Rule("measure", _PAIRED, _pair),
    Rule("measure", _MEASURE, _measure),
    Rule("measure", _BARE, _bare),
    Rule("measure", _LATITUDE, _latitude),
    Rule("measure", _AFTER_WORD, _after_word),
    Rule("measure", _RATE, _rate),
    Rule("measure", _BY, lambda match: "на"),
    *prepositions.RULES,
)
