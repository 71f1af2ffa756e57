"""A table of accounts, opened: what every format hands on to who reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa

from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.rows import CHUNK_ROWS, Chunk, Piece, chunked

HASHED = 2**23  # bytes at once: while they are hashed other threads run, and between them one has to wait its turn
Format = Literal["csv", "parquet", "excel", "files", "database"]


@dataclass(frozen=True)
class TableReader:
    """A table of accounts, opened but not read.

    Attributes
    ----------
    address : Address
        `address.shown` is how to print it: without passwords.
    format : "csv", "parquet", "excel", "files" (several) or "database"
    columns : tuple of str
        Headers as written.
    rows : int or None
        Number of rows, where the source says so beforehand.
    types : mapping of str to pa.DataType
        Of every column; the same in all batches.
    unnamed : tuple of str
        Columns that had no header and were given one (`column_7`).
    notes : tuple of str
        What was left out of the source or is to be known of it.
    files : tuple of Path
        The local files it is read from, in order; none for a database.
    """

    address: Address
    format: Format
    columns: tuple[str, ...]
    rows: int | None
    types: Mapping[str, pa.DataType] = field(repr=False)
    pieces: Callable[[Sequence[str]], Iterator[Piece]] = field(repr=False)
    unnamed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

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
            The source turns out damaged, or more of its rows are rejected than parsed.
        """
        # A generator of its own, which keeps this reader, and so a temporary copy of its file, while it is read.
        yield from chunked(self.pieces(self.columns if columns is None else columns), rows, self.address.shown)

    def sha256(self) -> str:
        """Return a hash that tells whether the source is still the same.

        Of a file it is that of its bytes; of several, that of their names and bytes. What a database holds is not
        hashed: only its address, its columns and, of a table, the number of its rows.
        """
        if len(self.files) == 1 and self.format != "files":
            return _file_hash(self.files[0])
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(f"{path.name}\0{_file_hash(path)}\n".encode())
        if not self.files:
            digest.update(repr((self.address.shown, self.columns, self.rows)).encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the files; 0 for a database."""
        return sum(path.stat().st_size for path in self.files)


def _file_hash(path: Path) -> str:
    digest, block = hashlib.sha256(), bytearray(HASHED)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(memoryview(block)[:size])
    return digest.hexdigest()
