"""Rows of an output, held as Arrow: a million rows of Python objects take gigabytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

SLICE = 65_536  # rows held as Python objects at once


class PackedRows:
    """Rows that are appended one by one and read as tables.

    Parameters
    ----------
    headers : sequence of str
    types : sequence of pa.DataType
        Of each column.
    """

    def __init__(self, headers: Sequence[str], types: Sequence[pa.DataType]) -> None:
        self.schema = pa.schema(list(zip(headers, types, strict=True)))
        self._tables: list[pa.Table] = []
        self._latest: list[Sequence[Any]] = []
        self._packed = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._packed + len(self._latest)

    def append(self, row: Sequence[Any]) -> None:
        """Add a row, its values in the order of the columns."""
        self._latest.append(row)
        if len(self._latest) == SLICE:
            self._pack()

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows, some at a time."""
        self._pack()
        yield from self._tables

    def _pack(self) -> None:
        if self._latest:
            arrays = [pa.array([row[k] for row in self._latest], field.type) for k, field in enumerate(self.schema)]
            self._tables.append(pa.table(arrays, schema=self.schema))
            self._packed += len(self._latest)
            self._latest = []
