"""Versions, models, rooms, flights, formulas and other names made of letters and digits."""

from __future__ import annotations

import re

from qwen3tts.text.english import maths, phones
from qwen3tts.text.english.numbers import cardinal, digits, ordinal, year
from qwen3tts.text.rules import Rule, before

_FIXED = {
    "24/7": "twenty-four seven", "24/7/365": "twenty-four seven three sixty-five", "9/11": "nine eleven",
    "50/50": "fifty fifty", "50-50": "fifty fifty", "20/20": "twenty twenty", "80/20": "eighty twenty",
    "60/40": "sixty forty", "4x4": "four by four", "4×4": "four by four", "401(k)": "four oh one k", "401k": "four oh one k",
    "403(b)": "four oh three b", "9-1-1": "nine one one", "10-4": "ten four", "WWI": "World War one", "WWII": "World War two",
    "WW1": "World War one", "WW2": "World War two", "WWIII": "World War three", "WW3": "World War three",
    "7-Eleven": "seven-Eleven", "H.264": "H two sixty-four", "H.265": "H two sixty-five", "3-D": "three D", "2-D": "two D",
    "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "g++": "g plus plus", "Notepad++": "Notepad plus plus",
    "A-Z": "A to Z", "A–Z": "A to Z", "a-z": "A to Z",
    "M.2": "M dot two", "9-to-5": "nine to five",
    "501(c)(3)": "five oh one c three",
    "AD&D": "AD and D", "3M": "three M", "7UP": "seven up", "4H": "four H", "4-H": "four H",
}  # fmt: skip
_SOFTWARE = re.findall(
    r"\S+",
    """Python iOS iPadOS watchOS tvOS macOS Android Windows Ubuntu Debian Fedora Java Node PHP Ruby Perl Go Rust Linux Kernel
    kernel Chrome Firefox Safari Django Flask TensorFlow PyTorch CUDA GCC Clang Bluetooth USB HDMI HTTP TLS SSL version
    Version versions ver release Release build Build GPT Claude Gemini Llama Qwen PostgreSQL MySQL SQLite Qt Blender
    OpenGL DirectX Vulkan Swift Kotlin TypeScript JavaScript React Vue Angular Laravel Rails Unity Unreal Git Docker
    Kubernetes Bash NET Office Photoshop Unicode CSS HTML ECMAScript PCIe Wi-Fi pip npm Redis Nginx Apache Lua Scala Julia
    R OS Section section Sections Chapter chapter Article article clause Clause paragraph Figure figure Table table
    Exercise exercise Example Theorem Lemma Appendix update patch firmware Firmware""",
)
_PLACES = re.findall(
    r"\S+",
    """Room room Suite suite Flight flight Highway highway Route route Interstate interstate Apartment apartment Apt Error
    error Channel channel Extension extension Rm Hwy Rt Boeing Airbus RTX GTX RX Ryzen RFC Porsche Peugeot Gate Cabin Flat Bus
    Train Agent Form Ste Audi Mazda Canon Nikon Intel Xeon Ferrari Cessna Embraer HTTP Form Ward Locker Dorm Rte Freeway
    Tesla Leica Nokia Studio Highways Hall Box Fahrenheit""",
)
_LETTERED_BEFORE = re.compile(
    r"\b(?:seat|seats|row|gate|apt\.?|apartment|flat|unit|platform|room|section|building|bldg\.?|block|house|level|lot|suite|box|exit|"
    r"zone|stand|booth|aisle|form|schedule|appendix|grade|class|year|team|group|number|no\.?|to|and|bus|line|route|flight|page|question|"
    r"answer|item) $",
    re.IGNORECASE,
)
_BOOKS = re.findall(
    r"\S+",
    """Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra Nehemiah Esther Job Psalm
    Psalms Proverbs Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel Daniel Hosea Joel Amos Obadiah Jonah Micah Nahum
    Habakkuk Zephaniah Haggai Zechariah Malachi Matthew Mark Luke John Acts Romans Corinthians Galatians Ephesians
    Philippians Colossians Thessalonians Timothy Titus Philemon Hebrews James Peter Jude Revelation Quran Qur'an Surah""",
)
_SHORT_BOOKS = {
    "Gen": "Genesis", "Exod": "Exodus", "Lev": "Leviticus", "Deut": "Deuteronomy", "Josh": "Joshua", "Sam": "Samuel", "Ps": "Psalm",
    "Prov": "Proverbs", "Eccl": "Ecclesiastes", "Isa": "Isaiah", "Jer": "Jeremiah", "Ezek": "Ezekiel", "Dan": "Daniel",
    "Matt": "Matthew", "Mt": "Matthew", "Mk": "Mark", "Lk": "Luke", "Jn": "John", "Rom": "Romans", "Cor": "Corinthians",
    "Gal": "Galatians", "Eph": "Ephesians", "Phil": "Philippians", "Col": "Colossians", "Thess": "Thessalonians",
    "Tim": "Timothy", "Heb": "Hebrews", "Jas": "James", "Pet": "Peter", "Rev": "Revelation", "Chron": "Chronicles",
}  # fmt: skip
_NO_CODE = re.compile(
    r"[QH][1-4](?:-[QH]?[1-4])?|(?:k|c|m|d)?m[23]|(?:USD|EUR|GBP|JPY|RUB|CHF|CNY|AUD|CAD|INR|AD|BC|CE|BCE|FY|am|pm|AM|PM)-?[0-9]+"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|June|Jul|July|Aug|Sep|Sept|Oct|Nov|Dec)-?[0-9]+.*"
)
_UP_TO_31 = r"(?:0?[1-9]|[12][0-9]|3[01])"
_NO_VERSION = re.compile(
    rf"{_UP_TO_31}\.{_UP_TO_31}\.(?:1[5-9]|20)[0-9]{{2}}|(?=[0-9]{{2}}\.){_UP_TO_31}\.(?:0[1-9]|1[0-2])\.[0-9]{{2}}"
    rf"|(?:1[5-9]|20)[0-9]{{2}}\.(?:0?[1-9]|1[0-2])\.{_UP_TO_31}"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2}|[1-9][0-9]{0,2}(?=[.0-9]*\.0)(?:\.[0-9]{3}){3}"
)
_PART = re.compile(r"[A-Za-z]+|[0-9]+")
_FREE = r"(?<![\w.,/:$€£@#&+-])"
_END = r"(?![\w]|[.,:/][0-9])"


