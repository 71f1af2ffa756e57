"""Each outcome by itself, in a unit people know: what traits are set beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from icp_ml.outcomes.labels import OutcomeLabels
from icp_ml.outcomes.measures import COLUMNS, MONEY, capped
from icp_ml.outcomes.observed import CHURN, TIMING, Floats, numbers
from icp_ml.schema import BY_NAME

CAP = 0.95  # percentile at which money is cut, as in the labels: a few giants decide no mean
_UNITS = {"share": "%", "boolean": "%", "money": "$"}


@dataclass(frozen=True, eq=False)
class OutcomeValues:
    """One outcome of some customers.

    Attributes
    ----------
    name : str
        retention, expansion, nps ...
    unit : str
        "%", "points", "$" or "" for counts.
    values : ndarray of shape (customers,)
        NaN where not known.
    """

    name: str
    unit: str
    values: Floats

    def take(self, index: npt.NDArray[np.intp]) -> OutcomeValues:
        """Return some of the customers, or the same in another order."""
        return OutcomeValues(self.name, self.unit, self.values[index])


def outcomes_by_themselves(frame: pd.DataFrame, labels: OutcomeLabels) -> tuple[OutcomeValues, ...]:
    """Return every outcome the table has, weighted or not, of the mature customers.

    Retention is the share still there at the horizon, so that customers of all ages compare; each other outcome is
    read from its first column that holds anything.

    Parameters
    ----------
    frame : DataFrame of n rows
        Canonical outcome columns, as they were judged.
    labels : OutcomeLabels
    """
    mature = np.flatnonzero(labels.is_mature)
    if labels.evidence is None:
        return ()
    facts, horizon = labels.evidence.facts, labels.evidence.horizon
    out = []
    if (facts.churn_known & labels.is_mature).any():
        left = facts.churned & ~(facts.days >= horizon) if horizon else facts.churned
        stays = np.where(facts.churn_known, 100.0 * ~left, np.nan)
        out.append(OutcomeValues("retention", "%", stays[mature]))
    for name, columns in COLUMNS.items():
        told = [c for c in columns if c not in (*CHURN, *TIMING) and c in frame.columns]
        if name == "retention" and out:
            continue
        for column in told:
            values = numbers(frame, column)
            if not np.isfinite(values[mature]).any():
                continue
            unit = "points" if column in ("nps", "csat") else _UNITS.get(BY_NAME[column].kind, "")
            values = capped(values, facts, CAP) if column in MONEY else values
            values = 100.0 * values if unit == "%" else values
            out.append(OutcomeValues(name, unit, np.where(np.isfinite(values), values, np.nan)[mature]))
            break
    return tuple(out)
