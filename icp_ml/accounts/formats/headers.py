"""The header row: every column has a name, and no name occurs twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icp_ml.accounts.formats.rows import MAX_COLUMNS
from icp_ml.exceptions import InputError


class NoRowsError(InputError):
    """A table has headers at most: an error by itself, a remark where it is one file of many."""


def named_headers(source: Path | str, row: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the columns that have no name `column_N`, counted from 1; return all names, and those given.

    Raises
    ------
    InputError
        There are too many columns, or a name occurs twice.
    """
    check_width(source, len(row))
    taken = {name.strip() for name in row}
    headers = list(row)
    unnamed = []
    for position, name in enumerate(row):
        if not name.strip():
            headers[position] = f"column_{position + 1}"
            while headers[position] in taken:
                headers[position] += "_"
            unnamed.append(headers[position])
    check_headers(source, headers)
    return tuple(headers), tuple(unnamed)


def check_width(source: Path | str, columns: int) -> None:
    """Refuse a table without columns, or with more than anyone means.

    Raises
    ------
    InputError
        Says how many there are.
    """
    if not 0 < columns <= MAX_COLUMNS:
        msg = f"{source}: it has {columns:,} columns; a table of accounts has 1 to {MAX_COLUMNS:,}"
        raise InputError(msg)


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
