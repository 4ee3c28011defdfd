"""Years and decades: "в 1991 году", "1941–1945 гг.", "2000-е", "(1799–1837)", "в июне 2024"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.amounts import join_range
from qwen3tts.text.russian.forms import follows_noun, forms, word_before
from qwen3tts.text.russian.grammar import Case
from qwen3tts.text.russian.moments import counts_what_follows, is_alone, moment_case, year_stop
from qwen3tts.text.russian.numerals import ordinal

_SINGULAR: dict[Case, str] = {"nom": "год", "gen": "года", "dat": "году", "acc": "год", "ins": "годом", "loc": "году"}
_PLURAL: dict[Case, str] = {"nom": "годы", "gen": "годов", "dat": "годам", "acc": "годы", "ins": "годами", "loc": "годах"}
_WORDS: dict[str, Case] = {
    "год": "nom",
    "года": "gen",
    "годом": "ins",
    "годе": "loc",
    **{word: case for case, word in _PLURAL.items() if case != "acc"},
}
_DECADES: dict[str, Case] = {"е": "nom", "ые": "nom", "х": "gen", "ых": "gen", "м": "dat", "ым": "dat", "ми": "ins", "ыми": "ins"}
_LINKS: dict[str, Case] = {"по": "acc", "до": "gen"}
_FIRST, _LAST = 1000, 2199

_BEGIN = r"(?<![\w.,:/№#$€₽+−])(?<!\w-)"
_END = r"(?![\w%‰°]|[.,:/][0-9]|-[^\W\d])"
_ADJECTIVE = r"(?P<adjective> (?:учебн|финансов|календарн|хозяйственн|отч[её]тн|бюджетн|юбилейн|прошл|минувш)[а-я]{2,3})?"
_LINK = r"(?P<link> ?[-–—/] ?| по | до | и | или |, )"
_YEAR_WORD = re.compile(
    rf"{_BEGIN}(?:(?P<first>[0-9]{{1,4}}){_LINK})?(?P<last>[0-9]{{1,4}})(?P<ending>-?(?:го|му|м|й|ый|ым|ом))?{_ADJECTIVE}"
    r" ?(?P<word>год(?:ами|ах|ам|ов|ом|а|у|е|ы)?|гг\.|гг|г\.г\.|г\. ?р\.|г\.|г)(?!\w)"
)
_DECADE = re.compile(
    rf"{_BEGIN}(?:(?P<first>[12][0-9]{{2}}0)(?:-?(?:е|ые|х|ых|м|ым|ми|ыми))?(?P<link> ?[-–—] ?| и | или ))?"
    r"(?P<last>[12][0-9]{2}0|(?<=0[-–—])[1-9]0|[1-9]0(?=-?[а-я]{1,3} гг?\.))"
    r"-?(?P<ending>ыми|ых|ые|ым|ми|е|х|м)(?![\w-])(?P<word> ?(?:гг\.|г\.))?"
)
_BARE = re.compile(rf"{_BEGIN}(?P<first>[12][0-9]{{3}}){_END}(?:(?P<link> ?[-–—] ?| по | до )(?P<last>[12][0-9]{{3}}){_END})?")
_SEASONS = re.compile(rf"{_BEGIN}(?P<first>(?:19|20)[0-9]{{2}})[/⁄](?P<last>(?:19|20)?[0-9]{{2}})(?![\w/.-])")
_ERA = re.compile(r" ?(?:до )?(?:н\. ?э\.|нашей эры)")
_SEASON = re.compile(
    r"(?:весной|летом|осенью|зимой|весны|лета|осени|зимы|весну|лето|осень|зиму|начал[еоау]|кон[ец]ц?[еау]?|середин[еауы]) $",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(?:(?:январ|феврал|апрел|июн|июл|сентябр|октябр|ноябр|декабр)(?:ь|я|ю|ем|е)|(?:март|август)(?:а|у|ом|е)?|ма(?:й|я|ю|ем|е)|"
    r"квартал[а-я]{0,2}|(?:кв|мес|янв|февр?|апр|ию[нл]|авг|сент?|окт|нояб?|дек)\.|полугоди[а-я]) $",
    re.IGNORECASE,
)
_PARENTHESIS = re.compile(r"[(\[](?:ок\.)? ?$")
_YEAR_BEFORE = re.compile(r"(?<!\w)(год|года|году|годом|итоги|итогам|итогов|бюджет|план|новинки|тренды|календарь) $", re.IGNORECASE)
_NAMED: dict[str, Case] = {"год": "nom", "году": "loc", "годом": "ins"}
_BORN = re.compile(r"(?<!\w)(?:(?:р|род|ум)\. ?|родил(?:ся|ась) |умер(?:ла)? )$")
_BEFORE_YEARS = re.compile(
    r"(?<!\w)(?:(?P<sure>во?|со?|ко?|после|выборы|выборов|модель|образца)|до|от|по|на|за|около) $", re.IGNORECASE
)


def _year_word(match: re.Match[str]) -> str | None:
    word, last = match["word"], int(match["last"])
    short = word.startswith("г") and not word.startswith("год")
    if not _is_year(match, last, short):
        return None
    plural = bool(match["first"] and (short or word in _PLURAL.values())) and match["link"].strip() not in ("/", "по", "до")
    case = _case(match, short)
    if word.endswith("р."):
        return f"{ordinal(last, 'gen')} года рождения{year_stop(match)}"
    if word in ("годы", "годов", "годам", "годами", "годах") and not match["first"]:
        return f"{ordinal(last, case, 'pl')}{match['adjective'] or ''} {word}" if last % 10 == 0 else None
    words = ordinal(last, case)
    if match["first"]:
        link = match["link"].strip()
        lead = case if link not in _LINKS else moment_case(before(match), "nom", inside="loc")
        first = ordinal(int(match["first"]), lead)
        words = f"{first}{match['link']}{words}" if link.isalpha() or link == "," else join_range(first, words)
    if short:
        word = (_PLURAL if plural else _SINGULAR)[case]
    return f"{words}{match['adjective'] or ''} {word}{year_stop(match) if short else ''}"


def _is_year(match: re.Match[str], last: int, short: bool) -> bool:
    """Whether a year is meant and no number of years or grams."""
    word, right = match["word"], after(match)
    if match["first"] and (int(match["first"]) < 100 or (len(match["last"]) != 2 and int(match["first"]) >= last)):
        return False
    if _ERA.match(right):
        return True
    if short:
        if match["first"]:
            return int(match["first"]) >= _FIRST
        following = forms((re.match(r" ([а-яё]{1,30})", right) or [" ", ""])[1])[:1]
        of_something = bool(following) and following[0].part == "NOUN" and following[0].case == "gen"
        if 100 <= last < _FIRST:
            return word == "г." and not of_something and word_before(before(match)).lower() in ("в", "к", "после")
        return _FIRST < last <= _LAST and (word.endswith(".") or not of_something)
    if word in ("году", "годе") or match["ending"]:
        return True
    if word == "год":
        return last >= _FIRST or (last >= 20 and not (last % 10 == 1 and last % 100 != 11)) or bool(match["first"])
    if word == "годом":
        return last >= 100
    if last > _LAST:
        return False
    counted = last % 10 in (2, 3, 4) and last % 100 not in (12, 13, 14)
    return last > _FIRST or (word == "года" and last >= 100 and not counted)


def _case(match: re.Match[str], short: bool) -> Case:
    """The case of the last year: the one its word shows, or the one that what stands before it asks for."""
    left, link, word = before(match), (match["link"] or "").strip(), match["word"]
    if word == "году":
        return "dat" if moment_case(left, "loc", inside="loc") == "dat" else "loc"
    if not short:
        return _WORDS[word]
    if link in _LINKS:
        return _LINKS[link]
    if _MONTH.search(left) or _SEASON.search(left):
        return "gen"
    return moment_case(left, "gen" if follows_noun(left) else "nom", inside="loc")


def _decade(match: re.Match[str]) -> str | None:
    left, case = before(match), _DECADES[match["ending"]]
    if match["ending"] == "м" and not match["word"] and word_before(left).lower() in ("в", "во", "о", "об", "на"):
        return None  # one year: "в 2000-м"
    words = ordinal(int(match["last"]), case, "pl")
    if match["first"]:
        link = match["link"] if match["link"].strip().isalpha() else " — "
        words = f"{ordinal(int(match['first']), case, 'pl')}{link}{words}"
    if not match["word"]:
        return words
    if case == "gen" and moment_case(left, "gen", inside="loc") == "loc":
        case = "loc"
    return f"{words} {_PLURAL[case]}{year_stop(match)}"


def _bare(match: re.Match[str]) -> str | None:
    """A year without its word, where only a year can stand."""
    left, first = before(match), int(match["first"])
    last = int(match["last"] or first)
    if counts_what_follows(match) or not _FIRST < first <= last <= _LAST or (match["last"] and first == last):
        return None
    link = (match["link"] or "").strip()
    if (named := _YEAR_BEFORE.search(left)) and not match["last"]:
        return ordinal(first, _NAMED.get(named[1].lower(), "gen"))
    if _BORN.search(left) and not link:
        return f"в {ordinal(first, 'loc')} году"
    if link in _LINKS and word_before(left).lower() not in ("с", "со", "от"):
        return None
    case = _bare_case(match, left, first, last, link)
    if case is None:
        return None
    words = ordinal(first, case)
    if not match["last"]:
        return words
    second = ordinal(last, _LINKS.get(link, case))
    return f"{words}{match['link']}{second}" if link in _LINKS else join_range(words, second)


def _bare_case(match: re.Match[str], left: str, first: int, last: int, link: str) -> Case | None:
    if _MONTH.search(left) or _SEASON.search(left):
        return "gen"
    if _PARENTHESIS.search(left) and re.match(r" ?[)\],;–—-]", after(match)):
        return "nom"
    found = _BEFORE_YEARS.search(left)
    round_number = first % 100 == 0 and last % 100 == 0
    if found and (found["sure"] or not round_number):
        return moment_case(left, "gen", inside="loc")
    if match["last"] and link not in _LINKS and not round_number and not is_alone(match):
        return moment_case(left, "nom", inside="loc")
    return None


def _season(match: re.Match[str]) -> str | None:
    """ "сезон 2023/24": two years that follow each other."""
    if (int(match["first"]) + 1) % 100 != int(match["last"]) % 100:
        return None
    return join_range(ordinal(int(match["first"]), "gen"), ordinal(int(match["last"]), "gen"))


RULES = (
    Rule("decade", _DECADE, _decade),
    Rule("year", _YEAR_WORD, _year_word),
    Rule("year", _BARE, _bare),
    Rule("year", _SEASONS, _season),
)
