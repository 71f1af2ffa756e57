"""How long customers stay: Kaplan-Meier curves, sign-up cohorts, and percentiles that know about censoring."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

MOST_COHORTS = 10
CURVE_DAYS = (90, 180, 365, 730, 1095, 1460, 1825, 2555, 3650)


@dataclass(frozen=True)
class CurvePoint:
    """Share of customers still there after `days`, with a 95 % interval."""

    days: int
    kept: float
    low: float
    high: float
    at_risk: int


@dataclass(frozen=True)
class RetentionCurve:
    """Kaplan-Meier estimate of how long customers stay: those still there count for as long as they were observed."""

    points: tuple[CurvePoint, ...]
    customers: int
    left: int

    def frame(self) -> pd.DataFrame:
        """Return one row per point."""
        return pd.DataFrame([vars(p) for p in self.points], columns=["days", "kept", "low", "high", "at_risk"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"customers": self.customers, "left": self.left, "points": [dict(vars(p)) for p in self.points]}


def expected_percentile(days: Floats, left: Bools, horizon: float) -> Floats:
    """Return where each customer's stay lies among all stays, judged at the horizon; shape (n,), within 0 to 1.

    Parameters
    ----------
    days : ndarray of shape (n,)
        Days observed; NaN counts as 0 for a customer that left on a day not known, else as beyond the horizon.
    left : ndarray of shape (n,)
        Whether the customer had left by then; the others are censored.
    horizon : float
        Stays are cut here, so that who is older is not better; 0: whether it left is all that counts.

    Notes
    -----
    With F the Kaplan-Meier distribution of stays, a customer that left at t has the middle of F's step at t, and one
    last seen at c its conditional expectation given that it stayed longer, (1 + F(c)) / 2. Without censoring before the
    horizon this is the mid-rank percentile.
    """
    from scipy.stats import CensoredData, ecdf

    if len(days) == 0:
        return np.empty(0)
    if horizon <= 0:
        stay, event = np.where(left, 0.0, 1.0), left.copy()
    else:
        filled = np.where(np.isnan(days), np.where(left, 0.0, horizon), days)
        stay, event = np.minimum(filled, horizon), left & (filled < horizon)
    curve = ecdf(CensoredData(uncensored=stay[event], right=stay[~event])).cdf
    reached = np.asarray(curve.evaluate(stay), dtype=np.float64)
    position = np.searchsorted(curve.quantiles, stay)
    before = np.where(position > 0, curve.probabilities[np.maximum(position - 1, 0)], 0.0)
    return np.asarray(np.where(event, (before + reached) / 2, (1 + reached) / 2), dtype=np.float64)


def cohorts(age: Floats, mature: Bools) -> Ints:
    """Group mature customers that signed up about when one another did; oldest first, -1 for those not mature.

    Groups are near-equal in size and grow with the square root of the customers (2 at 50, 4 at 200, 8 at 1,000, at most
    10); one sign-up day is never split. A customer whose age is not known is in the group after the last.
    """
    out = np.full(len(age), -1, dtype=np.int64)
    known = np.flatnonzero(mature & ~np.isnan(age))
    groups = max(1, min(MOST_COHORTS, int(math.sqrt(len(known)) / 4 + 0.5)))
    if len(known):
        ordered = np.sort(-age[known])
        first = np.searchsorted(ordered, -age[known])  # how many signed up before: one number per day
        out[known] = first * groups // len(known)
        out[known] = np.unique(out[known], return_inverse=True)[1]
    undated = mature & np.isnan(age)
    out[undated] = out.max(initial=-1) + 1
    return out


def retention_curve(days: Floats, left: Bools) -> RetentionCurve | None:
    """Return how many stay how long; None where for over a fifth of those that left it is not known when."""
    from scipy.stats import CensoredData, ecdf

    known = ~np.isnan(days)
    if not known.any() or not left.any() or (known & left).sum() < 0.8 * left.sum():
        return None
    days, left = days[known], left[known]
    curve = ecdf(CensoredData(uncensored=days[left], right=days[~left])).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined where nobody has left yet: replaced below
        interval: Any = curve.confidence_interval(method="log-log")
    at = np.array(CURVE_DAYS, dtype=np.float64)
    kept, low, high = (np.asarray(c.evaluate(at)) for c in (curve, interval.low, interval.high))
    points = []
    for i, day in enumerate(CURVE_DAYS):
        at_risk = int((days >= day).sum())
        if at_risk < 10:
            break
        share = float(kept[i])
        points.append(CurvePoint(day, share, _or(float(low[i]), share), _or(float(high[i]), share), at_risk))
    return RetentionCurve(tuple(points), len(days), int(left.sum())) if points else None


def _or(value: float, instead: float) -> float:
    return value if math.isfinite(value) else instead
