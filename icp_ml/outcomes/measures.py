"""Values of each outcome, higher is better: scales checked, revenue capped, ratios made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from icp_ml.outcomes.labels import read
from icp_ml.outcomes.observed import CHURN, TIMING, Facts, Floats, numbers
from icp_ml.outcomes.survival import expected_percentile
from icp_ml.schema import BY_NAME, Ratio

RATIOS: tuple[str, ...] = get_args(Ratio)
COLUMNS: Mapping[str, tuple[str, ...]] = {
    outcome: tuple(f.name for f in BY_NAME.values() if f.outcome == outcome)
    for outcome in dict.fromkeys(f.outcome for f in BY_NAME.values() if f.outcome and f.outcome != "deal")
}
MEASURES: tuple[str, ...] = (*COLUMNS, *RATIOS)
REVENUE = ("business_value", "lifetime_value")
MONEY = ("annual_revenue_from_customer_usd", "lifetime_value_usd", "expansion_usd")
LOWER_IS_BETTER = frozenset({"acquisition_cost_usd", "cost_to_serve_usd", "support_tickets"})
# What adds up, or becomes likelier, the longer one is a customer: compared within a sign-up cohort.
GROWS_WITH_AGE = frozenset(
    {"expansion_usd", "upgrades", "lifetime_value_usd", "support_tickets", "testimonial", "feedback_given"}
)
_DAYS_PER_YEAR = 365.25
_FEW = 0.05  # share of values off the scale that is taken for slips


@dataclass(frozen=True, eq=False)
class Source:
    """One column or fact an outcome is read from.

    Attributes
    ----------
    values : Floats
        Higher is better; NaN where not known.
    by_cohort : bool
        Compared among customers that signed up about when this one did.
    percentile : Floats or None
        Where the values are percentiles already.
    """

    values: Floats
    by_cohort: bool = False
    percentile: Floats | None = None


def columns_of(measure: str) -> tuple[tuple[str, ...], ...]:
    """Return the columns a measure may be read from; a ratio needs one of each group."""
    if measure in RATIOS:
        above, below = measure.split("_per_")
        return COLUMNS[above], COLUMNS[below]
    return (COLUMNS[measure],)


def needs(measure: str) -> str:
    """Return what a measure needs, with headers it often goes by.

    Examples
    --------
    >>> needs("testimonial")
    "testimonial (such as 'Testimonial', 'Case Study')"
    """
    groups = []
    for columns in columns_of(measure):
        spelled = [f"{c} (such as {', '.join(repr(a) for a in BY_NAME[c].aliases[:2])})" for c in columns[:3]]
        groups.append(" or ".join(spelled))
    return " and ".join(groups)


def sources_of(
    measure: str,
    columns: tuple[str, ...],
    frame: pd.DataFrame,
    facts: Facts,
    horizon: int,
    cap: float,
    notes: list[str],
) -> dict[str, Source]:
    """Return one outcome's sources by the column or fact they come from; "churned" is churn as plain yes and no."""
    if measure in RATIOS:
        return {measure: Source(_ratio(measure, columns, frame, facts, cap, notes), by_cohort="lifetime" in measure)}
    sources: dict[str, Source] = {}
    if measure == "retention" and any(c in CHURN for c in columns):
        sources["churn"] = _retention(facts, horizon)
    for column in columns:
        if column in (*CHURN, *TIMING):
            continue
        value = numbers(frame, column)
        if column == "renewals" and not np.isnan(facts.days).all():
            years = np.floor(facts.days / _DAYS_PER_YEAR)
            value = value / np.maximum(1.0, np.where(np.isnan(years), np.nanmedian(years), years))
        elif column in ("nps", "csat"):
            value = _on_scale(column, value, facts, notes)
        elif column in MONEY:
            value = capped(value, facts, cap)
        sign = -1.0 if column in LOWER_IS_BETTER else 1.0
        sources[column] = Source(sign * value, by_cohort=column in GROWS_WITH_AGE)
    if "churn" in sources and len(sources) == 1:
        sources["churned"] = Source(np.where(facts.churn_known, np.where(facts.gone, 0.0, 1.0), np.nan))
    return sources


