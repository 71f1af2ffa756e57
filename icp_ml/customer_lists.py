"""Customers for those who look after them: outside the profile, or doing otherwise than their fit says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from icp_ml.accounts import Accounts
from icp_ml.accounts.quality import without_own_product
from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.sigmoid import sigmoid
from icp_ml.model import ICPModel
from icp_ml.outcomes import OutcomeLabels
from icp_ml.scoring.columns import plain_strings
from icp_ml.tiers import LETTERS

if TYPE_CHECKING:
    import pandas as pd

WORSE, BETTER = "fits well, does badly", "fits badly, does well"
OUTSIDE_FILTER, OUTSIDE_TIER = "outside the profile: filter", "outside the profile: low fit"
ORDER = (WORSE, BETTER, OUTSIDE_FILTER, OUTSIDE_TIER)
REASONS = 3


@dataclass(frozen=True, eq=False)
class CustomerLists:
    """Customers worth a look, and all others.

    Attributes
    ----------
    table : DataFrame
        One row per customer, in their order: `account_id`, `name`, `outcome` (best, middle, worst or why it was not
        judged), `grade` (percentile of the outcomes, 0 to 100), `fit_score` and `tier` (held out where the customer
        was trained on), `segment`, `list` (one of `ORDER`, or empty), `why`, and `reason_1` to `reason_3`.
    """

    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """Return the customers that are on a list: what people should look at first comes first."""
        listed = self.table[self.table["list"].notna()]
        place = listed["list"].map({name: k for k, name in enumerate(ORDER)})
        apart = (listed["grade"].fillna(listed["fit_score"]) - listed["fit_score"]).abs()
        keys = listed.assign(_place=place, _apart=-apart)
        return keys.sort_values(["_place", "_apart", "account_id"], kind="stable")[listed.columns].reset_index(
            drop=True
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many customers are on each list."""
        found = self.table["list"].value_counts()
        return {name: int(found.get(name, 0)) for name in ORDER}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types: counts, no customers."""
        return {"customers": len(self.table), "lists": self.counts}


def list_customers(
    model: ICPModel, accounts: Accounts, labels: OutcomeLabels, out_of_fold: FloatArray, as_of: date | None
) -> CustomerLists:
    """Set every customer's fit beside its outcome.

    Parameters
    ----------
    model : ICPModel
    accounts : Accounts
        All customers, n rows.
    labels : OutcomeLabels
        Of the same.
    out_of_fold : ndarray
        Log-odds of the mature customers, each held out; the others were not trained on, and get the model's own.
    """
    import pandas as pd

    table = without_own_product(accounts.table, model.settings.fields.own_product)[0]
    wanted = {*model.tables.fields, "account_id", "name"} & set(table.column_names)
    columns = {name: table.column(name).combine_chunks() for name in sorted(wanted)}
    rows = table.num_rows
    scored = plain_strings(model.scorer(reasons=REASONS, lookalikes=0).score(columns, rows, as_of))
    mature = labels.is_mature
    log_odds = model.tables.log_odds(model.tables.encode(columns, rows, as_of))
    log_odds[mature] = out_of_fold
    fit = 100.0 * sigmoid(log_odds)
    tier = model.cutoffs.assign(fit)
    status = labels.status.to_numpy(dtype=object).astype(str)
    found = pd.DataFrame({
        "account_id": columns["account_id"].to_pandas(),
        "name": columns["name"].to_pandas() if "name" in columns else pd.Series([None] * rows, dtype="str"),
        "outcome": status,
        "grade": 100.0 * np.asarray(labels.grade, dtype=np.float64),
        "fit_score": fit,
        "tier": np.array(LETTERS)[tier],
    })  # fmt: skip
    told = {name: scored.column(name).to_pandas() for name in ("status_reason", "segment")}
    given = {f"reason_{i}": scored.column(f"reason_{i}").to_pandas() for i in range(1, REASONS + 1)}
    found = found.assign(**told)
    ineligible = pc.equal(scored.column("status"), "ineligible").to_numpy(zero_copy_only=False)
    left_out = ineligible & (scored.column("coverage").to_numpy() > 0)
    which = np.full(rows, None, dtype=object)
    why = np.full(rows, None, dtype=object)
    top, bottom = tier == 0, tier == len(LETTERS) - 1
    for name, here in (
        (OUTSIDE_TIER, bottom),
        (OUTSIDE_FILTER, left_out),
        (BETTER, bottom & (status == "best")),
        (WORSE, top & (status == "worst")),
    ):
        which[here] = name
    for k in np.flatnonzero([name is not None for name in which]).tolist():
        why[k] = _why(found.iloc[k], which[k])
    listed = {"list": pd.Series(which, dtype="str"), "why": pd.Series(why, dtype="str")}
    return CustomerLists(found.drop(columns="status_reason").assign(**listed, **given))


def _why(row: pd.Series, name: str) -> str:
    fit = f"fit score {row['fit_score']:.0f}, tier {row['tier']}"
    if name == WORSE:
        return f"{fit}, among the worst customers: what went wrong is not in its fields"
    if name == BETTER:
        return f"{fit}, among the best customers: what makes it so is not in its fields"
    if name == OUTSIDE_FILTER:
        return str(row["status_reason"])
    return f"{fit}; its outcomes: {row['outcome']}"
