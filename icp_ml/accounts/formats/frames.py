"""Any DataFrame to the plain Arrow columns the normaliser reads, without ever failing on a cell."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from icp_ml.accounts.formats.headers import check_headers
from icp_ml.accounts.formats.tables import plain_array
from icp_ml.accounts.values.cells import cell_text
from icp_ml.exceptions import InputError

_CELL_BY_CELL = (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)
_LISTS = (list, tuple, set, frozenset, np.ndarray)


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
    arrays = {name: _from_series(series) for name, (_, series) in zip(names, frame.items(), strict=True)}
    if not arrays:
        msg = "DataFrame: it has no columns; give one row per account and one column per field"
        raise InputError(msg)
    return pa.Table.from_arrays(list(arrays.values()), names=list(arrays))


def _column_name(column: Any) -> str:
    return "_".join(str(part) for part in column if str(part)) if isinstance(column, tuple) else str(column)


def _from_series(series: pd.Series[Any]) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        labels = cells_as_arrow(list(series.cat.categories))
        codes = series.cat.codes.to_numpy()
        codes = pa.array(codes.astype(np.int32), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(codes, labels)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    if series.dtype != object and not isinstance(series.dtype, _CELL_BY_CELL):
        try:
            array = _array_of(series)
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            plain = plain_array(array)
            if plain is not None:
                return plain
        except (pa.ArrowException, TypeError, ValueError, NotImplementedError, UnicodeError):
            pass  # complex numbers, broken text
    return cells_as_arrow(series.tolist())


def _array_of(series: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    """Return a column of one sort as Arrow has it; numbers and texts by the shortest way, as one row costs as any."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iufb":
        return pa.array(series.to_numpy(), from_pandas=True)
    if isinstance(series.dtype, pd.StringDtype) and series.dtype.storage == "pyarrow":
        return pa.array(series.array)
    return pa.Array.from_pandas(series)


def cells_as_arrow(cells: list[Any]) -> pa.Array:
    """Return Python values of any sorts as one plain Arrow array."""
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
