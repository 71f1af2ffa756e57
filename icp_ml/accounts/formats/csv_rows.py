"""CSV rows with true line numbers, in constant memory: block by block where a block is well-formed, else row by row.

A row that cannot be parsed is handed on as a `Reject`; it never shifts or swallows the rows after it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from icp_ml.accounts.formats.csv_blocks import count_lines, parse_records, records_end
from icp_ml.accounts.formats.csv_layout import CsvFile, CsvLayout
from icp_ml.accounts.formats.csv_records import Lines, Records
from icp_ml.accounts.formats.rows import CHUNK_ROWS, Piece, Reject
from icp_ml.accounts.formats.typed_cells import text_batch
from icp_ml.exceptions import InputError

PIECE_ROWS = 8_192


def csv_pieces(
    file: CsvFile, layout: CsvLayout, columns: Sequence[str] | None = None, *, blocks: bool = True
) -> Iterator[Piece]:
    """Stream a CSV.

    Parameters
    ----------
    blocks : bool
        False parses row by row throughout; the result is the same.

    Raises
    ------
    InputError
        The file is damaged, or more rows are rejected than parsed.
    """
    wanted = layout.headers if columns is None else tuple(columns)
    positions = [layout.headers.index(name) for name in wanted]
    count = _Count(file.name, layout)
    with file.blocks(layout.encoding) as found:
        lines = Lines(found)
        rows = Records(lines, layout.delimiter, layout.quote)
        for _ in range(layout.skipped + 1):  # the header, and what stands above it
            next(row for row in rows if isinstance(row, list))
        line = rows.line
        while not lines.ended():
            piece = None
            if blocks:
                piece, line = _block(lines, layout, wanted, positions, line)
            if piece is not None:
                yield count.add(piece, lines)
                continue
            rows = Records(lines, layout.delimiter, layout.quote, len(layout.headers), line)
            for piece in _pieces(rows, wanted, positions, stop=blocks):
                yield count.add(piece, lines)
            line = rows.line
    count.check()


def _block(
    lines: Lines, layout: CsvLayout, names: Sequence[str], positions: Sequence[int], line: int
) -> tuple[Piece | None, int]:
    """Parse the next block at once, if that can be done, and return it with the line after it."""
    block, final = lines.take()
    end = records_end(block, layout.delimiter, layout.quote, csv.field_size_limit(), len(layout.headers), final=final)
    batch = None
    if end:
        records = block[:end] if end < len(block) else block
        batch = parse_records(records, layout.delimiter, layout.quote, len(layout.headers), positions, names)
    if batch is None:
        lines.give_back(block)
        return None, line
    lines.give_back(block[end:])
    return Piece(batch), line + count_lines(records)


def _pieces(rows: Records, names: Sequence[str], positions: Sequence[int], *, stop: bool) -> Iterator[Piece]:
    """Parse row by row: to the end of the file, or with `stop` of the block."""
    good: list[list[str]] = []
    bad: list[tuple[int, Reject]] = []
    for row in rows:
        if isinstance(row, list):
            good.append(row)
        else:
            bad.append((len(good), row))
        done = stop and rows.is_block_done()
        if done or len(good) + len(bad) >= PIECE_ROWS:
            yield Piece(text_batch(good, names, positions), tuple(bad))
            good, bad = [], []
        if done:
            return
    if good or bad:
        yield Piece(text_batch(good, names, positions), tuple(bad))


class _Count:
    """Counts rows, and refuses a file of which more are rejected than parsed."""

    def __init__(self, name: str, layout: CsvLayout) -> None:
        self.name, self.layout = name, layout
        self.parsed = self.rejected = 0
        self.first: Reject | None = None

    def add(self, piece: Piece, lines: Lines) -> Piece:
        self.parsed += piece.batch.num_rows
        self.rejected += len(piece.rejects)
        if piece.rejects and self.first is None:
            self.first = piece.rejects[0][1]
        if self.rejected > CHUNK_ROWS:
            self.check()
        return Piece(piece.batch, piece.rejects, lines.count_recoded())

    def check(self) -> None:
        if self.first is None or self.rejected <= self.parsed:
            return
        msg = (
            f"{self.name}: not a table of {len(self.layout.headers)} columns: {self.rejected:,} of "
            f"{self.rejected + self.parsed:,} rows cannot be read (line {self.first.line}: {self.first.reason}); "
            f"check the delimiter (read as {self.layout.delimiter!r}) and the header"
        )
        raise InputError(msg)
