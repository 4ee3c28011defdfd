"""Signs: those that are spoken get their names, marks of layout go, plain punctuation stays."""

from __future__ import annotations

import re

from qwen3tts.text.english import maths
from qwen3tts.text.rules import Rule, after, before

_NAMES = {
    "×": "times", "÷": "divided by", "≠": "is not equal to", "≈": "is approximately", "≅": "is congruent to",
    "≡": "is equivalent to", "≤": "is less than or equal to", "≥": "is greater than or equal to", "≪": "is much less than",
    "≫": "is much greater than", "±": "plus or minus", "∓": "minus or plus", "√": "the square root of",
    "∛": "the cube root of", "∞": "infinity", "∑": "the sum of", "∏": "the product of", "∫": "the integral of",
    "∂": "partial", "∇": "nabla", "∆": "delta", "∈": "is in", "∉": "is not in", "⊂": "is a subset of", "⊆": "is a subset of",
    "∪": "union", "∩": "intersection", "∅": "the empty set", "∀": "for all", "∃": "there exists", "∧": "and", "∨": "or",
    "¬": "not", "∴": "therefore", "∵": "because", "∝": "is proportional to", "∠": "angle", "⊥": "is perpendicular to",
    "∥": "is parallel to", "→": "to", "⟶": "to", "➜": "to", "➔": "to", "←": "from", "↑": "up", "↓": "down", "⇒": "implies",
    "⟹": "implies", "⇔": "if and only if", "↔": "to and from", "§": "section", "§§": "sections", "¶": "paragraph",
    "©": "copyright", "®": "registered trademark", "™": "trademark", "℠": "service mark", "%": "percent", "‰": "per mille",
    "‱": "per ten thousand", "°": "degrees", "№": "number", "&": "and", "¢": "cents", "$": "dollars", "€": "euros",
    "£": "pounds", "¥": "yen", "₽": "rubles", "♯": "sharp", "♭": "flat", "−": "minus", "∙": "times", "µ": "micro",
    "≃": "is approximately", "∼": "about", "⊕": "plus", "⊗": "times", "″": "inches", "′": "feet", "α": "alpha", "β": "beta",
    "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho", "σ": "sigma", "ς": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "ϕ": "phi", "ϵ": "epsilon", "ϑ": "theta",
}  # fmt: skip
_ALONE = {
    "≈": "approximately", "≤": "less than or equal to", "≥": "greater than or equal to", "≠": "not equal to",
    "≃": "approximately", "<": "less than", ">": "greater than", "=": "equals", "~": "about", "∼": "about", "←": "left arrow",
    "→": "right arrow",
}  # fmt: skip
"""Where nothing stands before them that they could compare."""
_COMPARED = re.compile(
    r"(?:[0-9)\]%°²³∞]|(?<![^\W\d_])[^\W\d_]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|zero|\w{2,5}teen|"
    r"\w{3,4}ty|hundred|thousand|million|billion|percent|squared|cubed|pi|alpha|beta|gamma|delta|theta|sigma|lambda|omega|phi|mu|rho|"
    r"epsilon|infinity)) ?$"
)
_IS_BEFORE = re.compile(r"\b([Ii]s|[Aa]re) (?:[^\s,;:.!?]|\.[0-9]){1,16} ?$")
_COMPARISONS = {
    "<": "is less than", ">": "is greater than", "<=": "is less than or equal to", ">=": "is greater than or equal to",
    "=": "equals", "==": "equals", "===": "equals", "!=": "is not equal to", "<>": "is not equal to", "≤": "", "≥": "",
    "≈": "", "≠": "", "≃": "", "=>": "implies", "->": "to", "-->": "to", "<-": "from", "<->": "to and from", ":=": "equals",
    "~": "about", "~=": "is approximately", "&&": "and",
}  # fmt: skip
_EITHER = frozenset(
    re.findall(
        r"\S+",
        """he she his her him hers himself herself yes no true false man woman men women boy girl male female mother father s""",
    )
)
_CURLY = {
    "“": '"',
    "”": '"',
    "„": '"',
    "‟": '"',
    "‘": "'",
    "’": "'",
    "‚": "'",
    "‛": "'",
    "―": "—",
    "‹": "'",
    "›": "'",
    "ʼ": "'",
    "´": "'",
}
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "mdash": "—", "ndash": "–", "copy": "©"} | {
    "#39": "'",
    "hellip": "…",
}


