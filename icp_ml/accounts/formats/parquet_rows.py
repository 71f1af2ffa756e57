"""Parquet: what its schema tells, and its rows; its row groups leave no trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from icp_ml.accounts.formats.headers import NoRowsError, check_headers, check_width
from icp_ml.accounts.formats.rows import Piece
from icp_ml.accounts.formats.tables import plain_array, plain_batch
from icp_ml.exceptions import InputError

# Few enough that little is held besides a chunk; a chunk put together of whole row groups would hold two of them.
PIECE_ROWS = 32_768
BUFFER = 2**18  # bytes read at once of a column: else its part of a row group, often a million rows, is held in memory


def parquet_layout(path: Path, name: str) -> tuple[dict[str, pa.DataType], int, tuple[str, ...]]:
    """Return the plain types of the columns that can be read, the number of rows, and notes on what is left out.

    Raises
    ------
    InputError
        The file is empty or damaged, or has no usable column.
    """
    if path.stat().st_size == 0:
        msg = f"{name}: the file is empty; export the table again"
        raise InputError(msg)
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(name, error) from error
    if rows == 0:
        msg = f"{name}: there are {len(schema.names)} columns but no rows; add the accounts"
        raise NoRowsError(msg)
    types, notes = plain_types(schema, name)
    return types, rows, notes


def plain_types(schema: pa.Schema, name: str) -> tuple[dict[str, pa.DataType], tuple[str, ...]]:
    """Return the plain types of a schema's columns, and notes on those that are nested and left out.

    Raises
    ------
    InputError
        A name occurs twice, or no column can be used.
    """
    check_headers(name, schema.names)
    check_width(name, len(schema.names))
    types: dict[str, pa.DataType] = {}
    notes = []
    for column in schema:
        empty = plain_array(pa.array([], column.type) if not _view(column.type) else pa.array([], pa.string()))
        if empty is None:
            notes.append(f"column '{column.name}' left out: it holds nested values ({str(column.type)[:60]})")
        else:
            types[column.name] = empty.type
    if not types:
        msg = f"{name}: every column holds nested values; write plain columns"
        raise InputError(msg)
    return types, tuple(notes)


def parquet_pieces(path: Path, name: str, columns: Sequence[str]) -> Iterator[Piece]:
    """Stream the rows of a Parquet file.

    Raises
    ------
    InputError
        The file turns out damaged.
    """
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            for groups in _runs(file.metadata):
                for batch in file.iter_batches(batch_size=PIECE_ROWS, row_groups=groups, columns=list(columns)):
                    plain = plain_batch(batch)
                    yield Piece(plain.select(list(columns)))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, error) from error


def _runs(metadata: pq.FileMetaData) -> Iterator[list[int]]:
    """Yield the row groups that one reader reads, which holds on to all of them: several only where they are small."""
    run: list[int] = []
    rows = 0
    for number in range(metadata.num_row_groups):
        run.append(number)
        rows += metadata.row_group(number).num_rows
        if rows >= PIECE_ROWS:
            yield run
            run, rows = [], 0
    if run:
        yield run


def _view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _damaged(name: str, error: Exception) -> InputError:
    detail = " ".join(str(error).split())[:120]
    return InputError(f"{name}: not a readable Parquet file ({detail}); export the table again")
