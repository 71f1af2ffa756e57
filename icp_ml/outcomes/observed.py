"""What the outcome columns say of each customer: churned or not, observed for how long, each outcome's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.schema import BY_NAME

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    outcome: tuple(f.name for f in BY_NAME.values() if f.outcome == outcome)
    for outcome in dict.fromkeys(f.outcome for f in BY_NAME.values() if f.outcome)
}
CHURN = ("churned", "retained", "churn_date")
TIMING = ("customer_since", "churn_date", "tenure_days")
_LOWER_IS_BETTER = frozenset({"acquisition_cost_usd", "cost_to_serve_usd", "support_tickets"})
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, eq=False)
class Facts:
    """Who churned, who has been observed long enough, and for how many days each was a customer."""

    churned: Bools
    churn_known: Bools
    mature: Bools
    days: Floats
    dated: bool
    as_of: date | None

    @classmethod
    def read(cls, frame: pd.DataFrame, as_of: date | None, horizon: int, notes: list[str]) -> Facts:
        """Read the facts from the outcome columns; what was odd is added to `notes`."""
        since, left = _day_numbers(frame, "customer_since"), _day_numbers(frame, "churn_date")
        newest = [days[~np.isnan(days)].max() for days in (since, left) if not np.isnan(days).all()]
        if as_of is None and newest:
            as_of = date(1970, 1, 1) + timedelta(days=int(newest[0]))
            notes.append(f"No as-of date was given: outcomes are judged as of the newest date, {as_of.isoformat()}.")
        today = float((as_of - date(1970, 1, 1)).days) if as_of else np.nan
        churned_flag, retained_flag = _numbers(frame, "churned"), _numbers(frame, "retained")
        gone = left <= today
        churned = (churned_flag == 1) | (retained_flag == 0) | gone
        known = ~np.isnan(churned_flag) | ~np.isnan(retained_flag) | ~np.isnan(left)
        if "churned" not in frame.columns and "retained" not in frame.columns and "churn_date" in frame.columns:
            known = np.ones(len(frame), dtype=bool)
        at_odds = int((gone & ((churned_flag == 0) | (retained_flag == 1))).sum())
        if at_odds:
            notes.append(f"{at_odds:,} customers are marked as staying but have a past churn date: judged as churned.")
        tenure, age = _numbers(frame, "tenure_days"), today - since
        mature = np.where(~np.isnan(age), age >= horizon, churned | np.isnan(tenure) | (tenure >= horizon))
        mature &= ~(age < 0)
        future, undated = int((age < 0).sum()), int((np.isnan(age) & np.isnan(tenure)).sum())
        if future:
            notes.append(f"{future:,} customers have a customer_since after the as-of date {as_of}: left out.")
        dated = undated < len(frame)
        if dated and undated:
            notes.append(f"{undated:,} customers have no start date and no tenure: judged as if observed long enough.")
        days = np.where(gone, left - since, np.where(np.isnan(tenure) & ~churned, age, tenure))
        if (days < 0).any():
            notes.append(f"{int((days < 0).sum()):,} customers churned before they became customers: counted as day 0.")
        return cls(churned, known | churned, mature, np.maximum(days, 0.0), dated, as_of)


def outcome_values(
    name: str, columns: tuple[str, ...], frame: pd.DataFrame, facts: Facts, horizon: int
) -> dict[str, Floats]:
    """Values of one outcome, higher is better, by the column or fact they come from."""
    values: dict[str, Floats] = {}
    if name == "retention" and any(c in CHURN for c in columns):
        # survivors of the horizon tie, so that old customers are not best for being old
        stayed = np.minimum(np.nan_to_num(facts.days) / horizon, 1.0) if horizon else np.zeros(len(frame))
        kept = np.where(facts.churned, stayed, 1.0)
        values["churn"] = np.where(facts.churn_known, kept, np.nan)
    for column in columns:
        if column in (*CHURN, *TIMING):
            continue
        value = _numbers(frame, column)
        if column == "renewals" and not np.isnan(facts.days).all():
            years = np.floor(facts.days / _DAYS_PER_YEAR)
            value = value / np.maximum(1.0, np.where(np.isnan(years), np.nanmedian(years), years))
        values[column] = -value if column in _LOWER_IS_BETTER else value
    if "churn" in values and len(values) == 1:
        values["churned"] = np.where(facts.churn_known, np.where(facts.churned, 0.0, 1.0), np.nan)
    return values


def binary_source(values: Mapping[str, Mapping[str, Floats]]) -> Floats | None:
    """Return the one two-valued outcome (1 good, 0 bad), or None where there is more to judge by."""
    if len(values) != 1:
        return None
    sources = dict(next(iter(values.values())))
    if "churned" in sources:
        sources.pop("churn")
    if len(sources) != 1:
        return None
    value = next(iter(sources.values()))
    distinct = np.unique(value[~np.isnan(value)])
    if len(distinct) != 2:
        return None
    return np.where(np.isnan(value), np.nan, value == distinct[1])


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _day_numbers(frame: pd.DataFrame, column: str) -> Floats:
    """Days since 1970-01-01; NaN where missing."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    days = pd.to_datetime(frame[column]).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))
