"""Any DataFrame or array to the Arrow columns the encoding reads, with the kind of each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.estimator.encoding import EncodedKind

DELIMITERS = ";|"  # undeclared strings split only on these


def column_kind(column: pd.Series, delimiter: str | None) -> EncodedKind:
    """Return how a column is encoded, from its dtype or, for objects, from its values.

    Raises
    ------
    TypeError
        The values are neither numbers, booleans, strings nor lists of strings.
    """
    if delimiter is not None:
        return "tokens"
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_complex_dtype(column.dtype):
        msg = f"Complex data not supported: column '{column.name}'"
        raise ValueError(msg)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "numeric"
    values = [v for v in column.tolist() if not _is_missing(v)]
    if not values:
        return "category"  # takes whatever comes later
    if all(isinstance(v, (bool, np.bool_)) for v in values):
        return "boolean"
    if all(isinstance(v, (int, float, np.number)) for v in values):
        return "numeric"
    if all(isinstance(v, (list, tuple, set, frozenset, np.ndarray)) for v in values):
        return "tokens"
    if all(isinstance(v, (str, int, float, bool, np.number, np.bool_)) for v in values):
        delimited = any(isinstance(v, str) and any(d in v for d in DELIMITERS) for v in values)
        return "tokens" if delimited else "category"
    odd = next(v for v in values if not isinstance(v, (str, int, float, bool, np.number, np.bool_)))
    msg = (
        f"column '{column.name}' holds a {type(odd).__name__}; each argument must be a string, a number, a boolean "
        "or a list of strings"
    )
    raise TypeError(msg)


def to_arrow(column: pd.Series, kind: EncodedKind, delimiter: str | None = None) -> pa.Array:
    """Return a column as the canonical Arrow array of its kind.

    Raises
    ------
    ValueError
        A column that was numeric or boolean when fitted holds something else now.
    """
    if kind == "tokens":
        return pa.array([_tokens(v, delimiter) for v in column.tolist()], type=pa.list_(pa.string()))
    if kind == "category":
        missing = column.isna().to_numpy()
        texts = [None if gone else _text(v) for v, gone in zip(column.tolist(), missing, strict=True)]
        return pc.dictionary_encode(pa.array(texts, type=pa.string()))
    try:
        numbers = pd.to_numeric(column, errors="raise").to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        msg = f"column '{column.name}' was {kind} when fitted and holds something else now: {error}"
        raise ValueError(msg) from error
    if kind == "boolean":
        return pa.array(np.where(np.isnan(numbers), None, numbers != 0), type=pa.bool_())
    return pa.array(numbers, mask=np.isnan(numbers))


def _text(value: object) -> str:
    """5 and 5.0 are one category: an integer column becomes float as soon as a value is missing."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _tokens(value: Any, delimiter: str | None) -> list[str] | None:
    if _is_missing(value):
        return None
    if isinstance(value, str):
        parts: Sequence[str] = value.split(delimiter) if delimiter else value.replace("|", ";").split(";")
    elif isinstance(value, (set, frozenset)):
        parts = sorted(map(str, value))
    elif isinstance(value, (list, tuple, np.ndarray)):
        parts = [str(v) for v in value if not _is_missing(v)]
    else:
        parts = [_text(value)]
    tokens = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    return tokens or (None if isinstance(value, str) else [])


def as_frame(X: Any, names: Sequence[str] | None) -> pd.DataFrame:
    """Return X as a DataFrame: as it is, or an array with columns named x0, x1 ..."""
    if isinstance(X, pd.DataFrame):
        frame = X.copy(deep=False)
        frame.columns = [str(c) for c in X.columns]
        return frame
    array = np.asarray(X)
    columns = list(names) if names is not None else [f"x{j}" for j in range(array.shape[1])]
    return pd.DataFrame(array, columns=columns)


def delimiters_for(columns: Sequence[str], declared: Mapping[str, str] | None) -> dict[str, str | None]:
    """Return each column's declared delimiter.

    Raises
    ------
    ValueError
        A declaration names a column that is not there.
    """
    declared = declared or {}
    unknown = sorted(set(declared) - set(columns))
    if unknown:
        msg = f"token_delimiters names {unknown}, which are not columns; the columns are {sorted(columns)}"
        raise ValueError(msg)
    return {column: declared.get(column) for column in columns}
