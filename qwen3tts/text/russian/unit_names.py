"""What units of measurement are called: short names put together from prefixes and the units they stand before."""

from __future__ import annotations

import re
from functools import lru_cache

from qwen3tts.text.russian.amounts import form

_PREFIXES = {
    "п": "пико",
    "н": "нано",
    "мк": "микро",
    "м": "милли",
    "с": "санти",
    "д": "деци",
    "г": "гекто",
    "к": "кило",
    "М": "мега",
    "Г": "гига",
    "Т": "тера",
    "П": "пета",
}
_LATIN_PREFIXES = {
    **dict(zip("pnmcdhkMGTP", "пнмсдгкМГТП", strict=True)),
    **dict.fromkeys("µμu", "мк"),
}
# Of each unit: its name, and the prefixes it is used with.
_BASES = {
    "м": ("метр", "п н мк м с д к"),
    "г": ("грамм", "п н мк м к М"),
    "л": ("литр", "н мк м д"),
    "с": ("секунда", "п н мк м"),
    "сек": ("секунда", "н мк м"),
    "т": ("тонна", "к М"),
    "В": ("вольт", "н мк м к М"),
    "Вт": ("ватт", "н мк м к М Г Т"),
    "А": ("ампер", "н мк м к"),
    "Ом": ("ом", "м к М Г"),
    "Гц": ("герц", "м к М Г Т"),
    "Па": ("паскаль", "м г к М Г"),
    "бар": ("бар", "м"),
    "Н": ("ньютон", "м к М"),
    "Дж": ("джоуль", "м к М Г"),
    "кал": ("калория", "к"),
    "эВ": ("электронвольт", "к М Г Т"),
    "Ф": ("фарад", "п н мк м"),
    "Гн": ("генри", "мк м"),
    "Тл": ("тесла", "мк м"),
    "Кл": ("кулон", "мк м"),
    "моль": ("моль", "мк м к"),
    "Зв": ("зиверт", "мк м н"),
    "Р": ("рентген", "мк м"),
    "Бк": ("беккерель", "к М Г"),
    "лк": ("люкс", "к"),
    "лм": ("люмен", "к"),
    "бит": ("бит", "к К М Г Т"),
    "байт": ("байт", "к К М Г Т П"),
    "Б": ("байт", "к К М Г Т П"),
    "б": ("байт", "к К М Г Т"),
    "пикс": ("пиксель", "М"),
    "ВА": ("вольт-ампер", "к М"),
    "Вт·ч": ("ватт-час", "м к М Г Т"),
    "А·ч": ("ампер-час", "м к"),
    "пк": ("парсек", "к М Г"),
}
_LATIN_BASES = {
    "m": ("м", "p n µ μ u m c d k"),
    "g": ("г", "n µ μ u m k"),
    "l": ("л", "µ μ m c d h"),
    "L": ("л", "µ μ m c d h"),
    "s": ("с", "p n µ μ m"),
    "V": ("В", "m k M"),
    "W": ("Вт", "n µ m k M G T"),
    "A": ("А", "n µ μ m k"),
    "Hz": ("Гц", "k M G T"),
    "Pa": ("Па", "h k M G"),
    "N": ("Н", "k"),
    "J": ("Дж", "k M"),
    "cal": ("кал", "k"),
    "eV": ("эВ", "k M G T"),
    "F": ("Ф", "p n µ μ"),
    "Sv": ("Зв", "µ μ m"),
    "bit": ("бит", "k K M G T"),
    "b": ("бит", "k K M G"),
    "B": ("Б", "k K M G T P"),
    "byte": ("Б", "k K M G T"),
    "Wh": ("Вт·ч", "m k M G T"),
    "Ah": ("А·ч", "m"),
    "mol": ("моль", "m"),
}
_OTHERS = {
    "ч": "час",
    "час": "час",
    "мин": "минута",
    "сут": "сутки",
    "дн": "день",
    "нед": "неделя",
    "мес": "месяц",
    "год": "год",
    "ц": "центнер",
    "га": "гектар",
    "гр": "грамм",
    "К": "кельвин",
    "дБ": "децибел",
    "дБм": "децибел-милливатт",
    "атм": "атмосфера",
    "шт": "штука",
    "чел": "человек",
    "экз": "экземпляр",
    "стр": "страница",
    "эт": "этаж",
    "град": "градус",
    "ед": "единица",
    "уп": "упаковка",
    "упак": "упаковка",
    "пач": "пачка",
    "таб": "таблетка",
    "табл": "таблетка",
    "кап": "капля",
    "капс": "капсула",
    "амп": "ампула",
    "сот": "сотка",
    "об": "оборот",
    "уд": "удар",
    "кадр": "кадр",
    "кгс": "килограмм-сила",
    "дптр": "диоптрия",
    "уз": "узел",
    "МЕ": "международная единица",
    "Мп": "мегапиксель",
    "Мпикс": "мегапиксель",
    "МП": "мегапиксель",
    "пикс": "пиксель",
    "px": "пиксель",
    "день": "день",
    "сек": "секунда",
    "°": "градус",
    "°C": "градус Цельсия",
    "°F": "градус Фаренгейта",
    "°K": "кельвин",
    "′": "фут",
    "″": "дюйм",
    "дюйм": "дюйм",
    "фут": "фут",
    "Å": "ангстрем",
    "Ω": "ом",
    "kΩ": "килоом",
    "MΩ": "мегаом",
    "K": "кельвин",
    "h": "час",
    "hr": "час",
    "min": "минута",
    "sec": "секунда",
    "ha": "гектар",
    "ft": "фут",
    "lb": "фунт",
    "lbs": "фунт",
    "oz": "унция",
    "mi": "миля",
    "dB": "децибел",
    "atm": "атмосфера",
    "bar": "бар",
    "pcs": "штука",
    "МПикс": "мегапиксель",
}
# What is not built of parts, or is said in another way than it is written.
_WHOLE = {
    "мм рт. ст": "миллиметр ртутного столба",
    "мм вод. ст": "миллиметр водяного столба",
    "см вод. ст": "сантиметр водяного столба",
    "л. с": "лошадиная сила",
    "у. е": "условная единица",
    "ст. л": "столовая ложка",
    "ч. л": "чайная ложка",
    "дес. л": "десертная ложка",
    "к/с": "кадр в секунду",
    "fps": "кадр в секунду",
    "dpi": "точка на дюйм",
    "ppi": "точка на дюйм",
    "mph": "миля в час",
    "rpm": "оборот в минуту",
    "kmh": "километр в час",
    "kph": "километр в час",
    "bps": "бит в секунду",
    "kbps": "килобит в секунду",
    "Kbps": "килобит в секунду",
    "Mbps": "мегабит в секунду",
    "Gbps": "гигабит в секунду",
    "Мб/с": "мегабит в секунду",
    "Гб/с": "гигабит в секунду",
    "Кб/с": "килобит в секунду",
    "Кбит": "килобит",
    "Кбайт": "килобайт",
    "ц/га": "центнер с гектара",
    "л/100 км": "литр на сто километров",
    "л / 100 км": "литр на сто километров",
    "ppm": "часть на миллион",
    "м/с²": "метр на секунду в квадрате",
    "м/с2": "метр на секунду в квадрате",
    "м/с^2": "метр на секунду в квадрате",
}
# Written small though the unit has a capital letter.
_SMALL = "кб мб гб тб кбит мбит гбит вт квт мвт гвт гц кгц мгц ггц"
_POWERS = {"²": "квадратный", "2": "квадратный", "^2": "квадратный", "³": "кубический", "3": "кубический", "^3": "кубический"}
_WORD_POWERS = {"кв": "квадратный", "куб": "кубический", "пог": "погонный"}
_ONLY_IN_RATES = frozenset(("год", "день", "час", "об", "уд", "кадр"))
"""Words of their own behind a number: short names only over or under a stroke."""

