"""The vowel that "с", "в" and "о" take before some numbers, once those are words: "со ста", "во втором", "об одном"."""

from __future__ import annotations

import re

from qwen3tts.text.rules import Rule

_FULL = {"с": "со", "С": "Со", "в": "во", "В": "Во", "о": "об", "О": "Об"}

RULES: tuple[Rule, ...] = (
    Rule("number", re.compile(r"(?<![\w-])[сС](?= (?:ста|втор(?:ого|ой|ым|ых|ыми))(?!\w))"), lambda match: _FULL[match[0]]),
    Rule("number", re.compile(r"(?<![\w-])[вВ](?= втор(?:ом|ой|ую|ое|ые|ых)(?!\w))"), lambda match: _FULL[match[0]]),
    Rule(
        "number",
        re.compile(r"(?<![\w-])[оО](?= (?:одном|одной|одних|одиннадцати|одиннадцатом|одиннадцатой)(?!\w))"),
        lambda match: _FULL[match[0]],
    ),
)
