"""One cell of a numeric field to a number: bands, magnitudes, currencies, percentages.

Everything here is a pure function of one cell's text, so that a value never depends on its neighbours.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

WIDE_BAND_RATIO = 10.0  # bands wider than this: geometric mean, as sizes are spread on a log scale
MAX_NUMBER_CHARS = 80  # longer cells are sentences, not quantities

_MAGNITUDES = {
    "k": 1e3, "thousand": 1e3, "tsd": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mil": 1e6, "mio": 1e6, "million": 1e6,
    "millions": 1e6, "millionen": 1e6, "b": 1e9, "bn": 1e9, "bil": 1e9, "billion": 1e9, "billions": 1e9, "mrd": 1e9,
    "milliarden": 1e9, "lakh": 1e5, "crore": 1e7, "trillion": 1e12,
}  # fmt: skip
_CURRENCY = {
    "$": "USD", "us$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "euro": "EUR", "£": "GBP", "gbp": "GBP",
    "¥": "JPY", "jpy": "JPY", "₹": "INR", "inr": "INR", "chf": "CHF", "cad": "CAD", "c$": "CAD", "aud": "AUD",
    "a$": "AUD", "sek": "SEK", "dkk": "DKK", "nok": "NOK", "brl": "BRL", "r$": "BRL", "pln": "PLN", "cny": "CNY",
}  # fmt: skip
_SOLE = frozenset({
    "freelancer", "freelance", "self-employed", "self employed", "selfemployed", "sole proprietor", "solo", "just me",
    "myself only", "self-owned", "one person", "sole trader",
})  # fmt: skip

_INFINITE = frozenset({"inf", "infinity", "∞"})

_DASHES = str.maketrans({**dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("\u00a0\u2009\u202f\t\n\r", " "), "’": "'"})
_CURRENCY_RE = re.compile(
    r"(?<![a-z])(?:us\$|c\$|a\$|r\$|usd|eur|euro|gbp|jpy|inr|chf|cad|aud|sek|dkk|nok|brl|pln|cny)(?![a-z])|[$€£¥₹]"
)
_NOISE_RE = re.compile(
    r"\b(?:employees?|people|persons?|staff|fte|ftes|workers|members|mitarbeiter(?:innen)?|headcount|locations?|jobs?|"
    r"rounds?|visits|years?|days?|per year|per annum|annually|p\.a\.|/ ?yr|/ ?year|approx(?:imately|\.)?|about|around|"
    r"circa|ca\.|est\.?|estimated)(?![a-z])|[~≈]"
)
_MAGNITUDE = "|".join(sorted(_MAGNITUDES, key=len, reverse=True))
_NUMBER = rf"(\d(?:[\d.,']| (?=\d{{3}}(?!\d)))*|\.\d+) ?((?:{_MAGNITUDE})(?![a-z])\.?)?"
_PLAIN_RE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?")
_SINGLE_RE = re.compile(rf"(-?) ?{_NUMBER}")
_BAND_RE = re.compile(rf"(?:between |from |von )?{_NUMBER} ?(?:-|to|and|bis|until|\.\.\.?|…) ?{_NUMBER}")
_ABOVE_RE = re.compile(
    rf"(?:(?:>=?|≥|over|above|more than|greater than|at least|from|mehr als|über|ab) ?{_NUMBER} ?\+?"
    rf"|{_NUMBER} ?(?:\+|plus|and (?:above|more|over|up)|or (?:more|above|over)|& (?:above|up)|and \+|>))"
)
_BELOW_RE = re.compile(
    rf"(?:(?:<=?|≤|under|below|less than|fewer than|up to|at most|bis(?: zu)?|weniger als|unter) ?{_NUMBER}"
    rf"|{_NUMBER} ?(?:or (?:less|fewer|below)|and (?:below|under)))"
)
_BRACKETED_RE = re.compile(r"\((?=[^()]*\d)([^()]+)\)")


class Quantity(NamedTuple):
    """What a cell says.

    Attributes
    ----------
    value : float or None
        None: nothing could be read.
    explicit : bool
        The cell itself carries its unit (a per cent sign or a magnitude such as "M"), so a unit taken
        from the header must not be applied again.
    reason : str
        Why nothing could be read.
    currency : str
        ISO code, when the cell names one other than US dollars.
    band : bool
        The cell is a range or an open-ended range.
    """

    value: float | None
    explicit: bool = False
    reason: str = ""
    currency: str = ""
    band: bool = False


def parse_quantity(text: str) -> Quantity:
    """Read a number, a band, an amount of money or a percentage.

    A band becomes its midpoint: the arithmetic mean, or the geometric mean where the upper end is over ten times the
    lower one. An open upper end ("10,001+") becomes its lower bound; an open lower end ("<10") half of its upper bound.

    Examples
    --------
    >>> parse_quantity("51 to 200 employees").value
    125.5
    >>> parse_quantity("$10 to $25 million (USD)").value
    17500000.0
    >>> parse_quantity("10,001+").value
    10001.0
    >>> parse_quantity("many").reason
    'is not a number'
    """
    if len(text) > MAX_NUMBER_CHARS:
        return Quantity(None, reason="is not a number")
    clean = " ".join(text.translate(_DASHES).casefold().split())
    if clean in _SOLE:
        return Quantity(1.0)
    if not any(map(str.isdigit, clean)):
        return Quantity(None, reason="is not a finite number" if clean.strip("+-") in _INFINITE else "is not a number")
    currency = next((code for code in map(_code, _CURRENCY_RE.findall(clean)) if code != "USD"), "")
    clean = _CURRENCY_RE.sub(" ", clean)
    percent = "%" in clean or "percent" in clean
    clean = clean.replace("%", " ").replace("percent", " ")
    negative = False
    if accounting := re.fullmatch(r" *\(([^()]+)\) *", clean):
        negative, clean = True, accounting.group(1)
    clean = re.sub(r"\( *\)", " ", _NOISE_RE.sub(" ", clean))
    clean = " ".join(clean.split())
    reading = _shape(clean)
    if reading.value is None:
        # "Large (1,001-5,000)" and "Medium (51-250)": the figures are in the brackets.
        inner = _BRACKETED_RE.findall(clean)
        reading = _shape(inner[0].strip()) if len(inner) == 1 and not re.search(r"\d", clean.split("(")[0]) else reading
    value = reading.value
    if value is None or not math.isfinite(value):
        reason = reading.reason if value is None else "is not a finite number"
        return Quantity(None, reason=reason or "is not a number")
    value = -value if negative else value
    return Quantity(value / 100 if percent else value, reading.explicit or percent, "", currency, reading.band)


def _code(symbol: str) -> str:
    return _CURRENCY[symbol]


def _shape(clean: str) -> Quantity:
    if _PLAIN_RE.fullmatch(clean):
        return Quantity(float(clean))
    if match := _SINGLE_RE.fullmatch(clean):
        sign, number, magnitude = match.groups()
        value = _amount(number, magnitude)
        return Quantity(-value if sign and value is not None else value, bool(magnitude))
    if match := _BAND_RE.fullmatch(clean):
        return _band(*match.groups())
    if match := _ABOVE_RE.fullmatch(clean):
        number, magnitude = _present(match.groups())
        return Quantity(_amount(number, magnitude), bool(magnitude), band=True)
    if match := _BELOW_RE.fullmatch(clean):
        number, magnitude = _present(match.groups())
        value = _amount(number, magnitude)
        return Quantity(None if value is None else value / 2, bool(magnitude), band=True)
    return Quantity(None)


def _present(groups: tuple[str | None, ...]) -> tuple[str, str | None]:
    """Return the number and magnitude of whichever of the two alternatives matched."""
    return (groups[0], groups[1]) if groups[0] else (groups[2] or "", groups[3])


def _band(low_text: str, low_magnitude: str | None, high_text: str, high_magnitude: str | None) -> Quantity:
    low, high = _amount(low_text, low_magnitude), _amount(high_text, high_magnitude)
    if low is None or high is None:
        return Quantity(None)
    shared = _scale(high_magnitude)
    if low_magnitude is None and shared > 1 and low * shared < high:
        low *= shared  # "10 to 25 million": the magnitude is said once
    if low > high:
        return Quantity(None, reason="is a band that runs backwards")
    wide = low > 0 and high > WIDE_BAND_RATIO * low
    value = math.sqrt(low * high) if wide else (low + high) / 2
    return Quantity(value, bool(low_magnitude or high_magnitude), band=True)


def _scale(magnitude: str | None) -> float:
    return _MAGNITUDES[magnitude.rstrip(".")] if magnitude else 1.0


def _amount(number: str, magnitude: str | None) -> float | None:
    value = _decimal(number.rstrip("., '"))
    return None if value is None else value * _scale(magnitude)


def _decimal(number: str) -> float | None:
    """Read digits with thousands and decimal separators of either convention; a single dot is a decimal point."""
    number = number.replace("'", "").replace(" ", "")
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        decimal = "." if number.rfind(".") > number.rfind(",") else ","
        if number.count(decimal) > 1:
            return None
        whole, _, fraction = number.rpartition(decimal)
        number = f"{whole.replace(',', '').replace('.', '')}.{fraction}"
    elif commas:
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}", number)
        if commas > 1 and not grouped:
            return None
        number = number.replace(",", "" if grouped else ".")
    elif dots > 1:
        if not re.fullmatch(r"\d{1,3}(?:\.\d{3})+", number):
            return None
        number = number.replace(".", "")
    try:
        return float(number)
    except ValueError:
        return None
