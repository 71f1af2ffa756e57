"""Run as a process of its own: reads a workbook of an old or binary format, where a damaged file can hang or crash.

python workbook_process.py FILE            prints the names of its sheets, and which are visible tables
python workbook_process.py FILE SHEET      prints the cells, a JSON list per row; days and durations as pairs
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

MEMORY_BYTES = 2**32
CPU_SECONDS = 300


def main(path: str, *sheet: str) -> None:
    """Print what was asked for."""
    _limit()
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    if not sheet:
        found = [[entry.name, str(entry.typ), str(entry.visible)] for entry in book.sheets_metadata]
        print(json.dumps([list(book.sheet_names), found]))
        return
    read = book.get_sheet_by_name(sheet[0])
    if read.start is None:
        return
    left = [""] * read.start[1]
    for row in read.iter_rows():
        print(json.dumps([*left, *map(_plain, row)]))


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def _plain(cell: Any) -> Any:
    if isinstance(cell, dt.timedelta):
        return ["seconds", cell.total_seconds()]
    if isinstance(cell, dt.date | dt.time):
        return [type(cell).__name__, cell.isoformat()]
    return cell


def typed(cell: Any) -> Any:
    """Return a cell as it was before it was printed."""
    if not isinstance(cell, list):
        return cell
    kind, value = cell
    if kind == "seconds":
        return dt.timedelta(seconds=value)
    if kind == "date":
        return dt.date.fromisoformat(value)
    return dt.time.fromisoformat(value) if kind == "time" else dt.datetime.fromisoformat(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
