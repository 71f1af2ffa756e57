"""One cell of a numeric field to a number: bands, magnitudes, currencies, percentages.

Everything here is a pure function of one cell's text, so that a value never depends on its neighbours.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from icp_ml.accounts.values.money import MAGNITUDES, decimal, plain_text, scale_of, without_currency

# Up to this ratio a band's midpoint is the arithmetic mean, as vendors and readers take it; over it the mean would sit
# near the upper end of what is spread on a log scale, so it is the geometric mean.
WIDE_BAND_RATIO = 10.0
MAX_NUMBER_CHARS = 80  # longer cells are sentences, not quantities

_SOLE = frozenset({
    "freelancer", "freelance", "freelancers", "self-employed", "self employed", "selfemployed", "sole proprietor",
    "sole proprietorship", "solo", "solopreneur", "solo founder", "just me", "only me", "myself only", "just myself",
    "self-owned", "one person", "one-person", "sole trader", "independent", "selbstständig", "selbständig",
    "einzelunternehmer", "freiberufler", "autónomo", "autonomo", "zzp",
})  # fmt: skip
_NOTHING_EARNED = frozenset({"pre-revenue", "pre revenue", "prerevenue", "no revenue", "no revenue yet"})
_INFINITE = frozenset({"inf", "infinity", "∞"})

_PEOPLE_RE = re.compile(
    r"\b(?:(?:full[- ]?time |total )?(?:employees?|staff|ftes?|workers|team members|members|headcount|people|persons?)|"
    r"mitarbeit(?:er|ende)(?:innen)?n?|beschäftigte|empleados|employés|salariés|dipendenti|medewerkers|funcionários|"
    r"anställda|ansatte|pracowników)(?![a-z])"
)
_NOISE_RE = re.compile(
    r"\b(?:locations?|jobs?|rounds?|visits|years?|days?|per (?:year|annum)|annual(?:ly)?|p\.a\.|/ ?yr|/ ?year|"
    r"in (?:total|annual) revenue|in revenue|revenue|worldwide|globally|total)(?![a-z])"
)
_ABOUT_RE = re.compile(
    r"(?:[~≈]|\b(?:approx(?:imately|\.)?|about|around|roughly|almost|nearly|circa|ca\.?|c\.|est\.?|estimated|some|etwa|"
    r"rund|environ|unos)(?![a-z])) ?(?=[\d\W])"
)
_ASIDE_RE = re.compile(r"\([^()\d]*\)")
_MAGNITUDE = "|".join(sorted(MAGNITUDES, key=len, reverse=True))
_WORD = rf"((?:{_MAGNITUDE})(?![a-z])\.?)"
_NUMBER = rf"(\d(?:[\d.,']| (?=\d{{3}}(?!\d)))*|\.\d+) ?{_WORD}?"
_PLAIN_RE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?")
_SINGLE_RE = re.compile(rf"([+-]?) ?{_NUMBER}")
_LEADING_RE = re.compile(r"((?:k|m|mm|mn|mio|b|bn|tsd)\.?) ?(\d[^a-z]*)")
_BAND_RE = re.compile(
    rf"(?:between |from |von |zwischen |entre |de )?(-?) ?{_NUMBER}(?: ?(?:-|~|to|\.\.\.?|…) ?| (?:and|bis|und|until|"
    rf"through|a|à|et|y) )(-?)<? ?{_NUMBER} ?\+*"
)
_ABOVE_RE = re.compile(
    rf"(?:(?:>=?|≥|over|above|more than|greater than|at least|upwards of|from|mehr als|über|ab|mind\.|plus de|más de|"
    rf"oltre) ?{_NUMBER} ?\+*"
    rf"|{_NUMBER} ?(?:\++|plus|and (?:above|more|over|up)|or (?:more|above|over)|& (?:above|over|up)|and \+|und mehr|"
    rf"et plus|>=?) ?{_WORD}?)"
)
_BELOW_RE = re.compile(
    rf"(?:(?:<=?|≤|under|below|less than|fewer than|up to|at most|bis(?: zu)?|weniger als|unter|moins de|menos de|"
    rf"max\.) ?{_NUMBER}|{_NUMBER} ?(?:or (?:less|fewer|below|under)|and (?:below|under|less)|& (?:below|under)))"
)
_BRACKETED_RE = re.compile(r"\((?=[^()]*\d)([^()]+)\)")


class Quantity(NamedTuple):
    """What a cell says.

    Attributes
    ----------
    value : float or None
        None: nothing could be read. Of a band its midpoint.
    explicit : bool
        The cell itself carries its unit (a per cent sign or a magnitude such as "M"), so a unit taken
        from the header must not be applied again.
    reason : str
        Why nothing could be read.
    currency : str
        ISO code, when the cell names a currency.
    band : bool
        The cell is a range or an open-ended range.
    low, high : float or None
        The ends of a band, None where it is open; of a single number both are the number.
    """

    value: float | None
    explicit: bool = False
    reason: str = ""
    currency: str = ""
    band: bool = False
    low: float | None = None
    high: float | None = None


def parse_quantity(text: str, *, whole: bool = False) -> Quantity:
    """Read a number, a band, an amount of money or a percentage.

    A band becomes its midpoint: the arithmetic mean, or the geometric mean where the upper end is over ten times the
    lower one. An open upper end ("10,001+") becomes its lower bound, as nothing says how far it goes; an open lower
    end ("<10") half of its upper bound. `low` and `high` keep the ends.

    Parameters
    ----------
    text : str
        One cell.
    whole : bool
        Things are counted: in "10.000+" the dot groups thousands. A plain "10.000" stays 10, as a table with decimals
        writes it.

    Examples
    --------
    >>> parse_quantity("51 to 200 employees").value
    125.5
    >>> parse_quantity("$10 to $25 million (USD)").value
    17500000.0
    >>> parse_quantity("10,001+")[-2:]
    (10001.0, None)
    >>> parse_quantity("many").reason
    'is not a number'
    """
    if len(text) > MAX_NUMBER_CHARS:
        return Quantity(None, reason="is not a number")
    clean = plain_text(text)
    if clean in _SOLE or clean in _NOTHING_EARNED:
        value = 1.0 if clean in _SOLE else 0.0
        return Quantity(value, low=value, high=value)
    if not any(map(str.isdigit, clean)):
        return Quantity(None, reason="is not a finite number" if clean.strip("+-") in _INFINITE else "is not a number")
    clean, currency = without_currency(clean)
    percent = "%" in clean or "percent" in clean
    clean = clean.replace("%", " ").replace("percent", " ")
    clean, people = _PEOPLE_RE.subn(" ", clean)
    clean = " ".join(_ASIDE_RE.sub(" ", _ABOUT_RE.sub(" ", _NOISE_RE.sub(" ", clean))).split()).rstrip(" ;,:!")
    negative = False
    if accounting := re.fullmatch(r"\(([^()]+)\)|\(([^()]+)", clean):
        negative, clean = accounting[1] is not None, (accounting[1] or accounting[2]).strip()
    reading = _shape(clean, grouped_dots=not percent and (whole or bool(currency or people)))
    if reading.value is None:
        # "Large (1,001-5,000)" and "Medium (51-250)": the figures are in the brackets.
        inner = _BRACKETED_RE.findall(clean)
        bare = len(inner) == 1 and not re.search(r"\d", clean.split("(")[0])
        reading = _shape(inner[0].strip(), grouped_dots=whole) if bare else reading
    return _finished(reading, currency, percent, -1.0 if negative else 1.0)


def midpoint(low: float, high: float) -> float:
    """Return the number that stands for a band.

    Examples
    --------
    >>> midpoint(51, 200), midpoint(1, 100)
    (125.5, 10.0)
    """
    return math.sqrt(low * high) if low > 0 and high > WIDE_BAND_RATIO * low else (low + high) / 2


def _finished(reading: Quantity, currency: str, percent: bool, sign: float) -> Quantity:
    value = reading.value
    if value is None or not math.isfinite(value):
        reason = reading.reason if value is None else "is not a finite number"
        return Quantity(None, reason=reason or "is not a number")
    factor = sign / (100 if percent else 1)
    if factor == 1.0:
        return reading._replace(explicit=reading.explicit or percent, currency=currency)
    low, high = (None if end is None else end * factor for end in (reading.low, reading.high))
    low, high = (high, low) if sign < 0 else (low, high)
    value = value / 100 if percent else value
    return Quantity(sign * value, reading.explicit or percent, "", currency, reading.band, low, high)


def _exactly(value: float | None, explicit: bool) -> Quantity:
    return Quantity(value, explicit, low=value, high=value)


def _shape(clean: str, *, grouped_dots: bool) -> Quantity:
    if _PLAIN_RE.fullmatch(clean) and not (grouped_dots and clean.startswith("+")):
        number = decimal(clean, grouped_dots=True) if grouped_dots and clean.count(".") else None
        return _exactly(float(clean) if number is None else number, explicit=False)
    if match := _LEADING_RE.fullmatch(clean):
        clean = f"{match[2].strip()} {match[1]}"
    if match := _SINGLE_RE.fullmatch(clean):
        sign, number_text, magnitude = match.groups()
        value = _amount(number_text, magnitude, grouped_dots)
        return _exactly(-value if sign == "-" and value is not None else value, bool(magnitude))
    if match := _BAND_RE.fullmatch(clean):
        return _band(match, grouped_dots)
    if match := _ABOVE_RE.fullmatch(clean):
        before, before_word, number_text, word, later_word = match.groups()
        magnitude = before_word or word or later_word
        low = _amount(before or number_text, magnitude, grouped_dots)
        return Quantity(low, bool(magnitude), band=True, low=low)
    if match := _BELOW_RE.fullmatch(clean):
        before, before_word, number_text, word = match.groups()
        high = _amount(before or number_text, before_word or word, grouped_dots)
        half = None if high is None else high / 2
        return Quantity(half, bool(before_word or word), band=True, high=high)
    return Quantity(None)


def _band(match: re.Match[str], grouped_dots: bool) -> Quantity:
    low_sign, low_text, low_word, high_sign, high_text, high_word = match.groups()
    low, high = _amount(low_text, low_word, grouped_dots), _amount(high_text, high_word, grouped_dots)
    if low is None or high is None:
        return Quantity(None)
    shared = scale_of(high_word)
    if low_word is None and shared > 1 and low * shared < high:
        low *= shared  # "10 to 25 million": the magnitude is said once
    low, high = (-low if low_sign else low), (-high if high_sign else high)
    if low > high:
        return Quantity(None, reason="is a band that runs backwards")
    return Quantity(midpoint(low, high), bool(low_word or high_word), band=True, low=low, high=high)


def _amount(number: str, magnitude: str | None, grouped_dots: bool) -> float | None:
    value = decimal(number.rstrip("., '"), grouped_dots=grouped_dots and magnitude is None)
    return None if value is None else value * scale_of(magnitude)
