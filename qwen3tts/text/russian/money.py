"""Sums of money: "25,50 ₽", "$5 млн", "от 100 до 500 руб.", "99 руб. 90 коп.", "руб./мес."."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwen3tts.text.rules import Rule, after, before
from qwen3tts.text.russian.amounts import NUMBER as PLAIN_NUMBER
from qwen3tts.text.russian.amounts import PAIR, SCALE, START, Number, case_at, form, in_hand, numbers_in, say, say_pair, say_range
from qwen3tts.text.russian.context import case_before
from qwen3tts.text.russian.forms import forms
from qwen3tts.text.russian.grammar import Case
from qwen3tts.text.russian.stops import kept_stop
from qwen3tts.text.russian.unit_names import under, unit_part


@dataclass(frozen=True)
class Currency:
    """name and part: the coin and its hundredth, nominative singular. signs: on either side of a number; words: behind it."""

    name: str
    part: str
    signs: str
    words: str = ""


CURRENCIES = (
    Currency("рубль", "копейка", "₽ RUB RUR", "руб р рублей рубля рублям рублями рублях рубль"),
    Currency("доллар", "цент", "$ US$ USD", "долл дол долларов доллара долларам долларами долларах доллар"),
    Currency("евро", "цент", "€ EUR", "евро"),
    Currency("фунт", "пенни", "£ GBP", "фунтов фунта"),
    Currency("иена", "", "¥ JPY", "иен иены"),
    Currency("юань", "фэнь", "CNY RMB CN¥", "юаней юаня"),
    Currency("гривна", "копейка", "₴ UAH", "грн гривен гривны"),
    Currency("тенге", "тиын", "₸ KZT", "тг"),
    Currency("лира", "куруш", "₺ TRY"),
    Currency("рупия", "пайса", "₹ INR"),
    Currency("вона", "", "₩ KRW"),
    Currency("шекель", "агора", "₪ ILS"),
    Currency("злотый", "грош", "PLN"),
    Currency("лари", "тетри", "₾ GEL"),
    Currency("драм", "", "֏ AMD"),
    Currency("франк", "сантим", "CHF"),
    Currency("белорусский рубль", "копейка", "BYN", "бел._руб"),
    Currency("тысяча рублей", "", "", "т._р т.р"),
    Currency("крона", "", "SEK NOK DKK CZK"),
    Currency("австралийский доллар", "цент", "A$ AUD"),
    Currency("канадский доллар", "цент", "C$ CAD"),
    Currency("гонконгский доллар", "цент", "HK$ HKD"),
    Currency("сингапурский доллар", "цент", "SGD"),
    Currency("дирхам", "филс", "AED"),
    Currency("бат", "", "฿ THB"),
    Currency("биткоин", "", "₿ BTC"),
    Currency("копейка", "", "", "коп"),
    Currency("цент", "", "¢"),
)
_BY_SIGN = {sign: currency for currency in CURRENCIES for sign in currency.signs.split()}
_BY_WORD = {word.replace("_", " "): currency for currency in CURRENCIES for word in currency.words.split()}
_ABBREVIATED = frozenset(["руб", "р", "долл", "дол", "грн", "тг", "коп", "т.р"]) | {"бел. руб", "т. р"}
_MULTIPLES = {"k": "тыс", "к": "тыс", "m": "млн", "м": "млн", "mln": "млн", "mn": "млн", "b": "млрд", "bn": "млрд", "t": "трлн"}

_SIGN = "|".join(re.escape(sign) for sign in sorted(_BY_SIGN, key=len, reverse=True))
_WORD = "|".join(re.escape(word) for word in sorted(_BY_WORD, key=len, reverse=True))
_SHORT = "|".join(re.escape(word) for word in sorted(_ABBREVIATED, key=len, reverse=True))
_NUMBER = rf"(?:[-−+]?[0-9]{{1,3}}(?:[,.'’ ][0-9]{{3}}){{1,6}}(?:[.,][0-9]{{1,2}})?(?![0-9])|{PLAIN_NUMBER})"
_AMOUNT = rf"(?P<amount>{_NUMBER}(?: ?(?:[-–—−]|\.\.\.?|…) ?(?:{_SIGN})?{_NUMBER})?)"
_SCALED = rf"(?: ?(?P<scale>{SCALE})|(?P<multiple>(?:[kKкКmMмМbBtT]|bn|mln|mn)(?!\w)))?"
_COUNTRY = r"(?:\.? США(?!\w))?"
_PER = r"(?: ?/ ?(?P<per>(?:кв\. ?|куб\. ?)?[А-Яа-яA-Za-z]{1,12}(?:·ч)?[²³23]?)\.?(?![\w/]))?"
_UNIT = rf" ?(?:(?P<sign>{_SIGN})(?![A-Za-z])|(?P<word>{_WORD})(?![А-Яа-яё])\.?)(?P<country>{_COUNTRY}){_PER}"
_SIGN_FIRST = re.compile(rf"(?<![\w$.])(?P<minus>[-−–+])?(?P<sign>{_SIGN}) ?{_AMOUNT}{_SCALED}{_PER}")
_NUMBER_FIRST = re.compile(START + _AMOUNT + _SCALED + _UNIT)
_PAIRED = re.compile(rf"(?<!\w){PAIR}{_SCALED}{_UNIT}")
_BARE = re.compile(rf"(?<![\w$])(?:(?P<sign>[₽€£₴₸¥])|(?P<word>руб|коп|долл)\.){_COUNTRY}{_PER}(?!\w)")
_EARLIER = re.compile(r"(?:(?<=[^\w.,])|^)[-−+]?[0-9][0-9 ]{0,15} ?(?:руб|р|рубл[а-я]{1,3}|₽|долл|доллар[а-я]{0,3})\.? $")
_OFTEN = ("день", "сут", "нед")
_TIMES = re.compile(r" в (?:день|сут|недел|нед|мес|год|час|минут)")
_HOW_OFTEN = Currency("раз", "", "")
_KOPECKS = re.compile(rf"{START}(?P<amount>[0-9]{{1,2}}) ?к\.(?!\w)")


def _sign_first(match: re.Match[str]) -> str | None:
    return _sum(match, _BY_SIGN[match["sign"]])


def _number_first(match: re.Match[str]) -> str | None:
    word = match["word"]
    currency = _BY_WORD[word] if word else _BY_SIGN[match["sign"]]
    written = bool(word) and word not in _ABBREVIATED
    if written and not re.fullmatch(r"[^,]*[0-9][.,][0-9]{2}", match["amount"]):
        return None  # the word shows its form: the number only has to agree
    if word == "р" and not match["scale"] and (_TIMES.match(after(match)) or (match["per"] or "").startswith(_OFTEN)):
        currency = _HOW_OFTEN
    return _sum(match, currency)


def _sum(match: re.Match[str], currency: Currency) -> str | None:
    scale = match["scale"] or _MULTIPLES.get((match["multiple"] or "").lower(), "")
    numbers = _numbers(match["amount"], scale)
    if not numbers or any(number.ratio and not scale for number in numbers if number.ratio and number.ratio[1] == 0):
        return None
    if match.groupdict().get("minus") and not numbers[0].sign:
        numbers[0] = Number(match["minus"], numbers[0].whole, numbers[0].fraction)
    case = _case(match, currency.name, numbers, scale)
    per = _under(match["per"])
    if per is None:
        return None
    return _spoken(numbers, scale, currency, case) + _rest(match) + per + kept_stop(match)


def _numbers(amount: str, scale: str) -> list[Number]:
    """The numbers of a sum; three digits behind a point or comma are thousands, for nothing has so small a part."""
    amount = re.sub(rf"{_SIGN}", "", amount)
    if not scale:
        amount = re.sub(r"(?<=[1-9])((?:[0-9]{1,2})?)[,.'’](?=[0-9]{3}(?![0-9]))", r"\1 ", amount)
        amount = re.sub(r"(?<= [0-9]{3})[,.'’](?=[0-9]{3}(?![0-9]))", " ", amount)
    return numbers_in(amount)


def _spoken(numbers: list[Number], scale: str, currency: Currency, case: Case) -> str:
    """A sum; two decimal places are its small coins."""
    number = numbers[0]
    if len(numbers) > 1 or scale or len(number.fraction) != 2 or not currency.part:
        return say_range(numbers, scale, currency.name, case)
    whole, parts = Number(number.sign, number.whole), Number("", number.fraction)
    if int(number.fraction) == 0:
        return say(whole, currency.name, case)
    if int(number.whole or "0") == 0:
        return say(Number(number.sign, number.fraction), currency.part, case)
    return f"{say(whole, currency.name, case)} {say(parts, currency.part, case)}"


def _case(match: re.Match[str], name: str, numbers: list[Number], scale: str) -> Case:
    """The case of a sum: kopecks are in that of their roubles."""
    left = before(match)
    earlier = _EARLIER.search(left) if name in ("копейка", "цент") else None
    case = case_before(left[: earlier.start()], noun="рубль") if earlier else case_at(match, name, scale, numbers)
    return "ins" if case == "gen" and in_hand(match) else case


def _rest(match: re.Match[str]) -> str:
    """What stays behind the currency: "США"."""
    return " США" if "США" in (match.groupdict().get("country") or "") else ""


def _under(per: str | None) -> str | None:
    """What a price is for: "" for nothing, None for what is no unit and no noun."""
    if not per:
        return ""
    name = unit_part(per)
    if name is None:
        found = [option for option in forms(per.lower()) if option.part == "NOUN" and option.case == "nom" and not option.plural]
        name = per.lower() if found and len(per) > 2 else None
    return f" {under(name, 'за')}" if name else None


def _pair(match: re.Match[str]) -> str | None:
    currency = _BY_WORD[match["word"]] if match["word"] else _BY_SIGN[match["sign"]]
    if match["word"] and match["word"] not in _ABBREVIATED:
        return None
    scale = match["scale"] or _MULTIPLES.get((match["multiple"] or "").lower(), "")
    words, per = say_pair(match, scale, currency.name), _under(match["per"])
    return None if words is None or per is None else words + _rest(match) + per + kept_stop(match)


def _bare(match: re.Match[str]) -> str | None:
    """A currency that no digits stand before: "тысяч руб.", "в руб."."""
    currency = _BY_SIGN[match["sign"]] if match["sign"] else _BY_WORD[match["word"]]
    per = _under(match["per"])
    if per is None:
        return None
    case: Case = "loc" if re.search(r"(?<!\w)[Вв] $", before(match)) else "gen"
    return form(currency.name, case, plural=True) + (" США" if "США" in match[0] else "") + per + kept_stop(match)


def _kopecks(match: re.Match[str]) -> str | None:
    """ "5 р. 50 к."."""
    if not _EARLIER.search(before(match)):
        return None
    return say(Number("", match["amount"]), "копейка", _case(match, "копейка", [], "")) + kept_stop(match)


RULES: tuple[Rule, ...] = (
    Rule("money", _PAIRED, _pair),
    Rule("money", _SIGN_FIRST, _sign_first),
    Rule("money", _NUMBER_FIRST, _number_first),
    Rule("money", _KOPECKS, _kopecks),
    Rule("money", _BARE, _bare),
)
