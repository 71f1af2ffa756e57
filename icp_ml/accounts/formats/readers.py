"""Open a file of accounts as a stream of chunks, each of the same number of rows whatever the file's own layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from icp_ml.accounts.formats.csv_rows import CsvLayout, check_headers, csv_chunks, csv_layout
from icp_ml.accounts.formats.rows import CHUNK_ROWS, MAX_COLUMNS, Chunk, Reject
from icp_ml.accounts.formats.tables import plain_array, plain_batch
from icp_ml.exceptions import InputError

__all__ = ["CHUNK_ROWS", "Chunk", "Reject", "TableReader", "open_table"]

Format = Literal["csv", "parquet"]
FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class TableReader:
    """A file of accounts, opened but not read.

    Attributes
    ----------
    path : Path
    format : "csv" or "parquet"
    columns : tuple of str
        Headers as written.
    rows : int or None
        Number of rows, where the file says so (Parquet).
    unnamed : tuple of str
        Columns that had no header and were given one (`column_7`).
    notes : tuple of str
        What was left out of the file, and why.
    """

    path: Path
    format: Format
    columns: tuple[str, ...]
    rows: int | None
    unnamed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _layout: CsvLayout | None = field(default=None, repr=False)

    def batches(self, rows: int = CHUNK_ROWS, columns: Sequence[str] | None = None) -> Iterator[Chunk]:
        """Stream the rows in constant memory.

        Parameters
        ----------
        rows : int
            Parsed rows per chunk; only the last chunk has fewer (possibly none, if rejects follow the last row).
        columns : sequence of str or None
            Headers to read; None reads all.

        Raises
        ------
        InputError
            The file turns out damaged, or more of its rows are rejected than parsed.
        """
        if self._layout is not None:
            return csv_chunks(self.path, self._layout, rows, columns)
        return _parquet_chunks(self, rows, columns)


def open_table(path: str | Path) -> TableReader:
    """Open a CSV or Parquet file and read its header.

    Raises
    ------
    InputError
        The file is missing, empty, a folder, damaged, or no table of a format that can be read.
    """
    path = Path(path)
    if path.is_dir():
        msg = f"{path}: this is a folder; name one CSV or Parquet file in it"
        raise InputError(msg)
    if not path.exists():
        msg = f"{path}: there is no such file; check the path (the current folder is {Path.cwd()})"
        raise InputError(msg)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        ending = f"files ending in '{path.suffix}'" if path.suffix else "files without an ending"
        msg = f"{path}: {ending} are not read; give {', '.join(FORMATS)} (in Excel: save as 'CSV UTF-8')"
        raise InputError(msg)
    try:
        return _open_parquet(path) if kind == "parquet" else _open_csv(path)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}); check the file and its permissions"
        raise InputError(msg) from error


def _open_csv(path: Path) -> TableReader:
    layout = csv_layout(path)
    return TableReader(path, "csv", layout.headers, None, layout.unnamed, (), layout)


def _open_parquet(path: Path) -> TableReader:
    if path.stat().st_size == 0:
        msg = f"{path}: the file is empty; export the table again"
        raise InputError(msg)
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error
    check_headers(path, schema.names)
    if not schema.names or len(schema.names) > MAX_COLUMNS:
        msg = f"{path}: it has {len(schema.names):,} columns; a table of accounts has 1 to {MAX_COLUMNS:,}"
        raise InputError(msg)
    if rows == 0:
        msg = f"{path}: there are {len(schema.names)} columns but no rows; add the accounts"
        raise InputError(msg)
    columns, notes = [], []
    for column in schema:
        if plain_array(pa.array([], column.type) if not _view(column.type) else pa.array([], pa.string())) is None:
            notes.append(f"column '{column.name}' left out: it holds nested values ({str(column.type)[:60]})")
        else:
            columns.append(column.name)
    if not columns:
        msg = f"{path}: every column holds nested values; write plain columns"
        raise InputError(msg)
    return TableReader(path, "parquet", tuple(columns), rows, (), tuple(notes))


def _view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _parquet_chunks(reader: TableReader, rows: int, columns: Sequence[str] | None) -> Iterator[Chunk]:
    """Cut a Parquet file into equal chunks; its row groups leave no trace."""
    wanted = list(reader.columns if columns is None else columns)
    held: list[pa.RecordBatch] = []
    count = index = 0
    try:
        with pq.ParquetFile(reader.path) as file:
            for batch in file.iter_batches(batch_size=rows, columns=wanted):
                held.append(plain_batch(batch))
                count += batch.num_rows
                while count >= rows:
                    whole = _joined(held)
                    yield Chunk(index, whole.slice(0, rows), index * rows)
                    index, count = index + 1, count - rows
                    held = [whole.slice(rows)] if count else []
    except (pa.ArrowException, OSError) as error:
        raise _damaged(reader.path, error) from error
    if count:
        yield Chunk(index, _joined(held), index * rows)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _damaged(path: Path, error: Exception) -> InputError:
    detail = " ".join(str(error).split())[:120]
    return InputError(f"{path}: not a readable Parquet file ({detail}); export the table again")
