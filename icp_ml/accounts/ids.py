"""The account id of every row: its own, else the domain, else the name, else the row's number."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

ID_FIELDS = ("account_id", "domain", "name")
IDENTITY_FIELDS = ("account_id", "name", "domain")


def account_ids(identity: Mapping[str, pa.Array], rows: int, first_row: int | None = 0) -> pa.Array:
    """Return one non-empty id per row.

    Parameters
    ----------
    identity : mapping of str to pa.Array
        Normalised `account_id`, `domain` and `name`, as far as the table has them.
    rows : int
        Number of rows.
    first_row : int or None
        Number of parsed rows of the table before these; row numbers count from 1. None where rows have no numbers:
        the id of a row without any of the three is then left missing.
    """
    found = pa.nulls(rows, pa.string())
    for name in ID_FIELDS:
        if name in identity and found.null_count:
            found = pc.coalesce(found, identity[name])
    if not found.null_count or first_row is None:
        return found
    numbers = pa.array(range(first_row + 1, first_row + rows + 1), pa.int64()).cast(pa.string())
    return pc.coalesce(found, numbers)


def id_source(identity: Mapping[str, pa.Array]) -> str:
    """Return which column the ids come from: a field name, or "row number"."""
    return next((name for name in ID_FIELDS if name in identity), "row number")
