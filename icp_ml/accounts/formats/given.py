"""A table as a caller gives it (pandas, polars, Arrow) -> plain Arrow columns; and a result in the kind that was given.

Other packages are reached through the Arrow interface (`__arrow_c_stream__`); none of them is imported but where the
caller has done so.
"""

from __future__ import annotations

import importlib
from typing import Any

import pandas as pd
import pyarrow as pa

from icp_ml.accounts.formats.frames import cells_as_arrow, table_from_frame
from icp_ml.accounts.formats.headers import check_headers
from icp_ml.accounts.formats.tables import plain_table
from icp_ml.exceptions import InputError

MANY_ROWS = 50_000  # from here on threads gain more than starting them costs
_STREAMS = ("__arrow_c_stream__", "__arrow_c_array__")


def given_table(given: Any, source: str = "list") -> pa.Table:
    """Return a table that a caller gave as plain Arrow columns; nested columns are left out.

    Parameters
    ----------
    given : pandas.DataFrame, polars.DataFrame, pa.Table, pa.RecordBatch, or any with the Arrow interface
    source : str
        What errors call it.

    Raises
    ------
    InputError
        It is no table, has no columns, or two of the same name.

    Examples
    --------
    >>> given_table(pd.DataFrame({"size": [5, 5.5]}))["size"].to_pylist()
    [5.0, 5.5]
    >>> given_table(pa.record_batch({"size": [5, None]}))["size"].to_pylist()
    [5, None]
    """
    if isinstance(given, pd.DataFrame):
        return table_from_frame(given)
    if not isinstance(given, pa.Table | pa.RecordBatch) and not any(hasattr(given, name) for name in _STREAMS):
        later = "; collect() it first" if type(given).__name__ == "LazyFrame" else ""
        msg = f"{source}: give a pandas or polars DataFrame or an Arrow table, not a {_called(given)}{later}"
        raise InputError(msg)
    try:
        table = _column_by_column(given) if _objects(given) else pa.table(given)
    except Exception as error:  # whatever the other package raises
        if not _is_polars(given):
            why = " ".join(str(error).split())[:120]
            msg = f"{source}: this {_called(given)} cannot be read as an Arrow table ({why})"
            raise InputError(msg) from error
        table = _column_by_column(given)
    if not table.num_columns:
        msg = f"{source}: it has no columns; give one row per account and one column per field"
        raise InputError(msg)
    return plain_table(table, source)


def as_given(table: pa.Table, given: Any) -> Any:
    """Return a table in the kind of what was given: pandas with its index, polars, else Arrow.

    Parameters
    ----------
    table : pa.Table
        With the rows of `given`, in its order.
    given : Any
        As `given_table` took it.
    """
    if isinstance(given, pd.DataFrame):
        frame: pd.DataFrame = table.to_pandas(use_threads=table.num_rows >= MANY_ROWS, ignore_metadata=True)
        frame.index = given.index
        return frame
    return importlib.import_module("polars").from_arrow(table) if _is_polars(given) else table


def kind_of(given: Any) -> str:
    """Return what messages call a table: "DataFrame" for pandas, "polars DataFrame", "table" for Arrow."""
    return "DataFrame" if isinstance(given, pd.DataFrame) else "polars DataFrame" if _is_polars(given) else "table"


def names_of(given: Any) -> tuple[str, ...]:
    """Return the columns that a table has before nested ones are left out; () where none is or nobody can tell."""
    if isinstance(given, pa.Table | pa.RecordBatch):
        return tuple(given.schema.names)
    return tuple(given.columns) if _is_polars(given) else ()


def _is_polars(given: Any) -> bool:
    kind = type(given)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == "DataFrame"


def _objects(given: Any) -> set[str]:
    """Return the columns of a polars DataFrame that hold Python objects: Arrow is given their addresses for values."""
    return {name for name, kind in given.schema.items() if str(kind) == "Object"} if _is_polars(given) else set()


def _column_by_column(frame: Any) -> pa.Table:
    """Read a polars DataFrame some of whose columns Arrow has no type for: those cell by cell."""
    objects = _objects(frame)
    check_headers("polars DataFrame", list(frame.columns))
    columns: dict[str, Any] = {}
    for name in frame.columns:
        try:
            columns[name] = None if name in objects else pa.table(frame.select(name)).column(0)
        except Exception:  # numbers of 128 bits
            columns[name] = None
        if columns[name] is None:
            columns[name] = cells_as_arrow(frame.get_column(name).to_list())
    return pa.table(columns)


def _called(given: Any) -> str:
    kind = type(given)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]} {kind.__name__}"
