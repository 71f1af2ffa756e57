"""Codes and values in words: "101-500", "$1M-$5M", "4 months ago"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from icp_ml.estimator.encoding import (
    DAYS_OF_MONTH,
    FALSE,
    FIRST_BIN,
    FIRST_VALUE,
    MISSING,
    PRESENT,
    RARE,
    UNSEEN,
    FieldEncoding,
    Term,
)

_MAGNITUDES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
MAX_NAMED = 4  # values of a set named before "and N more"


def value_words(form: str, value: float) -> str:
    """Return one number as a reader writes it, at most three significant digits where it is large."""
    if form == "money":
        return _money(value)
    if form == "share":
        return f"{_plain(100 * value)}%"
    if form == "year":
        return f"{value:.0f}"
    if form == "date":
        return f"{_duration(value)} ago"
    if form == "age":
        return f"{_years(value)} ago" if value >= 0.5 else "this year"
    if form == "count":
        return f"{value:,.0f}"
    return _plain(value)


def _plain(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 999.5 or float(value).is_integer():
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"


def _money(value: float) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    for magnitude, letter in _MAGNITUDES:
        if size >= 0.9995 * magnitude:  # $999,999 is $1M, not a thousand thousands
            return f"{sign}${_plain(size / magnitude)}{letter}"
    return f"{sign}${size:,.0f}"


def _duration(days: float) -> str:
    """Return days as a span: "1 month", "18 months", "2 years"."""
    if days < 60 and round(days) not in (30, 31):
        count, unit = round(days), "day"
    elif days < 730:
        count, unit = round(days / DAYS_OF_MONTH), "month"
    else:
        count, unit = round(days / 365.25), "year"
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _years(count: float) -> str:
    return f"{count:,.0f} year{'' if round(count) == 1 else 's'}"


def range_words(enc: FieldEncoding, first: int, last: int) -> str:
    """Return the codes `first` to `last` of a numeric field as a range of values."""
    low = None if first <= FIRST_BIN else float(enc.edges[first - 2])
    high = None if last >= len(enc.edges) else float(enc.edges[last - 1])
    whole = enc.form in ("count", "year") or bool(
        np.all(enc.edges[1:-1] == np.floor(enc.edges[1:-1])) and enc.form == "number"
    )
    if low is None and high is None:
        return "any known value"
    if enc.form in ("date", "age"):
        return _time_words(enc.form, low, high)
    if high is None:
        assert low is not None
        return (
            f"{value_words(enc.form, math.floor(low) + 1)} or more" if whole else f"over {value_words(enc.form, low)}"
        )
    if low is None:
        return f"up to {value_words(enc.form, math.floor(high) if whole else high)}"
    if whole:
        low, high = min(math.floor(low) + 1, math.floor(high)), math.floor(high)  # halves of bands: (125, 125.5]
    return _between(value_words(enc.form, low), value_words(enc.form, high), "-")


def _time_words(form: str, low: float | None, high: float | None) -> str:
    """Return a span of time before the as-of date: "in the last 3 months", "3 months to 1 year ago"."""
    span = _duration if form == "date" else _years
    if form == "age":  # whole years: over 4.5 and up to 9 is 5 to 9
        low = None if low is None else math.floor(low) + 1.0
        high = None if high is None else float(math.floor(high))
    if low is None:
        if form == "age" and (high or 0.0) < 1:
            return "this year"
        return f"in the last {_last(span(high or 0.0))}"
    if high is None:
        return f"{span(low)} ago or earlier"
    first, last = span(low), span(high)
    same_unit = first.split()[-1].rstrip("s") == last.split()[-1].rstrip("s")
    return f"{_between(first.split()[0] if same_unit and first != last else first, last, ' to ')} ago"


def _last(span: str) -> str:
    """Return "year" for "1 year": in the last year."""
    return span.removeprefix("1 ") if span.startswith("1 ") else span


def _between(low: str, high: str, joined: str) -> str:
    return low if low == high else f"{low}{joined}{high}"


def codes_words(term: Term, codes: Sequence[int]) -> str:
    """Return a set of codes of one term in words, without the field's name."""
    enc = term.encoding
    if list(codes) == [MISSING]:
        return "not known"
    if enc.kind == "numeric":
        return range_words(enc, min(codes), max(codes))
    if enc.kind == "boolean":
        return "no" if list(codes) == [FALSE] else "yes"
    if enc.kind == "tokens":
        return term.spelling if list(codes) == [PRESENT] else f"no {term.spelling}"
    names = [_value_name(enc, code) for code in codes]
    if len(names) <= MAX_NAMED + 1:  # "or 1 more" would be no shorter
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{', '.join(names[:MAX_NAMED])} or {len(names) - MAX_NAMED} more"


def _value_name(enc: FieldEncoding, code: int) -> str:
    if code == UNSEEN:
        return "a value no customer has"
    if code == RARE:
        return "a rare value"
    return enc.spellings[code - FIRST_VALUE]


def statement(term: Term, codes: Sequence[int]) -> str:
    """Return a trait as a phrase with its field: "101-500 employees", "uses Snowflake", "industry: Software"."""
    enc, words = term.encoding, codes_words(term, codes)
    if list(codes) == [MISSING]:
        return f"{enc.label} not known"
    if enc.kind == "tokens":
        says = (f"{enc.label} mentions", f"{enc.label} does not mention")
        usual = says if enc.form == "text" else (f"{enc.label}:", f"{enc.label}: no")
        verb = _TOKEN_VERBS.get(enc.field, usual)[0 if list(codes) == [PRESENT] else 1]
        return f'{verb} "{term.spelling}"' if enc.form == "text" else f"{verb} {term.spelling}"
    if enc.kind == "numeric" and enc.form == "count":
        return f"{words} {enc.label}"
    return f"{enc.label}: {words}" if enc.form not in ("year", "date", "age") else f"{enc.label} {words}"


_TOKEN_VERBS = {
    "technologies": ("uses", "does not use"),
    "keywords": ("is about", "is not about"),
    "hiring_roles": ("hires", "does not hire"),
    "intent_topics": ("researches", "does not research"),
    "certifications": ("is certified for", "is not certified for"),
    "job_posting_text": ("job postings mention", "job postings do not mention"),
}
