"""Roman numerals in Russian: behind kings' names and behind or before the nouns they number."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.forms import Form, case_in, forms, governed
from qwen3tts.text.russian.grammar import Case, Gender
from qwen3tts.text.russian.numerals import cardinal, ordinal

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_LATIN = str.maketrans("ХІСМ", "XICM")  # Cyrillic letters that look the same
ROMAN = r"(?:[XХ]{0,3}(?:[IІ][XХ]|[IІ]V|V?[IІ]{0,3})|[XХ]L(?:[IІ][XХ]|[IІ]V|V?[IІ]{0,3})|L?[XХ]{0,3}(?:[IІ][XХ]|[IІ]V|V?[IІ]{0,3}))"
_NUMERAL = re.compile(
    rf"(?<![\w.,'’/\-])(?=[IІVXХL])(?P<roman>{ROMAN})(?:-?(?P<ending>го|ого|му|ому|ый|ой|ий|й|ым|им|ом|м|ая|я|ую|ю|ое|е))?(?![\w'’/]|-[\w])"
)
_THOUSANDS = re.compile(
    r"(?<![\w.,'’/\-])(?=M[MDCLXVI]{3,14}(?![\w'’\-]))M{1,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w)"
)
_RANGE = re.compile(
    rf"(?<![\w.,'’/\-])(?=[IІVXХL])(?P<first>{ROMAN})(?P<link>\s?[-–—]\s?|, | и | или )(?=[IІVXХL])(?P<last>{ROMAN})(?![\w'’/\-])"
)
_LIST = re.compile(rf"(?<![\w.,'’/\-])(?=[IVX]){ROMAN}(?:(?:\s?[-–—]\s?|, | и | или )(?=[IVX]){ROMAN}){{1,5}}(?![\w'’\-])")
_WORDS_BEFORE = re.compile(r"(?P<left>.*?)(?<![\w-])(?P<name>[А-ЯЁа-яё][А-ЯЁа-яё-]{1,40}) $", re.DOTALL)
_WORD_AFTER = re.compile(r"\s(?P<first>[А-ЯЁа-яё][А-ЯЁа-яё-]{1,40})(?:\s(?P<second>[А-ЯЁа-яё][А-ЯЁа-яё-]{1,40}))?")
_DATED = re.compile(r"\s(?:век|вв?\.|в(?=[,;)]|$)|столет|тысячелет|квартал|полугод|мировы|съезд)", re.IGNORECASE)

_CENTURY = re.compile(rf"(?<!\w)(?=[IVXХ]){ROMAN} ?(?:в\.|вв\.|век|столети)")
_NUMBERED_WORDS = """том глава часть раздел книга параграф класс группа степень тип уровень категория разряд этап стадия фаза
        очередь действие акт сцена песнь серия сезон выпуск статья пункт приложение таблица рисунок созыв олимпиада
        тур раунд конгресс курс отделение сорт ступень пояс картина явление эпизод союз дивизион лига интернационал
        рейх ранг поколение род вид порядок подраздел лекция урок тема блок вариант комплект цикл период форум
        место армия флот бригада легион пятилетка империя династия четверть триместр премия республика
        фестиваль конференция пленум спартакиада универсиада собор концерт симфония соната"""
_NUMBERED = frozenset(_NUMBERED_WORDS.split())
_RANKS = frozenset(["степень", "группа", "класс", "ранг", "тип", "ступень", "категория", "стадия", "разряд"])
# Rulers whose names the dictionary of given names does not know as such.
_RULERS_WORDS = """птолемей рамзес рамсес пипин хлодвиг юстиниан
        тутмос аменхотеп сети людовик филипп карл генрих эдуард вильгельм яков ярослав юлий пий
        бенедикт климент лев урбан иннокентий селевк дарий ксеркс артаксеркс антиох мехмед мухаммед сулейман селим
        мурад баязид густав адольф наполеон оттон чарльз франциск хуан маргрете альберт болеслав владислав
        сигизмунд фридрих фердинанд леопольд максимилиан франц иосиф педру педро жуан афонсу родриго хокон харальд
        магнус эрик христиан кристиан олаф улав рудольф конрад лотарь карлос умберто гумберт виктор эммануил
        абдул-хамид ашшурбанапал навуходоносор хаттусили тиглатпаласар саргон эхнатон клеопатра береника арсиноя
        беатрикс изабелла мария анна елизавета екатерина маргарита виктория бодуэн ричард яков иван василий пётр
        петр николай александр павел григорий кир"""
_RULERS = frozenset(_RULERS_WORDS.split())
_ENDINGS: dict[str, Case] = {"": "nom", "а": "gen", "у": "dat", "ом": "ins", "ем": "ins", "е": "loc"}
_BORROWED = frozenset(["XL", "XXL", "XXX", "LI", "LV", "LX", "LXX", "L"])
"""Sizes and letters: numbers only where a noun or a ruler says so."""


def value(roman: str) -> int:
    """The number that a well-formed Roman numeral means."""
    numbers = [_VALUES[letter] for letter in roman.translate(_LATIN)]
    return sum(-n if n < following else n for n, following in zip(numbers, [*numbers[1:], 0], strict=True))


def _ruler(name: str) -> Form | None:
    """The form of a capitalised given name; of a king's rather than a woman's where both are possible."""
    if not name[0].isupper() or name.isupper():
        return None
    named = [form for form in forms(name) if not form.plural and ("Name" in form.marks or form.lemma in _RULERS)]
    if not named:
        return None
    oblique = [form for form in named if form.gender == "m"]
    return (
        oblique[0]
        if oblique
        and oblique[0].lemma in _RULERS
        and named[0].gender == "f"
        and named[0].case == "nom"
        and oblique[0].case == "gen"
        else named[0]
    )


def _foreign_ruler(name: str) -> Case | None:
    """The case of a king's name that no dictionary has, by its ending."""
    for ending, case in _ENDINGS.items():
        if name.endswith(ending) and name[: len(name) - len(ending)].lower() in _RULERS:
            return case
    return None