def spoken_code(text: str) -> str:
    """Three or four digits of a name in pairs, as "two thirty-seven" and "seven forty-seven"; longer ones digit by digit."""
    if len(text) > 4 or (text[0] == "0" and len(text) > 1):
        return digits(text)
    if len(text) == 4:
        return (
            f"{cardinal(int(text[:2]))} oh {cardinal(int(text[3]))}"
            if text[2] == "0" and text[1:] != "00" + text[3]
            else year(int(text))
        )
    if len(text) < 3 or text[1:] == "00":
        return cardinal(int(text))
    rest = f"oh {cardinal(int(text[2]))}" if text[1] == "0" else cardinal(int(text[1:]))
    return f"{cardinal(int(text[0]))} {rest}"


def _code(match: re.Match[str]) -> str | None:
    text = match[0]
    parts = _PART.findall(text)
    if _NO_CODE.fullmatch(text) or not _is_code(text, parts):
        return None
    runs = [part for part in parts if part[0] in "0123456789"]
    if text[0] == "v" and len(parts) == 2 and len(runs[0]) < 4:
        return f"version {cardinal(int(runs[0]))}"
    if len(parts) > 4 and len(text) > 7 and any(len(run) > 2 for run in runs):
        return _spelled(text)
    return " ".join(_run(part, alone=len(runs) == 1) if part in runs else _letters(part) for part in parts)


