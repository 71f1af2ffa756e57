"""Rows of an output, kept on disk as Arrow: a million rows of Python objects take gigabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml.audiences.temporary import folder_of

SLICE = 16_384  # rows held as Python objects at once


class PackedRows:
    """Rows that are appended one by one and read as tables.

    What does not fit into a slice is kept in a temporary folder.

    Parameters
    ----------
    headers : sequence of str
    types : sequence of pa.DataType
        Of each column.
    """

    def __init__(self, headers: Sequence[str], types: Sequence[pa.DataType]) -> None:
        self.schema = pa.schema(list(zip(headers, types, strict=True)))
        self._folder: Path | None = None
        self._latest: list[Sequence[Any]] = []
        self._files: list[Path] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._files) * SLICE + len(self._latest)

    def append(self, row: Sequence[Any]) -> None:
        """Add a row, its values in the order of the columns."""
        self._latest.append(row)
        if len(self._latest) == SLICE:
            self._pack()

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows, some at a time."""
        for path in self._files:
            with pa.OSFile(str(path)) as file:
                yield pa.ipc.open_file(file).read_all()
        if self._latest:
            yield self._table()

    def _table(self) -> pa.Table:
        arrays = [pa.array([row[k] for row in self._latest], field.type) for k, field in enumerate(self.schema)]
        return pa.table(arrays, schema=self.schema)

    def _pack(self) -> None:
        """Write a full slice."""
        if self._folder is None:
            self._folder = folder_of(self)
        path = self._folder / f"{len(self._files):07d}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, self.schema) as writer:
            writer.write_table(self._table())
        self._files.append(path)
        self._latest = []
