"""Titles before names, streets and their numbers, states and ZIP codes, mountains and saints."""

from __future__ import annotations

import re

from qwen3tts.text.english import abbreviations, roman
from qwen3tts.text.english.abbreviations import final_stop
from qwen3tts.text.english.numbers import cardinal, digits, year
from qwen3tts.text.rules import Rule, after, before

_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Messrs": "Messieurs", "Mme": "Madame", "Mlle": "Mademoiselle", "Dr": "Doctor",
    "Drs": "Doctors", "Prof": "Professor", "Profs": "Professors", "Rev": "Reverend", "Hon": "Honorable", "Fr": "Father",
    "Sr": "Sister", "Br": "Brother", "Pres": "President", "Gov": "Governor", "Sen": "Senator", "Sens": "Senators",
    "Rep": "Representative", "Reps": "Representatives", "Amb": "Ambassador", "Sec": "Secretary", "Supt": "Superintendent",
    "Atty": "Attorney", "Gen": "General", "Adm": "Admiral", "Col": "Colonel", "Maj": "Major", "Capt": "Captain",
    "Cpt": "Captain", "Cmdr": "Commander", "Cdr": "Commander", "Comdr": "Commander", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Cpl": "Corporal", "Pvt": "Private", "Pfc": "Private First Class", "Det": "Detective", "Insp": "Inspector",
    "Ofc": "Officer", "Mt": "Mount", "Mtn": "Mountain", "Ft": "Fort", "Pt": "Point",
}  # fmt: skip
_STOPLESS = {"Mr", "Mrs", "Dr", "Prof", "Lt", "Capt", "Sgt", "Mt"}
_AFTER_NAMES = {"Jr": "Junior", "Sr": "Senior", "Esq": "Esquire"}
_STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane", "Dr": "Drive",
    "Ct": "Court", "Pl": "Place", "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway", "Ter": "Terrace", "Terr": "Terrace",
    "Cir": "Circle", "Expy": "Expressway", "Fwy": "Freeway", "Tpke": "Turnpike", "Aly": "Alley", "Cres": "Crescent",
    "Hts": "Heights", "Bldg": "Building", "Mtn": "Mountain", "Jct": "Junction",
}  # fmt: skip
_SUFFIX = "|".join([*_STREETS, *_STREETS.values()])
_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland",
    "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah",
    "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "DC": "DC",
}  # fmt: skip
_OLD_STATES = {
    "Ala": "Alabama", "Ariz": "Arizona", "Ark": "Arkansas", "Calif": "California", "Colo": "Colorado", "Conn": "Connecticut",
    "Fla": "Florida", "Ga": "Georgia", "Ill": "Illinois", "Ind": "Indiana", "Kan": "Kansas", "Ky": "Kentucky",
    "Mass": "Massachusetts", "Md": "Maryland", "Mich": "Michigan", "Minn": "Minnesota", "Mo": "Missouri", "Neb": "Nebraska",
    "Nev": "Nevada", "Okla": "Oklahoma", "Ore": "Oregon", "Pa": "Pennsylvania", "Tenn": "Tennessee", "Tex": "Texas",
    "Va": "Virginia", "Wash": "Washington", "Wis": "Wisconsin", "Wyo": "Wyoming",
}  # fmt: skip
_WORDS_TOO = {"OK", "OH", "HI", "ME", "IN", "OR", "MA", "PA", "ID", "CO", "AL", "DE", "LA", "MS", "MD", "CT", "MT"}
"""Words and other abbreviations: states behind a city of theirs, or before a ZIP code."""
_CITIES = frozenset(
    re.findall(
        r"\S+",
        """Portland Salem Eugene Columbus Cleveland Cincinnati Dayton Toledo Akron Honolulu Boston Cambridge Worcester
    Philadelphia Pittsburgh Indianapolis Tulsa City Denver Boulder Springs Aurora Birmingham Montgomery Mobile Wilmington
    Dover Orleans Rouge Jackson Baltimore Hartford Haven Billings Bozeman Boise Bangor Augusta Norman Lafayette Annapolis
    Bethesda Stamford Missoula Springfield""",
    )
)
_DIRECTIONS = {"N": "North", "S": "South", "E": "East", "W": "West"} | {
    "NE": "Northeast", "NW": "Northwest", "SE": "Southeast", "SW": "Southwest"
}  # fmt: skip
_SAINTS = frozenset(
    re.findall(
        r"\S+",
        """Louis Petersburg Paul John Johns Patrick Patricks Peter Peters Mary Marys George James Andrew Andrews Augustine
    Bernard Thomas Francis Nicholas Joseph Michael Martin Lucia Helens Helena Kitts Vincent Barts Tropez Moritz Pancras
    Albans Ives Stephen David Basil Anthony Teresa Catharines Catherine Mark Matthew Luke Lawrence Cloud Clair Jude
    Valentine Gallen Croix Lucie Anne Bartholomew Benedict Clare Ambrose""",
    )
)
_LEADING = frozenset(
    re.findall(
        r"\S+",
        """The A An In At On To From Of For And But By Near With St Mount Fort Port Our This That When Where Visit If As Is""",
    )
)
_WORD_BEFORE = re.compile(r"(?:^|[\s(\"'“‘])([A-Z][\w'’-]*|[0-9]{1,4}(?:st|nd|rd|th)|[A-Z]\.?) $")
_HOUSE_BEFORE = re.compile(r"[0-9]{1,6}[A-Z]? (?:[NSEW]{1,2}\.? |North |South |East |West )?(?:[\w'’.-]{1,20} ){0,3}$")
_NAME_NEXT = re.compile(r" [\"“]?[A-Z]")
_ZIP_BEFORE = re.compile(r"\b(?:zip|ZIP|Zip|postal)(?: [Cc]ode| CODE)?(?: is|:)? $")
_STATE_BEFORE = re.compile(rf", (?:{'|'.join(_STATES.values())}),? $")
_TOWN = re.compile(r"(?:^|[\s,(])(?!(?:About|Over|Nearly|Almost|Only|Just|Total|Around|Dow|Nasdaq|Bitcoin|Some)\b)([A-Z][a-z]+) $")
_ADDRESS_END = re.compile(r",? ?(?:$|[.;\n)\"]|USA\b|U\.S|United States)")


