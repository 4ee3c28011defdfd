"""Single signs: named where they are spoken, dropped where they only mark up, made plain where they are variants."""

from __future__ import annotations

import re
import unicodedata

from qwen3tts.text.rules import Rule, before
from qwen3tts.text.russian.codes import say_number

_NAMES = {
    "+": "плюс",
    "−": "минус",
    "×": "умножить на",
    "⋅": "умножить на",
    "÷": "разделить на",
    "=": "равно",
    "≠": "не равно",
    "≈": "приблизительно равно",
    "≤": "меньше или равно",
    "≥": "больше или равно",
    "⩽": "меньше или равно",
    "⩾": "больше или равно",
    "<": "меньше",
    ">": "больше",
    "±": "плюс-минус",
    "√": "корень из",
    "∞": "бесконечность",
    "∑": "сумма",
    "∏": "произведение",
    "∫": "интеграл",
    "∂": "частная производная",
    "∇": "набла",
    "∈": "принадлежит",
    "∉": "не принадлежит",
    "∅": "пустое множество",
    "∀": "для любого",
    "∃": "существует",
    "∪": "объединение",
    "∩": "пересечение",
    "⊂": "подмножество",
    "∠": "угол",
    "⊥": "перпендикулярно",
    "∥": "параллельно",
    "≡": "тождественно равно",
    "∆": "дельта",
    "§": "параграф",
    "№": "номер",
    "&": "и",
    "©": "копирайт",
    "#": "решётка",
    "@": "собака",
    "%": "процент",
    "‰": "промилле",
    "^": "в степени",
    "~": "тильда",
    "_": "нижнее подчёркивание",
    "\\": "обратный слэш",
    "°": "градусов",
    "€": "евро",
    "$": "доллар",
    "₽": "рубль",
    "£": "фунт",
    "¥": "иена",
    "₿": "биткоин",
    "²": "в квадрате",
    "³": "в кубе",
    "µ": "мю",
}
_GREEK = {
    "α": "альфа",
    "β": "бета",
    "γ": "гамма",
    "δ": "дельта",
    "ε": "эпсилон",
    "ζ": "дзета",
    "η": "эта",
    "θ": "тета",
    "ι": "йота",
    "κ": "каппа",
    "λ": "лямбда",
    "μ": "мю",
    "ν": "ню",
    "ξ": "кси",
    "ο": "омикрон",
    "π": "пи",
    "ρ": "ро",
    "σ": "сигма",
    "ς": "сигма",
    "τ": "тау",
    "υ": "ипсилон",
    "φ": "фи",
    "χ": "хи",
    "ψ": "пси",
    "ω": "омега",
}
_PLAIN = {
    **dict.fromkeys("“”„‟", '"'),
    **dict.fromkeys("‘’‚‛", "'"),
    **dict.fromkeys("‐‑⁃﹣", "-"),
    "‒": "–",
    "―": "—",
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "∗": "*",
    "·": " ",
}
_DROPPED = "®™℠†‡¶¤•●○■□▪▫◦▶►◆◇‣❖`¦"