def _capitalised(words: str) -> str:
    return " ".join(word.capitalize() for word in words.split())


def _after_name(match: re.Match[str]) -> str | None:
    found = _WORDS_BEFORE.match(before(match))
    if not found or _DATED.match(after(match)):
        return None
    number = value(match["roman"])
    if found["name"] == "крови":
        found = _WORDS_BEFORE.match(found["left"]) or found
    numbered = [form for form in forms(found["name"].lower()) if form.part == "NOUN" and form.lemma in _NUMBERED]
    if numbered:
        return _agreeing(number, found["left"], numbered)
    following = _WORD_AFTER.match(after(match))
    if following and any(form.lemma in _RANKS for form in forms(following["first"])):
        return None
    ruler = _ruler(found["name"])
    if ruler:
        same = {form.case for form in forms(found["name"]) if form.gender == ruler.gender and not form.plural}
        options = [option for option in governed(found["left"]) if option in same]
        words = ordinal(number, options[0] if options else ruler.case, ruler.gender or "m", animate=True)
        return _capitalised(words)
    case = _foreign_ruler(found["name"])
    return _capitalised(ordinal(number, case, "m", animate=True)) if case else None


def _agreeing(number: int, left: str, found: list[Form]) -> str:
    """The ordinal in the form that a noun has, of several the one that fits what stands before it."""
    singular = [form for form in found if not form.plural] or found
    singular = [form for form in singular if not form.animate] or singular  # "глава" is also a chief
    shared = frozenset(form.case for form in singular)
    case = case_in(left, shared)
    form = next((form for form in singular if form.case == case), singular[0])
    return ordinal(number, form.case, form.gender if not form.plural and form.gender else "pl", animate=form.animate)


def _several(match: re.Match[str]) -> str | None:
    """ "тома I–III", "части I и II", "Николай I и II"."""
    found = _WORDS_BEFORE.match(before(match))
    if not found or _DATED.match(after(match)):
        return None
    numbered = [form for form in forms(found["name"].lower()) if form.part == "NOUN" and form.lemma in _NUMBERED]
    if not numbered:
        return None
    shared = frozenset(form.case for form in numbered)
    case = case_in(found["left"], shared)
    form = next((form for form in numbered if form.case == case), numbered[0])
    gender: Gender = form.gender or "m"
    link = match["link"] if match["link"].strip() in (",", "и", "или") else " — "
    return f"{ordinal(value(match['first']), form.case, gender)}{link}{ordinal(value(match['last']), form.case, gender)}"