_TIMES = frozenset(("час", "минута", "секунда", "сутки", "день", "неделя", "месяц", "год", "миллисекунда"))
_TOKEN = r"(?:°[ ]?[CСFКK]?|[′″Ω]|[A-Za-zА-Яа-яµμÅΩ]{1,8})"
_POWER = r"(?:\^?[23²³](?![0-9]))?"
_PRODUCT = r"(?: ?[·⋅∙*×•] ?|[-–](?=[чм](?!\w)))"


def _composed() -> dict[str, str]:
    """Every short name of one unit, with its prefixes."""
    names: dict[str, str] = {}
    for symbol, (name, prefixes) in _BASES.items():
        names[symbol] = name
        for prefix in prefixes.split():
            names[prefix + symbol] = _PREFIXES["к" if prefix == "К" else prefix] + name
    for symbol, (russian, prefixes) in _LATIN_BASES.items():
        names[symbol] = _BASES[russian][0]
        for prefix in prefixes.split():
            names[prefix + symbol] = _PREFIXES[_LATIN_PREFIXES["k" if prefix == "K" else prefix]] + _BASES[russian][0]
    names.update(_OTHERS)
    capitals = {name.lower(): phrase for name, phrase in names.items() if name[0] not in "мп"}  # "мвт" is no milliwatt
    names.update({small: capitals[small] for small in _SMALL.split() if small in capitals})
    return names


