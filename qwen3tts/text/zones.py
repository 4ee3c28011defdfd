"""Which language a piece of a text is in, by its script: who is to read its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qwen3tts.text.addresses import EMAIL, FILE, HANDLE, PATH, URL
from qwen3tts.text.sentences import sentence_ends

LONE_NAME, QUOTATION = 1, 3
"""Words of another script in a row: a lone one is a name, and what is beside it belongs to the sentence; from three on they are a
quotation with numbers of its own, and so are two with something to read between them."""

_WORD = re.compile(
    r"(?P<ru>[Ѐ-ӿ][Ѐ-ӿ\u0301'’-]*)|(?P<en>(?![b-zB-HJ-Z]\b)[A-Za-zÀ-ɏḀ-ỿＡ-Ｚａ-ｚ\U0001d400-\U0001d7cb]['’\w-]*)"
    r"|(?P<other>[^\W\d_A-Za-zΑ-ω])"
)
_ROMAN = re.compile(r"(?!I$)[IVXLCDM]+")
_READABLE = re.compile(r"[0-9$€£¥₽&%#@°№]|[^\W\d_]\.|\b[IVXLCDM]{2,}\b")
_READABLE_NAME = re.compile(r"[^\W\d_]\. |\b[IVXLCDM]{2,}\b")
_NOT_RUSSIAN = re.compile("[іїєґўјљњћђџѓќѕІЇЄҐЎЈЉЊЋЂЏ]")
_ADDRESS_SIGNS = re.compile(r"[@/\\]|\w\.\w")

_NUMBER = r"[#$£€¥₽№]?[-−+]?(?:[0-9]{1,3}(?: [0-9]{3}){1,4}|[0-9]{1,20}(?:[.,:/–-][0-9]{1,20}){0,4})%?"
_NUMBER_BEFORE = re.compile(
    rf"(?P<apart>^|(?<=[\"'«“(])|(?<=[:;,—–] ))?\s*(?<![\w.,])(?:{_NUMBER}|(?<![^\s(«\"])[IVX]{{1,6}})(?P<gap>\s+|-?)$"
)
_NUMBER_AFTER = re.compile(
    rf"\s+{_NUMBER}(?: ?(?:°(?: ?[CFKСК]\b)?|%|[€₽$]))?(?:(?=\s*(?:[,;:.!?…»”\")\]]|$|[—–]))|(?<=[%°€₽$])(?=\s))"
)
_ROMAN_AFTER = re.compile(r"(?<=[a-zа-яё]) (?:[IVX]{2,}|(?<=[а-яё] )[IVX])(?![\w'’])")
_GLUED = re.compile(r"(?:/[^\W\d_]{1,4}[²³]?)?(?:[.!?…]+\s*$)?")
_UNIT = re.compile(r"[kKMGTcm]?(?:B|b|bps|Hz|W|Wh|m|g|l)|mAh|mph|px|fps|dpi|USD|EUR|RUB|C|F")
_QUOTED = re.compile(r"[\"'«“„][^\"'«»“”„]*[\"'»”“]")

# Words that a sentence in the language can hardly do without, and English has not.
_FOREIGN = frozenset(
    re.findall(
        r"\S+",
        """der die das und ist nicht ein eine ich sie wir mit auf für von dem den zu im
        la le les des est une et je il elle nous vous avec pour dans sur pas qui que du au aux ce
        el los las una es en con por para del al se su lo como pero y yo gli uno di che non per sono della nel alla ho hai
        os um uma não em do da dos das ao eu você é""",
    )
)
_ENGLISH = frozenset(
    re.findall(
        r"\S+",
        """the of and a to in is it you that he was for on are with as i his they be at one have this from or had by not but what
        all were we when your can said there use an each which she do how their if will up about out many then them so some her
        would make like him into has my me our us than its who did get may been call dr mr mrs ms""",
    )
)


@dataclass(frozen=True)
class Zone:
    """`text[start:end]` is read by the rules of `language`, "ru" or "en"."""

    start: int
    end: int
    language: str


def zones(text: str, language: str) -> list[Zone]:
    """The pieces of a text that Russian or English rules read, from left to right. language: an ISO 639-1 code, or "auto".

    In "auto" a sentence is in the language of most of its words, and the numbers in it with it; quotations are in their own.
    Sentences without a word follow those before them. What is neither Russian nor English is in no zone.
    """
    if language != "auto":
        return [Zone(0, len(text), language)] if language in ("ru", "en") and text else []
    found: list[Zone] = []
    for start, end, name in _parts(text):
        if found and found[-1].language == name:
            found[-1] = Zone(found[-1].start, end, name)
        else:
            found.append(Zone(start, end, name))
    return [zone for zone in found if zone.language != "other"]


def _parts(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and language of pieces that together are the text."""
    words = _words(text)
    word = next(words, None)
    start, last = 0, ""
    for end in sentence_ends(text):
        own = []
        while word is not None and word.start() < end:
            own.append(word)
            word = next(words, None)
        # Sentences before the first word wait for it.
        if own:
            pieces = list(_within_sentence(text, start, end, own))
            yield from pieces
            last = pieces[-1][2]
        elif last:
            yield start, end, last
        else:
            continue
        start = end
    if start < len(text):
        yield start, len(text), last or "en"


