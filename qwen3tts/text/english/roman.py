"""Roman numerals: of rulers, chapters, wars, centuries and years."""

from __future__ import annotations

import re

from qwen3tts.text.english.numbers import cardinal, ordinal, year
from qwen3tts.text.rules import Rule, after, before

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_WELL_FORMED = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_RULERS = frozenset(
    re.findall(
        r"\S+",
        """Henry Edward Charles James George William Richard Elizabeth Mary Louis Philip Philippe Francis Napoleon Ferdinand
    Alfonso Juan Carlos Felipe Isabella Peter Catherine Alexander Nicholas Ivan Boris Paul Wilhelm Friedrich Frederick
    Leopold Joseph Maximilian Otto Conrad Rudolf Rudolph Albert Baudouin Christian Haakon Harald Olav Margrethe Gustav
    Gustavus Adolf Oscar Pius Benedict Gregory Innocent Leo Clement Urban Sixtus Julius Boniface Celestine Adrian Hadrian
    Honorius Eugene Nicholas Callixtus Stephen John Ramses Ramesses Rameses Thutmose Amenhotep Seti Ptolemy Cleopatra
    Darius Xerxes Artaxerxes Cyrus Philip Antiochus Seleucus Mithridates Constantine Theodosius Justinian Valentinian
    Basil Michael Manuel Alexios Mehmed Selim Suleiman Murad Bayezid Mahmud Abdul Hamid Vittorio Emanuele Umberto Emmanuel
    Victor Amadeus Pedro Manuel Afonso Sancho David Robert Alexander Kenneth Donald Beatrix Juliana Wilhelmina Hussein
    Abdullah Hassan Mohammed Farouk Fuad Sigismund Casimir Wladyslaw Stanislaus Bela Matthias Nebuchadnezzar Tiberius
    Vladimir Vasily Dmitry Sobhuza Rama Norodom Menelik Moctezuma Montezuma Lothair Childeric Clovis Theodoric Pepin
    Harold Canute Edmund Ethelred""",
    )
)
_THRONES = frozenset(
    re.findall(
        r"\S+",
        """King Queen Pope Emperor Empress Tsar Czar Kaiser Sultan Prince Princess Duke Pharaoh Patriarch Saint Antipope Shah
    Count Tsarina""",
    )
)
_GIVEN = frozenset(
    re.findall(
        r"\S+",
        """John James Robert William Richard Thomas Charles George Edward Henry Joseph David Michael Daniel Paul Mark Donald
    Kenneth Steven Brian Kevin Gary Larry Frank Scott Eric Stephen Andrew Raymond Jack Walter Harold Peter Arthur Fred
    Albert Samuel Howard Eugene Louis Philip Benjamin Martin Ronald Anthony Christopher Matthew Timothy Patrick Alexander
    Nicholas Theodore Franklin Davis Sammy Ken Robert Harry Cornelius Adlai Alfred Russell Oscar Earl Loudon Griffin
    Marvin Odell Mitchell Thurston Juan Carlos Luis Jose Nelson Winston
    Joe Jim Bob Tom Bill Mike Sam Dan Ben Max Hank Chris Steve Greg Jeff Jerry Jimmy Billy Bobby Johnny Tommy Roger Alan Bruce
    Carl Clarence Edgar Ernest Roy Ralph Leon Oliver Jason Ryan Justin Adam Nathan Edwin Francis Hunter Trey""",
    )
)
_COUNTED = re.findall(
    r"\S+",
    """chapter part volume vol book act scene section article title phase stage type class level grade unit module figure fig
    table appendix schedule category division group tier round episode season canto step version mark mk war bowl
    wrestlemania lesson rank sonnet saturn rocky rambo fantasy civilization civ diablo warcraft saw godfather terminator
    trek wars iphone os quest fighter kombat souls duty hearts theft auto creed evil gta scrolls zone corps army fleet
    schedule protocol basel exhibit annex option plan paragraph clause division league region district area column panel
    rule theorem lemma law vatican symphony sonata opus number no factor hepatitis antithrombin angiotensin interleukin
    nerve lead apollo gemini soyuz titan mercury trident minuteman polaris photoshop model chapters parts volumes books
    acts sections articles types stages phases classes levels grades figures tables episodes appendices numbers wars
    schedules pillar tome verse psalm numeral numerals stanza""",
)
_SINGLE = frozenset(
    re.findall(
        r"\S+",
        """chapter part volume book act scene section article title phase stage type class level grade unit figure table appendix
    schedule category tier episode canto war mark bowl saturn iphone os lesson vatican theorem factor saturn chapters
    parts volumes acts sections articles types stages phases grades basel annex exhibit division fantasy rocky protocol
    clause pillar verse corps tome books gta stanza""",
    )
)
_FIRST_PERSON = re.compile(
    r" (?:am|have|do|think|know|want|need|like|love|see|mean|read|write|say|get|make|prefer|use|find|play|buy|"
    r"really|never|always|just|enjoy|hope|guess|believe|can['’]?t|don['’]?t|haven['’]?t)\b|['’](?:m|d|ve|ll)\b"
)
_ANY_PERSON = re.compile(
    r" (?:was|had|did|will|would|can|could|should|shall|may|might|must|thought|knew|wanted|needed|liked|loved|saw|wrote|said|got|"
    r"made|used|found|played|bought|met|went|came|took|also|mentioned|enjoyed|heard|told|asked|gave)\b"
)
_BEFORE_RULERS = frozenset(
    re.findall(
        r"\S+",
        """of under by with after before between against""",
    )
) | {""}
_NUMERAL = r"[IVXLCDM]{1,12}"
_INITIAL = re.compile(r"\b[A-Z][a-z]+ (?:[A-Z]\. ?){1,2}[A-Z][\w'’-]+,? $")
_DIVISION = re.compile(
    r"(?<!\w)([Aa]ct|[Ss]cene|[Cc]hapter|[Pp]art|[Ss]ection|[Vv]olume|[Bb]ook|[Cc]anto|[Ii]tem|[Aa]ppendix|[Ff]igure|[Cc]lause|[Nn]ote"
    r"|[Pp]aragraph|[Aa]rticle|[Tt]able|[Pp]hase|[Ss]tage|[Tt]ype)$"
)
_LAST_WORDS = re.compile(r"(?:([\w'’.]+) )?([\w'’.]+)[ ,]$")