def _is_code(text: str, parts: list[str]) -> bool:
    """Whether letters and digits alternate as in a name: "mid-1990s", "5ft10" and "covid-infected" are none."""
    head, *others = re.split("-", text)
    if "-" in text and not (head[0].isupper() or head[-1].isdigit()):
        return False
    if "--" in text or any(other[0].islower() and len(other) > 1 and other.isalpha() for other in others):
        return False
    return all(
        part.isdigit() or part.isupper() or len(part) < 4 or part == parts[0] for part in parts[: 2 if others else None]
    ) and (len(parts[-1]) < 3 or not parts[-1].islower())


def _run(text: str, alone: bool) -> str:
    return digits(text) if len(text) == 3 and not alone else spoken_code(text)


def _letters(text: str) -> str:
    """Small letters that make no word are names of letters."""
    return text.upper() if 1 < len(text) < 4 and not re.search("[aeiouyAEIOUY]", text) and text.islower() else text


def _spelled(text: str) -> str:
    """Character by character, in the groups that it is written in."""
    groups = re.findall(r"[A-Za-z0-9]+", text)
    return ", ".join(" ".join(cardinal(int(c)) if c in "0123456789" else c for c in group) for group in groups)


def _hash(match: re.Match[str]) -> str | None:
    text = match[0]
    if not (re.search("[0-9]", text) and re.search("[A-Fa-f]", text)):
        return None
    return _spelled(text)


def _colour(match: re.Match[str]) -> str | None:
    return f"hash {_spelled(match[1])}" if re.search("[0-9]", match[1]) and re.search("[A-Fa-f]", match[1]) else None


def _dotted(match: re.Match[str]) -> str | None:
    """ "1.2.3", "v2.0.1-beta" and "192.168.0.1:80"; dates and grouped thousands are others'."""
    numbers, tail, sign = match["numbers"].split("."), match["tail"] or "", match["sign"]
    if not sign and _NO_VERSION.fullmatch(match[0]) and not _is_software(match):
        return None
    address = len(numbers) == 4 and not sign and not tail and all(int(number) < 256 for number in numbers)
    if address:
        said = " dot ".join(digits(number) for number in numbers)
        port, mask = match["port"], match["mask"]
        return said + (f" colon {spoken_code(port)}" if port else "") + (f" slash {cardinal(int(mask))}" if mask else "")
    said = " point ".join(cardinal(int(number)) if len(number) < 4 else spoken_code(number) for number in numbers)
    words = [_run(part, alone=True) if part[0] in "0123456789" else part for part in _PART.findall(tail)]
    rest = f" colon {spoken_code(match['port'])}" if match["port"] else ""
    rest += f" slash {cardinal(int(match['mask']))}" if match["mask"] else ""
    return " ".join([*(["version"] if sign else []), said, *words]) + rest


def _version(match: re.Match[str]) -> str | None:
    """ "three point eleven" behind the name of what has versions."""
    return _point(match) if _is_software(match) else None


def _is_software(match: re.Match[str]) -> bool:
    name = re.search(r"([\w-]+)[ /-]$", before(match))
    return name is not None and name[1] in _SOFTWARE


def _point(match: re.Match[str]) -> str:
    first, second = match[1], match[2]
    after_point = f"oh {cardinal(int(second[1]))}" if len(second) == 2 and second[0] == "0" else spoken_code(second)
    return f"{cardinal(int(first))} point {after_point if second != '0' else 'zero'}" + (f" {match[3]}" if match[3] else "")


def _slashed(match: re.Match[str]) -> str:
    major, _, minor = match[2].partition(".")
    return f"{match[1]} {cardinal(int(major))}" + (f" point {cardinal(int(minor))}" if minor else "")


