"""What the leak guard and the data report say of each column, and of the table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from icp_ml.accounts.guard.leaks import Verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnVerdict:
    """What the guard says of one column.

    Attributes
    ----------
    verdict : str
        accept, confirm (left out until named in `fields.confirm`), refuse, or adjust (named in `fields.adjust_for`:
        fitted, but held at its average and never scored on).
    reasons : tuple of str
        Why, in words; for an accepted column what to know about it.
    coverage_customers, coverage_market : float
        Share of rows with a value; NaN without a list.
    unseen_market, unseen_customers : float
        Share of the list's values that no customer has, and the reverse; categories and tokens only.
    auc, auc_known : float
        How well the column alone tells best from worst, with missing as a value and among known values.
    missing_lift, filled_lift : float
        P(best | missing) / P(best) and P(best | filled) / P(best).
    neutralise : bool
        Whether its missing bin should be held at zero.
    drift : float
        Population stability index, customers to list, over known values; of a token set the largest of a token. NaN
        without a list.
    top_share : float
        Share of the customers' known values that are the commonest one; NaN for token sets.
    flags : tuple of str
        What a reader may filter by: near_constant, many_values, names_accounts, coverage_gap, customers_only, drifted,
        unseen_values, missing_tells, filled_tells, bands_list or bands_customers (the side that has bands where the
        other has exact numbers; the two are compared by band).
    """

    field: str
    label: str
    kind: str
    verdict: Verdict
    reasons: tuple[str, ...]
    coverage_customers: float
    coverage_market: float
    distinct: int
    auc: float
    auc_known: float
    missing_lift: float
    neutralise: bool
    unseen_market: float
    unseen_customers: float
    filled_lift: float = math.nan
    drift: float = math.nan
    top_share: float = math.nan
    flags: tuple[str, ...] = ()

    @property
    def coverage_gap(self) -> float:
        """Coverage on customers less coverage on the list; NaN without a list."""
        return self.coverage_customers - self.coverage_market


@dataclass(frozen=True)
class DataReport:
    """Verdicts on all columns, in the table's order.

    Attributes
    ----------
    population_auc : float
        How well a classifier on the accepted fields tells customers from the list: 0.5 not at all, 1 always; NaN
        without a list.
    population_fields : mapping of str to float
        The fields that tell them apart most, and the AUC of each by itself.
    """

    columns: tuple[ColumnVerdict, ...]
    customers: int
    market: int | None
    notes: tuple[str, ...]
    population_auc: float = math.nan
    population_fields: Mapping[str, float] | None = None

    @property
    def accepted(self) -> list[str]:
        """Fields that may enter the model."""
        return self._with("accept")

    @property
    def adjusted(self) -> list[str]:
        """Fields that are fitted and then held at their average."""
        return self._with("adjust")

    @property
    def to_confirm(self) -> list[str]:
        """Fields left out until someone vouches for them."""
        return self._with("confirm")

    @property
    def refused(self) -> list[str]:
        """Fields that may not enter the model."""
        return self._with("refuse")

    @property
    def neutralise(self) -> list[str]:
        """Accepted fields whose missing bin should be held at zero."""
        return [column.field for column in self.columns if column.verdict == "accept" and column.neutralise]

    def _with(self, verdict: Verdict) -> list[str]:
        return [column.field for column in self.columns if column.verdict == verdict]

    def frame(self) -> pd.DataFrame:
        """Return one row per column."""
        import pandas as pd

        rows = [{**vars(c), "reasons": "; ".join(c.reasons), "flags": ", ".join(c.flags)} for c in self.columns]
        return pd.DataFrame(rows, columns=list(ColumnVerdict.__dataclass_fields__))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; figures that do not exist are None."""
        columns = []
        for column in self.columns:
            entry = {key: _plain(value) for key, value in vars(column).items()}
            columns.append({**entry, "reasons": list(column.reasons), "flags": list(column.flags)})
        return {
            "customers": self.customers,
            "market": self.market,
            "columns": columns,
            "notes": list(self.notes),
            "population_auc": _plain(self.population_auc),
            "population_fields": dict(self.population_fields or {}),
        }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
