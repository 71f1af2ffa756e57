"""A column as it was written -> canonical Arrow, with a count of what was changed and dropped.

Every value depends on its own cell and on nothing else: not on other rows, on the batch, or on row order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.bands import Quantity, parse_quantity
from icp_ml.accounts.values.cells import (
    PLACEHOLDERS,
    Distinct,
    Tally,
    as_text,
    commonest,
    convert_distinct,
    fold,
    holds,
    trimmed,
)
from icp_ml.accounts.values.dates import MAX_YEAR, MIN_YEAR, OLDEST_FOUNDED, parse_date, parse_year
from icp_ml.accounts.values.places import country_code, host_of
from icp_ml.accounts.values.tokens import token_lists, token_spellings
from icp_ml.schema import NUMERIC_KINDS, Field

TRUE_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "sí", "sim", "✓", "✔"})
FALSE_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "nein", "non", "não", "✗", "✘"})
# A share above this, written without "%", is a percentage. Growth and net retention can truly be 300 %.
PERCENT_ABOVE = 10.0
_PERCENT_ABOVE_OF_FIELD = {"retention_rate": 1.5, "utilization_rate": 1.5}
_NEGATIVE_IS_REAL = frozenset({"expansion_usd"})  # a contraction
_PLAIN_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_PLAIN_YEAR = r"^[0-9]{4}(?:\.0+)?$"
_PLAIN_HOST = r"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$"  # for these, host_of is the identity

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Normalised:
    """A normalised column.

    Attributes
    ----------
    values : pa.Array
        Canonical Arrow for the field's kind; null means missing.
    changed : int
        Cells read as something else than they plainly say ("51-200" as 125.5, "Germany" as "DE"); a change of case or
        white space alone is not counted.
    dropped : int
        Cells that hold something, but nothing that could be used: now missing.
    placeholders : int
        Cells that hold a word for "missing".
    examples : tuple of (str, str)
        As written, and the result or the reason; commonest first.
    notes : tuple of str
        Anything else to say.
    """

    values: pa.Array
    changed: int
    dropped: int
    placeholders: int
    examples: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def normalise_column(
    array: pa.Array | pa.ChunkedArray,
    field: Field,
    delimiter: str | None = None,
    *,
    scale: float = 1.0,
    day_first: bool | None = None,
    encoded: bool = False,
) -> Normalised:
    """Convert a column to the canonical Arrow type of its field's kind.

    Parameters
    ----------
    array : pa.Array or pa.ChunkedArray
        Strings, numbers, booleans, timestamps, dictionaries or lists of strings.
    field : Field
        What it holds.
    delimiter : str or None
        For token sets: the declared separator.
    scale : float
        What numbers without a unit of their own are multiplied by ("in 000s USD": 1000).
    day_first : bool or None
        For dates: the order of "4/5/2024"; None leaves such dates missing.
    encoded : bool
        For token sets: leave the tokens as a dictionary.

    Returns
    -------
    Normalised
        With exactly one value per input cell.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    tally = Tally()
    if field.kind in NUMERIC_KINDS:
        values = _numbers(array, field, scale, tally)
    elif field.kind == "date":
        values = _dates(array, day_first, tally)
    elif field.kind == "token_set":
        values, tally.placeholders, repeated = token_lists(array, field, delimiter, encoded=encoded)
        tally.note("repeated tokens left out", repeated)
    else:
        values = _TEXT_KINDS[field.kind](array, tally)
    return Normalised(values, tally.changed, tally.dropped, tally.placeholders, tally.examples(), tally.sentences())


