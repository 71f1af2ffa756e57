"""Open a table of accounts as a stream of chunks, each of the same number of rows whatever the source's own layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from icp_ml.accounts.formats.addresses import DATABASE_FILES, WORKBOOKS, Address, address_of
from icp_ml.accounts.formats.csv_layout import CsvFile, csv_layout
from icp_ml.accounts.formats.csv_rows import csv_pieces
from icp_ml.accounts.formats.encodings import encoding_note
from icp_ml.accounts.formats.parquet_rows import parquet_layout, parquet_pieces
from icp_ml.accounts.formats.rows import CHUNK_ROWS, Chunk, Reject
from icp_ml.accounts.formats.streams import COMPRESSED_ENDINGS, FileBytes, file_bytes
from icp_ml.accounts.formats.table_reader import Format, TableReader
from icp_ml.exceptions import InputError

__all__ = ["CHUNK_ROWS", "Chunk", "Reject", "TableReader", "open_table"]

FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
    **dict.fromkeys(WORKBOOKS, "excel"),
}  # fmt: skip


def open_table(source: str | Path | Address) -> TableReader:
    """Open a table and read its header.

    Parameters
    ----------
    source : str, Path or Address
        A CSV, Parquet file or workbook (`book.xlsx#Sheet2`), also compressed; a folder or glob of such files; a URL
        of one (`s3://...`); a database (`file.duckdb#table`, `postgresql://user:password@host/db#select ...`).

    Raises
    ------
    InputError
        The source is missing, empty, damaged, or no table of a format that can be read.
    """
    address = address_of(source)
    try:
        if address.kind == "database":
            from icp_ml.accounts.formats.databases import open_database

            return open_database(address)
        if address.kind in ("folder", "glob"):
            from icp_ml.accounts.formats.folders import open_files

            return open_files(address, open_file)
        if address.kind == "remote":
            from icp_ml.accounts.formats.remote import called_of, fetch

            _format(address.shown, called_of(address) or "list.csv")  # before anything is fetched
            return open_file(address, fetch(address))
        return open_file(address)
    except OSError as error:
        why = address.scrub(error.strerror or str(error))
        msg = f"{address.shown}: cannot be read ({why}); check the file and its permissions"
        raise InputError(msg) from error


def open_file(address: Address, data: FileBytes | None = None) -> TableReader:
    """Open one file; `data` is its local copy, where it was remote.

    Raises
    ------
    InputError
        See `open_table`.
    """
    name, path = address.shown, Path(address.target)
    if data is None and not path.exists():
        msg = f"{name}: there is no such file; check the path (the current folder is {Path.cwd()})"
        raise InputError(msg)
    kind = _format(name, (data.inner if data else path.name))
    data = data or file_bytes(path, name, path.name)
    kind = kind or _format(name, data.inner, strict=True)
    files = (data.path,)
    if kind == "parquet":
        reader = _open_parquet(address, data)
    elif kind == "excel":
        from icp_ml.accounts.formats.excel import open_workbook

        reader = open_workbook(address, data)
    else:
        reader = _open_csv(address, data)
    if address.part and kind != "excel":
        msg = f"{name}: only a workbook has sheets and only a database has tables; leave '#{address.part[:60]}' out"
        raise InputError(msg)
    return replace(reader, files=files)


def _format(name: str, called: str, *, strict: bool = False) -> Format | None:
    """Return the format that a file's ending says; None where the ending says only that it is compressed."""
    ending = Path(called).suffix.lower()
    if ending in COMPRESSED_ENDINGS and not strict:
        return None
    kind = FORMATS.get(ending)
    if kind is None:
        ending = Path(called).suffix
        said = f"files ending in '{ending}'" if ending else "files without an ending"
        allowed = ", ".join((*FORMATS, *DATABASE_FILES))
        msg = f"{name}: {said} are not read; give {allowed}, the files also with {', '.join(COMPRESSED_ENDINGS)}"
        raise InputError(msg)
    return kind


def _open_csv(address: Address, data: FileBytes) -> TableReader:
    file = CsvFile(address.shown, data.open)
    layout = csv_layout(file)
    return TableReader(
        address, "csv", layout.headers, None, dict.fromkeys(layout.headers, pa.string()),
        lambda columns: csv_pieces(file, layout, columns), layout.unnamed, encoding_note(layout.encoding),
    )  # fmt: skip


def _open_parquet(address: Address, data: FileBytes) -> TableReader:
    local = data.local()  # the lambda keeps a decompressed copy
    types, rows, notes = parquet_layout(local.path, address.shown)
    return TableReader(
        address, "parquet", tuple(types), rows, types,
        lambda columns: parquet_pieces(local.path, address.shown, columns), (), notes,
    )  # fmt: skip
