"""Outcome values -> percentiles -> composite -> best and worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from icp_ml.exceptions import TrainingRefused
from icp_ml.outcomes.labels import SensitivityRow, read
from icp_ml.outcomes.observed import Bools, Facts, Floats


@dataclass(frozen=True, eq=False)
class Verdict:
    """Composite and grade of each customer, shape (n,), and who is best and worst by them."""

    composite: Floats
    grade: Floats
    best: Bools
    worst: Bools
    best_above: float
    worst_below: float


def percentiles(
    values: Mapping[str, dict[str, Floats]], facts: Facts, horizon: int, notes: list[str]
) -> dict[str, Floats]:
    """Mid-rank percentile of each outcome among mature customers; outcomes that say nothing are dropped."""
    if facts.mature.any() and facts.churned[facts.mature].all():
        msg = (
            f"all {int(facts.mature.sum()):,} mature customers churned: without customers that stayed there is nothing "
            "to learn an ideal customer from; add current customers, or check how 'churned' is mapped in the settings"
        )
        raise TrainingRefused(msg)
    result: dict[str, Floats] = {}
    for name, sources in values.items():
        ranked = [percentile(sources[s], facts.mature) for s in sources if s != "churned"]
        if len(ranked) > 1:
            stack = np.vstack(ranked)
            known = (~np.isnan(stack)).sum(axis=0)
            total = np.where(known > 0, np.nansum(stack, axis=0), np.nan)
            ranked = [percentile(np.round(total / np.maximum(known, 1), 12), facts.mature)]
        seen = np.unique(ranked[0][~np.isnan(ranked[0])])
        if len(seen) > 1:
            result[name] = ranked[0]
        elif facts.mature.any():
            notes.append(f"{read(name).capitalize()} is the same for every mature customer: it judges nobody.")
    if not result:
        names = ", ".join(values)
        if facts.mature.any():
            msg = f"the outcomes ({names}) are the same for every mature customer: add an outcome that varies"
        else:
            msg = (
                f"none of {len(facts.mature):,} customers has been observed for {horizon:,} days as of {facts.as_of}: "
                "set a shorter outcomes.horizon_days, or check as_of and customer_since"
            )
        raise TrainingRefused(msg)
    return result


def percentile(values: Floats, mature: Bools) -> Floats:
    """Mid-rank percentile among mature customers that have a value, shape (n,); NaN for the others."""
    judged = pd.Series(np.where(mature, values, np.nan))
    ranks = np.asarray(judged.rank(method="average"), dtype=np.float64)
    return (ranks - 0.5) / max(1, int(judged.notna().sum()))


def _composite(table: Floats, weights: Floats) -> Floats:
    """Weighted percentiles over the deviation they would have by the correlations, for each pattern of missing ones.

    A customer without NPS is thereby neither more nor less often extreme than one with.
    """
    known = ~np.isnan(table)
    centred = table - 0.5
    ordered = centred[np.lexsort(centred.T)]  # sums in one order, whatever the order of the rows
    covariance = pd.DataFrame(ordered).cov(min_periods=10).fillna(0.0).to_numpy(copy=True)
    spread = np.array([np.nanvar(column) for column in ordered.T])
    np.fill_diagonal(covariance, spread)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    composite = np.full(len(table), np.nan)
    for number, pattern in enumerate(patterns):
        if not pattern.any():
            continue
        rows = which.reshape(-1) == number
        used = np.where(pattern, weights, 0.0)
        # opposed outcomes may cancel out nearly; noise must not be blown up to a verdict
        variance = max(float(used @ covariance @ used), 0.05 * float((used**2) @ spread))
        total = np.zeros(int(rows.sum()))
        for j in np.flatnonzero(pattern):
            total += used[j] * centred[rows, j]
        composite[rows] = total / math.sqrt(variance)
    return np.asarray(np.round(composite, 10), dtype=np.float64)


def judge(table: Floats, weights: Floats, facts: Facts, best_share: float) -> Verdict:
    """Judge by the composite of percentiles, shape (n, components); ties at a boundary go to the middle."""
    composite = _composite(table, weights)
    churned = facts.churned & facts.mature
    judged = churned | ~np.isnan(composite)
    lowest = np.sort(np.where(np.isnan(composite), -np.inf, composite)[judged])
    k = share_of(best_share, len(lowest))
    best_above, worst_below = float(lowest[len(lowest) - 1 - k]), float(lowest[k])
    with np.errstate(invalid="ignore"):
        worst = churned | (composite < worst_below)
        best = ~churned & (composite > best_above) & ~worst
    grade = percentile(np.where(churned, -np.inf, composite), judged)
    return Verdict(composite, np.where(churned, 0.0, grade), best, worst, best_above, worst_below)


def judge_binary(table: Floats, good: Floats, facts: Facts) -> Verdict:
    """Judge by one outcome of two values: good is best, bad is worst, and there is no middle."""
    composite = _composite(table, np.ones(table.shape[1]))
    good = np.where(facts.churned, 0.0, good)
    best, worst = facts.mature & (good == 1), facts.mature & (good == 0)
    return Verdict(composite, np.where(facts.mature, good, np.nan), best, worst, math.nan, math.nan)


def sensitivity(
    names: Sequence[str], table: Floats, weights: Floats, facts: Facts, best_share: float, best: Bools
) -> tuple[SensitivityRow, ...]:
    """Judge again with each weight halved, and half as large again."""
    rows = []
    for j, name in enumerate(names):
        for factor in (0.5, 1.5):
            moved = weights.copy()
            moved[j] *= factor
            stay = judge(table, moved, facts, best_share).best[best]
            rows.append(SensitivityRow(name, factor, float(stay.mean()) if len(stay) else 0.0))
    return tuple(rows)


def share_of(share: float, n: int) -> int:
    """Return how many of `n` customers a share is, rounded down."""
    return math.floor(share * n + 1e-9)
