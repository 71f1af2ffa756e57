"""Workbooks (.xlsx, .xlsm, .xls, .xlsb, .ods): typed cells become the text a CSV of the sheet would hold.

The header is the first row at least half as wide as the widest of the first rows; what stands above it is left out,
and a note says so. Lines are the sheet's row numbers.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml._optional import require
from icp_ml.accounts.formats import workbook_process
from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.csv_rows import PIECE_ROWS
from icp_ml.accounts.formats.headers import NoRowsError, named_headers
from icp_ml.accounts.formats.rows import MAX_REJECT_CHARS, Piece, Reject
from icp_ml.accounts.formats.streams import FileBytes
from icp_ml.accounts.formats.table_reader import TableReader
from icp_ml.accounts.formats.typed_cells import text_batch, text_of
from icp_ml.accounts.formats.workbook_process import typed
from icp_ml.exceptions import InputError

MAX_FILE_BYTES = 2**28
MAX_UNPACKED_BYTES = 2**31
MAX_CELLS = 120_000_000  # the reader holds a rectangle from the first to the last cell in memory
PEEKED_BYTES = 2**25  # of a workbook unpacked, up to which its other sheets are looked at as well
HEADER_WITHIN = 50  # rows
APART_SECONDS = 120
_REFERENCE_RE = re.compile(rb"""\br\s*=\s*["']\$?([A-Za-z]{1,3})\$?(\d{1,7})["']""")
_TAG_RE = re.compile(rb"<(?:[\w.-]+:)?table-(row|cell)\b([^>]*)>")
_REPEATED_RE = re.compile(rb"""number-(?:columns|rows)-repeated\s*=\s*["'](\d+)["']""")


def open_workbook(address: Address, data: FileBytes) -> TableReader:
    """Open a workbook's sheet and find its header.

    Raises
    ------
    InputError
        It is damaged, encrypted, too large, or has no such sheet or no rows.
    MissingDependencyError
        python-calamine is not installed.
    """
    sheet = _Sheet(address, data)
    rows = sheet.load()
    position, width = _header(rows, address.shown)
    header = [text_of(cell) or "" for cell in rows[position][:width]]
    headers, unnamed = named_headers(address.shown, header)
    if not any(_filled(row) for row in rows[position + 1 :]):
        msg = f"{address.shown}: sheet '{sheet.name}' has a header with {width} columns but no row below it; add them"
        raise NoRowsError(msg)
    above = sum(map(_filled, rows[:position]))
    notes = list(sheet.notes())
    if above:
        said = "the row above it was" if above == 1 else f"the {above} rows above it were"
        notes.append(f"the header is on row {position + 1} of sheet '{sheet.name}'; {said} left out")
    return TableReader(
        address, "excel", headers, None, dict.fromkeys(headers, pa.string()),
        lambda columns: _pieces(sheet, position, headers, columns), unnamed, tuple(notes),
    )  # fmt: skip


class _Sheet:
    """One sheet, whose rows are held from opening until they were read once."""

    def __init__(self, address: Address, data: FileBytes) -> None:
        self.shown, self._data = address.shown, data.local()
        self._check_size()
        self._apart = self._data.path.suffix.lower() not in (".xlsx", ".xlsm") or not zipfile.is_zipfile(
            self._data.path
        )
        self._names = self._visible()
        self.name = self._chosen(address.part)
        self._rows: list[list[Any]] | None = None

    def load(self) -> list[list[Any]]:
        """Return the cells from the first row on."""
        if self._rows is None:
            self._rows = self._read(self.name)
        return self._rows

    def forget(self) -> None:
        """Free the memory; `load` reads the file again."""
        self._rows = None

    def notes(self) -> Iterator[str]:
        """Say which other sheets there are, if they hold rows."""
        others = [name for name in self._names if name != self.name]
        if others and self._unpacked <= PEEKED_BYTES:
            others = [name for name in others if sum(map(_filled, self._read(name))) > 1]
        if others:
            shown = ", ".join(f"'{name}'" for name in others[:5]) + (", ..." if len(others) > 5 else "")
            file = Path(self.shown.partition("#")[0]).name
            yield f"only sheet '{self.name}' was read, not {shown}; another is read as {file}#{others[0]}"

    def _check_size(self) -> None:
        size, unpacked = self._data.path.stat().st_size, 0
        if zipfile.is_zipfile(self._data.path):
            try:
                with zipfile.ZipFile(self._data.path) as archive:
                    unpacked = sum(entry.file_size for entry in archive.infolist())
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
                raise self._damaged(error) from error
        self._unpacked = unpacked or size
        if size > MAX_FILE_BYTES or unpacked > MAX_UNPACKED_BYTES:
            msg = (
                f"{self.shown}: the workbook is too large to be held in memory ({max(size, unpacked):,} bytes); "
                "export the sheet as CSV or Parquet"
            )
            raise InputError(msg)
        if unpacked:
            self._check_cells()

    def _check_cells(self) -> None:
        """Refuse a sheet whose far corner would claim all memory, without trusting what it says of its size."""
        try:
            with zipfile.ZipFile(self._data.path) as archive:
                for entry in archive.infolist():
                    if re.fullmatch(r"(xl/worksheets/[^/]+\.xml|content\.xml)", entry.filename):
                        with archive.open(entry) as stream:
                            cells = _cells(stream, ods=entry.filename == "content.xml")
                        if cells > MAX_CELLS:
                            msg = (
                                f"{self.shown}: a sheet spans {cells:,} cells, more than the {MAX_CELLS:,} that are "
                                "read; delete what stands far below or beside the table, or export it as CSV"
                            )
                            raise InputError(msg)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            if isinstance(error, InputError):
                raise
            raise self._damaged(error) from error

    def _visible(self) -> list[str]:
        every, sheets = self._listed()
        found = [name for name, kind, seen in sheets if kind.endswith("WorkSheet") and seen.endswith("Visible")]
        return found or every

    def _chosen(self, part: str) -> str:
        if not part and self._names:
            if self._unpacked > PEEKED_BYTES:
                return self._names[0]
            filled = [name for name in self._names if self._read(name)]
            tables = [name for name in filled if _is_table(self._read(name))]
            return next(iter([*tables, *filled, *self._names]))
        every, _ = self._listed()
        if part not in every:
            shown = ", ".join(f"'{name}'" for name in every[:10]) or "none"
            msg = f"{self.shown}: there is no sheet '{part[:60]}'; the sheets are {shown}"
            raise InputError(msg)
        return part

    def _open(self) -> Any:
        calamine = require("python_calamine", extra="excel", purpose="reading workbooks")
        return self._guarded(lambda: calamine.CalamineWorkbook.from_path(str(self._data.path)))

    def _listed(self) -> tuple[list[str], list[tuple[str, str, str]]]:
        """Return the names of the sheets, and each with its sort and whether it is seen."""
        if self._apart:
            (found,) = self._run_apart()
            return found[0], found[1]
        book = self._open()
        return list(book.sheet_names), [(s.name, str(s.typ), str(s.visible)) for s in book.sheets_metadata]

    def _read(self, name: str) -> list[list[Any]]:
        if self._apart:
            return [[typed(cell) for cell in row] for row in self._run_apart(name)]
        book = self._open()

        def read() -> list[list[Any]]:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is None:
                return []
            left = sheet.start[1]
            return [[""] * left + row for row in sheet.iter_rows()] if left else list(sheet.iter_rows())

        found: list[list[Any]] = self._guarded(read)
        return found

    def _run_apart(self, *sheet: str) -> list[Any]:
        """Read in a process of its own, which a damaged file may hang or crash."""
        require("python_calamine", extra="excel", purpose="reading workbooks")
        words = [sys.executable, workbook_process.__file__, str(self._data.path), *sheet]
        known = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RUST_BACKTRACE": "0"}
        with tempfile.TemporaryFile() as out:
            try:
                done = subprocess.run(
                    words, stdout=out, stderr=subprocess.PIPE, env=known, timeout=APART_SECONDS, check=False
                )
            except subprocess.TimeoutExpired as error:
                raise self._damaged(ValueError("it takes too long to read")) from error
            if done.returncode:
                said = done.stderr.decode("utf-8", "replace").strip().splitlines()
                if any("PasswordError" in line for line in said):
                    raise self._protected()
                raise self._damaged(ValueError(said[-1] if said else "it takes too much memory or time"))
            out.seek(0)
            return [json.loads(line) for line in out]

    def _guarded(self, run: Any) -> Any:
        try:
            return run()
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # a panic of the Rust reader derives from BaseException
            if type(error).__name__ == "PasswordError":
                raise self._protected() from error
            raise self._damaged(error) from error

    def _protected(self) -> InputError:
        return InputError(f"{self.shown}: the workbook is protected by a password; save it without one")

    def _damaged(self, error: BaseException) -> InputError:
        detail = " ".join(str(error).split())[:120]
        return InputError(
            f"{self.shown}: not a readable workbook ({detail}); save it again, or export the sheet as CSV"
        )


def _cells(stream: Any, *, ods: bool) -> int:
    """Return how many cells a sheet's rectangle has, from its XML."""
    return _open_document_cells(stream) if ods else _referenced_cells(stream)


def _referenced_cells(stream: Any) -> int:
    rows = columns = 1
    tail = b""
    while block := stream.read(2**20):
        text = tail + block
        for letters, number in _REFERENCE_RE.findall(text):
            rows, columns = max(rows, int(number)), max(columns, _column(letters.upper()))
        tail = text[-64:]
    return rows * columns


def _open_document_cells(stream: Any) -> int:
    """Count repeated rows and cells, without those that are only a filler to the sheet's edge."""
    rows = widest = width = 0
    repeated = 1
    tail = b""
    while block := stream.read(2**20):
        text = tail + block
        end = 0
        for tag in _TAG_RE.finditer(text):
            end = tag.end()
            times = min(int(found[1]), 10**9) if (found := _REPEATED_RE.search(tag[2])) else 1
            if tag[1] == b"cell":
                width += times if b"value" in tag[2] else 0
            else:
                rows, widest = rows + (repeated if width else 0), max(widest, width)
                width, repeated = 0, times
        tail = text[max(end, len(text) - 4096) :]
    return (rows + (repeated if width else 0)) * max(widest, width)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _filled(row: Sequence[Any]) -> bool:
    return any(cell != "" and cell is not None for cell in row)


def _is_table(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a sheet has two rows of two cells at least; one column of words is a sheet of remarks."""
    return sum(sum(bool(cell != "" and cell is not None) for cell in row) > 1 for row in rows[:100]) > 1


def _header(rows: list[list[Any]], shown: str) -> tuple[int, int]:
    """Return the position of the header row, and how many columns the table has."""
    counts = [sum(cell != "" for cell in row) for row in rows[: 10 * HEADER_WITHIN]]
    filled = [i for i, count in enumerate(counts) if count][:HEADER_WITHIN]
    if not filled:
        msg = f"{shown}: the sheet is empty; it needs a header row and one row per account"
        raise NoRowsError(msg)
    widest = max(counts[i] for i in filled)
    position = next(i for i in filled if counts[i] >= max(min(2, widest), widest / 2))
    width = max((i + 1 for row in rows[position:] for i in range(len(row) - 1, -1, -1)[:1] if _filled(row)), default=0)
    while width and not any(row[width - 1] != "" for row in rows[position:] if len(row) >= width):
        width -= 1
    return position, width


def _pieces(sheet: _Sheet, header: int, headers: Sequence[str], columns: Sequence[str]) -> Iterator[Piece]:
    rows = sheet.load()
    sheet.forget()
    positions = [headers.index(name) for name in columns]
    good: list[list[str]] = []
    bad: list[tuple[int, Reject]] = []
    for i in range(header + 1, len(rows)):
        row = [text_of(cell) or "" for cell in rows[i][: len(headers)]]
        rows[i] = []
        if not any(text.strip() for text in row):
            continue
        reason = _wrong(row)
        if reason:
            bad.append((len(good), Reject(i + 1, reason, ",".join(row)[:MAX_REJECT_CHARS])))
        else:
            good.append(row + [""] * (len(headers) - len(row)))
        if len(good) + len(bad) >= PIECE_ROWS:
            yield Piece(text_batch(good, columns, positions), tuple(bad))
            good, bad = [], []
    if good or bad:
        yield Piece(text_batch(good, columns, positions), tuple(bad))


def _wrong(row: Sequence[str]) -> str:
    """Return why a row cannot be used, as a CSV's could not be."""
    if any(len(text) > csv.field_size_limit() for text in row):
        return "has a cell that is too long"
    return "holds a NUL byte" if any("\0" in text for text in row) else ""
