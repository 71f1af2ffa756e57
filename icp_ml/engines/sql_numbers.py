"""An account's own number in words, as `icp_ml.estimator.labels.value_words` writes it: "1,250", "$1.2M", "18 months".

Databases format numbers differently, and round halves differently; so each step is arithmetic that all share.
"""

from __future__ import annotations

from collections.abc import Sequence

from icp_ml.engines.sql_dialect import Dialect
from icp_ml.engines.sql_steps import Column, Steps, case
from icp_ml.estimator.encoding import DAYS_OF_MONTH

FORMS = ("count", "money", "share", "year", "age", "date", "number")
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_MOST = 999_999_999_999_999  # whole numbers above are exact in no double, and overflow in some databases
_SLACK = "1e-9"  # what a logarithm may be off by


def add_numbers(steps: Steps, forms: Sequence[str], k: int) -> None:
    """Add `number_i`, the words of `value_i` for the form `form_i`: empty where there is no number."""
    if not forms:
        return
    every = range(1, k + 1)
    sql = steps.sql
    steps.add("magnitudes", "numbers are said with three digits", [c for i in every for c in _magnitude(i)])
    steps.add("scaled", "so many digits before the point", [Column(_scaled(i), f"scaled_{i}") for i in every])
    steps.add("rounded", "halves to the even number", [Column(_rounded(i), f"rounded_{i}") for i in every])
    steps.add("amounts", "in thousands, months, percent ...", [Column(_amount(i), f"amount_{i}") for i in every])
    steps.add("digits", "where the first digit stands", [Column(_first_digit(i), f"digit_{i}") for i in every])
    steps.add("wholes", "all digits as one whole number", [c for i in every for c in _digits(i)])
    steps.add("splits", "before the point", [Column(f"FLOOR(digits_{i} / scale_{i})", f"whole_{i}") for i in every])
    steps.add("fractions", "as texts, and what comes after the point", [c for i in every for c in _texts(sql, i)])
    steps.add("written", "as a number is written", [Column(_number(sql, i), f"written_{i}") for i in every])
    steps.add("numbers", "with its unit", [Column(_words(forms, i), f"number_{i}") for i in every])


def _magnitude(i: int) -> list[Column]:
    size = f"ABS(value_{i})"
    power = f"CASE WHEN {size} > 0 THEN FLOOR(LN({size}) / LN(10) + {_SLACK}) - 2 ELSE -2 END"
    whole = f"form_{i} IN ('year', 'age') OR (form_{i} = 'count' AND {size} < 10000)"
    return [Column(power, f"power_{i}"), Column(f"CASE WHEN {whole} THEN 1 ELSE 0 END", f"is_whole_{i}")]


def _scaled(i: int) -> str:
    return case(
        [
            f"WHEN is_whole_{i} = 1 THEN ABS(value_{i})",
            f"WHEN power_{i} >= 0 THEN ABS(value_{i}) / POWER(10, power_{i})",
        ],
        f"ABS(value_{i}) * POWER(10, -power_{i})",
    )


def _even(column: str) -> str:
    """Return a number rounded, halves to the even one."""
    down = f"FLOOR({column})"
    up = f"{column} - {down} > 0.5e0 OR ({column} - {down} = 0.5e0 AND FLOOR({down} / 2) * 2 <> {down})"
    return f"{down} + CASE WHEN {up} THEN 1 ELSE 0 END"


def _rounded(i: int) -> str:
    even = _even(f"scaled_{i}")
    return case(
        [
            f"WHEN is_whole_{i} = 1 THEN {even}",
            f"WHEN power_{i} >= 0 THEN ({even}) * POWER(10, power_{i})",
        ],
        f"({even}) / POWER(10, -power_{i})",
    )


def _amount(i: int) -> str:
    shown = f"rounded_{i}"
    money = [
        f"WHEN form_{i} = 'money' AND {shown} >= {Dialect.number(0.9995 * unit)} THEN {shown} / {unit:.0f}"
        for unit, _ in _UNITS
    ]
    return case(
        [
            *money,
            f"WHEN form_{i} = 'money' THEN {_even(shown)}",
            f"WHEN form_{i} = 'share' THEN 100 * {shown}",
            f"WHEN form_{i} = 'date' AND {_unit_test(i, 'month')} THEN FLOOR({shown} / {DAYS_OF_MONTH}e0 + 0.5e0)",
            f"WHEN form_{i} = 'date' AND {_unit_test(i, 'year')} THEN FLOOR({shown} / 365.25e0 + 0.5e0)",
        ],
        shown,
    )


