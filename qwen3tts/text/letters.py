"""Letters and digits in fancy dress, as plain ones: full width, mathematical, circled, ligatures, squared units."""

from __future__ import annotations

import re
import unicodedata

from qwen3tts.text.rules import Rule

_DRESSED = (
    r"\uff01-\uff5e\uffe0-\uffe6\U0001d400-\U0001d7ff\ufb00-\ufb06\u2160-\u217f\u2460-\u24ff\u2100-\u2114\u2117-\u211e\u2120\u2121"
    r"\u2123-\u213b\u3250-\u325f\u3371-\u33df\u32b1-\u32bf\u32cc-\u32cf\u2080-\u208e\U0001f100-\U0001f16f\u2010-\u2012\u2024\u2025"
    r"\u2776-\u2793\u0132\u0133\u01c4-\u01cc"
)
_PLAIN = {"‐": "-", "‑": "-", "‒": "-", "‥": "..", "ℯ": "e"} | {
    chr(0x2776 + i): str(i % 10 + 1) for i in range(30)
}  # fmt: skip
# With the number before it, and the whole word: what is put right is read in one piece only if nothing of it has been read yet.
_TOKEN = re.compile(
    rf"(?<!\S)(?:[0-9.,]{{1,20}} )?[^\s{_DRESSED}]{{0,60}}[{_DRESSED}]{{1,500}}"
    rf"(?:[^\s{_DRESSED}]{{0,60}}[{_DRESSED}]{{1,60}}){{0,20}}[^\s{_DRESSED}]{{0,60}}"
)
_RUN = re.compile(rf"[{_DRESSED}]{{1,500}}")


def _undress(match: re.Match[str]) -> str | None:
    plain = "".join(_plain(character) for character in match[0])
    return plain if plain != match[0] else None


def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if not _RUN.match(character):
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain.strip("()") if "\u2460" <= character <= "\u24ff" else plain


_RAISED_SUFFIX = re.compile(r"[0-9](?<![0-9,].)[0-9,]{0,12}(?:ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)")
"""With its number too."""

RULES = (
    Rule("unicode", _RAISED_SUFFIX, lambda match: unicodedata.normalize("NFKC", match[0])),
    Rule("unicode", _TOKEN, _undress),
    Rule("unicode", _RUN, _undress),
)
"""They go before all others."""