def commonest_spellings(
    array: pa.Array | pa.ChunkedArray, normalised: pa.Array, field: Field, delimiter: str | None = None
) -> Mapping[str, str]:
    """Return, for each normalised value of a category or token set, the way it is most often written."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if field.kind == "token_set":
        return token_spellings(array, field, delimiter)
    pairs = pa.table({"folded": as_text(normalised), "written": as_text(array)}).group_by(["folded", "written"])
    counted = pairs.aggregate([([], "count_all")]).to_pydict()
    seen = zip(counted["folded"], counted["written"], counted["count_all"], strict=True)
    return commonest([(folded, written, count) for folded, written, count in seen if folded and written])


def _numbers(array: pa.Array, field: Field, scale: float, tally: Tally) -> pa.Array:
    """Read numbers as floats; NaN stands for missing until the end."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if pa.types.is_timestamp(array.type) and field.kind == "year":
        array = pc.year(array)
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        numbers = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
        values = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).copy()
        explicit = np.zeros(len(values), dtype=bool)
        raw: pa.Array = array
    else:
        raw, tally.placeholders = trimmed(array)
        values, explicit = _read_texts(raw, field, tally)
    infinite = np.isinf(values)
    tally.drop_where(infinite, raw, "is not a finite number")
    values[infinite] = np.nan
    values = _in_unit(values, explicit, field, scale)
    refused, reason = _impossible(values, field)
    if refused.any():
        tally.drop_where(refused, raw, reason)
        values[refused] = np.nan
    return pa.array(values, pa.float64(), from_pandas=True)


def _read_texts(text: pa.Array, field: Field, tally: Tally) -> tuple[Floats, Flags]:
    """Cast what is plainly a number, and parse the distinct remaining texts in Python."""
    pattern = _PLAIN_YEAR if field.kind == "year" else _PLAIN_NUMBER
    plain = pc.match_substring_regex(text, pattern)
    unreadable = pc.invert(plain).fill_null(False).to_numpy(zero_copy_only=False)
    missing = pa.scalar(None, pa.string())
    castable = pc.if_else(plain, text, missing) if unreadable.any() else text
    values = castable.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    explicit = np.zeros(len(values), dtype=bool)
    if unreadable.any():
        rest = Distinct.of(text.filter(pa.array(unreadable)))
        read = _read_year if field.kind == "year" else parse_quantity
        found = [read(raw) for raw in rest.texts]
        values[unreadable] = np.array([np.nan if q.value is None else q.value for q in found])[rest.codes]
        explicit[unreadable] = np.array([q.explicit for q in found], dtype=bool)[rest.codes]
        for raw, quantity, count in zip(rest.texts, found, rest.counts, strict=True):
            if quantity.value is None:
                tally.drop(raw, quantity.reason, count)
            else:
                tally.change(raw, f"{quantity.value:,.15g}", count)
            if quantity.currency:
                tally.note(f"amounts in {quantity.currency} taken as they are, without conversion to USD", count)
    return values, explicit


def _read_year(text: str) -> Quantity:
    value, reason = parse_year(text)
    return Quantity(value, reason=reason)


def _in_unit(values: Floats, explicit: Flags, field: Field, scale: float) -> Floats:
    """Apply the header's unit, or for shares the rule for percentages, to numbers that carry no unit themselves."""
    if scale != 1.0:
        return np.where(explicit, values, values / 100 if scale == 0.01 else values * scale)
    if field.kind == "share":
        limit = _PERCENT_ABOVE_OF_FIELD.get(field.name, PERCENT_ABOVE)
        return np.where(explicit | (np.abs(values) <= limit), values, values / 100)
    return values


def _impossible(values: Floats, field: Field) -> tuple[Flags, str]:
    with np.errstate(invalid="ignore"):
        if field.kind == "year":
            return (values < OLDEST_FOUNDED) | (values > MAX_YEAR), "is not a year"
        if field.kind in {"money", "count"} and field.name not in _NEGATIVE_IS_REAL:
            return values < 0, "is negative"
    return np.zeros(len(values), dtype=bool), ""


