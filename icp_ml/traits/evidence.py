"""What is known of a found trait: counts, rates, an honest lift, what the model says, and how to word it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, PRESENT, FloatArray, Term

BoolArray = npt.NDArray[np.bool_]
Z95 = 1.959963984540054
WIDER = 0.5
Z90 = 1.2815515655446004  # one-sided
WHO: Mapping[str, str] = {
    "firmographic": "marketing targets, sales qualifies",
    "technographic": "marketing targets, product prioritises the integration",
    "psychographic": "marketing writes, sales listens for it",
    "job_to_be_done": "sales times the call, product prioritises",
}


def who_acts(categories: Sequence[str]) -> str:
    """Return who can act on a trait of these categories."""
    told = [WHO.get(category, "sales qualifies") for category in dict.fromkeys(categories)]
    return "; ".join(dict.fromkeys(told))


def counts(inside: BoolArray, best: BoolArray, worst: BoolArray) -> dict[str, Any]:
    """Return a trait's customers, best ones, supports and rate."""
    n, hits = int(inside.sum()), int(best[inside].sum())
    return {
        "customers": n,
        "best": hits,
        "best_support": float(inside[best].mean()),
        "worst_support": float(inside[worst].mean()),
        "rate": hits / n,
    }


def log_lift_error(hits: float, n: float, all_hits: float, total: float) -> float:
    """Return the standard error of a log lift: of a rate over that of everyone, who include the trait's own."""
    inside = (hits + 0.5) / (n + 1.0)
    rest = max(total - n, 0.0)
    outside = (all_hits - hits + 0.5) / (rest + 1.0)
    by_inside = 1 / (hits + 0.5) - 1 / (all_hits + 0.5)
    variance = by_inside**2 * n * inside * (1 - inside) + rest * outside * (1 - outside) / (all_hits + 0.5) ** 2
    return float(np.sqrt(variance))


def lift_of(inside: BoolArray, best: BoolArray, found: float, held_out: float) -> tuple[float, float, float]:
    """Return a trait's lift with its 95 % interval.

    The interval is that of the counts, widened by half of what the finders saw more than the others: so much may the
    values that are named differ from the right ones.

    Parameters
    ----------
    inside, best : ndarray of shape (n,)
    found, held_out : float
        Mean log lift of what half-samples found, there and in the other halves.
    """
    error = log_lift_error(float(best[inside].sum()), float(inside.sum()), float(best.sum()), float(len(best)))
    error = float(np.hypot(error, WIDER * (found - held_out)))
    low, high = np.exp(held_out - Z95 * error), np.exp(held_out + Z95 * error)
    return float(np.exp(held_out)), float(low), float(high)


def surely(lift: tuple[float, float, float], *, positive: bool) -> bool:
    """Return whether a lift, given with its 95 % interval, is on its side of 1 with nine chances in ten."""
    middle, low, high = np.log(lift)
    error = (high - low) / (2 * Z95)
    return bool((middle if positive else -middle) >= Z90 * error)


def contribution_of(table: FloatArray, codes: npt.NDArray[np.uint16], inside: BoolArray) -> float:
    """Return the mean log-odds the model gives customers inside, above those known to be outside."""
    outside = (codes != MISSING) & ~inside
    if not outside.any() or not inside.any():
        return 0.0
    return float(table[codes[inside]].mean() - table[codes[outside]].mean())


def values_of(term: Term, chosen: Sequence[int]) -> dict[str, Any]:
    """Return a trait's codes as the field's own values."""
    enc = term.encoding
    if enc.kind == "numeric":
        low = None if chosen[0] <= FIRST_BIN else float(enc.edges[chosen[0] - 2])
        high = None if chosen[-1] >= len(enc.edges) else float(enc.edges[chosen[-1] - 1])
        return {"over": low, "up_to": high}
    if enc.kind == "category":
        return {"in": [enc.spellings[c - 3] for c in chosen]}
    if enc.kind == "tokens":
        return {"has": term.spelling}
    return {"is": list(chosen) == [PRESENT]}


def market_share(codes: npt.NDArray[np.uint16], chosen: Sequence[int]) -> float | None:
    """Return the share of accounts with a known value that have it; None where it is known of none."""
    known = codes != MISSING
    return float(np.isin(codes[known], chosen).mean()) if known.any() else None
