"""Abbreviations that a number follows: of an address ("д. 12/3, кв. 5"), a book or a law ("см. рис. 5", "п. 2 ст. 158")."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.forms import case_in, follows_noun, forms, governed
from qwen3tts.text.russian.grammar import Case, gender_of, inflect
from qwen3tts.text.russian.numerals import ordinal, spoken
from qwen3tts.text.russian.roman import ROMAN, value
from qwen3tts.text.russian.stops import any_of, as_written, kept_stop

_ADDRESS = {
    "д": "дом",
    "корп": "корпус",
    "к": "корпус",
    "кв": "квартира",
    "кварт": "квартира",
    "оф": "офис",
    "под": "подъезд",
    "подъезд": "подъезд",
    "эт": "этаж",
    "каб": "кабинет",
    "ком": "комната",
    "комн": "комната",
    "пом": "помещение",
    "вл": "владение",
    "уч": "участок",
    "лит": "литера",
    "ауд": "аудитория",
    "строен": "строение",
    "шк": "школа",
    "а/я": "абонентский ящик",
    "д/с": "детский сад",
    "литер": "литера",
    "в/ч": "войсковая часть",
}
_BOOK = {
    "§": "параграф",
    "§§": "параграф",
    "рис": "рисунок",
    "табл": "таблица",
    "гл": "глава",
    "п": "пункт",
    "пп": "подпункт",
    "подп": "подпункт",
    "ст": "статья",
    "стр": "страница",
    "с": "страница",
    "ч": "часть",
    "т": "том",
    "абз": "абзац",
    "разд": "раздел",
    "прил": "приложение",
    "вып": "выпуск",
    "кн": "книга",
    "илл": "иллюстрация",
    "ил": "иллюстрация",
    "упр": "упражнение",
    "прим": "примечание",
    "примеч": "примечание",
    "вопр": "вопрос",
    "ур": "уравнение",
    "арт": "артикул",
    "гр": "группа",
    "доб": "добавочный",
    "вх": "входящий",
    "исх": "исходящий",
    "инв": "инвентарный",
    "прот": "протокол",
    "сб": "сборник",
    "вар": "вариант",
    "лаб": "лабораторная",
    "сер": "серия",
}
_NOUNS = _ADDRESS | _BOOK

_SHORTS = any_of(_NOUNS)
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,3}){0,4}"
_REFERENCE = re.compile(
    rf"(?<![\w.\-/])(?P<short>{_SHORTS})(?:\.|(?<=/[ячсЯЧС])|(?<=§)|(?P<bare>(?<=д|в|п|ф)(?= [0-9])))\s?(?P<numero>№\s?)?"
    rf"(?:(?P<number>{_NUMBER})(?P<house>(?:/[0-9]{{1,4}}|-?[А-Яа-я](?![\w-])|[кс][0-9]{{1,3}}){{0,4}})"
    rf"(?P<more>\s?[-–—]\s?{_NUMBER}|\sи\s{_NUMBER}|,\s{_NUMBER}(?:,\s{_NUMBER}){{0,6}}\sи\s{_NUMBER})?(?![\w/]|[.,]?[0-9])"
    rf"|(?P<roman>(?=[IVXL]){ROMAN})(?![\w])|(?P<letter>[А-ЯЁA-Z](?![\w.])|[«\"][а-яё][»\"]))"
)
_LAW = re.compile(
    r"(?:(?<![\w])(?P<part>пп?|ч|абз|подп|ст|гл|разд|§)\.?\s?|(?P<word>абзац|подпункт|пункт|част|стать|параграф|глав)[а-яё]{0,3}\s)(?:[0-9][0-9.]*|[«\"][а-яё])[)»\"]?,?\s$"
)
_DEPTHS: dict[str, int] = {
    **dict.fromkeys(["абз", "абзац"], 0),
    **dict.fromkeys(["пп", "подп", "подпункт"], 1),
    **dict.fromkeys(["п", "пункт"], 2),
    **dict.fromkeys(["ч", "част"], 3),
    **dict.fromkeys(["ст", "стать"], 4),
    **dict.fromkeys(["§", "параграф"], 5),
    **dict.fromkeys(["гл", "глав"], 6),
    "разд": 7,
}
"""A part of a law is named before the whole, which then is in the genitive: "пункт два статьи пять"."""
_SEE = re.compile(r"(?<!\w)[Сс][мр]\.\s?(?:также\s)?(?:[а-я]{1,5}\.\s?[0-9.–-]{1,12}(?:,| и)\s){0,3}$")
_STREET = re.compile(r"(?<!\w)(?:ул|улица|улице|пр|пр-т|проспект|пер|д|дом|корп|наб|ш|б-р|мкр)(?!\w)[^!?\n]{0,40}$")
_BUILDING = re.compile(r"(?:(?<!\w)(?:д|дом|корп|к|вл|корпус)\.?\s?[0-9]+[^.!?\n]{0,12}|[0-9][а-яА-Я]?,\s)$")
_STREETS = (
    r"(?:ул|улица|улице|улицы|улицу|пр|пр-т|просп|проспекта?|проспекте"
    r"|пер|переул[а-я]{2,4}|пл|площад[ьи]|наб|набережн[а-я]{2}|ш|шоссе|б-р|бул|бульвара?|бульваре)"
)
_HOUSE_BEFORE = re.compile(rf"(?<!\w)(?:[Дд]ом(?:а|у|ом|е)? |{_STREETS}(?!\w)\.? ?(?:[А-ЯЁа-яё0-9-]+\.? ?){{0,4}}, )$")
_HOUSE_NUMBER = re.compile(
    r"(?<= )(?P<number>[0-9]{1,4})(?P<house>(?:/[0-9]{1,4}|-?[А-Яа-я](?![\w-])|[кс][0-9]{1,3}){0,4})"
    r"(?=[.,;)\n]|$| на | в | и )(?![.,][0-9])"
)
_FLAT = re.compile(
    r"(?<![\w.,/\-])(?P<rooms>[1-9])-?(?:х )?(?:комн?\.?|к\.?(?= ?кв\.))(?P<flat> ?кв\.)?(?= (?P<noun>квартир[а-я]{1,2})|(?<=\.))"
)
_RANKED = re.compile(
    r"(?<![\w.,/\-])(?P<number>[0-9]{1,3})(?:/(?P<of>[0-9]{1,2})|(?P<ending>-(?:м|го|й|му)))? ?"
    r"(?:(?P<noun>эт|кл)\.(?! [а-яё]{3})|(?P<km>(?<=[а-я] )км(?![\w/])))"
)
_ENDED: dict[str, Case] = {"-м": "loc", "-го": "gen", "-й": "nom", "-му": "dat"}
_PLACE_BEFORE = re.compile(r"(?:(?:^|\n),|, .?)$")
_PAGES = re.compile(r"(?:(?<=[12][0-9]{3}\. )|(?<=[12][0-9]{3}\. [—–-] ))([0-9]{1,4}) с\.")
_HOUSE_PARTS = re.compile(r"/(?P<slash>[0-9]+)|-?(?P<letter>[А-Яа-я])(?![0-9])|(?P<part>[кс])(?P<count>[0-9]+)")


def _reference(match: re.Match[str]) -> str | None:
    short, left = match["short"].lower(), before(match)
    if re.search(r"[0-9]\s?$", left) and not _LAW.search(left) and short in ("с", "т", "ч", "д", "п", "стр", "эт"):
        return None  # units behind a number
    if match["bare"] is not None and not (short in _ADDRESS and _STREET.search(left)):
        return None
    noun = _NOUNS[short]
    if short == "стр" and (_BUILDING.search(left) or _HOUSE_BEFORE.search(left)):
        noun = "строение"
    if short == "к" and not (_BUILDING.search(left) or re.search(r"[0-9],?\s$", left)):
        noun = "комната" if re.search(r"(?:общ|этаж|эт)[а-я.]*[^.]{0,10}$", left) else "корпус"
    case: Case = "acc" if _SEE.search(left) else "gen" if _is_whole_of(short, left) else case_in(left)
    if match["letter"]:
        known = (
            short in ("п", "пп", "подп", "абз")
            if match["letter"][0] in '«"'
            else short in ("корп", "лит", "литер", "стр", "гр", "кв", "прил", "вар", "сер")
        )
        return as_written(match["short"], f"{inflect(noun, case, False)} {match['letter']}") if known else None
    if match["roman"]:
        number = ordinal(value(match["roman"]), case, gender_of(noun))
        return as_written(match["short"], f"{inflect(noun, case, False)} {number}")
    plural = bool(match["more"]) and match["house"] == ""
    head = inflect(noun, case, plural) + (" номер" if match["numero"] else "")
    words = f"{head} {numbered(match['number'])}{_house(match['house'])}{_more(match['more'] or '')}"
    return as_written(match["short"], words)


def _is_whole_of(short: str, left: str) -> bool:
    part = _LAW.search(left)
    return part is not None and _DEPTHS[part["part"] or part["word"]] < _DEPTHS.get(short, -1)


def numbered(number: str) -> str:
    """A number of a paragraph: "2.1" is "два точка один"."""
    return " точка ".join(spoken(part) for part in number.split("."))


def _house(tail: str) -> str:
    """What follows the number of a house: "/3", "А", "к2", "с1"."""
    words = ""
    for part in _HOUSE_PARTS.finditer(tail):
        if part["slash"]:
            words += f" дробь {spoken(part['slash'])}"
        elif part["letter"]:
            words += f" {part['letter']}"
        else:
            words += f" {'корпус' if part['part'] == 'к' else 'строение'} {spoken(part['count'])}"
    return words


def _more(tail: str) -> str:
    """Further numbers of the same kind, with the signs between them; a dash joins as in "десять-пятнадцать"."""
    words = re.sub(_NUMBER, lambda number: numbered(number[0]), tail)
    return re.sub(r"\s?[-–—]\s?", "-", words)


def _house_number(match: re.Match[str]) -> str | None:
    """ "дом 5/7", "Тверской б-р, 25": a number that names a house."""
    return f"{spoken(match['number'])}{_house(match['house'])}" if _HOUSE_BEFORE.search(before(match)) else None


def _flat(match: re.Match[str]) -> str:
    """ "2-комн. кв.": the number is left for the next round, which sees the whole adjective."""
    written = [form for form in forms(match["noun"] or "") if form.lemma == "квартира" and not form.plural]
    case = case_in(before(match), frozenset(form.case for form in written))
    flat = f" {inflect('квартира', case, False)}" if match["flat"] else ""
    return f"{match['rooms']}-{inflect('комнатная', case, False)}{flat}"


def _ranked(match: re.Match[str]) -> str | None:
    """ "на 3 эт.", "ученик 7 кл.", "5/9 эт.": floors and forms of a school; of how many is left for the next round."""
    left, noun = before(match), "километр" if match["km"] else "этаж" if match["noun"] == "эт" else "класс"
    if match["ending"]:
        return f"{match['number']}{match['ending']} {inflect(noun, _ENDED[match['ending']], False)}{kept_stop(match)}"
    hangs = noun == "класс" and follows_noun(left)
    if not (match["of"] or hangs or governed(left) or noun == "класс" or _PLACE_BEFORE.search(left + after(match)[:1])):
        return None
    case: Case = "gen" if hangs else case_in(left) if governed(left) else "nom"
    words = f"{ordinal(int(match['number']), case)} {inflect(noun, case, False)}"
    return f"{words} из {match['of']}" if match["of"] else words + kept_stop(match)


HOUSES = (
    Rule("address", _HOUSE_NUMBER, _house_number),
    Rule("address", _FLAT, _flat),
    Rule("address", _RANKED, _ranked),
    Rule("reference", _PAGES, lambda match: f"{match[1]} стр."),
)
"""Before the rules of fractions, ordinals and units."""
RULES = (Rule("reference", _REFERENCE, _reference),)
