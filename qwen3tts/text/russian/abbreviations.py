"""Abbreviations of ordinary words, and the order of all rules for what is written short."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian import acronyms, places, references, roman
from qwen3tts.text.russian.forms import Form, adjective, case_in, follows_noun, forms, governed
from qwen3tts.text.russian.grammar import inflect
from qwen3tts.text.russian.shortened import ADJECTIVES, BEFORE_NUMBERS, CONTRACTED, ENDING_SENTENCES, FIXED, NOUNS
from qwen3tts.text.russian.stops import any_of, as_written, kept_stop

_SCALES = {"тыс.": "тысяча", "млн": "миллион", "млрд": "миллиард", "трлн": "триллион"}
_OTHERS = {"др": "другой", "пр": "прочий", "проч": "прочий"}
_MEASURES = frozenset(["квадратный", "кубический"])
_SPOONS = {"ст.": "столовый", "ч.": "чайный", "дес.": "десертный"}


def _key(written: str, table: dict[str, str]) -> str:
    """What the table says of an abbreviation, whatever its spaces and capitals."""
    bare = written.lower().replace(" ", "")
    return next(words for short, words in table.items() if short.lower().replace(" ", "") == bare)


_START = r"(?<![\w.\-/])"
_END = r"(?![\w])"
_NO_NUMBER = r"(?<![0-9] )(?<![0-9])"
_FIXED_RULE = re.compile(rf"{_START}{_NO_NUMBER}(?:{any_of(FIXED)})(?:{_END}|(?=[а-яёА-ЯЁ]))")
_SENTENCE_RULE = re.compile(rf"{_START}(?:{any_of(ENDING_SENTENCES)})")
_NUMBER_RULE = re.compile(
    rf"{_START}(?:{any_of(BEFORE_NUMBERS)})(?P<number> ?[+−-]?[0-9][0-9 ]{{0,20}}(?:[.,][0-9]{{1,9}})?(?<! )"
    r"(?:\s?[%‰°$€₽£]\S{0,2}|\s[а-яА-Я/]{1,8}\.?)?|(?=(?<=од\.) во? )|(?=(?<=ум\.) в [0-9]))"
)
_ADJECTIVE_RULE = re.compile(
    rf"{_START}{_NO_NUMBER}(?P<short>{any_of(ADJECTIVES)}) ?"
    r"(?=«?(?:и [а-яё]{2,6}\. ?)?(?P<first>[а-яё][а-яё-]{1,40})(?: (?P<second>[а-яё][а-яё-]{1,40}))?)"
)
_NOUN_RULE = re.compile(rf"{_START}{_NO_NUMBER}(?P<short>{any_of(NOUNS)})(?:(?<=\.)(?= ?[а-яё«(+0-9:,])|(?<!\.){_END})")
_HEAD_BEFORE = re.compile(r"(?<!\w)([Зз]ав|[Дд]оц|[Пп]роф|[Зз]ам|[Аа]сс|[Нн]ач|[Рр]ук|[Пп]ом|[Дд]ир|преп)\. ?$")
_CONTRACTED_RULE = re.compile(rf"{_START}(?P<stem>{any_of(CONTRACTED)})(?P<ending>[а-яё]{{0,3}}){_END}")
_PETERSBURG_RULE = re.compile(r"(?<![\w.\-])(?:СПб\.?|С\.-Петербург(?P<ending>[а-я]{0,2}))(?!\w)")
_OTHERS_RULE = re.compile(rf"{_START}(?P<and>[иИ]) (?P<many>мн\. ?)?(?P<short>др|пр|проч)\.")
_STREET_BEFORE = re.compile(
    r"(?<!\w)(?:ул|пр|просп|пер|пл|наб|улиц|проспект|площад|переул|набереж|шоссе|перекр[её]ст)[^,;!?\n]{1,40}$"
)
_COMPARE_RULE = re.compile(rf"{_START}[Сс]р\.(?= ?(?:со? |также |[«\"„(A-ZА-ЯЁ0-9§№]|[а-я]{{1,5}}\. ?[0-9IVX]))")
_LITERALLY_RULE = re.compile(rf"{_START}[Бб]укв\.(?=:? ?[«\"„“'‘A-Za-z])|(?<=\()букв\.")
_SPOON_RULE = re.compile(r"(?<![\w.\-/])(?P<short>ст|ч|дес)\. ?(?=(?P<spoon>лож[а-яё]{2,4}))")
_NAMED_RULE = re.compile(r"(?:(?<=[А-Яа-яё»\"0-9] )|(?<![^\n]))[Ии]м\. ?(?=(?:[А-ЯЁ]\. ?){0,2}(?P<name>[А-ЯЁ][а-яё-]+)|[0-9«])")
_SCALE_RULE = re.compile(rf"(?:(?<=[а-яё] )|(?<![^(\n])(?=тыс))(?:{'|'.join(re.escape(s) for s in _SCALES)})(?!\w)")


def _spaced(match: re.Match[str], words: str) -> str:
    """The words, parted from a letter or digit that followed the abbreviation's stop at once."""
    following = match.string[match.end() : match.end() + 1]
    return f"{words} " if following.isalnum() or following == "«" else words


def _fixed(match: re.Match[str]) -> str:
    return _spaced(match, as_written(match[0], _key(match[0], FIXED)) + kept_stop(match, before_capital=False))


def _sentence(match: re.Match[str]) -> str:
    return as_written(match[0], _key(match[0], ENDING_SENTENCES)) + kept_stop(match)


