"""What reading a table of accounts did to it, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from icp_ml.accounts.values.conventions import PLAIN, Convention
from icp_ml.schema import Category, Kind, Outcome, Role

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnReport:
    """What became of one column.

    Attributes
    ----------
    header : str
        As written.
    field : str
        Name of the field it became.
    label : str
        What a reader calls the field.
    kind, category, role, outcome
        Of the field (`icp_ml.schema.Field`).
    how : str
        "settings", "name", "alias" or "own name": what decided the field.
    filled_share : float
        Share of the rows with a value, after normalising.
    distinct : int
        Distinct values, after normalising (of a token set: distinct tokens).
    changed, dropped, placeholders : int
        Cells read as something else than they say; unusable cells; words for "missing".
    examples : tuple of (str, str)
        As written, and the result or the reason.
    notes : tuple of str
        Anything else.
    scale : float
        What plain numbers were multiplied by.
    convention : Convention
        How the column writes its dates and amounts, as far as its values tell.
    """

    header: str
    field: str
    label: str
    kind: Kind
    category: Category
    role: Role
    outcome: Outcome | None
    how: str
    filled_share: float
    distinct: int
    changed: int
    dropped: int
    placeholders: int
    examples: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    scale: float = 1.0
    convention: Convention = PLAIN

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = {"examples": [list(pair) for pair in self.examples], "notes": list(self.notes)}
        return {**asdict(self), **plain, "convention": self.convention.to_dict()}


@dataclass(frozen=True)
class AccountsReport:
    """What was read, changed, kept and dropped.

    Attributes
    ----------
    source : str
        The file's path, or "DataFrame" or "table".
    rows_read, rows_rejected : int
        Parsed and unparsable rows; together all rows of the source.
    columns : tuple of ColumnReport
        In the order of the source.
    id_source : str
        Where account ids come from: "account_id", "domain", "name" or "row number".
    notes : tuple of str
        Anything that concerns the whole table.
    """

    source: str
    rows_read: int
    rows_rejected: int
    columns: tuple[ColumnReport, ...]
    id_source: str
    notes: tuple[str, ...] = ()

    @property
    def by_field(self) -> Mapping[str, ColumnReport]:
        """The columns by field name."""
        return {column.field: column for column in self.columns}

    def frame(self) -> pd.DataFrame:
        """Return one row per column."""
        rows = [
            {**column.to_dict(), "examples": _sentence(column), "notes": "; ".join(column.notes)}
            for column in self.columns
        ]
        import pandas as pd

        return pd.DataFrame(rows, columns=list(ColumnReport.__dataclass_fields__))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "source": self.source,
            "rows_read": self.rows_read,
            "rows_rejected": self.rows_rejected,
            "id_source": self.id_source,
            "notes": list(self.notes),
            "columns": [column.to_dict() for column in self.columns],
        }


def _sentence(column: ColumnReport) -> str:
    return "; ".join(f"{written!r}: {result}" for written, result in column.examples)
