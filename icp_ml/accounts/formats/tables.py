"""Any Arrow table to the plain column types the normaliser reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.headers import check_headers
from icp_ml.accounts.values.cells import as_text, cell_text

_PLAIN = frozenset({pa.string(), pa.bool_(), pa.float64(), pa.float32(), pa.int64(), pa.int32(), pa.list_(pa.string())})


def plain_array(array: pa.Array) -> pa.Array | None:
    """Return an Arrow array in one of the types the normaliser reads; None where the type is nested and cannot be.

    Kept: strings, booleans, numbers, timestamps (UTC, no zone), dictionaries of these, lists of strings.
    """
    return array if array.type in _PLAIN else _made_plain(array)


def _made_plain(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        if kind.extension_name == "arrow.uuid":
            return _each(array, str)
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
    if (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    ):
        return _each(array, cell_text)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return None if pa.types.is_nested(kind.value_type) else _list_of_strings(array)
    if pa.types.is_interval(kind):
        return _each(array, lambda value: str(tuple(value)))
    return None if pa.types.is_nested(kind) else array


def _each(array: pa.Array, text: Callable[[Any], str | None]) -> pa.Array:
    return pa.array([None if value is None else text(value) for value in array.to_pylist()], pa.string())


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
        empty = None if chunks else plain_array(pa.nulls(0, table.schema.field(name).type))
        if chunks or empty is not None:
            columns[name] = pa.chunked_array(chunks or [empty])
    return pa.table(columns)


def _list_of_strings(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type.value_type) and pa.types.is_list(array.type):
        return array
    values = plain_array(array.flatten())
    lengths = pc.list_value_length(array)
    offsets = np.concatenate([[0], np.cumsum(lengths.fill_null(0).to_numpy(zero_copy_only=False))]).astype(np.int32)
    texts = pa.nulls(len(array.flatten()), pa.string()) if values is None else as_text(values)
    return pa.ListArray.from_arrays(pa.array(offsets), texts, mask=lengths.is_null())