def _before_noun(match: re.Match[str]) -> str | None:
    """What no other rule reads: before a noun the ordinal that agrees with it, behind a word just the number."""
    following = _WORD_AFTER.match(after(match))
    roman = match["roman"].translate(_LATIN)
    number = value(roman)
    if match["ending"]:
        return _ended(number, match["ending"])
    left = before(match)
    if following and roman not in _BORROWED:
        found = _noun_phrase(following)
        if found and (len(roman) > 1 or found[0].lemma in _NUMBERED or "мировой" in following["first"].lower()):
            return _agreeing(number, left, found)
    if governed(left) and (_CENTURY.search(left) or _CENTURY.search(after(match))):
        return ordinal(number, governed(left)[0], "m")
    if left[-1:] in ("", "\n") and re.match(r"[.)] ", after(match)) and roman not in _BORROWED:
        return cardinal(number).capitalize()
    if len(roman) < 2 or roman in _BORROWED or not re.search(r"[А-Яа-яЁё»\"A-Za-z] $", left):
        return None
    return cardinal(number)


def _noun_phrase(following: re.Match[str]) -> list[Form]:
    first = forms(following["first"])
    if numbered := [form for form in first if form.part == "NOUN" and form.lemma in _NUMBERED]:
        return numbered
    if first and first[0].part == "NOUN":
        return [form for form in first if form.part == "NOUN"]
    nouns = [form for form in forms(following["second"] or "") if form.part == "NOUN"]
    if first and first[0].part == "ADJF" and nouns:
        agreed = [noun for noun in nouns if any(a.case == noun.case and a.plural == noun.plural for a in first)]
        return agreed or nouns
    return [form for form in first if form.part == "ADJF"] if first and first[0].part == "ADJF" else []


def _ended(number: int, ending: str) -> str:
    """ "XX-го", "II-й": as the ending says."""
    cases: dict[str, tuple[Case, Gender]] = {
        "го": ("gen", "m"),
        "ого": ("gen", "m"),
        "му": ("dat", "m"),
        "ому": ("dat", "m"),
        "ым": ("ins", "m"),
        "им": ("ins", "m"),
        "м": ("loc", "m"),
        "ом": ("loc", "m"),
        "ая": ("nom", "f"),
        "я": ("nom", "f"),
        "ую": ("acc", "f"),
        "ю": ("acc", "f"),
        "ое": ("nom", "n"),
        "е": ("nom", "n"),
    }
    case, gender = cases.get(ending, ("nom", "m"))
    return ordinal(number, case, gender)


def _thousands(match: re.Match[str]) -> str:
    """ "MMXXIV" becomes digits: the next round sees what they count."""
    return str(value(match[0]))


AFTER_NAMES = (Rule("roman", _THOUSANDS, _thousands), Rule("roman", _RANGE, _several), Rule("roman", _NUMERAL, _after_name))


def _list_before_noun(match: re.Match[str]) -> str | None:
    """ "I и II степени", "V–VI классы"."""
    following = _WORD_AFTER.match(after(match))
    numbered = [form for form in forms(following["first"]) if form.lemma in _NUMBERED and form.part == "NOUN"] if following else []
    if not numbered:
        return None
    case = case_in(before(match), frozenset(form.case for form in numbered))
    form = next((form for form in numbered if form.case == case), numbered[0])
    words = re.sub(ROMAN, lambda one: ordinal(value(one[0]), form.case, form.gender or "m") if one[0] else "", match[0])
    return re.sub(r"\s?[-–—]\s?", " — ", words)


BEFORE_NOUNS = (
    Rule("roman", _LIST, _list_before_noun),
    Rule("roman", _NUMERAL, _before_noun),
)
"""Behind the rules of dates, which know centuries and quarters better."""
