"""Units of measurement in English: how symbols are spelled out, alone and combined."""

from __future__ import annotations

import re
from functools import lru_cache

_PREFIXES = {
    "P": "peta", "T": "tera", "G": "giga", "M": "mega", "k": "kilo", "K": "kilo", "h": "hecto", "d": "deci", "c": "centi",
    "m": "milli", "µ": "micro", "μ": "micro", "n": "nano", "p": "pico",
}  # fmt: skip
_PREFIXED = {
    "m": ("meter", "kKdcmµμn"),
    "g": ("gram", "kKmµμn"),
    "l": ("liter", "hdcmµμ"),
    "L": ("liter", "hdcmµμ"),
    "W": ("watt", "kKMGTmµμ"),
    "V": ("volt", "kKMmµμ"),
    "A": ("amp", "kmµμ"),
    "Ah": ("amp hour", "mk"),
    "Wh": ("watt hour", "kKMGT"),
    "VA": ("volt-ampere", "kM"),
    "J": ("joule", "kMGm"),
    "cal": ("calorie", "kK"),
    "Pa": ("pascal", "hkMG"),
    "N": ("newton", "k"),
    "eV": ("electronvolt", "kMGT"),
    "B": ("byte", "kKMGTP"),
    "b": ("bit", "kKMGT"),
    "bit": ("bit", "kKMGT"),
    "Ω": ("ohm", "kMm"),
    "F": ("farad", "mµμnp"),
    "H": ("henry", "mµμ"),
    "T": ("tesla", "mµμ"),
    "mol": ("mole", "mµμ"),
    "s": ("second", "mµμnp"),
    "Sv": ("sievert", "mµμ"),
    "Gy": ("gray", "mµμ"),
    "Bq": ("becquerel", "kMG"),
    "bar": ("bar", "m"),
    "pc": ("parsec", "kMG"),
    "t": ("ton", ""),
}
_PREFIX_ONLY = ("B", "b", "bit", "F", "H", "T", "pc")
_INVARIABLE = {"Hz": ("hertz", "kKMGT")}
_PLAIN = """
    foot / feet: ft
    inch / inches: in
    yard: yd, yds
    mile: mi
    nautical mile: nmi
    ounce: oz
    fluid ounce: fl oz, fl. oz, floz
    pound: lb, lbs, LB, LBS
    gallon: gal
    quart: qt, qts
    pint: pt
    point: pts
    teaspoon: tsp
    tablespoon: tbsp, Tbsp, tbs
    pixel: px
    megapixel: MP, Mpx
    hectare: ha
    cubic centimeter: cc
    hour: h, hr, hrs
    minute: min, mins
    second: sec, secs
    millisecond: msec
    week: wk, wks
    month: mo, mos
    year: yr, yrs
    light-year: ly
    knot: kn, kts
    horsepower / horsepower: hp
    brake horsepower / brake horsepower: bhp
    atmosphere: atm
    torr / torr: Torr
    angstrom: Å
    decibel: dB
    lumen: lm
    lux / lux: lx
    candela: cd
    microgram: mcg
    international unit: IU
    newton meter: Nm
    kilonewton meter: kNm
    astronomical unit: AU, au
    piece: pcs
    kibibyte: KiB
    mebibyte: MiB
    gibibyte: GiB
    tebibyte: TiB
    basis point: bps
    millimeter of mercury / millimeters of mercury: mmHg, mm Hg
    inch of mercury / inches of mercury: inHg
    mile per hour / miles per hour: mph, MPH
    mile per gallon / miles per gallon: mpg
    kilometer per hour / kilometers per hour: kph, kmh, kmph
    revolution per minute / revolutions per minute: rpm, RPM
    beat per minute / beats per minute: bpm
    frame per second / frames per second: fps, FPS
    dot per inch / dots per inch: dpi, DPI
    pixel per inch / pixels per inch: ppi
    part per million / parts per million: ppm
    part per billion / parts per billion: ppb
    pound per square inch / pounds per square inch: psi
    kilo: kilo, kilos
    square foot / square feet: sqft, sf
    square meter: sqm
    square mile: sqmi
    kilogram: KG, Kg, kgs
    kilometer: KM, kms
    centimeter: CM
    millimeter: MM
    milliliter: ML
    megabyte: mb
    gigabyte: gb
    terabyte: tb
    kilohertz / kilohertz: khz
    megahertz / megahertz: mhz, MHZ
    gigahertz / gigahertz: ghz, GHZ
    hertz / hertz: hz
    kilowatt: kw
    kilowatt hour: kwh, KWh
    milliamp hour: mah
    degree Celsius / degrees Celsius: °C, ° C, ºC, ℃, C
    degree Fahrenheit / degrees Fahrenheit: °F, ° F, ºF, ℉
    degree Kelvin / degrees Kelvin: °K
    kelvin: K
    degree: °, º, deg
"""
_PER_ONLY = {
    "d": "day", "y": "year", "a": "year", "ea": "each", "pp": "person", "pax": "person", "c": "cup", "ac": "acre", "sq": "square",
    "gallon": "gallon", "doz": "dozen", "mth": "month", "wk": "week", "sqft": "square foot", "u": "unit", "in": "inch",
}  # fmt: skip


