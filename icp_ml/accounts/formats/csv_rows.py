"""CSV rows with true line numbers: UTF-8, delimiter found from the header, in constant memory.

A row that cannot be parsed is handed on as a `Reject`; it never shifts or swallows the rows after it.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.rows import CHUNK_ROWS, MAX_COLUMNS, MAX_REJECT_CHARS, Chunk, Reject
from icp_ml.exceptions import InputError
from icp_ml.schema import field_of_header

DELIMITERS = (",", ";", "\t", "|")  # the first wins a tie
MAX_CHUNK_BYTES = 2**31 - 2**20  # an Arrow string column holds 2 GiB
_SAMPLE_BYTES = 65_536
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive or Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "an SQLite database"),
)
_MARKUP_RE = re.compile(rb"\s*(?:<!doctype|<html|<\?xml|<head|<table)", re.IGNORECASE)
_JSON_RE = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[{\[])")


@dataclass(frozen=True)
class CsvLayout:
    """What the head of a CSV file tells.

    Attributes
    ----------
    headers : tuple of str
        As written; a column without a name is called `column_N`, counted from 1.
    delimiter : str
        One of `DELIMITERS`.
    unnamed : tuple of str
        Those of `headers` that had no name.
    """

    headers: tuple[str, ...]
    delimiter: str
    unnamed: tuple[str, ...]


def csv_layout(path: Path) -> CsvLayout:
    """Read the header.

    Raises
    ------
    InputError
        The file is empty, has no rows, or is not a table in UTF-8; the message says what it is instead.
    """
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    _check_bytes(path, sample)
    head = sample.decode("utf-8-sig", errors="ignore").lstrip("\r\n")
    if not head.strip():
        msg = f"{path}: the file is empty; it needs a header line and one line per account"
        raise InputError(msg)
    delimiter = _delimiter(head)
    records = _Records(path, delimiter, width=None)
    with records:
        first = next((row for row in records if isinstance(row, list)), None)
        if first is None or len(first) > MAX_COLUMNS:
            msg = f"{path}: the header line cannot be read (at most {MAX_COLUMNS:,} columns, and quotes must be closed)"
            raise InputError(msg)
        headers, unnamed = _headers(path, first)
        if next(records, None) is None:
            msg = f"{path}: there is a header with {len(headers)} columns but no row below it; add the accounts"
            raise InputError(msg)
    return CsvLayout(headers, delimiter, unnamed)


def csv_chunks(path: Path, layout: CsvLayout, rows: int, columns: Sequence[str] | None = None) -> Iterator[Chunk]:
    """Stream a CSV in chunks of exactly `rows` parsed rows (the last one: what is left).

    Raises
    ------
    InputError
        The file is not UTF-8 all through, or more rows are rejected than parsed.
    """
    wanted = layout.headers if columns is None else tuple(columns)
    positions = [layout.headers.index(name) for name in wanted]
    records = _Records(path, layout.delimiter, width=len(layout.headers))
    index = parsed = rejected = 0
    first_bad: Reject | None = None
    with records:
        next(row for row in records if isinstance(row, list))  # the header
        good: list[list[str]] = []
        bad: list[Reject] = []
        for record in records:
            if isinstance(record, list):
                good.append(record)
                if len(good) == rows:
                    yield Chunk(index, _batch(good, wanted, positions), parsed, tuple(bad))
                    index, parsed = index + 1, parsed + rows
                    good, bad = [], []
                    records.forget_bytes()
            else:
                bad.append(record)
                first_bad = first_bad or record
                rejected += 1
                if rejected > CHUNK_ROWS and rejected > parsed + len(good):
                    break
        if first_bad and rejected > parsed + len(good):
            msg = (
                f"{path}: not a table of {len(layout.headers)} columns: {rejected:,} of "
                f"{rejected + parsed + len(good):,} rows cannot be read (line {first_bad.line}: {first_bad.reason}); "
                f"check the delimiter (read as {layout.delimiter!r}) and the header"
            )
            raise InputError(msg)
        if good or bad:
            yield Chunk(index, _batch(good, wanted, positions), parsed, tuple(bad))


class _Records:
    """Iterate over a CSV file's records: a list of cells, or a Reject; blank lines are left out.

    The lines of the record being parsed are kept. Where a quote is never closed, its first line is rejected and
    the lines after it are parsed afresh, so a stray quote costs one row instead of the rest of the file.
    """

    def __init__(self, path: Path, delimiter: str, width: int | None) -> None:
        self.path, self.delimiter, self.width = path, delimiter, width

    def __enter__(self) -> _Records:
        self._bytes = _WatchedBytes(self.path)
        self._text = io.TextIOWrapper(io.BufferedReader(self._bytes, 2**18), encoding="utf-8-sig", newline="")
        self._lines: list[str] = []
        self._again: deque[str] = deque()
        self._iterator = self._parse()
        return self

    def __exit__(self, *_: object) -> None:
        self._iterator.close()
        self._text.close()

    def __iter__(self) -> Iterator[list[str] | Reject]:
        return self._iterator

    def __next__(self) -> list[str] | Reject:
        return next(self._iterator)

    def forget_bytes(self) -> None:
        """Start counting the bytes of the next chunk."""
        self._bytes.since = 0

    def _feed(self) -> Iterator[str]:
        lines = self._lines
        while self._again:
            line = self._again.popleft()
            lines.append(line)
            yield line
        for line in self._text:
            lines.append(line)
            yield line
        self._ended = True

    def _parse(self) -> Generator[list[str] | Reject, None, None]:
        try:
            line = 1
            while True:
                self._ended = False
                resume = yield from self._parse_from(line)
                if resume is None:
                    return
                line = resume
        except UnicodeDecodeError:
            raise _not_utf8(self.path) from None

    def _parse_from(self, line: int) -> Generator[list[str] | Reject, None, int | None]:
        """Parse from the line numbered `line`; return where to resume after a quote that is never closed."""
        reader = csv.reader(self._feed(), delimiter=self.delimiter)
        lines, width = self._lines, self.width
        while True:
            lines.clear()
            try:
                row = next(reader)
            except StopIteration:
                return None
            except csv.Error as error:
                yield from self._give_up(line, "has a cell that is too long" if "limit" in str(error) else str(error))
                return line + 1
            if self._ended:
                yield from self._give_up(line, "has a quote that is never closed")
                return line + 1
            if self._bytes.nul and "\0" in "".join(lines):
                yield self._reject(line, "holds a NUL byte")
            elif len(row) == width or (width is None and row):
                yield row
            elif self._swallowed():
                yield from self._give_up(line, "has a stray quote")
                return line + 1
            elif len(row) > 1 or (row and row[0].strip()):
                yield self._reject(line, _count_reason(len(row), width, len(lines)))
            line += len(lines)

    def _swallowed(self) -> bool:
        """Whether a stray quote ran through whole rows up to another one: every further line is a row by itself."""
        further = self._lines[1:]
        return bool(further) and all(
            text.count('"') % 2 == 0 and len(next(csv.reader([text], delimiter=self.delimiter), [])) == self.width
            for text in further
        )

    def _give_up(self, line: int, reason: str) -> Iterator[Reject]:
        """Reject the record's first line, and put the others back to be parsed again."""
        yield Reject(line, reason, _shown(self._lines[0]))
        self._again.extendleft(reversed(self._lines[1:]))
        self._lines.clear()

    def _reject(self, line: int, reason: str) -> Reject:
        return Reject(line, reason, _shown("".join(self._lines)))