def _retention(facts: Facts, horizon: int) -> Source:
    """Rank stays within cohorts, cut at the horizon; who is still there and of unknown age is censored."""
    stay = np.full(len(facts.days), np.nan)
    informs = facts.churn_known & (facts.mature | (facts.customer & np.isnan(facts.age)))
    cohort = np.where(informs & ~facts.mature, facts.cohort.max(initial=0), facts.cohort)
    for number in np.unique(cohort[informs]):
        rows = informs & (cohort == number)
        stay[rows] = expected_percentile(facts.days[rows], facts.churned[rows], horizon)
    stay = np.where(facts.mature, np.round(stay, 12), np.nan)
    return Source(stay, percentile=stay)


def _ratio(
    measure: str, columns: tuple[str, ...], frame: pd.DataFrame, facts: Facts, cap: float, notes: list[str]
) -> Floats:
    above, below = (next(c for c in columns if c in group) for group in columns_of(measure))
    top, bottom = capped(numbers(frame, above), facts, cap), numbers(frame, below)
    nothing = facts.mature & (bottom <= 0)
    if nothing.any():
        notes.append(
            f"For {int(nothing.sum()):,} customers the {read(below)} is zero or less: their {read(measure)} is not "
            "known."
        )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where(bottom > 0, top / bottom, np.nan)
    return np.where(np.isfinite(value), value, np.nan)


def capped(value: Floats, facts: Facts, cap: float) -> Floats:
    """Cut values at the cap's percentile among mature customers."""
    known = value[facts.mature & ~np.isnan(value)]
    if cap >= 1 or len(known) == 0:
        return value
    return np.minimum(value, np.quantile(known, cap, method="inverted_cdf"))


def _on_scale(column: str, value: Floats, facts: Facts, notes: list[str]) -> Floats:
    """Say which scale the answers are on; leave out the few that are off it."""
    known = facts.mature & ~np.isnan(value)
    if not known.any():
        return value
    usual = {"nps": (0.0, 10.0), "csat": (1.0, 5.0)}[column]
    off = known & ((value < usual[0]) | (value > usual[1]))
    if off.any() and off.sum() <= _FEW * known.sum():
        some = ", ".join(f"{v:g}" for v in np.unique(value[off])[:3])
        notes.append(
            f"{int(off.sum()):,} {read(column)} values ({some}) are off the scale of {usual[0]:g} to "
            f"{usual[1]:g} that the "
            "others are on: taken as not known."
        )
        return np.where((value < usual[0]) | (value > usual[1]), np.nan, value)
    low, high = float(value[known].min()), float(value[known].max())
    scale = _scale(column, value[known], low, high)
    if scale:
        notes.append(
            f"{read(column)} runs from {low:g} to {high:g}: {scale}. It is judged by rank, so the scale is no matter."
        )
    return value


def _scale(column: str, value: Floats, low: float, high: float) -> str:
    """Return what an unusual scale looks like, or "" where it is the usual one."""
    if low < 0:
        return "taken for scores of -100 to 100"
    if high > 10:
        return "taken for percentages"
    if high <= 1 and (value != np.round(value)).any():
        return "taken for shares of 1"
    if column == "nps" and low >= 1 and high <= 5 and len(np.unique(value)) > 2:
        return "that looks like a satisfaction score (CSAT) of 1 to 5, not like answers of 0 to 10"
    return ""


def concentration(value: Floats, facts: Facts) -> float:
    """Return the share of a column's total that the five largest mature customers carry; NaN under 10 customers."""
    known = np.sort(value[facts.mature & (value > 0)])
    return float(known[-5:].sum() / known.sum()) if len(known) >= 10 else float("nan")