def _table() -> dict[str, tuple[str, str]]:
    names: dict[str, tuple[str, str]] = {}
    for symbol, (name, prefixes) in _PREFIXED.items():
        if symbol not in _PREFIX_ONLY:
            names[symbol] = (name, name + "s")
        names |= {prefix + symbol: (_PREFIXES[prefix] + name, f"{_PREFIXES[prefix]}{name}s") for prefix in prefixes}
        if name == "bit":
            seconds = {prefix + symbol + "ps": f"{_PREFIXES[prefix]}bit" for prefix in prefixes if symbol == "b"}
            names |= {rate: (f"{bit} per second", f"{bit}s per second") for rate, bit in seconds.items()}
    for symbol, (name, prefixes) in _INVARIABLE.items():
        for prefix in ("", *prefixes):
            word = _PREFIXES.get(prefix, "") + name
            names[prefix + symbol] = (word, word)
    for line in _PLAIN.strip().splitlines():
        name, symbols = line.strip().split(": ")
        one, _, many = name.partition(" / ")
        names |= dict.fromkeys(symbols.split(", "), (one, many or one + "s"))
    names["F"] = names["°F"]
    return names


SYMBOLS = _table()
_LONGEST_FIRST = sorted(SYMBOLS, key=len, reverse=True)
_ALTERNATIVES = "|".join(
    f"{re.escape(first)}(?:{'|'.join(re.escape(symbol[1:]) for symbol in _LONGEST_FIRST if symbol[0] == first)})"
    for first in sorted({symbol[0] for symbol in SYMBOLS})
)
_POWER = r"(?:⁻[¹²³]|[²³]|\^?[23](?![0-9]))"
_FACTOR = rf"(?:(?:sq|cu)\.? |square |cubic )?(?:{_ALTERNATIVES}){_POWER}?"
_DIVISOR = rf"(?:100 ?)?(?:{_FACTOR}|{'|'.join(_PER_ONLY)}|(?!gas\b|or\b|and\b)[a-z]{{2,10}})"
UNIT = rf"(?:{_FACTOR}(?:[·⋅*]{_FACTOR}|[ ·⋅](?:{_ALTERNATIVES})⁻[¹²³]){{0,2}}(?:/{_DIVISOR}){{0,2}}(?![\w²³]))"
"""A unit with powers, products and divisors: "km", "sq ft", "kg/m³"."""
_PARTS = re.compile(rf"(?P<kind>(?:sq|cu)\.? |square |cubic )?(?P<symbol>{_ALTERNATIVES}|[a-z]+)(?P<power>{_POWER})?")
_KINDS = {"s": "square", "c": "cubic", "2": "square", "3": "cubic", "²": "square", "³": "cubic"}
_AFTER_TIME = {"square": "squared", "cubic": "cubed"}


@lru_cache(maxsize=1024)
def unit_words(text: str) -> tuple[str, str]:
    """Singular and plural of what UNIT finds."""
    numerator, *divisors = text.split("/")
    factors = [factor for factor in re.split(r"[·⋅*]|(?<=[\w²³]) (?=\w{1,3}⁻)", numerator) if factor]
    per = [factor for factor in factors if "⁻" in factor]
    singulars = [_factor(factor) for factor in factors if "⁻" not in factor] or [("", "")]
    head = " ".join(one for one, _ in singulars[:-1])
    ending = "".join(
        f" per {per_word(divisor)}" for divisor in [*(factor.replace("⁻", "").replace("¹", "") for factor in per), *divisors]
    )
    one, many = ((f"{head} {form}" if head else form) + ending for form in singulars[-1])
    return one, many


def per_word(text: str) -> str:
    """What stands below the stroke, in the singular: "hour" of "h"; words as they are."""
    if text.startswith("100"):
        return f"one hundred {unit_words(text[3:].strip())[1]}"
    return _PER_ONLY.get(text) or _factor(text)[0]


def _factor(text: str) -> tuple[str, str]:
    match = _PARTS.fullmatch(text)
    if match is None or match["symbol"] not in SYMBOLS:
        return text, text
    one, many = SYMBOLS[match["symbol"]]
    kind = _KINDS[match["kind"][0]] if match["kind"] else _KINDS.get((match["power"] or "")[-1:], "")
    if not kind:
        return one, many
    if one.endswith("second"):
        return f"{one} {_AFTER_TIME[kind]}", f"{many} {_AFTER_TIME[kind]}"
    return f"{kind} {one}", f"{kind} {many}"