def _before_number(match: re.Match[str]) -> str:
    """The word; the number stays for the next round, which sees the case that the word asks for."""
    number = match["number"].strip()
    words = as_written(match[0], _key(match[0].removesuffix(match["number"]), BEFORE_NUMBERS))
    return f"{words} {number}" if number else words


def _adjective(match: re.Match[str]) -> str | None:
    lemma = _key(match["short"], ADJECTIVES)
    nouns = [form for form in forms(match["first"]) if form.part == "NOUN"]
    if forms(match["first"])[:1] and forms(match["first"])[0].part == "ADJF":
        nouns = [form for form in forms(match["second"] or "") if form.part == "NOUN"]
    if not nouns or nouns[0].lemma == "метро" or (lemma in _MEASURES and not nouns[0].lemma.endswith(("метр", "фут", "дюйм"))):
        return None
    options = governed(before(match))
    form = next((form for case in options for form in nouns if form.case == case), None)
    form = form or _best(before(match), nouns)
    word = adjective(lemma, form.case, None if form.plural else form.gender, animate=form.animate)
    return as_written(match["short"], f"так {word}" if lemma == "называемый" else word) + " "


def _best(left: str, nouns: list[Form]) -> Form:
    singular = frozenset(form.case for form in nouns if not form.plural)
    subject = next((form for form in nouns if form.plural and form.case == "nom"), None)
    if subject and "nom" not in singular and not follows_noun(left) and not governed(left):
        return subject
    case = case_in(left, singular)
    return next((form for form in nouns if form.case == case and not form.plural), nouns[0])


def _noun(match: re.Match[str]) -> str:
    head = _HEAD_BEFORE.search(before(match))
    case = case_in(before(match)) if head is None else "ins" if head[1].lower() == "зав" else "gen"
    word = inflect(_key(match["short"], NOUNS), case, False)
    return _spaced(match, as_written(match["short"], word)) if match["short"].endswith(".") else as_written(match["short"], word)


def _contracted(match: re.Match[str]) -> str | None:
    stem, ending = _key(match["stem"], CONTRACTED), match["ending"]
    return as_written(match["stem"], stem + ending)


def _petersburg(match: re.Match[str]) -> str:
    if match["ending"] is not None:
        return f"Санкт-Петербург{match['ending']}"
    return f"Санкт-{inflect('Петербург', case_in(before(match)), False)}{kept_stop(match)}"


def _others(match: re.Match[str]) -> str | None:
    """ "и др.", "и пр. неприятности": in the case of what follows, or of what they are added to."""
    following = re.match(r" ([а-яё]+)", after(match))
    preceding = re.search(r"([А-Яа-яё-]+),? $", before(match))
    if match["short"] == "пр" and re.match(r" ?[А-ЯЁ]", after(match)) and _STREET_BEFORE.search(before(match)):
        return None
    agreed = [form.case for form in forms(following[1]) if form.plural and form.part == "NOUN"] if following else []
    if not agreed and match["short"] != "др":
        return f"{match['and']} прочее{kept_stop(match)}"
    if not agreed and preceding:
        cases = [form.case for form in forms(preceding[1])]
        agreed = ["nom"] if "nom" in cases else cases
    words = adjective(_OTHERS[match["short"]], agreed[0] if agreed else "nom", None)
    return f"{match['and']} {'многие ' if match['many'] else ''}{words}{kept_stop(match)}"


def _spoon(match: re.Match[str]) -> str | None:
    """ "3 ст. ложки", "ч. ложку"."""
    found = [form for form in forms(match["spoon"]) if form.lemma == "ложка"]
    if not found:
        return None
    counted = re.search(r"(?:[0-9]|две|три|четыре) $", before(match))
    form = next((form for form in found if form.plural and form.case == "nom"), found[0]) if counted else found[0]
    return adjective(_SPOONS[match["short"] + "."], form.case, None if form.plural else "f") + " "


def _named(match: re.Match[str]) -> str | None:
    if match["name"] and not any(form.case == "gen" for form in forms(match["name"])):
        return None
    return as_written(match[0], "имени ")


def _scale(match: re.Match[str]) -> str:
    options = governed(before(match))
    return inflect(_SCALES[match[0]], options[0] if options else "gen", True) + kept_stop(match)


RULES: tuple[Rule, ...] = (
    Rule("abbreviation", _SENTENCE_RULE, _sentence),
    Rule("abbreviation", _OTHERS_RULE, _others),
    Rule("abbreviation", _COMPARE_RULE, lambda match: _spaced(match, as_written(match[0], "сравни"))),
    Rule("abbreviation", _LITERALLY_RULE, lambda match: _spaced(match, as_written(match[0], "буквально"))),
    Rule("abbreviation", _SPOON_RULE, _spoon),
    Rule("abbreviation", _FIXED_RULE, _fixed),
    Rule("abbreviation", _NUMBER_RULE, _before_number),
    *references.RULES,
    *places.RULES,
    Rule("abbreviation", _ADJECTIVE_RULE, _adjective),
    Rule("abbreviation", _NOUN_RULE, _noun),
    Rule("abbreviation", _CONTRACTED_RULE, _contracted),
    Rule("abbreviation", _PETERSBURG_RULE, _petersburg),
    Rule("abbreviation", _NAMED_RULE, _named),
    Rule("abbreviation", _SCALE_RULE, _scale),
    *acronyms.RULES,
    *roman.BEFORE_NOUNS,
)
