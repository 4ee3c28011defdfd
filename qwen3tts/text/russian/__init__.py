"""How Russian reads what is not words: numerals by rutextnorm, forms of other words by pymorphy3, rules by grammar books."""

from qwen3tts.text.russian import abbreviations, codes, dates, money, names, numbers, symbols, times, units, web

RULES = (
    *web.RULES,
    *names.RULES,
    *codes.RULES,
    *dates.RULES,
    *times.RULES,
    *money.RULES,
    *units.RULES,
    *numbers.RULES,
    *abbreviations.RULES,
    *symbols.RULES,
)
"""What begins at one place goes to the first that reads it."""
