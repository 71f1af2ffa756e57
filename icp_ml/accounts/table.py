"""Accounts: a normalised table, and what was done to make it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.rows import Reject
from icp_ml.accounts.report import AccountsReport
from icp_ml.exceptions import InputError
from icp_ml.schema import NUMERIC_KINDS, Field

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Accounts:
    """Normalised accounts.

    Attributes
    ----------
    table : pa.Table
        Canonical Arrow, one column per field, `account_id` first, rows in the order of the source.
    fields : mapping of str to Field
        The field of every column of `table`.
    spellings : mapping of str to mapping
        Of categories, places, countries and token sets: normalised value -> commonest spelling as written.
    report : AccountsReport
        What was changed, kept and dropped.
    as_of : date or None
        The day the data speaks of: the setting, else the newest customer date that is not in the future.
    rejects : tuple of Reject
        Rows of the file that could not be parsed.
    """

    table: pa.Table
    fields: Mapping[str, Field]
    spellings: Mapping[str, Mapping[str, str]]
    report: AccountsReport
    as_of: date | None
    rejects: tuple[Reject, ...] = ()

    def __len__(self) -> int:
        """Return the number of accounts."""
        return int(self.table.num_rows)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table as pandas: float64, "boolean", str, datetime64[s], and tuples or None for token sets."""
        import pandas as pd

        return pd.DataFrame(
            {name: _to_pandas(self.table.column(name), self.fields[name]) for name in self.table.schema.names}
        )

    def check_unique_ids(self) -> None:
        """Refuse account ids that occur twice; ids that only stand in for a missing id column may repeat.

        Raises
        ------
        InputError
            Names the column and some of the ids.
        """
        counts = self.table.column("account_id").combine_chunks().value_counts()
        twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").sort()
        if self.report.id_source != "account_id" or len(twice) == 0:
            return
        header = self.report.by_field["account_id"].header
        shown = ", ".join(repr(value[:60]) for value in twice.slice(0, 3).to_pylist())
        msg = (
            f"{self.report.source}: column '{header}' holds {len(twice):,} account id{'s' if len(twice) > 1 else ''} "
            f"more than once ({shown}); keep one row per account, or set columns: {{'{header}': ignore}} if it is "
            "no account id"
        )
        raise InputError(msg)


def _to_pandas(column: pa.ChunkedArray, field: Field) -> pd.Series[Any]:
    import pandas as pd

    if pa.types.is_list(column.type):
        cells = np.empty(len(column), dtype=object)
        cells[:] = [None if tokens is None else tuple(tokens) for tokens in column.to_pylist()]
        return pd.Series(cells, dtype=object)
    if field.kind in NUMERIC_KINDS:
        return pd.Series(column.to_numpy(), dtype="float64")
    if field.kind == "boolean":
        return pd.Series(column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get))
    if field.kind == "date":
        return pd.Series(column.to_numpy().astype("datetime64[s]"))
    return pd.Series(column.cast(pa.string()).to_pandas(), dtype="str")