def _title(match: re.Match[str]) -> str | None:
    word, stop = match[1], match[2]
    if not (stop or word in _STOPLESS) or (word in _STREETS and _is_street(match)):
        return None
    if word == "Sr" and _WORD_BEFORE.search(before(match)):
        return None
    following = after(match)[:1]
    return _TITLES[word] + ("" if following == " " else " ")


def _is_street(match: re.Match[str]) -> bool:
    """Whether a capitalised word or a number stands before "Dr." as before "Drive"."""
    text = before(match)
    word = _WORD_BEFORE.search(text)
    if not word or word[1] in _LEADING:
        return False
    ends = bool(match[2] and final_stop(match, may_end=False))
    return ends or bool(_HOUSE_BEFORE.search(text)) or not _NAME_NEXT.match(after(match))


def _saint(match: re.Match[str]) -> str | None:
    left, right = before(match), after(match)
    name = re.match(r" ([A-Z]\w*)", right)
    if not name:
        return None
    word = _WORD_BEFORE.search(left)
    behind_word = word and word[1] not in _LEADING
    if behind_word and (name[1] not in _SAINTS or _HOUSE_BEFORE.search(left)):
        return None
    return "Saint"


def _street(match: re.Match[str]) -> str | None:
    word = _WORD_BEFORE.search(before(match))
    if (
        not word
        or (word[1] in _LEADING and word[1] != "Port")
        or (not match[2] and match[1] in ("Dr", "Pl", "Ct", "Sq", "Ter", "Av"))
    ):
        return None
    return _STREETS[match[1]] + (final_stop(match, may_end=False) if match[2] else "")


def _direction(match: re.Match[str]) -> str:
    return _DIRECTIONS[match[1].replace(".", "")]


def _quarter(match: re.Match[str]) -> str | None:
    return _direction(match) if re.search(rf"\b(?:{_SUFFIX})\.? $", before(match)) else None


def _state(match: re.Match[str]) -> str | None:
    state, zip_code = match[1], match[2]
    *_, city = before(match).split()
    if not city[0].isupper():
        return None
    if not zip_code and (city[-1] != "," or state == "DC" or (state in _WORDS_TOO and city[:-1] not in _CITIES)):
        return None
    return f"{_STATES[state]} {_zip(zip_code)}" if zip_code else _STATES[state]


def _zip(code: str) -> str:
    return ", ".join(digits(part) for part in code.split("-"))