def _dates(array: pa.Array, day_first: bool | None, tally: Tally) -> pa.Array:
    seconds = pa.timestamp("s")
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        if pa.types.is_date(array.type):
            array = array.cast(pa.timestamp("ms"))
        years = pc.year(array)
        inside = pc.and_(pc.greater_equal(years, MIN_YEAR), pc.less_equal(years, MAX_YEAR)).fill_null(True)
        outside = pc.invert(inside).to_numpy(zero_copy_only=False)
        tally.drop_where(outside, array, f"lies outside {MIN_YEAR} to {MAX_YEAR}")
        kept = pc.if_else(inside, array, pa.scalar(None, array.type))
        return pc.floor_temporal(kept, unit="second").cast(pa.timestamp("us"), safe=False).cast(seconds, safe=False)
    text, tally.placeholders = trimmed(array)
    return convert_distinct(text, lambda raw: parse_date(raw, day_first), seconds, tally)


def _booleans(array: pa.Array, tally: Tally) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    text, tally.placeholders = trimmed(array)

    def read(raw: str) -> tuple[bool | None, str]:
        word = fold(raw)
        return (True, "") if word in TRUE_WORDS else (False, "") if word in FALSE_WORDS else (None, "is not yes or no")

    return convert_distinct(text, read, pa.bool_(), tally)


def _categories(array: pa.Array, tally: Tally, read: Callable[[str], str] = fold) -> pa.Array:
    """Fold the distinct values; the dictionary is sorted, so the same rows give the same bytes."""
    distinct = Distinct.of(as_text(array))
    results: list[str | None] = []
    for raw, count in zip(distinct.texts, distinct.counts, strict=True):
        folded = fold(raw)
        if folded in PLACEHOLDERS:
            results.append(None)
            tally.placeholders += count
            continue
        result = read(raw)
        results.append(result)
        if result.casefold() != folded:
            tally.change(raw, result, count)
    labels = sorted({result for result in results if result is not None})
    position = {label: index for index, label in enumerate(labels)}
    translation = np.array([-1 if r is None else position[r] for r in results] + [-1], dtype=np.int32)
    codes = translation[distinct.codes]
    indices = pa.array(codes, pa.int32(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(labels, pa.string()))


def _countries(array: pa.Array, tally: Tally) -> pa.Array:
    return _categories(array, tally, lambda raw: country_code(raw) or fold(raw))


def _texts(array: pa.Array, tally: Tally) -> pa.Array:
    text, tally.placeholders = trimmed(array)
    return text


def _identifiers(array: pa.Array, tally: Tally) -> pa.Array:
    text, tally.placeholders = trimmed(array)
    if holds(text, "."):
        text = pc.replace_substring_regex(text, r"^([0-9]+)\.0+$", r"\1")
    return text


def _domains(array: pa.Array, tally: Tally) -> pa.Array:
    """Strip schemes and paths vectorised; what is not a plain host then goes through `host_of`, once per text."""
    text, tally.placeholders = trimmed(array)
    host = pc.utf8_lower(text)
    if holds(host, "/"):
        host = pc.replace_substring_regex(host, r"^https?://|/.*$", "")
    if holds(host, "www"):
        host = pc.replace_substring_regex(host, r"^www[0-9]?\.([^.]+\.)", r"\1")  # "www.com" itself stays
    plain = pc.and_(pc.match_substring_regex(host, _PLAIN_HOST), pc.less_equal(pc.binary_length(host), 253))
    if holds(host, "www"):
        plain = pc.and_(plain, pc.invert(pc.starts_with(host, "www")))
    rest = pc.invert(plain).fill_null(False)
    if not pc.any(rest).as_py():
        return host
    read = convert_distinct(text.filter(rest), lambda raw: (host_of(raw), "is not a web address"), pa.string(), tally)
    return pc.replace_with_mask(host, rest, read)


_TEXT_KINDS: Mapping[str, Callable[[pa.Array, Tally], Any]] = {
    "boolean": _booleans,
    "category": _categories,
    "place": _categories,
    "country": _countries,
    "text": _texts,
    "identifier": _identifiers,
    "domain": _domains,
}
