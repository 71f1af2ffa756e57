"""Fields that shape outcomes but exist for customers only: fitted with the others, then held at their average.

"Enterprise stays because it is looked after" is no fit: the success manager's tier keeps them, and an account on a
list has none. Fitted together, the tier takes its part of the credit away from size; its tables are then left out.
They are centred, so the average customer keeps its log-odds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from icp_ml.estimator.calibration import MIN_ROWS, MIN_SLOPE, PRIOR_PRECISION, Calibration, fit_calibration
from icp_ml.estimator.encoding import Encoding, FloatArray, Term
from icp_ml.estimator.labels import codes_words
from icp_ml.estimator.rows import IntArray, TrainingRows, not_drawn
from icp_ml.estimator.scorecard import ScoringTables

DEALT = 100  # values of the adjusted part that chances are averaged over


@dataclass(frozen=True)
class AdjustedField:
    """What one field that is adjusted for does to the log-odds.

    Attributes
    ----------
    field, label : str
    low, high : float
        Least and most it adds for a customer, log-odds; of a token set the token with the widest range.
    low_words, high_words : str
        The values that do so.
    """

    field: str
    label: str
    low: float
    high: float
    low_words: str
    high_words: str


@dataclass(frozen=True)
class Adjustment:
    """What was adjusted for, and how much of the outcomes it explains.

    `share` is what holding the fields at their average costs, of all that the complete fit gains in out-of-bag
    log-loss over saying the same of everybody; NaN where nothing is gained.
    """

    fields: tuple[AdjustedField, ...] = ()
    share: float = math.nan

    @property
    def sentence(self) -> str:
        """What a reader should know; empty where nothing was adjusted for."""
        if not self.fields:
            return ""
        named = "; ".join(f"{f.label} ({f.low:+.2f} for {f.low_words} to {f.high:+.2f} for {f.high_words}, log-odds)"
                          for f in self.fields)  # fmt: skip
        share = "less than 1%" if self.share < 0.01 else f"{self.share:.0%}"
        told = (
            f"It is {share} of what the complete fit says of who is best"
            if math.isfinite(self.share)
            else "With it or without, the fit says nothing of who is best"
        )
        return f"Adjusted for, fitted and then held at average, never scored on: {named}. {told}."

    @property
    def labels(self) -> list[str]:
        """What a reader calls the fields."""
        return [f.label for f in self.fields]

    @property
    def notes(self) -> list[str]:
        """What to say beside figures on held-out customers; nothing where nothing was adjusted for."""
        if not self.fields:
            return []
        judged = (
            "The outcomes these customers are judged by still include it, so ranks among them look worse than fit is."
        )
        return [self.sentence, judged]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        share = self.share if math.isfinite(self.share) else None
        return {"share": share, "fields": [dict(vars(f)) for f in self.fields], "sentence": self.sentence}


def adjusted_part(
    rows: TrainingRows, terms: Sequence[Term], stacks: Sequence[FloatArray], draws: Sequence[IntArray]
) -> FloatArray:
    """Return what the adjusted terms add to each row's log-odds, by the bags that did not draw it, shape (n,).

    Parameters
    ----------
    rows : TrainingRows
    terms : sequence of Term
    stacks : sequence of ndarray of shape (bags, codes)
        Per term, every bag's centred table.
    draws : sequence of ndarray of shape (training rows,)
        How often each bag drew each row that trains. A row that all drew has the mean of all.
    """
    total, count, every = np.zeros(len(rows.y)), np.zeros(len(rows.y)), np.zeros(len(rows.y))
    adjusted = [j for j, term in enumerate(terms) if term.adjusted]
    for b, drawn in enumerate(draws if adjusted else ()):
        part = np.zeros(len(rows.y))
        for j in adjusted:
            part += stacks[j][b][rows.codes[:, j]]
        unseen = not_drawn(rows, drawn)
        total += np.where(unseen, part, 0.0)
        count += unseen
        every += part
    return np.where(count > 0, total / np.maximum(count, 1.0), every / max(len(draws), 1))


def calibrate_held(held: FloatArray, adjusted: FloatArray, y: FloatArray, weight: FloatArray) -> Calibration:
    """Calibrate log-odds whose adjusted part is held at average.

    Against the outcomes themselves a slope would give back what was taken away: where the adjusted fields favour one
    sort of account, so do the outcomes. So the target is what each account's chance would be, were the adjusted
    fields dealt among all customers by chance (the g-formula: both parts are calibrated together, and the chance is
    averaged over the customers' adjusted parts). Where the two parts have nothing to do with each other, this is the
    plain calibration.

    Parameters
    ----------
    held, adjusted : ndarray of shape (n,)
        Log-odds by fits that did not see the row: without the adjusted terms, and of those alone.
    y : ndarray of shape (n,)
        1 for best customers, 0 for all others.
    weight : ndarray of shape (n,)
    """
    used = weight > 0
    if not np.ptp(adjusted[used]) > 0 or used.sum() < MIN_ROWS or len(np.unique(y[used])) < 2:
        return fit_calibration(held, y, weight)
    slope, part, intercept = _two_slopes(held[used], adjusted[used], y[used], weight[used])
    dealt = np.quantile(adjusted[used], (np.arange(DEALT) + 0.5) / DEALT)
    chance = np.array([expit(slope * held + part * value + intercept) for value in dealt]).mean(axis=0)
    return fit_calibration(held, chance, weight)


def _two_slopes(held: FloatArray, adjusted: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[float, ...]:
    """Return the slopes of both parts and the intercept, with the prior that `fit_calibration` has on its slope."""
    X = np.column_stack([held, adjusted, np.ones(len(y))])
    ridge = np.array([PRIOR_PRECISION, PRIOR_PRECISION, 1e-9]) * weight.mean()
    wanted = np.array([1.0, 1.0, 0.0])

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        z = X @ at
        value = float(weight @ (np.logaddexp(0.0, z) - y * z) + 0.5 * ridge @ (at - wanted) ** 2)
        return value, X.T @ (weight * (expit(z) - y)) + ridge * (at - wanted)

    found = minimize(loss, wanted, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 200}).x
    return max(float(found[0]), MIN_SLOPE), float(found[1]), float(found[2])


def without_adjusted(tables: ScoringTables) -> ScoringTables:
    """Leave out the terms that are adjusted for, and how freely each field was fitted."""
    kept = [j for j, term in enumerate(tables.terms) if not term.adjusted]
    fields = tuple(replace(enc, freedom=1.0) for enc in tables.encoding.fields if not enc.adjusted)
    return replace(
        tables,
        encoding=Encoding(fields),
        values=tuple(tables.values[j] for j in kept),
        variances=tuple(tables.variances[j] for j in kept),
        customers=tuple(tables.customers[j] for j in kept),
        best=tuple(tables.best[j] for j in kept),
    )


def describe_adjustment(
    tables: ScoringTables, rows: TrainingRows, complete: FloatArray, held: FloatArray
) -> Adjustment:
    """Say what the adjusted terms do.

    Parameters
    ----------
    tables : ScoringTables
        With the adjusted terms, before calibration.
    rows : TrainingRows
    complete, held : ndarray of shape (n,)
        Out-of-bag log-odds with the adjusted terms, and with them held at their average.
    """
    found: dict[str, AdjustedField] = {}
    if not any(term.adjusted for term in tables.terms):
        return Adjustment()
    tables = tables.scaled(fit_calibration(complete, rows.y, rows.weight).slope, 0.0)
    for term, value, customers in zip(tables.terms, tables.values, tables.customers, strict=True):
        shown = np.flatnonzero(customers)
        if not term.adjusted or not len(shown):
            continue
        least, most = shown[np.argmin(value[shown])], shown[np.argmax(value[shown])]
        field = AdjustedField(term.field, term.encoding.label, float(value[least]), float(value[most]),
                              codes_words(term, [int(least)]), codes_words(term, [int(most)]))  # fmt: skip
        known = found.get(term.field)
        if known is None or field.high - field.low > known.high - known.low:
            found[term.field] = field
    if not found:
        return Adjustment()
    flat, without, whole = (_loss(raw, rows) for raw in (np.zeros(len(rows.y)), held, complete))
    share = float(np.clip((without - whole) / (flat - whole), 0.0, 1.0)) if flat - whole > 1e-9 else math.nan
    return Adjustment(tuple(found.values()), share)


def _loss(raw: FloatArray, rows: TrainingRows) -> float:
    fitted = fit_calibration(raw, rows.y, rows.weight)
    z = fitted.slope * raw + fitted.intercept
    return float(np.average(np.logaddexp(0.0, z) - rows.y * z, weights=rows.weight))