def _words(text: str) -> Iterator[re.Match[str]]:
    """The words that tell a language: letters of addresses, Roman numerals, single letters and units behind numbers do not."""
    addresses = _addresses(text)
    address = next(addresses, None)
    for word in _WORD.finditer(text):
        while address is not None and address[1] <= word.start():
            address = next(addresses, None)
        if (address is None or word.start() < address[0]) and not _ROMAN.fullmatch(word[0]) and not _is_unit(text, word):
            yield word


def _is_unit(text: str, word: re.Match[str]) -> bool:
    return _UNIT.fullmatch(word[0]) is not None and text[max(0, word.start() - 2) : word.start()].rstrip()[-1:].isdecimal()


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where e-mails, URLs and the like are, from left to right."""
    if _ADDRESS_SIGNS.search(text):
        yield from sorted(match.span() for pattern in (EMAIL, URL, FILE, PATH, HANDLE) for match in pattern.finditer(text))


def _within_sentence(text: str, start: int, end: int, words: list[re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    scripts = [word.lastgroup or "" for word in words]
    # Names of things are English in any sentence: words in small letters tell more.
    small = [word.lastgroup for word in words if word[0].islower() or word.lastgroup == "other"]
    main = max(("ru", "en", "other"), key=lambda script: (small.count(script), scripts.count(script)))
    position = start
    for first, last in _runs(scripts):
        if scripts[first] == main:
            continue
        left, right = _with_numbers(text, max(start, position), end, words[first : last + 1])
        if _is_quotation(text, left, right, words[first : last + 1]) or scripts[first] == "other":
            if left > position:
                yield position, left, _language(main, words)
            yield left, right, _language(scripts[first], words[first : last + 1])
            position = right
    if position < end:
        yield position, end, _language(main, words)


def _with_numbers(text: str, start: int, end: int, run: list[re.Match[str]]) -> tuple[int, int]:
    """Where words in a row begin and end with the numbers that belong to them."""
    left, right = run[0].start(), run[-1].end()
    number = _NUMBER_BEFORE.search(text[max(start, left - 24) : left])
    if number and (number["apart"] is not None or run[0][0].islower() or not number["gap"]):
        left -= len(number[0].lstrip())
    following = _ROMAN_AFTER.match(text, right, end) or _NUMBER_AFTER.match(text, right, end)
    return left, following.end() if following else _end_glued(text, right, end)


def _end_glued(text: str, right: int, end: int) -> int:
    glued = _GLUED.match(text, right, end)
    return glued.end() if glued else right


def _is_quotation(text: str, left: int, right: int, run: list[re.Match[str]]) -> bool:
    """Whether words in a row, with their numbers, are in their own language: "12 июня is a holiday", but not "купил iPhone 15"."""
    numbered = left < run[0].start() or right > run[-1].end()
    if run[0].lastgroup == "ru" and numbered:
        return True
    if left < run[0].start() and left > 0 and _QUOTED.match(text, left - 1, right + 1):
        return True
    if _ROMAN_AFTER.match(text, run[-1].end()):
        return True
    if run[0].lastgroup == "en" and not any(word[0].islower() for word in run):
        return len(run) > LONE_NAME and _READABLE_NAME.search(text, left, right) is not None
    return len(run) >= QUOTATION or (len(run) > LONE_NAME and _READABLE.search(text, left, right) is not None)


def _runs(scripts: list[str]) -> Iterator[tuple[int, int]]:
    """First and last word of each run of words in one script."""
    start = 0
    for i in range(1, len(scripts) + 1):
        if i == len(scripts) or scripts[i] != scripts[start]:
            yield start, i - 1
            start = i


def _language(script: str, words: list[re.Match[str]]) -> str:
    """The language of words of a script, as far as its letters and commonest words tell."""
    own = [word[0] for word in words if word.lastgroup == script]
    if script == "ru":
        return "other" if any(_NOT_RUSSIAN.search(word) for word in own) else "ru"
    if script == "en":
        lowered = [word.lower() for word in own]
        english = sum(word in _ENGLISH for word in lowered)
        return "other" if sum(word in _FOREIGN for word in lowered) > english else "en"
    return "other"
