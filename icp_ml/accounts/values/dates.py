"""One cell of a date or year field to a date or a year; the order of day and month is never guessed per cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

MIN_YEAR, MAX_YEAR = 1900, 2100  # outside: sentinels such as 0001-01-01 and 9999-12-31
OLDEST_FOUNDED = 1000  # companies and universities are older than any sale
TWO_DIGIT_PIVOT = 69  # 68 -> 2068, 69 -> 1969, as POSIX reads two-digit years
AMBIGUOUS = "could be day first or month first"

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8,
    "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
_MONTH = (
    r"(jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|mär(?:z)?|mrz|apr(?:il)?|may|mai|jun[ei]?|jul[yi]?|aug(?:ust)?|"
    r"sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_TIME = r"(?:[t ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)? ?(am|pm)? ?(z|utc|gmt|[+-]\d{2}:?\d{2})?)?"
_ISO_RE = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}")
_NUMERIC_RE = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}")
_MONTH_FIRST_RE = re.compile(rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}}){_TIME}")
_DAY_FIRST_RE = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?[ -]{_MONTH}[ ,-]+(\d{{4}}|\d{{2}}){_TIME}")
_MONTH_YEAR_RE = re.compile(rf"{_MONTH}[ ,-]+(\d{{4}})")
_YEAR_MONTH_RE = re.compile(r"(\d{4})-(\d{1,2})|(\d{1,2})/(\d{4})")
_YEAR_RE = re.compile(r"(?:founded |established |since |est\.? )?(?:in )?(\d{4})(?:\.0+)?")
_WEEKDAY_RE = re.compile(r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? ")


def parse_date(text: str, day_first: bool | None = None) -> tuple[datetime | None, str]:
    """Read a date; return it (in UTC, to the second, without zone) or None with the reason.

    Parameters
    ----------
    text : str
        One cell.
    day_first : bool or None
        What to make of "4/5/2024". None: nothing, unless one number is over 12, both are equal, or dots separate them
        (which only day-first countries write).

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
    clean = _WEEKDAY_RE.sub("", " ".join(text.casefold().split()))
    if match := _ISO_RE.fullmatch(clean):
        return _build(int(match[1]), int(match[3]), int(match[4]), match.groups()[4:])
    if match := _NUMERIC_RE.fullmatch(clean):
        return _numeric(match, day_first)
    if match := _MONTH_FIRST_RE.fullmatch(clean):
        return _build(int(match[3]), _MONTHS[match[1][:3]], int(match[2]), match.groups()[3:])
    if match := _DAY_FIRST_RE.fullmatch(clean):
        return _build(_full_year(match[3]), _MONTHS[match[2][:3]], int(match[1]), match.groups()[3:])
    if match := _MONTH_YEAR_RE.fullmatch(clean):
        return _build(int(match[2]), _MONTHS[match[1][:3]], 1)
    if match := _YEAR_MONTH_RE.fullmatch(clean):
        return _build(int(match[1] or match[4]), int(match[2] or match[3]), 1)
    return _number(clean)


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
    day_first = month_first = False
    for value in values:
        match = _NUMERIC_RE.fullmatch(" ".join(value.casefold().split()))
        if match and match[2] != ".":
            first, second = int(match[1]), int(match[3])
            day_first |= 12 < first <= 31 and second <= 12
            month_first |= 12 < second <= 31 and first <= 12
    return day_first if day_first != month_first else None


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


def _build(year: int, month: int, day: int, time: tuple[str | None, ...] = ()) -> tuple[datetime | None, str]:
    hour, minute, second, half, zone = time or (None,) * 5
    clock = int(hour or 0)
    if half:
        clock = clock % 12 + (12 if half == "pm" else 0)
    if not MIN_YEAR <= year <= MAX_YEAR:
        return None, f"lies outside {MIN_YEAR} to {MAX_YEAR}"
    try:
        when = datetime(year, month, day, clock, int(minute or 0), int(second or 0))
        if zone and zone[0] in "+-":
            digits = zone.replace(":", "")
            offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
            aware = when.replace(tzinfo=timezone(offset if digits[0] == "+" else -offset))
            when = aware.astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return None, "is no day of the calendar"
    return when, ""


def _number(clean: str) -> tuple[datetime | None, str]:
    """Read a bare year, a compact date, or seconds or milliseconds since 1970; other numbers are no dates."""
    digits = clean.removesuffix(".0")
    if not digits.isascii() or not digits.isdigit():
        return None, "is not a date"
    if len(digits) == 4:
        return _build(int(digits), 1, 1)
    if len(digits) == 8:
        return _build(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    if len(digits) in {9, 10}:
        return datetime.fromtimestamp(int(digits), UTC).replace(tzinfo=None), ""
    if len(digits) in {12, 13}:
        when = datetime.fromtimestamp(int(digits) // 1000, UTC).replace(tzinfo=None)
        return (when, "") if when.year <= MAX_YEAR else (None, "is not a date")
    return None, "is not a date"