def _padded(match: re.Match[str], words: str) -> str:
    """Words in the place of a sign and the spaces at its sides, parted from what stands there."""
    text, start, end = match.string, match.start(), match.end()
    left = "" if not start or text[start - 1] in (" \n" if match[0][0] == " " else " \n([{\"“«'‘") else " "
    closing = " \n" if match[0][-1] == " " or re.match(r"\.[0-9]", text[end : end + 2]) else " \n)]}.,;:!?\"”»'’…"
    right = "" if end == len(text) or text[end] in closing else " "
    return left + words + right


def _sign(match: re.Match[str]) -> str:
    sign = match["sign"]
    if sign in _ALONE and not _COMPARED.search(before(match)) and not (sign in "→←" and re.search(r"[\w)] ?$", before(match))):
        return _padded(match, _ALONE[sign])
    words = _NAMES[sign]
    return _padded(match, words.removeprefix("is ") if words.startswith("is ") and _asks(match) else words)


def _compared(match: re.Match[str]) -> str:
    sign = match[0].strip()
    words = _COMPARISONS[sign]
    return _padded(match, words if _COMPARED.search(before(match)) and not _asks(match) else words.removeprefix("is "))


def _asks(match: re.Match[str]) -> bool:
    """Whether "is" already stands before what is compared, as in "Is 5 < 6?"."""
    asked = _IS_BEFORE.search(before(match))
    return asked is not None and (asked[1][0].isupper() or asked[1] == "if" or bool(re.match(r"[^.\n]{1,60}\?", after(match))))


def _greek(match: re.Match[str]) -> str:
    """The name of a letter: between letters and figures it is a word of its own."""
    text, start, end = match.string, match.start(), match.end()
    left = " " if start and (text[start - 1].isalnum() or text[start - 1] in "√)") else ""
    right = " " if end < len(text) and (text[end].isalnum() or text[end] in "√(") and text[end] not in "⁰¹²³⁴⁵⁶⁷⁸⁹" else ""
    return left + _NAMES[match[0].lower()] + right


def _slash(match: re.Match[str]) -> str:
    left, right = re.search(r"\w*$", before(match)), re.match(r" ?/ ?(\w+)", match.string[match.start() : match.start() + 60])
    first, second = left[0] if left else "", right[1] if right else ""
    if (first.lower(), second.lower()) == ("and", "or"):
        return " "
    if first.lower() in _EITHER and second.lower() in _EITHER:
        return " or "
    if first == "f" and second[:1].isdigit():
        return " "
    acronyms = (
        first.isupper() and second.isupper() and len(first) < 6 and len(second) < 6 and not re.search("[0-9]", first + second)
    )
    return " " if acronyms else " slash "


def _stars(match: re.Match[str]) -> str:
    one = re.search(r"(?<![0-9.,])1$", before(match)) or re.match(r" [a-z]", after(match))
    return _padded(match, f" {'star' if one else 'stars'}").replace("  ", " ")


def _bar(match: re.Match[str]) -> str:
    text, start, end = match.string, match.start(), match.end()
    inside = start and text[start - 1] != "\n" and end < len(text) and text[end] != "\n"
    return ", " if inside else ""


def _heart(match: re.Match[str]) -> str:
    return (
        " love"
        if re.search(r"\b(?:I|we|We|they|You|you)$", before(match)) and re.match(r" \w", match.string[match.end() :][:2])
        else ""
    )


