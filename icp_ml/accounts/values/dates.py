"""One cell of a date or year field to a date or a year.

The order of day and month ("4/5/2024") and what a bare number counts from (45382) are never guessed per cell: they are
decided once for a column, from its unambiguous values, and handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Literal

MIN_YEAR, MAX_YEAR = 1900, 2100  # outside: sentinels such as 0001-01-01 and 9999-12-31
OLDEST_FOUNDED = 1000  # companies and universities are older than any sale
TWO_DIGIT_PIVOT = 69  # 68 -> 2068, 69 -> 1969, as POSIX reads two-digit years
AMBIGUOUS = "could be day first or month first"
RELATIVE = "is relative to a day that is not known"

Serial = Literal["excel", "sas"]
# Day 0 of each count; Excel's is shifted by the leap day of 1900 that it believes in. SAS and Stata count from 1960.
SERIAL_EPOCHS: dict[Serial, datetime] = {"excel": datetime(1899, 12, 30), "sas": datetime(1960, 1, 1)}
# A column is taken as a count of days where nearly all its numbers lie in one of these: 1980 to 2035, which don't meet.
_SERIAL_RANGES: dict[Serial, tuple[float, float]] = {"excel": (29_221, 49_675), "sas": (7_305, 27_760)}
SERIAL_SHARE = 0.95
# Day 0 and day 1 of spreadsheets.
EMPTY_DATES = (datetime(1900, 1, 1), datetime(1900, 1, 2), datetime(1899, 12, 30), datetime(1899, 12, 31))

_ENGLISH = {
    name: k + 1 for k, names in enumerate((
        ("jan", "january"), ("feb", "february"), ("mar", "march"), ("apr", "april"), ("may",), ("jun", "june"),
        ("jul", "july"), ("aug", "august"), ("sep", "sept", "september"), ("oct", "october"), ("nov", "november"),
        ("dec", "december"),
    )) for name in names
}  # fmt: skip
_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")
_MORE_MONTHS = {"mrz": 3, "märz": 3, "maerz": 3, "set": 9, "fev": 2, "aout": 8, "decembre": 12}
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2,
          "bst": 1, "wet": 0, "eet": 2, "eest": 3}  # fmt: skip
_MONTH = r"([^\W\d_]{3,12})\.?"
_ZONE = rf"(z|(?:utc|gmt)? ?[+-]\d{{2}}:?\d{{2}}|utc|gmt|{'|'.join(_ZONES)})"
_TIME = rf"(?:[t ,]+(?:at )?(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:[.,]\d+)?)? ?([ap]\.?m\.?)? ?{_ZONE}?)?"
_ISO_RE = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}")
_NUMERIC_RE = re.compile(rf"(\d{{1,2}})([-/.]) ?(\d{{1,2}})\2 ?(\d{{4}}|\d{{2}}){_TIME}")
_MONTH_FIRST_RE = re.compile(rf"{_MONTH}[ -](\d{{1,2}})(?:st|nd|rd|th)?(?:, ?|[ -])(\d{{4}}){_TIME}")
_DAY_FIRST_RE = re.compile(
    rf"(?:le |el |am |den )?(\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.)?(?: of| de)?[ -]?{_MONTH}(?: del?)?[ ,-]*"
    rf"(\d{{4}}|\d{{2}}){_TIME}"
)
_YEAR_FIRST_RE = re.compile(rf"(\d{{4}})[ -]{_MONTH}[ -](\d{{1,2}}){_TIME}")
_CLOCK_BEFORE_YEAR_RE = re.compile(
    rf"{_MONTH} (\d{{1,2}}) (\d{{1,2}}:\d{{2}}(?::\d{{2}})?)(?: ([a-z]{{3,4}}))? (\d{{4}})"
)
_MONTH_YEAR_RE = re.compile(rf"{_MONTH}(?:[ ,/-]+| de )(?:'?(\d{{2}})|(\d{{4}}))")
_YEAR_MONTH_RE = re.compile(r"(\d{4})[-/](\d{1,2})|(\d{1,2})[-/.](\d{4})")
_PART_RE = re.compile(r"([qht]|trim(?:estre)? )([1-4])[ /'-]*(\d{4})|(\d{4})[ /-]*([qht])([1-4])")
_YEAR_RE = re.compile(
    r"(?:(?:founded|established|since|est\.?|c\.|circa|ca\.?|gegründet|fondée?) )?(?:in )?(\d{4})(?:\.0+)?"
)
_WEEKDAY_RE = re.compile(
    r"^[^\W\d_]{2,10}\.?, (?=\d|[^\W\d_]{3,12}\.? \d)|^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? "
)
_RELATIVE_RE = re.compile(
    r"\bago\b|\byesterday\b|\btoday\b|\blast (?:week|month|quarter|year)\b|^vor \d|^il y a\b|^hace\b"
)


def parse_date(text: str, day_first: bool | None = None, serial: Serial | None = None) -> tuple[datetime | None, str]:
    """Read a date; return it (in UTC, to the second, without zone) or None with the reason.

    A month, quarter or year alone is its first day. "3 months ago" is refused: it counts from a day nobody wrote down.

    Parameters
    ----------
    text : str
        One cell.
    day_first : bool or None
        What to make of "4/5/2024". None: nothing, unless one number is over 12, both are equal, or dots separate them
        (which only day-first countries write).
    serial : "excel", "sas" or None
        What a bare number of five digits or fewer counts days from. None: nothing.

    Examples
    --------
    >>> parse_date("Jan 5, 2024")[0]
    datetime.datetime(2024, 1, 5, 0, 0)
    >>> parse_date("4/5/2024")
    (None, 'could be day first or month first')
    >>> parse_date("4/5/2024", day_first=False)[0]
    datetime.datetime(2024, 4, 5, 0, 0)
    """
    if len(text) > 60:
        return None, "is not a date"
    clean = " ".join(text.casefold().split())
    if serial is not None and _is_number(clean):
        return _from_serial(float(clean), serial)
    clean = _WEEKDAY_RE.sub("", clean)
    if match := _ISO_RE.fullmatch(clean):
        return _build(int(match[1]), int(match[3]), int(match[4]), match.groups()[4:])
    if match := _NUMERIC_RE.fullmatch(clean):
        return _numeric(match, day_first)
    if match := _PART_RE.fullmatch(clean):
        part, number, year = (match[1], match[2], match[3]) if match[1] else (match[5], match[6], match[4])
        months = 6 if part == "h" else 3
        return _build(int(year), (int(number) - 1) * months + 1, 1)
    if match := _YEAR_MONTH_RE.fullmatch(clean):
        return _build(int(match[1] or match[4]), int(match[2] or match[3]), 1)
    return _in_words(clean) or _number(clean)


def parse_year(text: str) -> tuple[float | None, str]:
    """Read a year, or the year of a date; return it or None with the reason.

    Examples
    --------
    >>> parse_year("Founded in 2009"), parse_year("1/2/2007")
    ((2009.0, ''), (2007.0, ''))
    """
    clean = " ".join(text.casefold().split())[:60]
    if match := _YEAR_RE.fullmatch(clean):
        year = int(match[1])
        return (float(year), "") if OLDEST_FOUNDED <= year <= MAX_YEAR else (None, "is not a year")
    when, _ = parse_date(text, day_first=True)
    if when is None:
        when, _ = parse_date(text, day_first=False)
    return (None, "is not a year") if when is None or clean.isdigit() else (float(when.year), "")


def day_first_order(values: Iterable[str]) -> bool | None:
    """Tell which of two orders a column's numeric dates are in, judged from its unambiguous values alone.

    Returns None where nothing decides, or where both orders occur.
    """
    return order_of(day_first_evidence(values))


def day_first_evidence(values: Iterable[str]) -> tuple[bool, bool]:
    """Return whether any value can only be day first, and whether any can only be month first."""
    day_first = month_first = False
    for value in values:
        match = _NUMERIC_RE.fullmatch(" ".join(value.casefold().split()))
        if match and match[2] != ".":
            first, second = int(match[1]), int(match[3])
            day_first |= 12 < first <= 31 and second <= 12
            month_first |= 12 < second <= 31 and first <= 12
    return day_first, month_first


def order_of(evidence: tuple[bool, bool]) -> bool | None:
    """Return the order that evidence speaks for, None where it is silent or contradicts itself."""
    return evidence[0] if evidence[0] != evidence[1] else None


def serial_of(numbers: Sequence[float]) -> Serial | None:
    """Tell what a column of numbers counts days from: nearly all must be days of 1980 to 2035.

    The two ranges don't meet: a column around 20,000 holds days of 2014 since 1960, not of 1954 since 1900.

    Examples
    --------
    >>> serial_of([45_292, 45_500.5]), serial_of([15_074, 18_641]), serial_of([3, 2024])
    ('excel', 'sas', None)
    """
    for serial, (low, high) in _SERIAL_RANGES.items():
        if numbers and sum(low <= number <= high for number in numbers) >= SERIAL_SHARE * len(numbers):
            return serial
    return None


def _is_number(clean: str) -> bool:
    return re.fullmatch(r"-?\d{1,5}(?:\.\d+)?", clean) is not None


def _from_serial(number: float, serial: Serial) -> tuple[datetime | None, str]:
    days, part = divmod(number, 1.0)
    when = SERIAL_EPOCHS[serial] + timedelta(days=days, seconds=round(part * 86_400))
    if MIN_YEAR <= when.year <= MAX_YEAR:
        return when, ""
    return None, f"lies outside {MIN_YEAR} to {MAX_YEAR}"


def _in_words(clean: str) -> tuple[datetime | None, str] | None:
    """Read a date with the name of a month, None where there is none."""
    if _RELATIVE_RE.search(clean):
        return None, RELATIVE
    clean = re.sub(r" \([^()]*\)$", "", clean)  # "(Central European Time)" after an offset
    if match := _MONTH_FIRST_RE.fullmatch(clean):
        name, day, year, time = match[1], int(match[2]), int(match[3]), match.groups()[3:]
    elif match := _DAY_FIRST_RE.fullmatch(clean):
        name, day, year, time = match[2], int(match[1]), _full_year(match[3]), match.groups()[3:]
    elif match := _YEAR_FIRST_RE.fullmatch(clean):
        name, day, year, time = match[2], int(match[3]), int(match[1]), match.groups()[3:]
    elif match := _CLOCK_BEFORE_YEAR_RE.fullmatch(clean):
        return _in_words(f"{match[1]} {match[2]} {match[5]} {match[3]} {match[4] or ''}".strip())
    elif match := _MONTH_YEAR_RE.fullmatch(clean):
        name, day, year, time = match[1], 1, _full_year(match[2] or match[3]), ()
    else:
        return None
    month = _ENGLISH.get(name) or _other_months().get(name)
    return None if month is None else _build(year, month, day, time)


@cache
def _other_months() -> dict[str, int]:
    """Build the look-up of other languages' months, once."""
    from babel.dates import get_month_names

    table = dict(_MORE_MONTHS)
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for month, name in get_month_names(width, context, language).items():
                    table.setdefault(name.casefold().rstrip("."), month)
    return table


