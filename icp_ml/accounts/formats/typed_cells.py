"""Rows of Python values, as workbooks and databases give them, to the text a CSV of them would hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import cell_text


def text_of(cell: Any) -> str | None:
    """Return a cell as a CSV would show it: 1.0 as "1", a day without a time of day as a day, a duration in days.

    Examples
    --------
    >>> [text_of(cell) for cell in (1.0, dt.datetime(2024, 3, 1), dt.timedelta(hours=36), True, b"x", None)]
    ['1', '2024-03-01', '1.5', 'true', 'x', None]
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ") if cell.time() != dt.time() else cell.date().isoformat()
    if isinstance(cell, dt.timedelta):
        return cell_text(cell / dt.timedelta(days=1))
    if isinstance(cell, bytearray | memoryview):
        cell = bytes(cell)
    return cell_text(cell)


def strings(cells: Sequence[str | None]) -> pa.Array:
    """Return texts as Arrow strings, with null for an empty one."""
    array = pa.array(cells, pa.string())
    empty = pc.equal(array, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), array) if pc.any(empty).as_py() else array


def text_batch(rows: Sequence[Sequence[str | None]], names: Sequence[str], positions: Sequence[int]) -> pa.RecordBatch:
    """Return rows of texts as a batch of the columns wanted.

    Parameters
    ----------
    rows : sequence of sequence of str or None
        All of one length.
    names, positions
        The columns wanted, and where they stand in a row.
    """
    cells = list(zip(*rows, strict=True)) if rows else []
    arrays = [strings(cells[position]) if rows else pa.array([], pa.string()) for position in positions]
    return pa.RecordBatch.from_arrays(arrays, list(names))