_LINE_MARK = re.compile(r"(?:(?<=\n)|(?<![^\n]))[ ]?(?:#{1,6} |[*•●○■▪▫◦‣–+\-] (?=\S)|> ?(?=[^\s0-9])|[-*_=]{3,}(?=\n|$))")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*{1,3}(?=[^\s*])(?P<inner>[^*\n]{1,300})(?<=[^\s*])\*{1,3}(?![\w*])|(?<![\w_])_{1,3}(?=[^\s_])(?P<low>[^_\n]{1,300})(?<=[^\s_])_{1,3}(?![\w_])"
)
_MARKS = re.compile(rf" ?[{re.escape(_DROPPED)}]+|\*+|_{{2,}}|~~+|={{2,}}(?!>)|\^{{2,}}|#{{2,}}")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,10}(?: [^<>\n]{0,100})?/?>")
_ARROW = re.compile(r" ?(?:[-=–]{1,2}>|<[-=–]{1,2}|[→←↔⇒⇐⇔⟶➔➜↦]) ?")
_BAR = re.compile(r" ?\|+ ?")
_NUMBERED = re.compile(r"#(?=[0-9])")
_SHARP = re.compile(r"(?<=(?<!\w)[CFСcf])#(?!\w)")
_PLUSES = re.compile(r"(?<=(?<!\w)[CСc])\+\+")
_TIMES = re.compile(r"(?<=[0-9)a-zA-Z] )\*(?= [0-9(a-zA-Z])|(?<=[0-9)])\*(?=[0-9(])")
_NAMED = re.compile(rf"[{re.escape(''.join(_NAMES))}]")
_GREEK_LETTER = re.compile(r"(?<![Ͱ-Ͽἀ-῿])[Α-ΡΣ-Ωα-ω](?![Ͱ-Ͽἀ-῿])")
_PLAINED = re.compile(rf"[{re.escape(''.join(_PLAIN))}]")
_FANCY = re.compile(r"[\uff01-\uff5e\U0001d400-\U0001d7ff\ufb00-\ufb06①-⑳ⅰ-ⅿⅠ-Ⅿ℃℉ℓ]+")
_USSD = re.compile(r"(?<![\w*])\*[0-9*]{2,20}#")


def _apart(match: re.Match[str], word: str) -> str:
    """A word with the spaces that keep it from its neighbours."""
    text, start, end = match.string, match.start(), match.end()
    left = "" if start == 0 or text[start - 1] in ' \n([{«"„“—–' else " "
    right = "" if end == len(text) or text[end] in ' \n)]}».,;:!?…"”—–-' else " "
    return f"{left}{word}{right}"


def _named(match: re.Match[str]) -> str | None:
    return _apart(match, _NAMES[match[0]])


def _greek(match: re.Match[str]) -> str:
    name = _GREEK[match[0].lower()]
    return _apart(match, name)


def _plain(match: re.Match[str]) -> str:
    return _PLAIN[match[0]]


def _fancy(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _emphasis(match: re.Match[str]) -> str:
    return str(match["inner"] or match["low"])


def _marks(match: re.Match[str]) -> str:
    """Nothing, but a space where two words would run together."""
    text, start, end = match.string, match.start(), match.end()
    between = start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()
    return " " if between else ""


def _arrow(match: re.Match[str]) -> str:
    return " — " if before(match).strip() else ""


def _bar(match: re.Match[str]) -> str:
    text = match.string
    inside = before(match)[-1:] not in ("", "\n") and match.end() < len(text) and text[match.end()] != "\n"
    return ", " if inside else ""


def _ussd(match: re.Match[str]) -> str:
    parts = re.findall(r"[0-9]+|[*#]", match[0])
    return " ".join(say_number(part) if part.isdigit() else "звёздочка" if part == "*" else "решётка" for part in parts)


RULES: tuple[Rule, ...] = (
    Rule("symbol", _LINE_MARK, lambda match: ""),
    Rule("symbol", _TAG, _marks),
    Rule("symbol", _USSD, _ussd),
    Rule("symbol", _EMPHASIS, _emphasis),
    Rule("symbol", _TIMES, lambda match: _apart(match, "умножить на")),
    Rule("symbol", _ARROW, _arrow),
    Rule("symbol", _SHARP, lambda match: _apart(match, "шарп")),
    Rule("symbol", _PLUSES, lambda match: _apart(match, "плюс плюс")),
    Rule("symbol", _NUMBERED, lambda match: "номер "),
    Rule("symbol", _MARKS, _marks),
    Rule("symbol", _BAR, _bar),
    Rule("symbol", _FANCY, _fancy),
    Rule("symbol", _PLAINED, _plain),
    Rule("symbol", _GREEK_LETTER, _greek),
    Rule("symbol", _NAMED, _named),
)
