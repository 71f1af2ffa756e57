"""What a reader hands on: chunks of parsed rows, and the rows that could not be parsed, with their line numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from icp_ml.exceptions import InputError

CHUNK_ROWS = 65_536
MAX_COLUMNS = 5_000
MAX_REJECT_CHARS = 200
MAX_CHUNK_BYTES = 2**31 - 2**20  # an Arrow string column holds 2 GiB


@dataclass(frozen=True)
class Reject:
    """A row that could not be parsed.

    Attributes
    ----------
    line : int
        Line of the file the row starts on, the header being on line 1; in a workbook the sheet's row, in a database
        the row's ordinal.
    reason : str
        In words.
    text : str
        The row as written, cut after 200 characters.
    file : str
        Which file, where the source is several; else empty.
    """

    line: int
    reason: str
    text: str
    file: str = ""


@dataclass(frozen=True)
class Chunk:
    """Consecutive parsed rows of a source.

    Attributes
    ----------
    index : int
        0 for the first chunk.
    batch : pa.RecordBatch
        One column per header; a CSV's are all strings, with null for an empty cell.
    first_row : int
        Number of parsed rows before this chunk.
    rejects : tuple of Reject
        Rows found unparsable since the chunk before.
    recoded : int
        Lines read since the chunk before that are not UTF-8 and were read as Windows-1252.
    """

    index: int
    batch: pa.RecordBatch
    first_row: int
    rejects: tuple[Reject, ...] = ()
    recoded: int = 0


@dataclass(frozen=True)
class Piece:
    """Some rows, as many as it was handy to read at once.

    Attributes
    ----------
    batch : pa.RecordBatch
    rejects : tuple of (int, Reject)
        With the number of the batch's rows that come before it.
    recoded : int
        Lines that are not UTF-8 and were read as Windows-1252.
    """

    batch: pa.RecordBatch
    rejects: tuple[tuple[int, Reject], ...] = ()
    recoded: int = 0


def chunked(pieces: Iterable[Piece], rows: int, source: str) -> Iterator[Chunk]:
    """Cut pieces of any size into chunks of exactly `rows` parsed rows (the last one: what is left).

    Raises
    ------
    InputError
        A chunk would hold more text than fits into an Arrow column.
    """
    held: list[pa.RecordBatch] = []
    waiting: list[tuple[int, Reject]] = []
    index = count = size = recoded = 0
    for piece in pieces:
        waiting += [(count + before, reject) for before, reject in piece.rejects]
        held.append(piece.batch)
        count, size, recoded = count + piece.batch.num_rows, size + piece.batch.nbytes, recoded + piece.recoded
        if size > MAX_CHUNK_BYTES and count <= rows:
            raise _too_much(source)
        while count >= rows:
            due = tuple(reject for before, reject in waiting if before < rows)
            yield Chunk(index, _taken(held, rows, source), index * rows, due, recoded)  # which alone holds its rows
            waiting = [(before - rows, reject) for before, reject in waiting if before >= rows]
            index, count, recoded = index + 1, count - rows, 0
            size = sum(batch.nbytes for batch in held)
    if count or waiting:
        yield Chunk(index, _joined(held, source), index * rows, tuple(reject for _, reject in waiting), recoded)


def _taken(held: list[pa.RecordBatch], rows: int, source: str) -> pa.RecordBatch:
    """Take the first rows out of what is held; the rest shares memory with one batch of them at most."""
    first: list[pa.RecordBatch] = []
    while rows > held[0].num_rows:
        first.append(held.pop(0))
        rows -= first[-1].num_rows
    first.append(held[0].slice(0, rows))
    held[0] = held[0].slice(rows)
    return _joined(first, source)


def _joined(batches: list[pa.RecordBatch], source: str) -> pa.RecordBatch:
    filled = [batch for batch in batches if batch.num_rows] or batches[:1]
    if len(filled) == 1:
        return filled[0]
    found = pa.Table.from_batches(filled).combine_chunks().to_batches()
    if len(found) != 1:
        raise _too_much(source)
    return found[0]


def _too_much(source: str) -> InputError:
    return InputError(f"{source}: the rows hold far too much text (over 2 GiB in a chunk); leave the long columns out")
