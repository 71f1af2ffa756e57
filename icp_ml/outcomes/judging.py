"""Outcome values -> percentiles -> composite -> best and worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.exceptions import TrainingRefused
from icp_ml.outcomes.labels import SensitivityRow, capital, read
from icp_ml.outcomes.measures import REVENUE, Source
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
    values: Mapping[str, Mapping[str, Source]], facts: Facts, horizon: int, notes: list[str]
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
        ranked = [_ranked(source, facts) for key, source in sources.items() if key != "churned"]
        if len(ranked) > 1:
            stack = np.vstack(ranked)
            known = (~np.isnan(stack)).sum(axis=0)
            total = np.where(known > 0, np.nansum(stack, axis=0), np.nan)
            ranked = [percentile(np.round(total / np.maximum(known, 1), 12), facts.mature)]
        seen = np.unique(ranked[0][~np.isnan(ranked[0])])
        if len(seen) > 1:
            result[name] = ranked[0]
        elif facts.mature.any():
            notes.append(f"{capital(read(name))} is the same for every mature customer: it judges nobody.")
    if not result:
        _refuse(values, facts, horizon)
    return result


def _ranked(source: Source, facts: Facts) -> Floats:
    """Percentiles of one source, within sign-up cohorts where its values grow with age."""
    if source.percentile is not None:
        return source.percentile
    if not source.by_cohort:
        return percentile(source.values, facts.mature)
    out = np.full(len(source.values), np.nan)
    for number in range(int(facts.cohort.max(initial=-1)) + 1):
        rows = facts.cohort == number
        out[rows] = np.round(percentile(source.values[rows], facts.mature[rows]), 12)
    return out


def _refuse(values: Mapping[str, Any], facts: Facts, horizon: int) -> None:
    names = ", ".join(values)
    if facts.mature.any():
        msg = f"the outcomes ({names}) are the same for every mature customer: add an outcome that varies"
    elif not facts.customer.any():
        msg = (
            f"none of {len(facts.mature):,} rows is a customer to judge by {names}: check deal_stage "
            "and customer_status, "
            "or outcomes.observed_from"
        )
    else:
        msg = (
            f"none of {int(facts.customer.sum()):,} customers has been observed for {horizon:,} days "
            f"as of {facts.as_of}: "
            "set a shorter outcomes.horizon_days, or check as_of and customer_since"
        )
    raise TrainingRefused(msg)


def limited(weights: Mapping[str, float], most: float, notes: list[str]) -> dict[str, float]:
    """Lower the weight of revenue outcomes so that they carry at most a share `most` of all weight."""
    revenue = sum(w for name, w in weights.items() if name in REVENUE)
    others = sum(w for name, w in weights.items() if name not in REVENUE)
    if not revenue or revenue <= most * (revenue + others) * (1 + 1e-9):
        return dict(weights)
    if not others:
        notes.append(
            "Revenue alone decides who is best: the profile will describe who pays most, not who is "
            "ideal. Add retention, "
            "expansion or NPS."
        )
        return dict(weights)
    scale = most / (1 - most) * others / revenue if most < 1 else 1.0
    notes.append(
        f"Revenue was weighted at {revenue / (revenue + others):.0%} of all outcomes and counts for "
        f"{most:.0%}, so that the "
        "largest accounts don't define the ideal customer (outcomes.revenue_weight_at_most)."
    )
    return {name: w * scale if name in REVENUE else w for name, w in weights.items()}


def percentile(values: Floats, mature: Bools) -> Floats:
    """Mid-rank percentile among mature customers that have a value, shape (n,); NaN for the others."""
    judged = pd.Series(np.where(mature, values, np.nan))
    ranks = np.asarray(judged.rank(method="average"), dtype=np.float64)
    return (ranks - 0.5) / max(1, int(judged.notna().sum()))


def contributions(table: Floats, weights: Floats) -> Floats:
    """Return what each component adds to the composite, shape (n, components); NaN where it is not known.

    Weighted percentiles over the deviation they would have by the correlations, for each pattern of missing ones.
    A customer without NPS is thereby neither more nor less often extreme than one with.
    """
    known = ~np.isnan(table)
    centred = table - 0.5
    ordered = centred[np.lexsort(centred.T)]  # sums in one order, whatever the order of the rows
    covariance = pd.DataFrame(ordered).cov(min_periods=10).fillna(0.0).to_numpy(copy=True)
    spread = np.array([np.nanvar(column) for column in ordered.T])
    np.fill_diagonal(covariance, spread)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    scale = np.full(len(table), np.nan)
    for number, pattern in enumerate(patterns):
        if not pattern.any():
            continue
        used = np.where(pattern, weights, 0.0)
        # opposed outcomes may cancel out nearly; noise must not be blown up to a verdict
        variance = max(float(used @ covariance @ used), 0.05 * float((used**2) @ spread))
        scale[which.reshape(-1) == number] = math.sqrt(variance)
    return np.asarray(weights * centred / scale[:, None], dtype=np.float64)


def _composite(table: Floats, weights: Floats) -> Floats:
    """Sum of the contributions; NaN where no component is known."""
    parts = contributions(table, weights)
    total = np.zeros(len(parts))
    for column in parts.T:
        total += np.where(np.isnan(column), 0.0, column)
    return np.asarray(np.where(np.isnan(parts).all(axis=1), np.nan, np.round(total, 10)), dtype=np.float64)


def judge(table: Floats, weights: Floats, facts: Facts, best_share: float, *, leaving_counts: bool = False) -> Verdict:
    """Judge by the composite of percentiles, shape (n, components); ties at a boundary go to the middle.

    Customers that left are worst. Where leaving counts in the composite (retention is an outcome), their grade is its
    percentile, shrunken to below the best: who expanded before leaving says something too. Else it is 0.
    """
    composite = _composite(table, weights)
    gone = facts.gone & facts.mature
    judged = gone | ~np.isnan(composite)
    lowest = np.sort(np.where(np.isnan(composite), -np.inf, composite)[judged])
    k = share_of(best_share, len(lowest))
    best_above, worst_below = float(lowest[len(lowest) - 1 - k]), float(lowest[k])
    with np.errstate(invalid="ignore"):
        worst = gone | (composite < worst_below)
        best = ~facts.churned & (composite > best_above) & ~worst
    nothing = gone & (np.isnan(composite) | (not leaving_counts))
    grade = np.where(nothing, 0.0, percentile(np.where(nothing, -np.inf, composite), judged))
    grade = np.where(gone, (1.0 - best_share) * grade, grade)
    return Verdict(composite, grade, best, worst, best_above, worst_below)


def judge_binary(table: Floats, good: Floats, facts: Facts) -> Verdict:
    """Judge by one outcome of two values: good is best, bad is worst, and there is no middle."""
    composite = _composite(table, np.ones(table.shape[1]))
    good = np.where(facts.gone, 0.0, good)
    best, worst = facts.mature & (good == 1) & ~facts.churned, facts.mature & (good == 0)
    return Verdict(composite, np.where(facts.mature, good, np.nan), best, worst, math.nan, math.nan)


def judge_deals(facts: Facts, won: Bools) -> Verdict:
    """Judge by deals alone: won is best, and a customer that left is worst; lost deals come beside."""
    best, worst = facts.mature & won & ~facts.churned, facts.mature & facts.churned
    grade = np.where(best, 1.0, np.where(worst, 0.0, np.nan))
    return Verdict(np.full(len(won), np.nan), grade, best, worst, math.nan, math.nan)


def binary_source(values: Mapping[str, Mapping[str, Source]], facts: Facts) -> Floats | None:
    """Return the one two-valued outcome (1 good, 0 bad), or None where there is more to judge by."""
    if len(values) != 1:
        return None
    sources = dict(next(iter(values.values())))
    if "churned" in sources:
        sources.pop("churn")
    if len(sources) != 1:
        return None
    value = np.where(facts.customer, next(iter(sources.values())).values, np.nan)
    distinct = np.unique(value[~np.isnan(value)])
    if len(distinct) != 2:
        return None
    return np.where(np.isnan(value), np.nan, value == distinct[1])


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
