"""What customers of each tier and segment were worth, where the customers carry revenue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.rows import IntArray
from icp_ml.evaluation.metrics import interval, resample_weights
from icp_ml.outcomes.by_itself import OutcomeValues
from icp_ml.tiers import CARRIED, EVERY, LETTERS, ValueEvidence

LEAST = 5  # customers whose mean is told


def judge_value(
    outcomes: Sequence[OutcomeValues],
    tier: IntArray,
    segment: npt.NDArray[Any],
    group: IntArray,
    *,
    resamples: int,
    seed: int,
) -> ValueEvidence | None:
    """Judge what customers of each tier and segment were worth; None where they carry no revenue.

    Parameters
    ----------
    outcomes : sequence of OutcomeValues
        Of n customers.
    tier : ndarray of shape (n,)
        0 for A to 3 for D, by out-of-fold fit scores.
    segment : ndarray of str, shape (n,)
        Each customer's segment, "all" for none.
    group : ndarray of int, shape (n,)
        Accounts of one company, drawn together for intervals.
    """
    carried = {outcome.name: outcome for outcome in outcomes if outcome.name in CARRIED and outcome.unit == "$"}
    name = next((name for name in CARRIED if name in carried), None)
    if name is None:
        return None
    value = carried[name].values
    known = np.isfinite(value)
    worth = np.where(known, value, 0.0)
    weights = np.concatenate(list(resample_weights(group, resamples, seed)))
    total = float(worth.sum())
    rows = []
    for own in (EVERY, *sorted(set(segment.tolist()) - {EVERY})):
        for k, letter in [(None, EVERY), *enumerate(LETTERS)]:
            here = known if own == EVERY else known & (segment == own)
            here = here if k is None else here & (tier == k)
            row: dict[str, Any] = {"segment": own, "tier": letter, "customers": int(here.sum())}
            enough = row["customers"] >= LEAST
            mean = interval(_means(weights, worth, here)).to_list() if enough else [None, None, None]
            row |= dict(zip(("value", "value_low", "value_high"), mean, strict=True))
            row["share"] = float(worth[here].sum() / total) if enough and total > 0 else None
            rows.append(row)
    return ValueEvidence(name, tuple(rows))


def _means(
    weights: npt.NDArray[np.float64], worth: npt.NDArray[np.float64], here: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    counts = weights @ here.astype(np.float64)
    out: npt.NDArray[np.float64] = np.full(len(counts), np.nan)
    np.divide(weights @ (worth * here), counts, out=out, where=counts > 0)
    return out
