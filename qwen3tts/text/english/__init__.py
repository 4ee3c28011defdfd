"""How English reads what is not words."""

from qwen3tts.text.english import codes, dates, money, names, numbers, symbols, times, units, web

RULES = (
    *web.RULES,
    *names.RULES,
    *codes.RULES,
    *dates.RULES,
    *times.RULES,
    *money.RULES,
    *units.RULES,
    *numbers.RULES,
    *symbols.RULES,
)
"""What begins at one place goes to the first that reads it."""