def _numeric(match: re.Match[str], day_first: bool | None) -> tuple[datetime | None, str]:
    first, second, year = int(match[1]), int(match[3]), _full_year(match[4])
    if match[2] == "." or first > 12 or first == second:
        day, month = first, second
    elif second > 12:
        day, month = second, first
    elif day_first is None:
        return None, AMBIGUOUS
    else:
        day, month = (first, second) if day_first else (second, first)
    return _build(year, month, day, match.groups()[4:])


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= TWO_DIGIT_PIVOT else 2000)


def _build(year: int, month: int, day: int, time: Sequence[str | None] = ()) -> tuple[datetime | None, str]:
    hour, minute, second, half, zone = time or (None,) * 5
    clock = int(hour or 0)
    if half:
        clock = clock % 12 + (12 if half[0] == "p" else 0)
    if not MIN_YEAR <= year <= MAX_YEAR:
        return None, f"lies outside {MIN_YEAR} to {MAX_YEAR}"
    try:
        when = datetime(year, month, day, clock, int(minute or 0), min(int(second or 0), 59))
        if zone:
            aware = when.replace(tzinfo=timezone(_offset(zone)))
            when = aware.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None, "is no day of the calendar"
    return when, ""


def _offset(zone: str) -> timedelta:
    if zone in _ZONES:
        return timedelta(hours=_ZONES[zone])
    found = re.search(r"([+-])(\d{2}):?(\d{2})", zone)
    if found is None:
        return timedelta(0)
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return away if found[1] == "+" else -away


def _number(clean: str) -> tuple[datetime | None, str]:
    """Read a bare year, a compact date, or seconds to nanoseconds since 1970; other numbers are no dates."""
    digits = clean.removesuffix(".0")
    if not digits.isascii() or not digits.isdigit():
        return None, "is not a date"
    if len(digits) == 4:
        return _build(int(digits), 1, 1)
    if len(digits) == 8:
        return _build(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    shorter = {9: 0, 10: 0, 12: 3, 13: 3, 15: 6, 16: 6, 18: 9, 19: 9}.get(len(digits))
    if shorter is None:
        return None, "is not a date"
    when = datetime.fromtimestamp(int(digits) // 10**shorter, UTC).replace(tzinfo=None)
    return (when, "") if when.year <= MAX_YEAR else (None, "is not a date")