def _place(match: re.Match[str]) -> str | None:
    names = re.search(r"(?:([\w-]+)\.? )?([\w-]+)\.? #?$", before(match))
    if not names or not (names[2] in _PLACES or (names[1] in _PLACES and names[2].isupper() and len(names[2]) < 4)):
        return None
    if names[2] == "Agent" and match[1] == "007":
        return "double oh seven"
    return " ".join([*(spoken_code(part) for part in match[1].split("-")), *match[2]])


def _lettered(match: re.Match[str]) -> str | None:
    return f"{spoken_code(match[1])} {match[2]}" if _LETTERED_BEFORE.search(before(match)) else None


def _verse(match: re.Match[str]) -> str | None:
    """Of a numbered book the chapter alone too: "First Corinthians thirteen"."""
    if not match["which"] and (not match["first"] or match["book"] in ("Dan", "Sam", "Tim", "Phil")):
        return None
    book, numbers = _SHORT_BOOKS.get(match["book"], match["book"]), [match["chapter"], match["first"]]
    said = " ".join(cardinal(int(number)) for number in numbers if number)
    which = f"{ordinal(int(match['which'])).title()} " if match["which"] else ""
    return f"{which}{book} {said}" + (f" to {cardinal(int(match['last']))}" if match["last"] else "")


def _ranked(match: re.Match[str]) -> str:
    """The first is "number one"; what has many digits is a name."""
    text = match[1].replace(",", "")
    return f"number {cardinal(int(text)) if len(text) < 4 or ',' in match[1] else digits(text)}"


def _standard(match: re.Match[str]) -> str:
    return f"{match[1]} {cardinal(int(match[2]))}, {year(int(match[3]))}"


def _serial(match: re.Match[str]) -> str:
    return _spelled(match[0])


def _resolution(match: re.Match[str]) -> str:
    return f"{spoken_code(match[1])} {match[2]}"


def _zone(match: re.Match[str]) -> str:
    sign = "plus" if match[2] == "+" else "minus"
    minutes = f" {cardinal(int(match[4]))}" if match[4] and int(match[4]) else ""
    return f"{match[1]} {sign} {cardinal(int(match[3]))}{minutes}"