_NAMES = _composed()
_SPACED = sorted((name for name in _WHOLE if " " in name or "/" in name), key=len, reverse=True)
_MULTIWORD = "|".join(re.escape(name).replace(r"\ ", " ?").replace(r"\.", r"\.?") for name in _SPACED)
_SQUARE = rf"(?:кв|куб|пог)(?:\. ?| ){_TOKEN}"
_ONE = rf"(?:{_SQUARE}|{_TOKEN}{_POWER})"
UNIT = rf"(?:(?:{_MULTIWORD})(?!\w)|{_ONE}(?:{_PRODUCT}{_ONE})?(?:\.?/{_ONE}(?:·{_ONE})?)?)(?![\w°])"
"""A unit as it is written, in one piece; `unit_name` says whether there is such a unit."""


@lru_cache(maxsize=4096)
def unit_name(text: str) -> str | None:
    """What a unit is called, in the nominative singular: "километр в час" for "км/ч"; None for what is no unit."""
    text = text.rstrip(".")
    plain = re.sub(r"\.(?! )", ". ", text).replace(". /", "./").rstrip()
    for whole in (text, plain, re.sub(r"(?<![.]) (?=с$|л$|е$)", ". ", plain)):
        if whole in _WHOLE:
            return _WHOLE[whole]
    top, stroke, bottom = text.partition("/")
    name = _product(top.rstrip("."))
    if name is None or (not stroke and (top in _ONLY_IN_RATES)):
        return None
    if not stroke:
        return name
    below = _product(bottom)
    return f"{name} {under(below)}" if below else None


@lru_cache(maxsize=4096)
def unit_part(text: str) -> str | None:
    """What a unit over or under a stroke is called."""
    return _product(text.rstrip("."))


def under(name: str, link: str = "на") -> str:
    """What stands under a stroke: "в час", "на килограмм"."""
    return f"{'в' if name in _TIMES else link} {form(name, 'acc', name == 'сутки')}"


def _product(text: str) -> str | None:
    parts = [part for part in re.split(r" ?[·⋅∙*×•] ?|[-–]", text) if part]
    joined = "·".join(parts)
    if joined in _NAMES:
        return _NAMES[joined]
    if re.fullmatch(r"[мк]?(?:Ач|Втч)|[мкМГ]?Вт[чЧ]", text):
        return _NAMES.get(f"{text[:-1]}·ч")
    names = [_powered(part) for part in parts]
    if not names or None in names:
        return None
    return "-".join(name for name in names if name)


def _powered(text: str) -> str | None:
    """A unit, perhaps squared or cubed, in either way to write that."""
    if (word := re.fullmatch(r"(кв|куб|пог)(?:\. ?| )(.+)", text)) is not None:
        name = _NAMES.get(word[2])
        return f"{_WORD_POWERS[word[1]]} {name}" if name and name.endswith(("метр", "миля", "фут", "дюйм")) else None
    match = re.fullmatch(r"(.+?)(\^?[23²³])?", text)
    if match is None:
        return None
    symbol = re.sub(r"^° ?([CСFКK]?)$", lambda found: "°" + found[1].translate(str.maketrans("СК", "CK")), match[1])
    name = _NAMES.get(symbol)
    if not match[2] or name is None:
        return name
    return f"{_POWERS[match[2]]} {name}" if name.endswith(("метр", "секунда", "фут", "дюйм", "миля")) else None