def _lone_zip(match: re.Match[str]) -> str | None:
    left = before(match)
    placed = _STATE_BEFORE.search(left) or (match[0][2:] != "000" and (town := _TOWN.search(left)) and town[1] not in _LEADING)
    if not (match[1] or _ZIP_BEFORE.search(left) or (placed and _ADDRESS_END.match(after(match)))):
        return None
    return _zip(match[0])


def _house(match: re.Match[str]) -> str:
    text, letter = match[1], match[2]
    said = year(int(text)) if len(text) == 4 and text[0] != "0" else digits(text)
    if len(text) == 4 and text[1:] == "000":
        said = cardinal(int(text))
    return f"{said} {letter}" if letter else said


def _house_and_direction(match: re.Match[str]) -> str:
    """In one piece: a number before "N." could be taken for newtons."""
    number = _house(match) if len(match[1]) > 3 else cardinal(int(match[1]))
    return f"{number} {_DIRECTIONS[match[3].replace('.', '')]}"


def _after_name(match: re.Match[str]) -> str:
    return _AFTER_NAMES[match[1]] + (final_stop(match, may_end=False) if match[2] else "")


def _old_state(match: re.Match[str]) -> str:
    return _OLD_STATES[match[1]] + final_stop(match, may_end=False)


_ANY_TITLE = "|".join(sorted(_TITLES, key=len, reverse=True))
_ANY_STREET = "|".join(sorted(_STREETS, key=len, reverse=True))
_WORDS_BEFORE_SUFFIX = rf"(?= (?:(?:[A-Z][\w'’.-]{{1,20}}|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,3}}(?:{_SUFFIX})\b)"
RULES = (
    Rule(
        "address",
        re.compile(rf"(?<![\w.,$€£#/:-])([0-9]{{1,6}})() ([NS]\.?[EW]|[NSEW])\.?{_WORDS_BEFORE_SUFFIX}"),
        _house_and_direction,
    ),
    Rule(
        "address",
        re.compile(
            rf"(?<![\w.,$€£#/:-])([0-9]{{4,6}})([A-Z]?)(?= (?:[NSEW]{{1,2}}\.? )?(?! ))(?:(?= [NSEW])|{_WORDS_BEFORE_SUFFIX})"
        ),
        _house,
    ),
    Rule("address", re.compile(rf"(?<![\w.'’-])([NS]\.?[EW]|[NSEW])\.?{_WORDS_BEFORE_SUFFIX}"), _direction),
    Rule(
        "address",
        re.compile(rf"(?=[A-Z])(?:(?<=[a-z] )|(?<=[a-z], ))({'|'.join(_STATES)})(?: ([0-9]{{5}}(?:-[0-9]{{4}})?))?(?![\w'’-])"),
        _state,
    ),
    Rule("address", re.compile(rf"(?<=[a-z], )({'|'.join(_OLD_STATES)})\.(?!\w)"), _old_state),
    Rule("address", re.compile(r"(?<![\w.,$€£-])[0-9]{5}(-[0-9]{4})?(?![\w-]|[.,][0-9])"), _lone_zip),
    Rule("title", re.compile(rf"(?<![\w.@/&'’-])({_ANY_TITLE})(\.?)(?= ?[\"“]?[A-Z])(?! ?[IVXLC]+\b)"), _title),
    Rule("title", re.compile(r"(?<![\w.@/&'’-])(Dr|Mr|Mrs|Prof)(\.)(?= [a-z])"), _title),
    Rule("title", re.compile(r"(?<![\w.@/&'’-])(Dr|Mr|Prof)(\.?)(?= (?:and|&) (?:Dr|Mr|Mrs|Ms|Prof)\b)"), _title),
    Rule("address", re.compile(r"(?<=[a-z.] )([NS][EW]|[NSEW])(?=[,.;\n]|$)"), _quarter),
    Rule("title", re.compile(r"(?<![\w.@/&'’-])St\b\.?(?= [A-Z])"), _saint),
    Rule("title", re.compile(r"(?<=[A-Za-z.'’,] )(Jr|Sr|Esq)(\.?)(?!\w)"), _after_name),
    Rule("address", re.compile(rf"(?<=[\w.'’] )({_ANY_STREET})(?:(\.)(?!\w)|(?![\w.'’]))"), _street),
    *roman.RULES,
    *abbreviations.RULES,
)
