"""People: rulers with their numbers, initials, titles before names."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian import roman
from qwen3tts.text.russian.forms import Form, adjective, case_in, follows_noun, forms, governed, is_verb, word_before
from qwen3tts.text.russian.grammar import Case, inflect, parses
from qwen3tts.text.russian.places import NAMED_AFTER, is_town
from qwen3tts.text.russian.stops import any_of, as_written, kept_stop

_TITLES = {
    "проф": "профессор",
    "акад": "академик",
    "доц": "доцент",
    "асс": "ассистент",
    "д-р": "доктор",
    "тов": "товарищ",
    "т": "товарищ",
    "гр": "гражданин",
    "гр-н": "гражданин",
    "гр-ка": "гражданка",
    "гр-нин": "гражданин",
    "ген": "генерал",
    "полк": "полковник",
    "подполк": "подполковник",
    "кап": "капитан",
    "лейт": "лейтенант",
    "серж": "сержант",
    "адм": "адмирал",
    "арх": "архитектор",
    "архиеп": "архиепископ",
    "еп": "епископ",
    "митр": "митрополит",
    "о": "отец",
    "худ": "художник",
    "реж": "режиссёр",
    "инж": "инженер",
    "кн": "князь",
    "св": "святой",
    "преп": "преподобный",
    "г": "господин",
}
_NEEDS_NAME = frozenset(["о", "т", "кн", "г", "арх", "худ", "кап", "полк", "ген", "серж", "гр", "реж"])
_HOLY = frozenset(["св", "преп"])
_ENDED: dict[str, tuple[str, Case, bool]] = {
    "г-н": ("господин", "nom", False),
    "г-на": ("господин", "gen", False),
    "г-ну": ("господин", "dat", False),
    "г-ном": ("господин", "ins", False),
    "г-не": ("господин", "loc", False),
    "г-жа": ("госпожа", "nom", False),
    "г-жи": ("госпожа", "gen", False),
    "г-же": ("госпожа", "dat", False),
    "г-жу": ("госпожа", "acc", False),
    "г-жой": ("госпожа", "ins", False),
    "г-жою": ("госпожа", "ins", False),
    "г-да": ("господин", "nom", True),
    "гг-да": ("господин", "nom", True),
    "г-д": ("господин", "gen", True),
    "г-дам": ("господин", "dat", True),
    "г-дами": ("господин", "ins", True),
    "д-ра": ("доктор", "gen", False),
    "д-ру": ("доктор", "dat", False),
    "д-ром": ("доктор", "ins", False),
    "д-ре": ("доктор", "loc", False),
    "гр-на": ("гражданин", "gen", False),
    "гр-ну": ("гражданин", "dat", False),
    "гр-ки": ("гражданка", "gen", False),
    "гр-ке": ("гражданка", "dat", False),
    "гр-ку": ("гражданка", "acc", False),
}
_DEGREES = {
    "т": "технических",
    "м": "медицинских",
    "мед": "медицинских",
    "э": "экономических",
    "экон": "экономических",
    "и": "исторических",
    "ист": "исторических",
    "ю": "юридических",
    "юр": "юридических",
    "юрид": "юридических",
    "х": "химических",
    "хим": "химических",
    "б": "биологических",
    "биол": "биологических",
    "п": "педагогических",
    "пед": "педагогических",
    "псх": "психологических",
    "психол": "психологических",
    "ф": "филологических",
    "филол": "филологических",
    "филос": "философских",
    "ф.-м": "физико-математических",
    "физ.-мат": "физико-математических",
    "с.-х": "сельскохозяйственных",
    "г": "географических",
    "г.-м": "геолого-минералогических",
    "в": "военных",
    "воен": "военных",
    "полит": "политических",
    "соц": "социологических",
    "социол": "социологических",
    "иск": "искусствоведения",
    "культ": "культурологии",
}
_LEARNED = {"к": "кандидат", "канд": "кандидат", "д": "доктор", "докт": "доктор", "д-р": "доктор"}

_INITIAL = r"(?:[А-ЯЁ]|Вл|Дм|Ал|Ив|Ник|Юр|Вс|Вяч|Дж|Евг|Конст)"
_INITIALS = re.compile(
    rf"(?<![\w.])(?!С\.-Пет)(?:{_INITIAL}\.[ -]?){{1,3}}(?:[А-ЯЁ][а-яё]{{1,30}}(?:-[А-ЯЁ][а-яё]{{1,30}})?)(?!\w)"
    r"|(?<![\w.])(?:[A-Z]\.[ -]?){1,3}[A-Z][a-z]{1,30}(?!\w)"
    rf"|(?<=[а-яё] )(?:{_INITIAL}\. ?){{1,2}}{_INITIAL}\.(?!\w)|(?<=[a-z] )(?:[A-Z]\. ?){{1,2}}[A-Z]\.(?!\w)"
)
_CITY = re.compile(r"Г\. ?(?P<name>[А-ЯЁ][а-яё-]+)")
_TITLE = re.compile(
    rf"(?<![\w.\-/])(?P<short>{any_of(_TITLES, small='о т г кн')})"
    r"(?:\.|(?<=-р)|(?<=-н)|(?<=-ка)|(?<=-нин)) ?"
    r"(?=(?:[А-ЯЁ][а-я]?\. ?){0,2}(?P<name>[А-ЯЁ][а-яё-]{1,40}))"
)
_GENTLEMEN = re.compile(r"(?<![\w.\-])(?P<short>[Гг]г)\. ?(?=(?P<name>[А-ЯЁа-яё]{3,40}))")
_OBJECT_FIRST = re.compile(r"(?<![\w-])([А-Яа-яё-]+) (?:[а-яё]+ )?[а-яё]+ $")
_SHE_DID = re.compile(r" ?(?:[А-ЯЁ]\. ?){0,2}[А-ЯЁ][а-яё-]+(?:ва|на|ая) [а-яё]{2,}л(?:а|ась)(?!\w)")
_DONE_TO = re.compile(r" ?(?:[А-ЯЁ]\. ?){0,2}[А-ЯЁ][а-яё-]+ [а-яё]{2,}ли(?:сь)?(?!\w)")
_TITLE_ENDED = re.compile(rf"(?<![\w.\-])(?P<short>{any_of(_ENDED)})(?![\w-])")
_DEGREE = re.compile(
    r"(?<![\w.\-])(?P<who>[кд]|[Кк]анд|[Дд]окт|[Дд]-р)(?:\.|(?<=-р)) ?(?P<field>"
    + "|".join(re.escape(w) for w in sorted(_DEGREES, key=len, reverse=True))
    + r")\. ?(?:н|наук)\b\.?"
)


def _same(match: re.Match[str]) -> str | None:
    """Claimed as it is: the letters of initials are no abbreviations."""
    city = _CITY.fullmatch(match[0])
    return None if city and any("Geox" in form.marks for form in forms(city["name"])) else match[0]


def _name_forms(name: str) -> list[Form]:
    found = [form for form in forms(name) if not form.plural]
    people = [form for form in found if form.marks & {"Surn", "Name", "Patr"}]
    return people or [form for form in found if form.part in ("NOUN", "ADJF")]


def _title(match: re.Match[str]) -> str | None:
    short, left = match["short"].lower(), before(match)
    found = _name_forms(match["name"])
    known = any(form.marks & {"Surn", "Name"} for form in found) or not parses(match["name"])[0].is_known
    if re.search(r"[0-9] ?$", left) or (short in _NEEDS_NAME and not known):
        return None
    if short == "г" and (not any("Surn" in form.marks for form in found) or is_town(match["name"], after(match))):
        return None
    if short in _HOLY:
        form = _fitting(left, found)
        return (
            as_written(match["short"], adjective(_TITLES[short], form.case, form.gender, animate=True) if form else _TITLES[short])
            + " "
        )
    word = _TITLES[short]
    form = next((form for form in found if form.case == "gen"), None) if NAMED_AFTER.search(left) else _fitting(left, found)
    if form and form.case == "nom" and _DONE_TO.match(after(match)) and not after(match).split(maxsplit=3)[1:2][0].endswith("сь"):
        form = next((other for other in found if other.case in ("gen", "acc")), form)
    case = form.case if form else case_in(left)
    if short == "гр" and form and form.gender == "f" and not (form.case == "nom" and len(found) > 1 and found[0].gender == "m"):
        word = "гражданка"
    if short == "гр" and _SHE_DID.match(after(match)):
        word, case = "гражданка", "nom"
    return as_written(match["short"], inflect(word, "gen" if case == "acc" and word != "гражданка" else case, False)) + " "


def _has_object(left: str) -> bool:
    """Whether the verb on the left has its object before it: "Лекцию читает"."""
    found = _OBJECT_FIRST.search(left)
    cases = {form.case for form in forms(found[1])} if found else set()
    return "acc" in cases and "gen" not in cases


def _fitting(left: str, found: list[Form]) -> Form | None:
    """Of the ways to understand a name the one that fits what stands before it."""
    options = governed(left)
    fitting = [form for form in found if form.case in options]
    if options and fitting:
        return min(fitting, key=lambda form: options.index(form.case))
    if options:
        return None
    last = word_before(left)
    hanging = follows_noun(left) or (is_verb(last) and not last.endswith(("ла", "лась")) and not _has_object(left))
    subject = next((form for form in found if form.case == "nom"), None)
    oblique = next((form for form in found if form.case in ("gen", "acc")), None)
    if hanging and oblique:
        return oblique
    return subject or (found[0] if found else None)


def _gentlemen(match: re.Match[str]) -> str | None:
    """ "Уважаемые гг. акционеры", "гг. Иванов и Петров", but not years."""
    found = [form for form in forms(match["name"]) if form.animate and (form.plural or match["name"][0].isupper())]
    if not found or re.search(r"[0-9хХ] ?$", before(match)):
        return None
    return as_written(match["short"], _PLURALS.get(found[0].case, "господ")) + " "


def _title_ended(match: re.Match[str]) -> str:
    word, case, plural = _ENDED[match["short"].lower()]
    return as_written(match["short"], _PLURALS[case] if plural else inflect(word, case, False))


_PLURALS: dict[Case, str] = {"nom": "господа", "gen": "господ", "dat": "господам", "ins": "господами"}


def _degree(match: re.Match[str]) -> str:
    left = before(match)
    case = governed(left)[:1] or (("nom",) if not follows_noun(left) else ("gen",))
    who = inflect(_LEARNED[match["who"].lower()], case[0], False)
    field = _DEGREES[match["field"]]
    science = "" if field.endswith("я") else " наук"
    return as_written(match["who"], f"{who} {field}{science}{kept_stop(match, before_capital=False)}")


RULES: tuple[Rule, ...] = (
    Rule("abbreviation", _DEGREE, _degree),
    Rule("initials", _INITIALS, _same),
    *roman.AFTER_NAMES,
    Rule("abbreviation", _TITLE_ENDED, _title_ended),
    Rule("abbreviation", _TITLE, _title),
    Rule("abbreviation", _GENTLEMEN, _gentlemen),
)
