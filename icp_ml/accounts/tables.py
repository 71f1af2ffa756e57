"""Any DataFrame or Arrow table to the plain column types the normaliser reads, without ever failing on a cell."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.cells import as_text, cell_text
from icp_ml.accounts.csv_rows import check_headers
from icp_ml.exceptions import InputError

_CELL_BY_CELL = (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)
_LISTS = (list, tuple, set, frozenset, np.ndarray)


def plain_array(array: pa.Array) -> pa.Array | None:
    """Return an Arrow array in one of the types the normaliser reads; None where the type is nested and cannot be.

    Kept: strings, booleans, numbers, timestamps (UTC, no zone), dictionaries of these, lists of strings.
    """
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return plain_array(array.storage)
    if pa.types.is_dictionary(kind):
        values = plain_array(array.dictionary)
        return None if values is None else pa.DictionaryArray.from_arrays(array.indices, values)
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return array.cast(pa.float64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return array.cast(pa.timestamp(kind.unit))  # Arrow keeps zoned times in UTC
    if pa.types.is_date(kind):
        return array.cast(pa.timestamp("ms"))
    if pa.types.is_duration(kind):
        return pc.divide(array.cast(pa.duration("ms"), safe=False).cast(pa.int64()).cast(pa.float64()), 86_400_000.0)
    if (
        pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
        or pa.types.is_time(kind)
    ):
        return array.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([cell_text(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return None if pa.types.is_nested(kind.value_type) else _list_of_strings(array)
    return None if pa.types.is_nested(kind) else array


def plain_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with plain columns; nested ones are left out."""
    columns = {name: plain_array(batch.column(i)) for i, name in enumerate(batch.schema.names)}
    kept = {name: column for name, column in columns.items() if column is not None}
    return pa.RecordBatch.from_arrays(list(kept.values()), list(kept))


def plain_table(table: pa.Table, source: str = "table") -> pa.Table:
    """Return an Arrow table with plain columns; nested ones are left out.

    Raises
    ------
    InputError
        A column name occurs twice.
    """
    check_headers(source, table.schema.names)
    columns = {}
    for name in table.schema.names:
        chunks = [plain_array(chunk) for chunk in table.column(name).chunks]
        if any(chunk is None for chunk in chunks):
            continue
        empty = plain_array(pa.array([], table.schema.field(name).type))
        if chunks or empty is not None:
            columns[name] = pa.chunked_array(chunks) if chunks else pa.chunked_array([empty])
    return pa.table(columns)


def table_from_frame(frame: pd.DataFrame) -> pa.Table:
    """Return a DataFrame's columns as plain Arrow, whatever they hold; the index is left out.

    Columns of one sort keep their type. Mixed cells become strings as a CSV would show them (5 and 5.0 both "5"), and
    lists, tuples and sets of anything become lists of strings (sets sorted).

    Raises
    ------
    InputError
        Two columns have the same name once names are strings.

    Examples
    --------
    >>> table_from_frame(pd.DataFrame({"size": [5, 5.0, "5-10", None]}, dtype=object))["size"].to_pylist()
    ['5', '5', '5-10', None]
    """
    names = [_column_name(column) for column in frame.columns]
    check_headers("DataFrame", names)
    arrays = {name: _from_series(frame.iloc[:, position]) for position, name in enumerate(names)}
    if not arrays:
        msg = "DataFrame: it has no columns; give one row per account and one column per field"
        raise InputError(msg)
    return pa.table(arrays)


def _column_name(column: Any) -> str:
    return "_".join(str(part) for part in column if str(part)) if isinstance(column, tuple) else str(column)


def _from_series(series: pd.Series[Any]) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        labels = _from_cells(list(series.cat.categories))
        codes = series.cat.codes.to_numpy()
        codes = pa.array(codes.astype(np.int32), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(codes, labels)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    if series.dtype != object and not isinstance(series.dtype, _CELL_BY_CELL):
        try:
            array = pa.Array.from_pandas(series)
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            plain = plain_array(array)
            if plain is not None:
                return plain
        except (pa.ArrowException, TypeError, ValueError, NotImplementedError, UnicodeError):
            pass  # complex numbers, broken text
    return _from_cells(series.tolist())


def _from_cells(cells: list[Any]) -> pa.Array:
    cells = [None if _is_missing(cell) else cell for cell in cells]
    sorts = {type(cell) for cell in cells if cell is not None}
    if any(issubclass(sort, _LISTS) for sort in sorts):
        return pa.array([_tokens(cell) for cell in cells], pa.list_(pa.string()))
    for allowed, arrow_type, convert in _UNIFORM:
        if (
            sorts
            and all(issubclass(sort, allowed) for sort in sorts)
            and (allowed is _BOOLS or not sorts & set(_BOOLS))
        ):
            try:
                return pa.array([None if cell is None else convert(cell) for cell in cells], arrow_type)
            except (pa.ArrowException, OverflowError, TypeError, ValueError):
                break
    return pa.array([_clean(cell_text(cell)) for cell in cells], pa.string())


_BOOLS = (bool, np.bool_)


def _moment(cell: Any) -> Any:
    """Return a date or time as a time in UTC without zone."""
    moment = pd.Timestamp(cell)
    return moment if moment.tzinfo is None else moment.tz_convert(None)


_UNIFORM: tuple[tuple[tuple[type, ...], pa.DataType, Callable[[Any], Any]], ...] = (
    (_BOOLS, pa.bool_(), bool),
    ((int, np.integer), pa.int64(), int),
    ((int, float, np.integer, np.floating, decimal.Decimal), pa.float64(), float),
    ((dt.date, np.datetime64), pa.timestamp("us"), _moment),
)


def _is_missing(cell: Any) -> bool:
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return bool(np.isnat(cell))
    return isinstance(cell, decimal.Decimal) and cell.is_nan()


def _tokens(cell: Any) -> list[str] | None:
    if cell is None:
        return None
    if isinstance(cell, _LISTS):
        parts: Iterable[Any] = cell.ravel().tolist() if isinstance(cell, np.ndarray) else cell
        texts = [_clean(cell_text(part)) for part in parts if not _is_missing(part)]
        found = [text for text in texts if text is not None]
        return sorted(found) if isinstance(cell, set | frozenset) else found
    return (_clean(cell_text(cell)) or "").replace("|", ";").split(";")


def _clean(text: str | None) -> str | None:
    """Replace lone surrogates, which no UTF-8 can hold."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _list_of_strings(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type.value_type) and pa.types.is_list(array.type):
        return array
    values = plain_array(array.flatten())
    lengths = pc.list_value_length(array)
    offsets = np.concatenate([[0], np.cumsum(lengths.fill_null(0).to_numpy(zero_copy_only=False))]).astype(np.int32)
    texts = pa.nulls(len(array.flatten()), pa.string()) if values is None else as_text(values)
    return pa.ListArray.from_arrays(pa.array(offsets), texts, mask=lengths.is_null())
