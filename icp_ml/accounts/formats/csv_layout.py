"""What the head of a CSV tells: encoding, delimiter, quote, header; and what is no CSV at all."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from icp_ml.accounts.formats.csv_records import Lines, Records
from icp_ml.accounts.formats.encodings import SAMPLE_BYTES, encoding_of, utf8_blocks
from icp_ml.accounts.formats.headers import NoRowsError, named_headers
from icp_ml.accounts.formats.rows import MAX_COLUMNS, MAX_REJECT_CHARS
from icp_ml.exceptions import InputError
from icp_ml.schema import field_of_header

DELIMITERS = (",", ";", "\t", "|")  # the first wins a tie
QUOTES = ('"', "'")
_SAMPLE_ROWS = 200
CLEARLY = 0.3  # more of the rows agree with the header
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
_SEPARATOR_RE = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*(?:\r\n|\r|\n)', re.IGNORECASE)


@dataclass(frozen=True)
class CsvFile:
    """A CSV to be opened as often as needed.

    Attributes
    ----------
    name : str
        For messages.
    open : callable
        Returns its bytes, decompressed.
    """

    name: str
    open: Callable[[], BinaryIO]

    @contextmanager
    def blocks(self, encoding: str, size: int = 2**20) -> Iterator[Iterator[tuple[bytes, int]]]:
        """Open the file as blocks of UTF-8."""
        with self.open() as stream:
            yield utf8_blocks(stream, encoding, self.name, size)


@dataclass(frozen=True)
class CsvLayout:
    """What the head of a CSV file tells.

    Attributes
    ----------
    headers : tuple of str
        As written; a column without a name is called `column_N`, counted from 1.
    delimiter, quote : str
        One of `DELIMITERS`, one of `QUOTES`.
    unnamed : tuple of str
        Those of `headers` that had no name.
    encoding : str
        "utf-8" (with Windows-1252 where a line is not), "utf-16-le" and so on.
    skipped : int
        Records above the header: Excel's `sep=;` line.
    """

    headers: tuple[str, ...]
    delimiter: str
    unnamed: tuple[str, ...]
    quote: str = '"'
    encoding: str = "utf-8"
    skipped: int = 0


def csv_layout(file: CsvFile) -> CsvLayout:
    """Read the header.

    Raises
    ------
    InputError
        The file is empty, has no rows, or is not a table in text; the message says what it is instead.
    """
    with file.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
    encoding = encoding_of(sample)
    _check_bytes(file.name, sample, encoding)
    with file.blocks(encoding, SAMPLE_BYTES) as blocks:
        head = next(blocks, (b"", 0))[0].decode("utf-8").lstrip("\r\n")
    if not head.strip():
        msg = f"{file.name}: the file is empty; it needs a header line and one line per account"
        raise InputError(msg)
    separator = _SEPARATOR_RE.match(head)
    head = head[separator.end() :] if separator else head
    quote = "'" if re.match(r"'[^',;\t|\"\r\n]*'[,;\t|]'", head) else '"'
    delimiter = separator[1] if separator else _delimiter(head, quote)
    with file.blocks(encoding) as blocks:
        records = Records(Lines(blocks), delimiter, quote)
        rows = (row for row in records if isinstance(row, list))
        first = next(rows, None)
        if separator:
            first = next(rows, None)
        if first is None or len(first) > MAX_COLUMNS:
            msg = (
                f"{file.name}: the header line cannot be read (at most {MAX_COLUMNS:,} columns, and quotes must be "
                "closed)"
            )
            raise InputError(msg)
        _check_single(file.name, first)
        headers, unnamed = named_headers(file.name, first)
        if next(iter(records), None) is None:
            raise no_rows(file.name, len(headers))
    return CsvLayout(headers, delimiter, unnamed, quote, encoding, 1 if separator else 0)


def no_rows(name: str, columns: int) -> InputError:
    """Return what is said of a table that is only a header."""
    return NoRowsError(f"{name}: there is a header with {columns} columns but no row below it; add the accounts")


def _check_bytes(name: str, sample: bytes, encoding: str) -> None:
    if encoding != "utf-8":
        return
    found = next((what for magic, what in _MAGIC if sample.startswith(magic)), None)
    if found is None and _MARKUP_RE.match(sample):
        found = "a web page or XML"
    if found is None and _JSON_RE.match(sample):
        found = "JSON"
    first_line = sample.partition(b"\n")[0]
    if found is None and (b"\0" in first_line or sample.count(b"\0") * 100 > len(sample)):
        found = "a binary file"
    if found:
        msg = f"{name}: not a CSV but {found}; export the table as CSV in UTF-8, or as Parquet, and try again"
        raise InputError(msg)


def _delimiter(head: str, quote: str) -> str:
    """Return the delimiter that the header holds most often, unless the rows below contradict it."""
    line = re.sub(f"{quote}[^{quote}]*{quote}", "", head)
    line = re.split(r"[\r\n]", line.lstrip("\r\n"), maxsplit=1)[0]
    found = sorted((d for d in DELIMITERS if d in line), key=line.count, reverse=True)  # stable: ties in order
    if len(found) < 2:
        return found[0] if found else DELIMITERS[0]
    agreed = {delimiter: _agreement(head, delimiter, quote) for delimiter in found}
    best = max(found, key=lambda d: agreed[d])
    return best if agreed[best] - agreed[found[0]] > CLEARLY else found[0]


def _agreement(head: str, delimiter: str, quote: str) -> float:
    """Return the share of the first rows that have as many cells as the header."""
    lines = head.splitlines(keepends=True)
    whole = lines if lines[-1].endswith(("\n", "\r")) else lines[:-1]  # the last one may be cut
    widths = []
    try:
        for row in csv.reader(whole or lines, delimiter=delimiter, quotechar=quote):
            widths += [len(row)] if row else []
            if len(widths) > _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return sum(width == widths[0] for width in widths[1:]) / len(widths[1:]) if len(widths) > 1 else 0.0


def _check_single(name: str, row: list[str]) -> None:
    if len(row) == 1 and field_of_header(row[0]) is None and not re.fullmatch(r"[^\W\d]\w{0,63}", row[0].strip()):
        msg = (
            f"{name}: not a CSV: its first line {row[0][:MAX_REJECT_CHARS].strip()!r} is no header with columns "
            "separated by comma, semicolon, tab or |; export the table as CSV in UTF-8"
        )
        raise InputError(msg)
