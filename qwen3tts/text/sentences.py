"""Where sentences end, in any of the model's languages: by the mark, by what stands before it and by how the next word begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

CONTEXT = 40
"""Characters on either side that a decision may depend on."""

_WIDE = "。！？｡．"
_STRONG = "!?…‽⁇⁈⁉؟۔।॥" + _WIDE
_CANDIDATE = re.compile(rf"(?<![.{_STRONG}])[.{_STRONG}]+|\n(?=[ \t]{{0,20}}(?:[-*•‣◦–—]|[0-9]{{1,3}}[.)])[ \t])")
_CLOSING = re.compile(r"(?:[\"'»”’)\]}）」』】〉》〕]|\[[0-9]{1,3}\]|[ \xa0\u202f]»(?=[\s.,;:!?]|\Z))*")
_SPACE = re.compile(r"\s*")
_NO_WORD = re.compile(r"[\W_]*")
_OPENING = re.compile(r"[\s\"'«»“„‟‘‹(\[{¿¡*_—–-]{0,12}")
_WORD_AFTER = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_WORDS_BEFORE = re.compile(r"(?<![\w.'’-])(?:[^\W\d_]{1,4}\.[ \xa0\u202f]?){0,3}(?:[^\W_]+['’-]){0,3}[^\W_]+\Z")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LIST_NUMBER = re.compile(r"\s{0,12}[(\[]?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}|[IVXLC]{1,5}|[ivx]{1,5})")
_COUNTED = re.compile(
    r"(?:[0-9]|\b[IVXLCDM]{1,8})[ \xa0\u202f]?(?:г|гг|в|вв|мм|см|м|км|кг|т|л|р|ч|с|m|g|l|h|km|kg|cm|mm)(?:/[а-яa-z]{1,3})?\Z"
)
_SHORT_NUMBER = re.compile(r"(?<![\w.,])[0-9]{1,2}\Z")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    """Mr Mrs Ms Mx Messrs Dr Prof Rev Fr Hon Gen Col Capt Cpt Cmdr Lt Sgt Maj Cpl Sen Rep Gov Pres Supt Mt Ft
    Hr Hrn Frl Mme Mlle MM Mgr Sra Srta Dra Dña Ud Uds Exmo Exma Sig Dott Avv Ing Gent"""
)
"""Words that with a stop are titles; in small letters or without one they are others."""
_NEVER_LAST = _words(
    """dr mr mrs prof e.g i.e eg ie cf vs viz al approx ca c.f incl esp
    ee z.b d.h u.a o.ä bzw vgl evtl ggf inkl p.ex p.ej ej ex v.a s.o s.u sig sig.ra dott avv av
    т.е т.к т.н т.о т.ч напр см ср ул пер пл наб пр-т просп бул б-р ш обл р-н пос дер кв корп оф эт проф акад доц тов гр св ген
    полк кап лейт англ лат фр греч рус итал исп прибл г-н г-жа"""
)
"""A sentence does not end with these."""
_BEFORE_NUMBERS = _words(
    """no nos nr num núm n.º fig figs vol vols ch sec pp p pg art abs bd kap pág pag cap op
    jan feb mar apr jun jul aug sep sept oct nov dec est b fl
    рис табл гл стр с п пп ст разд прил вып тел д корп кв оф эт янв фев февр мар апр авг сен сент окт ноя нояб дек"""
)
"""Before a number no sentence ends with these."""
_SELDOM_LAST = _words("st ste inc ltd co corp bros jr sr ave blvd rd u.s u.k u.n d.c ph.d m.d b.a m.a ee.uu m r им нем ок")
"""Only before a word that can hardly go on a name does a sentence end with these."""
_STARTERS = _words(
    """the it he she they we you this that these those there but and so if when what why how in on at however then now a an as i
    он она оно они мы вы ты я это этот эта эти но и а в на с к по у за там тут так что когда если потом затем теперь однако его её
    der die das er sie es wir ich und aber il elle le la les nous vous je et mais el los las ella ellos y pero o os ele ela eles e
    mas lui lei noi"""
)
_GERMAN_DATES = _words(
    """januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert jahrhunderts
    weltkrieg weltkriegs klasse stock tag platz"""
)


def sentence_ends(text: str) -> Iterator[int]:
    """The offsets behind each sentence, its closing quotes and the space after it; the last is the end of the text.

    Marks before the first word of a sentence belong to it.
    """
    last = 0
    word = _end_of(_NO_WORD, text, 0)
    for match in _CANDIDATE.finditer(text):
        if match.start() < word:
            continue
        closed = match.end() if match[0] == "\n" else _end_of(_CLOSING, text, match.end())
        end = match.end() if match[0] == "\n" else _end_of(_SPACE, text, closed)
        if end < len(text) and (match[0] == "\n" or _ends(text, last, match, closed, end)):
            yield end
            last = end
            word = _end_of(_NO_WORD, text, end)
    if last < len(text):
        yield len(text)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _ends(text: str, start: int, mark: re.Match[str], closed: int, end: int) -> bool:
    """Whether the sentence from `start` ends with a mark. closed: behind its closing quotes; end: where the next word begins."""
    if closed == end and not _needs_no_space(text, mark, closed):
        return False
    following = text[end : end + CONTEXT]
    following = following[_end_of(_OPENING, following, 0) :]
    if _goes_on(following):
        return False
    before = text[max(start, mark.start() - CONTEXT) : mark.start()]
    return mark[0] != "." or mark.end() < closed or _stop_ends(before, following)


def _needs_no_space(text: str, mark: re.Match[str], closed: int) -> bool:
    """Chinese and Japanese put no space after a sentence; a quotation that a word follows at once is part of a longer one."""
    wide = mark[0][-1] in _WIDE or (_CJK.match(text[mark.start() - 1 : mark.start()]) and not text[closed].isascii())
    return bool(wide) and (closed == mark.end() or not text[closed].isalnum())


def _goes_on(following: str) -> bool:
    """Whether what follows begins in small letters; a name such as "iPhone" does not count."""
    word = _WORD_AFTER.match(following)
    return word is not None and word[0].islower()


def _stop_ends(before: str, following: str) -> bool:
    """Whether a single stop behind `before`, its sentence, ends that, or belongs to an abbreviation, initial or number."""
    if _LIST_NUMBER.fullmatch(before):
        return False
    found = _WORDS_BEFORE.search(before)
    if found is None or _COUNTED.search(before):
        return True
    whole = re.sub(r"\s", "", found[0]).lower()
    word = re.split(r"[.\s]", found[0])[-1]
    next_word = _WORD_AFTER.match(following)
    starts_anew = next_word is not None and next_word[0].lower() in _STARTERS and not following.startswith(".", next_word.end())
    for name in (whole, word.lower()):
        if name in _NEVER_LAST or (name in _BEFORE_NUMBERS and following[:1].isdigit()):
            return False
        if name in _SELDOM_LAST:
            return starts_anew
    if word in _TITLES:
        return False
    if _SHORT_NUMBER.search(before) and next_word is not None:
        return next_word[0].lower() not in _GERMAN_DATES
    if len(word) == 1 and word.isalpha() and not _may_be_last(whole, word):
        return starts_anew
    return True


def _may_be_last(whole: str, letter: str) -> bool:
    """Whether a single letter with a stop can end a sentence: "и т. д.", "это я.", a word of Chinese."""
    ending = whole in {"т.д", "т.п", "н.э", "u.s.w"}
    return ending or letter == "я" or not (letter.islower() or letter.isupper())
