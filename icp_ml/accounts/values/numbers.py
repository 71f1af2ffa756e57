"""A column of numbers, amounts, counts, shares or years -> float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.bands import Quantity, parse_quantity
from icp_ml.accounts.values.cells import MOST_DOUBT, Distinct, Tally, as_text, remembered, trimmed
from icp_ml.accounts.values.conventions import DOLLAR, Convention
from icp_ml.accounts.values.dates import MAX_YEAR, OLDEST_FOUNDED, parse_year
from icp_ml.accounts.values.headcounts import parse_count, parse_headcount
from icp_ml.accounts.values.mojibake import mended
from icp_ml.accounts.values.plain import Cells, plain_numbers
from icp_ml.accounts.values.present import Present
from icp_ml.schema import Field

# A share above this, written without "%", is a percentage. Growth and net retention can truly be 300 %.
PERCENT_ABOVE = 10.0
_PERCENT_ABOVE_OF_FIELD = {"retention_rate": 1.5, "utilization_rate": 1.5}
NEGATIVE_IS_REAL = frozenset({"expansion_usd"})  # a contraction
_PLAIN_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_PLAIN_YEAR = r"^[0-9]{4}(?:\.0+)?$"

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Worth:
    """What an amount of a column is multiplied by, to be in the unit of its field."""

    convention: Convention
    rates: Mapping[str, float]

    def factor(self, currency: str) -> float | None:
        """Return what one unit of a currency ("": the column's) is in the field's unit; None where nothing says so."""
        code, unit = currency or self.convention.currency, self.convention.unit
        if code == unit:
            return 1.0
        worth = {DOLLAR: 1.0, **self.rates}
        return worth[code] / worth[unit] if code in worth and unit in worth else None

    def of(self, quantity: Quantity) -> Quantity:
        """Return an amount that names its currency in the field's unit."""
        if quantity.value is None or not quantity.currency:
            return quantity
        factor = self.factor(quantity.currency)
        if factor is None:
            return Quantity(None, reason=unpriced(quantity.currency, self.convention.unit), currency=quantity.currency)
        return quantity._replace(value=quantity.value * factor)


def unpriced(code: str, unit: str) -> str:
    """Return why an amount was left out, and which rate would have kept it."""
    lacks = unit if code == DOLLAR else code
    return f"is in {code}, not in {unit}: set fields.currency_rates: {{{lacks}: <US dollars per {lacks}>}}"


def numbers(array: pa.Array, field: Field, scale: float, worth: Worth, tally: Tally) -> pa.Array:
    """Read a column of a numeric kind, counting what was changed and dropped.

    Parameters
    ----------
    array : pa.Array
        Anything.
    field : Field
        Its kind is one of `NUMERIC_KINDS`.
    scale : float
        What numbers without a unit of their own are multiplied by.
    worth : Worth
        For money.
    tally : Tally
        Takes the counts.
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if pa.types.is_timestamp(array.type) and field.kind == "year":
        array = pc.year(array)
    explicit: Flags | None = None  # carries its unit; None: no cell does
    unmarked: Flags | None = None  # names no currency; None: no cell does
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        plain = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
        values = plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        values = values if values.flags.writeable else values.copy()  # it is already a copy where a cell is missing
        raw: pa.Array = array
    else:
        raw, values, explicit, unmarked = _read_cells(as_text(array), field, worth, tally)
    infinite = np.isinf(values)
    tally.drop_where(infinite, raw, "is not a finite number")
    values[infinite] = np.nan
    values = _in_unit(values, explicit, field, scale)
    if field.kind == "money" and worth.convention.currency != worth.convention.unit:
        _convert(values, unmarked, worth, raw, tally)
    refused, reason = _impossible(values, field)
    if refused.any():
        tally.drop_where(refused, raw, reason)
        values[refused] = np.nan
    return Present.but(np.isnan(values)).numbers(values)


def _read_cells(
    text: pa.Array, field: Field, worth: Worth, tally: Tally
) -> tuple[pa.Array, Floats, Flags | None, Flags | None]:
    """Read texts; return them trimmed, and what `_read_texts` does. Cells of digits are cast without a closer look."""
    plain = plain_numbers(Cells.of(text), year=field.kind == "year")
    others = len(plain) - np.count_nonzero(plain)
    values = _cast(text, plain if others else None) if others <= MOST_DOUBT * len(text) else None
    if values is None:
        raw, placeholders = trimmed(text)
        tally.placeholders += placeholders
        return raw, *_read_texts(raw, field, worth, tally)
    if not others:
        return text, values, None, None
    rest = ~plain
    mask = pa.array(rest)
    cells, placeholders = trimmed(text.filter(mask))
    tally.placeholders += placeholders
    values[rest], own, unnamed = _read_texts(cells, field, worth, tally)
    if own is None or unnamed is None:
        return pc.replace_with_mask(text, mask, cells), values, None, None
    explicit, unmarked = np.zeros(len(values), dtype=bool), np.ones(len(values), dtype=bool)
    explicit[rest], unmarked[rest] = own, unnamed
    return pc.replace_with_mask(text, mask, cells), values, explicit, unmarked


def _cast(text: pa.Array, where: Flags | None) -> Floats | None:
    """Return texts as numbers, NaN but where wanted; None where one of these is no number."""
    cells = text if where is None else pc.if_else(pa.array(where), text, pa.scalar(None, pa.string()))
    try:
        values: Floats = cells.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return values if values.flags.writeable else values.copy()


def _read_texts(text: pa.Array, field: Field, worth: Worth, tally: Tally) -> tuple[Floats, Flags | None, Flags | None]:
    """Cast what is plainly a number, and parse the distinct remaining texts in Python; NaN stands for missing."""
    pattern = _PLAIN_YEAR if field.kind == "year" else _PLAIN_NUMBER
    plain = pc.match_substring_regex(text, pattern)
    unreadable = pc.invert(plain).fill_null(False).to_numpy(zero_copy_only=False)
    castable = pc.if_else(plain, text, pa.scalar(None, pa.string())) if unreadable.any() else text
    values = castable.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    if not unreadable.any():
        return values, None, None
    explicit, unmarked = np.zeros(len(values), dtype=bool), np.ones(len(values), dtype=bool)
    rest = Distinct.of(text.filter(pa.array(unreadable)))
    read = _reader(field, worth)
    found = [read(mended(raw)) for raw in rest.texts]
    values[unreadable] = np.array([np.nan if q.value is None else q.value for q in found])[rest.codes]
    explicit[unreadable] = np.array([q.explicit for q in found], dtype=bool)[rest.codes]
    unmarked[unreadable] = np.array([not q.currency for q in found], dtype=bool)[rest.codes]
    for raw, quantity, count in zip(rest.texts, found, rest.counts, strict=True):
        if quantity.value is None:
            tally.drop(raw, quantity.reason, count)
            tally.foreign += count * bool(quantity.currency)
            continue
        tally.change(raw, f"{quantity.value:,.15g}", count)
        if field.kind == "money" and quantity.currency not in {"", worth.convention.unit}:
            tally.note(f"amounts in {quantity.currency} converted to {worth.convention.unit}", count)
    return values, explicit, unmarked


def _reader(field: Field, worth: Worth) -> Callable[[str], Quantity]:
    """Return what reads one cell that is not plainly a number."""
    if field.kind == "money":
        return lambda text: worth.of(remembered(parse_quantity, text))
    if field.kind == "year":
        return _read_year
    if field.kind == "count":
        parse = parse_headcount if field.name == "employees" else parse_count
        return lambda text: remembered(parse, text)
    return lambda text: remembered(parse_quantity, text)


def _read_year(text: str) -> Quantity:
    value, reason = remembered(parse_year, text)
    return Quantity(value, reason=reason)


def _in_unit(values: Floats, explicit: Flags | None, field: Field, scale: float) -> Floats:
    """Apply the header's unit, or for shares the rule for percentages, to numbers that carry no unit themselves."""
    if scale == 1.0 and field.kind != "share":
        return values
    explicit = np.zeros(len(values), dtype=bool) if explicit is None else explicit
    if scale != 1.0:
        return np.where(explicit, values, values / 100 if scale == 0.01 else values * scale)
    limit = _PERCENT_ABOVE_OF_FIELD.get(field.name, PERCENT_ABOVE)
    return np.where(explicit | (np.abs(values) <= limit), values, values / 100)


def _convert(values: Floats, unmarked: Flags | None, worth: Worth, raw: pa.Array, tally: Tally) -> None:
    """Convert, in place, the amounts that name no currency from the column's to the field's."""
    where = ~np.isnan(values) if unmarked is None else unmarked & ~np.isnan(values)
    factor = worth.factor("")
    if factor is None:
        tally.drop_where(where, raw, unpriced(worth.convention.currency, worth.convention.unit))
        tally.foreign += int(where.sum())
    values[where] *= np.nan if factor is None else factor


def _impossible(values: Floats, field: Field) -> tuple[Flags, str]:
    with np.errstate(invalid="ignore"):
        if field.kind == "year":
            return (values < OLDEST_FOUNDED) | (values > MAX_YEAR), "is not a year"
        if field.kind in {"money", "count"} and field.name not in NEGATIVE_IS_REAL:
            return values < 0, "is negative"
    return np.zeros(len(values), dtype=bool), ""