_ANY_FIXED = "|".join(re.escape(word) for word in sorted(_FIXED, key=len, reverse=True))
_DOTS = r"(?P<numbers>[0-9]{1,6}(?:\.[0-9]{1,6}){2,5})(?P<tail>[-+]?(?:alpha|beta|rc|dev|post|pre|a|b)(?:[.-]?[0-9]{1,3})?(?!\w))?"
RULES = (
    *maths.CHAINS,
    Rule("code", re.compile(rf"(?<![\w./$€£-])(?:{_ANY_FIXED})(?![\w/+#]|-[0-9])"), lambda match: _FIXED[match[0]]),
    Rule(
        "code",
        re.compile(r"(?<![\w-])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w-])"),
        lambda match: _spelled(match[0]),
    ),
    Rule(
        "code",
        re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])"),
        lambda match: _spelled(match[0]),
    ),
    *phones.RULES,
    Rule("code", re.compile(r"(?<![\w#&])#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})(?!\w)"), _colour),
    Rule("code", re.compile(r"(?<!\w)0x([0-9A-Fa-f]{1,16})(?!\w)"), lambda match: f"zero x {_spelled(match[1])}"),
    Rule(
        "version",
        re.compile(
            rf"(?<![\w.,])(?P<sign>[vV]\.? ?)?{_DOTS}(?::(?P<port>[0-9]{{2,5}}))?(?:/(?P<mask>[0-9]{{1,2}}))?(?![\w]|[.,][0-9])"
        ),
        _dotted,
    ),
    Rule(
        "version",
        re.compile(r"(?<![\w.,])[vV]\.? ?([0-9]{1,4})\.([0-9]{1,4})(?:-?(alpha|beta|rc[0-9]?))?(?![\w]|[.,][0-9])"),
        lambda match: f"version {_point(match)}",
    ),
    Rule(
        "version",
        re.compile(r"(?<![\w.,$€£])([0-9]{1,4})\.([0-9]{1,4})(?:-?(alpha|beta|rc[0-9]?|LTS))?(?![\w%°]|[.,][0-9])"),
        _version,
    ),
    Rule("version", re.compile(r"(?<!\w)(HTTP|PL|OS)/([0-9]{1,2}(?:\.[0-9]{1,2})?)(?![\w.])"), _slashed),
    Rule("code", re.compile(r"(?<![\w.,$€£:/])([0-9]{3,4}(?:-[0-9]{3,4})?)([A-Z]?)(?![\w%]|[.,:/-][0-9])"), _place),
    Rule("code", re.compile(r"(?<![\w.,$€£:/-])([0-9]{1,4})([A-Z])(?![\w%]|[.,:/-][0-9])"), _lettered),
    Rule(
        "code",
        re.compile(
            rf"(?<![\w.,:])(?:(?P<which>[123]) )?(?P<book>{'|'.join([*_BOOKS, *_SHORT_BOOKS])})\.? (?P<chapter>[0-9]{{1,3}})"
            r"(?::(?P<first>[0-9]{1,3})(?:[-–](?P<last>[0-9]{1,3}))?)?(?![\w:]| ?[ap]\.?m)"
        ),
        _verse,
    ),
    Rule("code", re.compile(r"\b((?:ISO|IEC|EN|DIN|IEEE)(?:/IEC)?)[ -]([0-9]{3,6}):((?:19|20)[0-9]{2})(?![\w:])"), _standard),
    Rule("code", re.compile(r"(?<=SKU )[0-9]{4,12}(?:-[0-9]{1,12}){0,3}(?![\w-])"), lambda match: _spelled(match[0])),
    Rule("code", re.compile(rf"{_FREE}(?=[0-9]{{0,10}}[A-Z]{{1,10}}[0-9]{{1,10}}[A-Z])[0-9][0-9A-Z]{{8,39}}{_END}"), _serial),
    Rule(
        "code",
        re.compile(r"(?<![\w.,])([0-9]{1,2})W-?([0-9]{2})(?![\w.,]?[0-9])"),
        lambda match: f"{cardinal(int(match[1]))} W {cardinal(int(match[2]))}",
    ),
    Rule("code", re.compile(rf"(?<=[A-Z][A-Z])# ?([0-9]{{2,20}}){_END}"), lambda match: f" number {digits(match[1])}"),
    Rule("code", re.compile(rf"(?<![\w#&])[#№] ?([0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,20}}){_END}"), _ranked),
    Rule("code", re.compile(r"(?<![\w.,$€£])(2160|1440|1080|900|720|540|480|360|240|144)([pi])(?!\w)"), _resolution),
    Rule("code", re.compile(r"(?<![\w.,$€£])([2-6])(G|D)(?![\w$])"), _resolution),
    Rule(
        "code",
        re.compile(
            r"(?<![\w.,$€£-])([48])(K)(?= ?(?:video|TVs?|resolution|monitor|display|UHD|Ultra|HDR|movies?|screen|footage|quality|"
            r"Blu|camera|streaming|content|at|@)\b)"
        ),
        _resolution,
    ),
    Rule("code", re.compile(r"\b(UTC|GMT)([+−–-])([0-9]{1,2})(?::([0-9]{2}))?(?![\w:])"), _zone),
    Rule("code", re.compile(r"(?<![\w-])(?=[0-9a-f]{0,6}[a-f][0-9a-f]{0,6}[0-9])[0-9a-f]{7,64}(?![\w-])"), _hash),
    Rule("code", re.compile(rf"{_FREE}[A-Za-z][A-Za-z-]{{0,14}}[0-9](?:[A-Za-z0-9-]{{0,40}}[A-Za-z0-9])?{_END}"), _code),
    Rule("code", re.compile(rf"{_FREE}[0-9]{{1,4}}[A-Z]{{1,3}}[0-9][0-9A-Z]{{0,30}}{_END}"), _code),
)