def _unit_test(i: int, unit: str) -> str:
    """Return the test of how long ago is said: days below 60, months below 730, else years."""
    if unit == "year":
        return f"rounded_{i} >= 730"
    return f"(rounded_{i} >= 60 OR rounded_{i} IN (30, 31)) AND rounded_{i} < 730"


def _first_digit(i: int) -> str:
    """Return the power of ten of the first digit of an amount that has digits after the point, else null."""
    amount = f"amount_{i}"
    digit = f"FLOOR(LN({amount}) / LN(10) + {_SLACK})"
    return f"CASE WHEN {amount} < 999.5e0 AND {amount} <> FLOOR({amount}) THEN {digit} END"


def _digits(i: int) -> list[Column]:
    scale = case(
        [f"WHEN digit_{i} IS NULL THEN 1", f"WHEN digit_{i} < -4 THEN 100"], f"POWER(10, 2 - digit_{i})"
    )  # below 0.0001 as "1.2e-05"
    whole = f"WHEN digit_{i} IS NULL THEN FLOOR(LEAST(amount_{i}, {_MOST}) + 0.5e0)"
    digits = case([whole], f"FLOOR(amount_{i} * POWER(10, 2 - digit_{i}) + 0.5e0)")
    return [Column(scale, f"scale_{i}"), Column(digits, f"digits_{i}")]


def _texts(sql: Dialect, i: int) -> list[Column]:
    rest = _text(sql, f"digits_{i} - whole_{i} * scale_{i}")
    places = f"CASE WHEN digit_{i} < -4 THEN 2 ELSE CAST(2 - digit_{i} AS {sql.type_of('int')}) END"
    fraction = f"CASE WHEN digit_{i} < 2 THEN LPAD({rest}, {places}, '0') ELSE '' END"
    return [Column(_text(sql, f"whole_{i}"), f"text_{i}"), Column(fraction, f"fraction_{i}")]


def _text(sql: Dialect, number: str) -> str:
    return f"CAST(CAST({number} AS {sql.whole}) AS {sql.string})"


def _number(sql: Dialect, i: int) -> str:
    """Return an amount with thousands apart, without zeros at the end of its fraction."""
    whole = f"text_{i}"
    branches = [f"WHEN LENGTH({whole}) <= 3 OR form_{i} IN ('year', 'date') THEN {whole}"]
    for groups in range(1, 5):
        parts = [f"SUBSTR({whole}, 1, LENGTH({whole}) - {3 * groups})"]
        parts += [f"SUBSTR({whole}, LENGTH({whole}) - {3 * group - 1}, 3)" for group in range(groups, 0, -1)]
        branches.append(f"WHEN LENGTH({whole}) <= {3 * groups + 3} THEN " + " || ',' || ".join(parts))
    trimmed = sql.without_trailing_zeros(f"fraction_{i}")
    point = f"CASE WHEN {trimmed} = '' THEN '' ELSE '.' || {trimmed} END"
    tiny = f"CASE WHEN digit_{i} < -4 THEN 'e-' || LPAD({_text(sql, f'-digit_{i}')}, 2, '0') ELSE '' END"
    return f"{case(branches)}\n|| {point}\n|| {tiny}"


def _words(forms: Sequence[str], i: int) -> str:
    sign = f"CASE WHEN value_{i} < 0 THEN '-' ELSE '' END || "
    number = f"written_{i}"
    letters = [
        f"WHEN form_{i} = 'money' AND rounded_{i} >= {Dialect.number(0.9995 * unit)} "
        f"THEN {sign}'$' || {number} || '{letter}'"
        for unit, letter in _UNITS
    ]
    plural = f"CASE WHEN amount_{i} = 1 THEN '' ELSE 's' END || ' ago'"
    said = {
        "count": [f"WHEN form_{i} = 'count' THEN {sign}{number}"],
        "money": [*letters, f"WHEN form_{i} = 'money' THEN {sign}'$' || {number}"],
        "share": [f"WHEN form_{i} = 'share' THEN {sign}{number} || '%'"],
        "year": [f"WHEN form_{i} = 'year' THEN {sign}{number}"],
        "age": [
            f"WHEN form_{i} = 'age' AND rounded_{i} < 0.5e0 THEN 'this year'",
            f"WHEN form_{i} = 'age' THEN {number} || ' year' || {plural}",
        ],
        "date": [
            f"WHEN form_{i} = 'date' AND {_unit_test(i, unit)} THEN {number} || ' {unit}' || {plural}"
            for unit in ("month", "year")
        ]
        + [f"WHEN form_{i} = 'date' THEN {number} || ' day' || {plural}"],
        "number": [f"WHEN form_{i} = 'number' THEN {sign}{number}"],
    }
    return case([line for form in forms for line in said[form]], "''")
