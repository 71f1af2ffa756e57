"""Several files as one table: in order of their names, columns aligned by name, one type per column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from icp_ml.accounts.formats.addresses import WORKBOOKS, Address
from icp_ml.accounts.formats.headers import NoRowsError, check_width
from icp_ml.accounts.formats.rows import Piece
from icp_ml.accounts.formats.streams import COMPRESSED_ENDINGS
from icp_ml.accounts.formats.table_reader import TableReader
from icp_ml.accounts.values.cells import as_text
from icp_ml.exceptions import InputError

MAX_FILES = 10_000
_READ = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", *WORKBOOKS, *COMPRESSED_ENDINGS)
_SHOWN = 5


def open_files(address: Address, open_file: Callable[[Address], TableReader]) -> TableReader:
    """Open the files of a folder or glob.

    A column that a file lacks is missing there. A column that is of one type in all files keeps it, and is text
    otherwise. Files that are no tables by their ending, hidden ones and those without rows are left out.

    Raises
    ------
    InputError
        No file can be read, or one that should be cannot.
    """
    paths, left_out = _tables(address)
    readers: list[TableReader] = []
    empty: list[str] = []
    for path in paths:
        try:
            readers.append(open_file(Address("file", str(path), "", str(path))))
        except NoRowsError:
            empty.append(path.name)
    if not readers:
        msg = f"{address.shown}: none of its {len(empty)} tables has a row; add the accounts"
        raise NoRowsError(msg)
    columns = list(dict.fromkeys(name for reader in readers for name in reader.columns))
    check_width(address.shown, len(columns))
    types = {name: _common([r.types[name] for r in readers if name in r.types]) for name in columns}
    named = {name for reader in readers for name in reader.columns if name not in reader.unnamed}
    counts = [reader.rows for reader in readers]
    notes = [
        f"{len(readers):,} files were read as one table" if len(readers) > 1 else f"1 file was read, {paths[0].name}"
    ]
    notes += [f"left out, as no table: {_some(left_out)}"] if left_out else []
    notes += [f"left out, as without rows: {_some(empty)}"] if empty else []
    notes += _missing(readers, columns)
    notes += _said(readers)
    return TableReader(
        address,
        "files",
        tuple(columns),
        None if None in counts else sum(filter(None, counts)),
        types,
        lambda wanted: _pieces(readers, types, wanted),
        tuple(name for name in columns if name not in named),
        tuple(notes),
        tuple(path for reader in readers for path in reader.files),
    )


def _tables(address: Address) -> tuple[list[Path], list[str]]:
    """Return the files to read by name, and the names of those that are left out."""
    found = [path for path in address.files() if not path.name.startswith((".", "_", "~$"))]
    paths = [path for path in found if path.suffix.lower() in _READ and not path.name.endswith(".rejects.csv")]
    left_out = [path.name for path in found if path not in set(paths)]
    if len(paths) > MAX_FILES:
        msg = f"{address.shown}: {len(paths):,} files; at most {MAX_FILES:,} are read as one table"
        raise InputError(msg)
    if not paths:
        what = "folder holds" if address.kind == "folder" else "glob matches"
        beside = f" (it holds {_some(left_out)})" if left_out else ""
        msg = f"{address.shown}: the {what} no file that is read ({', '.join(_READ)}){beside}; check the path"
        raise InputError(msg)
    return paths, left_out


def _common(types: Sequence[pa.DataType]) -> pa.DataType:
    if all(kind == types[0] for kind in types[1:]):
        return types[0]
    return pa.int64() if all(map(_fits_int64, types)) else pa.string()


def _fits_int64(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) and kind != pa.uint64())


def _missing(readers: Sequence[TableReader], columns: Sequence[str]) -> Iterator[str]:
    """Say which columns only some files have, those of the same files together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in columns:
        without = tuple(Path(r.address.target).name for r in readers if name not in r.types)
        if without:
            found.setdefault(without, []).append(f"'{name}'")
    for without, names in found.items():
        what = "column" if len(names) == 1 else "columns"
        yield f"{what} {_some(names)} {'is' if len(names) == 1 else 'are'} missing in {_some(without)}"


def _said(readers: Sequence[TableReader]) -> Iterator[str]:
    """Pass on what is to be known of single files, each remark once."""
    found: dict[str, list[str]] = {}
    for reader in readers:
        for note in reader.notes:
            found.setdefault(note, []).append(Path(reader.address.target).name)
    for note, names in found.items():
        yield f"{_some(names)}: {note}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _pieces(readers: Sequence[TableReader], types: dict[str, pa.DataType], wanted: Sequence[str]) -> Iterator[Piece]:
    for reader in readers:
        name = Path(reader.address.target).name
        for piece in reader.pieces([column for column in wanted if column in reader.types]):
            arrays = [
                _as_type(piece.batch.column(column), types[column])
                if column in reader.types
                else pa.nulls(piece.batch.num_rows, types[column])
                for column in wanted
            ]
            rejects = tuple((before, replace(reject, file=name)) for before, reject in piece.rejects)
            yield Piece(pa.RecordBatch.from_arrays(arrays, list(wanted)), rejects, piece.recoded)


def _as_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    return as_text(array) if pa.types.is_string(kind) else array.cast(kind)
