"""What the outcome columns say of each customer: churned or not, and observed for how long, in which window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.exceptions import InputError
from icp_ml.outcomes.population import Population
from icp_ml.outcomes.survival import Ints, cohorts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHURN = ("churned", "retained", "churn_date", "customer_status")
TIMING = ("customer_since", "churn_date", "tenure_days")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Window:
    """From when, for how long and until when outcomes are observed, and what a late churn counts as."""

    as_of: date | None
    horizon: int
    observed_from: date | Literal["sign_up"] = "sign_up"
    late_churn: Literal["worst", "judged"] = "worst"


@dataclass(frozen=True, eq=False)
class Facts:
    """Who is a customer, who churned, and who has been observed long enough; arrays of shape (n,).

    Attributes
    ----------
    customer : Bools
        Rows to judge: no lost or open deals, no prospects, none that left before the window.
    churned, churn_known : Bools
        Left by the as-of date; whether that is known at all.
    gone : Bools
        Churned customers that are worst for it: all, or those that left within the horizon.
    mature : Bools
        Observed for at least the horizon.
    days, age : Floats
        Days as a customer in the window; days from its start to the as-of date. NaN where not known.
    cohort : Ints
        Sign-up cohort among mature customers, oldest first; -1 for others.
    before_window : Bools
        Customers that left before the window begins, or may have.
    lost : Bools
        Deals lost long enough ago that a customer won then would be mature.
    """

    customer: Bools
    churned: Bools
    churn_known: Bools
    gone: Bools
    mature: Bools
    days: Floats
    age: Floats
    cohort: Ints
    before_window: Bools
    dated: bool
    as_of: date | None
    lost: Bools

    @classmethod
    def read(cls, frame: pd.DataFrame, people: Population, window: Window, notes: list[str]) -> Facts:
        """Read the facts from the outcome columns; what was odd is added to `notes`."""
        horizon = window.horizon
        since, left, tenure = day_numbers(frame, "customer_since"), day_numbers(frame, "churn_date"), _tenure(frame)
        since = np.where(np.isnan(since) & people.won, day_numbers(frame, "deal_closed_date"), since)
        as_of = _as_of(window.as_of, (since, left), people.customer, notes)
        today = float((as_of - _EPOCH).days) if as_of else np.nan
        churned, known, by_date = _churn(frame, people, left, today, notes)
        left = np.where(np.isnan(left) & churned, since + tenure, left)
        start, before = _start(since, left, churned, window, notes)
        before &= people.customer
        age = today - start
        mature = np.where(~np.isnan(age), age >= horizon, churned | np.isnan(tenure) | (tenure >= horizon))
        mature &= ~(age < 0) & people.customer & ~before
        future, undated = int(((age < 0) & people.customer).sum()), _count(np.isnan(age) & np.isnan(tenure), people)
        if future:
            notes.append(f"{future:,} customers have a customer_since after the as-of date {as_of}: left out.")
        dated = undated < int(people.customer.sum())
        if dated and undated:
            notes.append(f"{undated:,} customers have no start date and no tenure: judged as if observed long enough.")
        stayed = np.where(np.isnan(tenure) | (window.observed_from != "sign_up"), age, tenure)
        gone_after = np.where(by_date | ~np.isnan(left - start), left - start, tenure)
        days = np.where(churned, gone_after, stayed)
        odd = _count((days < 0) & ~before, people)
        if odd:
            notes.append(f"{odd:,} customers churned before they became customers: counted as day 0.")
        days = np.maximum(days, 0.0)
        late = churned & (days >= horizon) if horizon else np.zeros(len(frame), dtype=bool)
        gone = churned & ~late if window.late_churn == "judged" else churned
        if window.late_churn == "judged" and (late & mature).any():
            notes.append(
                f"{int((late & mature).sum()):,} customers left after {horizon:,} days: judged by "
                "their outcomes, never best."
            )
        return cls(
            people.customer & ~before, churned, known | churned, gone, mature, days, age, cohorts(age, mature), before,
            dated, as_of, people.lost & ~(today - day_numbers(frame, "deal_closed_date") < horizon),
        )  # fmt: skip


def _as_of(as_of: date | None, columns: tuple[Floats, ...], customer: Bools, notes: list[str]) -> date | None:
    newest = [days[customer & ~np.isnan(days)].max() for days in columns if (customer & ~np.isnan(days)).any()]
    if as_of is None and newest:
        as_of = _EPOCH + timedelta(days=int(newest[0]))
        notes.append(f"No as-of date was given: outcomes are judged as of the newest date, {as_of.isoformat()}.")
    return as_of


def _churn(
    frame: pd.DataFrame, people: Population, left: Floats, today: float, notes: list[str]
) -> tuple[Bools, Bools, Bools]:
    """Return who churned, of whom that is known, and who by a date."""
    flag, retained = numbers(frame, "churned"), numbers(frame, "retained")
    by_date = left <= today
    churned = (flag == 1) | (retained == 0) | by_date | people.left
    known = ~np.isnan(flag) | ~np.isnan(retained) | ~np.isnan(left) | people.left | people.stays
    if not {"churned", "retained", "customer_status"} & set(frame.columns) and "churn_date" in frame.columns:
        known = np.ones(len(frame), dtype=bool)
    staying = (flag == 0) | (retained == 1) | people.stays
    for which, why in ((by_date, "have a past churn date"), (churned & ~by_date, "another column says they left")):
        at_odds = _count(which & staying, people)
        if at_odds:
            notes.append(f"{at_odds:,} customers are marked as staying but {why}: judged as churned.")
    return churned, known, by_date


def _start(
    since: Floats, left: Floats, churned: Bools, window: Window, notes: list[str]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the day observation begins, and who left before the window (or may have: it is not known when)."""
    if not isinstance(window.observed_from, date):
        return since, np.zeros(len(since), dtype=bool)
    day, text = float((window.observed_from - _EPOCH).days), window.observed_from.isoformat()
    if np.isnan(since).all():
        msg = (
            f"outcomes.observed_from = {text} needs the day each customer signed: map a column to "
            "customer_since, or set "
            "outcomes.observed_from: sign_up"
        )
        raise InputError(msg)
    before = churned & (left < day)
    unknown = churned & np.isnan(left) & ~(since >= day)
    if before.any():
        notes.append(
            f"{int(before.sum()):,} customers left before {text}, the day the fields speak of: left "
            "out, as their outcome was "
            "measured before it."
        )
    if unknown.any():
        notes.append(
            f"{int(unknown.sum()):,} churned customers have no churn date, so may have left before {text}: left out."
        )
    notes.append(
        f"Outcomes are observed from {text} on, or from sign-up where that is later. NPS, rates and "
        "amounts carry no date: "
        f"that they were measured after {text} cannot be checked."
    )
    return np.where(np.isnan(since), np.nan, np.maximum(since, day)), before | unknown


def numbers(frame: pd.DataFrame, column: str) -> Floats:
    """Values of a column, shape (n,); NaN where missing, or where there is no such column."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def day_numbers(frame: pd.DataFrame, column: str) -> Floats:
    """Days since 1970-01-01, shape (n,); NaN where missing."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    days = pd.to_datetime(frame[column]).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))


def _tenure(frame: pd.DataFrame) -> Floats:
    return numbers(frame, "tenure_days")


def _count(which: Bools, people: Population) -> int:
    return int((which & people.customer).sum())
