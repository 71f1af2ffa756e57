"""What a reader hands on: chunks of parsed rows, and the rows that could not be parsed, with their line numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

CHUNK_ROWS = 65_536
MAX_COLUMNS = 5_000
MAX_REJECT_CHARS = 200


@dataclass(frozen=True)
class Reject:
    """A row that could not be parsed.

    Attributes
    ----------
    line : int
        Line of the file the row starts on; the header is on line 1.
    reason : str
        In words.
    text : str
        The row as written, cut after 200 characters.
    """

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive parsed rows of a file.

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
    """

    index: int
    batch: pa.RecordBatch
    first_row: int
    rejects: tuple[Reject, ...] = ()