_SINGLE = "".join(re.escape(sign) for sign in _NAMES if len(sign) == 1 and not sign.isalpha())
_LINE = r"(?<![^\n])"
_SUMMAND = r"[\w)\]%°'’\"²³]"
RULES = (
    *maths.RULES,
    Rule("sign", re.compile(rf"( ?)&(?:amp;)*({'|'.join(_ENTITIES)});"), lambda match: match[1] + _ENTITIES[match[2]]),
    Rule("sign", re.compile(r"(?<=[0-9]) [·∙] (?=[0-9]{1,6}(?:\.[0-9]{1,6})?(?:$|\n| ?=))"), lambda match: " times "),
    Rule("sign", re.compile(r"(?<=[0-9])[~〜～](?=[$€£]?[0-9])"), lambda match: " to "),
    Rule("money", re.compile(r"(?<![\w$])\$(?=[A-Z]{1,5}(?![\w]))"), lambda match: ""),
    Rule("sign", re.compile(r"\*(?:(?<=ial .)(?=[0-9])|(?<=ress .)(?!\w))"), lambda match: _padded(match, "star")),
    Rule("layout", re.compile(rf"{_LINE}(?:[-*_=~#] ?){{3,200}}(?![^\n])"), lambda match: ""),
    Rule(
        "layout",
        re.compile(rf"{_LINE}(?:```\w{{0,20}}|#{{1,6}} |(?:>{{1,3}} ?)+(?=\S)(?!(?<=>)[0-9.])|[*•‣◦▪▸►●○■□–·] (?=\S))"),
        lambda match: "",
    ),
    Rule(
        "layout",
        re.compile(
            r"\*{1,3}(?:(?<=[^\w*]\*)|(?<=[^\w*]\*\*)|(?<=[^\w*]\*\*\*)|(?<=^\*)|(?<=^\*\*)|(?<=^\*\*\*))(?=[^\W_]|[\"'“‘(_])"
        ),
        lambda match: "",
    ),
    Rule("layout", re.compile(r"(?<=[\w.,:;!?\"'”’)%])\*{1,3}(?![\w*])"), lambda match: ""),
    Rule("layout", re.compile(r"(?<!\w)_{1,3}(?=[^\W_])|(?<=[^\W_])_{1,3}(?!\w)|(?<=[.!?])_{1,3}(?!\w)"), lambda match: ""),
    Rule("layout", re.compile(r"(?:(?<=[.,;:!?\"'”’)\]])|(?<=[a-z]{3}))\[[0-9]{1,3}\](?=[\s.,;:!?\[)]|$)"), lambda match: ""),
    Rule("layout", re.compile(r"(?<=\w)`(?=\w)"), lambda match: "'"),
    Rule("layout", re.compile(r"`{1,3}|~~(?=\w)|(?<=\w)~~|[†‡※]"), lambda match: ""),
    Rule("quotes", re.compile(f"[{''.join(_CURLY)}]"), lambda match: _CURLY[match[0]]),
    Rule("sign", re.compile(r"(?<=\w)_{1,3}(?=\w)"), lambda match: " underscore "),
    Rule("sign", re.compile(r" ?<3\b"), _heart),
    Rule("sign", re.compile(r"(?<=[0-9]) ?[★⭐]\ufe0f?"), _stars),
    Rule(
        "sign",
        re.compile(
            r"(?=[ <>=!~:&-]) ?(?:(?<=[\w)\]%°²³\"' ])(?:===?|!=|<=|>=|<>|=>|&&|-{1,2}>|<->?|:=|~=|=)(?= ?[\w(√∞\"'$€£−-])"
            r"|[<>](?= ?[0-9$€£−.-])|(?<=[\w)] )[<>](?= [\w(])|(?<=[0-9])[<>](?=\w)|~(?= ?[$€£]?[0-9])) ?"
        ),
        _compared,
    ),
    Rule(
        "sign",
        re.compile(
            rf"(?=[ +])(?: \+ |\+ | \+(?![0-9.])|\+)(?=[\w(√$€£−-])"
            rf"(?:(?<={_SUMMAND} \+ )|(?<={_SUMMAND}\+ )|(?<={_SUMMAND} \+)|(?<={_SUMMAND}\+))"
            r"|(?<=\w)\+(?![\w+])"
        ),
        lambda match: _padded(match, "plus"),
    ),
    Rule(
        "sign",
        re.compile(r"(?=[ *])(?:(?<=[0-9a-zA-Z)])(?<!ress) \* (?=[0-9a-zA-Z(])|(?<=[0-9)])\*(?=[0-9(a-z]))"),
        lambda match: _padded(match, "times"),
    ),
    Rule("sign", re.compile(r"(?<=\w)·(?=\w)"), lambda match: _padded(match, "times")),
    Rule("layout", re.compile(r" [•·▪|‖¦●] (?=\S)|(?<=\w)\|(?=\w)|(?<![^\n])\| | \|(?![^\n])"), _bar),
    Rule("sign", re.compile(r"(?<=[^\W_]) ?/ ?(?=[^\W_])"), _slash),
    Rule("sign", re.compile(r"(?<=[\w)]) ?/ ?(?=\()|(?<=\)) ?/ ?(?=\w)"), lambda match: " over "),
    Rule("sign", re.compile(r"(?<=\w)\\(?=\w)"), lambda match: " backslash "),
    Rule(
        "sign",
        re.compile(
            rf" ?(?P<sign>§§|[{_SINGLE}])"
            r"(?!(?<=[$€£¥₽−])[0-9.])(?!(?<=[$€£¥₽]) [0-9])\ufe0f? ?"
        ),
        _sign,
    ),
    Rule("greek", re.compile(r"(?<![Ͱ-Ͽἀ-῿])[Α-Ωα-ωϕϵϑµ](?![Ͱ-Ͽἀ-῿\u0300-\u036f])"), _greek),
    Rule(
        "sign",
        re.compile(r"(?<=[\w ])@(?=[\w ])|(?<![^ ])#(?![^ ])"),
        lambda match: _padded(match, "at" if match[0] == "@" else "hash"),
    ),
)