def value(numeral: str) -> int | None:
    """1984 of MCMLXXXIV; None of what only looks so."""
    if not numeral or not _WELL_FORMED.fullmatch(numeral):
        return None
    values = [_VALUES[letter] for letter in numeral]
    return sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))


def _after_word(match: re.Match[str]) -> str | None:
    """A numeral behind a word: "the Eighth" of people, "eight" of what is counted."""
    n = value(match[1])
    words = _LAST_WORDS.search(before(match))
    if n is None or not words:
        return None
    first, last = words[1] or "", words[2]
    single = len(match[1]) == 1
    if single and (match[1] in "LCDM" or (match[1] == "I" and _is_pronoun(match, first))):
        return None
    if last.lower() in _COUNTED and not (single and last.lower() not in _SINGLE):
        pronoun = match[1] == "I" and last.islower() and not re.match(r"[.,;:)]| [a-z]", after(match))
        return None if pronoun else cardinal(n)
    if n > 40 or (match[1] == "X" and last not in _RULERS):
        return None
    if last in _RULERS or (first in _THRONES and last[0].isupper()):
        return _the(n)
    if not single and last[0].isupper() and last[-1].islower() and (first in _GIVEN or _INITIAL.search(before(match))):
        return _the(n)
    likely = not single and match[1] not in (
        "IV",
        "VI",
        "XL",
        "XX",
        "XXX",
        "MI",
        "CV",
        "CI",
        "LI",
        "XI",
        "XV",
        "CC",
        "DC",
        "MC",
        "CD",
        "MD",
    )
    return cardinal(n) if likely and last[0].isupper() and last[-1].islower() else None