class _WatchedBytes(io.RawIOBase):
    """A file's bytes, noting NULs, and refusing a chunk that would not fit into Arrow's strings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self.nul = False
        self.since = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)
        count = self._file.readinto(view)
        self.nul = self.nul or b"\0" in bytes(view[:count])
        self.since += count
        if self.since > MAX_CHUNK_BYTES:
            msg = f"{self.path}: the rows hold far too much text (over 2 GiB in a chunk); leave the long columns out"
            raise InputError(msg)
        return int(count)

    def close(self) -> None:
        self._file.close()
        super().close()


def _check_bytes(path: Path, sample: bytes) -> None:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        msg = f"{path}: the text is UTF-16; save it as UTF-8 (in Excel: 'CSV UTF-8') and try again"
        raise InputError(msg)
    found = next((what for magic, what in _MAGIC if sample.startswith(magic)), None)
    if found is None and _MARKUP_RE.match(sample):
        found = "a web page or XML"
    if found is None and _JSON_RE.match(sample):
        found = "JSON"
    first_line = sample.partition(b"\n")[0]
    if found is None and (b"\0" in first_line or sample.count(b"\0") * 100 > len(sample)):
        found = "a binary file"
    if found:
        msg = f"{path}: not a CSV but {found}; export the table as CSV in UTF-8, or as Parquet, and try again"
        raise InputError(msg)


def _delimiter(head: str) -> str:
    line = re.sub(r'"[^"]*"', "", head)
    line = re.split(r"[\r\n]", line.lstrip("\r\n"), maxsplit=1)[0]
    return max(DELIMITERS, key=line.count)


def _headers(path: Path, row: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if len(row) == 1 and field_of_header(row[0]) is None and not re.fullmatch(r"[^\W\d]\w{0,63}", row[0].strip()):
        msg = (
            f"{path}: not a CSV: its first line {_shown(row[0])!r} is no header with columns separated by comma, "
            "semicolon, tab or |; export the table as CSV in UTF-8"
        )
        raise InputError(msg)
    taken = {name.strip() for name in row}
    headers = list(row)
    unnamed = []
    for position, name in enumerate(row):
        if not name.strip():
            headers[position] = f"column_{position + 1}"
            while headers[position] in taken:
                headers[position] += "_"
            unnamed.append(headers[position])
    check_headers(path, headers)
    return tuple(headers), tuple(unnamed)


def check_headers(source: Path | str, headers: Sequence[str]) -> None:
    """Refuse duplicate column names.

    Raises
    ------
    InputError
        Names the duplicates.
    """
    seen: set[str] = set()
    twice = []
    for name in (header.strip() for header in headers):
        if name in seen and name not in twice:
            twice.append(name)
        seen.add(name)
    if twice:
        names = ", ".join(repr(name[:60]) for name in twice[:5])
        msg = f"{source}: the column name {names} occurs more than once; rename or remove one of the columns"
        raise InputError(msg)


def _count_reason(cells: int, width: int | None, lines: int) -> str:
    over = f", over {lines} lines" if lines > 1 else ""
    return f"{cells} cell{'s' if cells != 1 else ''} where the header has {width}{over}"


def _shown(text: str) -> str:
    return text[:MAX_REJECT_CHARS].rstrip("\r\n")


def _batch(rows: list[list[str]], names: Sequence[str], positions: list[int]) -> pa.RecordBatch:
    cells = list(zip(*rows, strict=True)) if rows else []
    arrays = [_strings(cells[position]) if rows else pa.array([], pa.string()) for position in positions]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def _strings(cells: Sequence[str]) -> pa.Array:
    array = pa.array(cells, pa.string())
    empty = pc.equal(array, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), array) if pc.any(empty).as_py() else array


def _not_utf8(path: Path) -> InputError:
    """Find the first byte that is not UTF-8, reading the file again."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line, held = 0, 1, 0
    with path.open("rb") as file:
        while True:
            block = file.read(2**20)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                start = error.start - held  # the decoder counts from the bytes it still held
                line += block.count(b"\n", 0, max(start, 0))
                byte = error.object[error.start]
                msg = (
                    f"{path}: not UTF-8: byte 0x{byte:02X} at offset {offset + start:,} (line {line:,}); "
                    "save it as UTF-8 (in Excel: 'CSV UTF-8') and try again"
                )
                return InputError(msg)
            held = len(decoder.getstate()[0])
            offset += len(block)
            line += block.count(b"\n")
            if not block:
                return InputError(f"{path}: not UTF-8; save it as UTF-8 and try again")