def _is_pronoun(match: re.Match[str], first: str) -> bool:
    """Whether "I" speaks, as in "when I met Mary I was sad"; first: the word before the last."""
    if first in _THRONES:
        return bool(re.match(r" am\b|['’](?:m|d|ve|ll)\b", after(match)))
    if _FIRST_PERSON.match(after(match)):
        return True
    return bool(_ANY_PERSON.match(after(match))) and first not in _BEFORE_RULERS and first[-1:] not in ".!?"


def _the(n: int) -> str:
    return f"the {ordinal(n).title()}"


def _small(match: re.Match[str]) -> str | None:
    """ "Scene ii", but not "the part i like"."""
    n, word = value(match[1].upper()), _DIVISION.search(before(match))
    if not n or not word:
        return None
    named = word[1][0].isupper() or word[1] in ("act", "scene") or not re.match(r"[ ’']\w", after(match))
    return f" {cardinal(n)}" if len(match[1]) > 1 or (match[1] in "ivx" and named) else None


def _second(match: re.Match[str]) -> str | None:
    """The other end of "Chapters IV–VI" or "Acts I and II"."""
    first, second = value(match[2]), value(match[4])
    if first is None or second is None or match[1].lower() not in _COUNTED:
        return None
    joint = match[3].strip() if match[3].strip().isalpha() or "," in match[3] or "&" in match[3] else "to"
    joint = joint.replace("&", "and")
    return f"{match[1]} {cardinal(first)}{'' if joint == ',' else ' '}{joint} {cardinal(second)}"


def _century(match: re.Match[str]) -> str | None:
    n = value(match[1])
    return ordinal(n) if n and n < 40 else None


def _year(match: re.Match[str]) -> str | None:
    n = value(match[0])
    return year(n) if n and n >= 1000 else None


def _item(match: re.Match[str]) -> str | None:
    n = value(match[1].upper())
    return f"({cardinal(n)})" if n else None


def _page(match: re.Match[str]) -> str | None:
    pages = [value(numeral.upper()) for numeral in match.groups() if numeral]
    return " to ".join(map(cardinal, filter(None, pages))) if all(pages) else None


def _heading(match: re.Match[str]) -> str | None:
    n = value(match[1])
    return cardinal(n).capitalize() if n else None


RULES = (
    Rule(
        "roman", re.compile(rf"\b([A-Za-z]{{3,12}}) ({_NUMERAL})( ?[-–—] ?| and | or | to | & |, )({_NUMERAL})(?![\w'’-])"), _second
    ),
    Rule("roman", re.compile(rf"(?<![\w.'’-])({_NUMERAL})(?:st|nd|rd|th)?(?=(?:-| )(?:century|centuries)\b)"), _century),
    Rule("roman", re.compile(rf"(?<=[A-Za-z.][ ])({_NUMERAL})(?![\w-]|\.[A-Z]|\. [A-Z]\.)"), _after_word),
    Rule("roman", re.compile(r" ([ivxl]{1,7})(?![\w'’-])"), _small),
    Rule("roman", re.compile(r"(?<![\w.'’-])M[IVXLCDM]{3,14}(?![\w'’-])"), _year),
    Rule("roman", re.compile(r"([ivxl](?:(?<=[Pp]age .)|(?<=[Pp]ages .))[ivxl]{0,6})(?:[-–]([ivxl]{1,7}))?(?!\w)"), _page),
    Rule("roman", re.compile(r"\(((?:ii|iii|iv|vi|vii|viii|ix|xi|xii))\)"), _item),
    Rule("roman", re.compile(r"(?<![^\n])([IVX]{2,6})(?=[.)] [A-Z])"), _heading),
)
