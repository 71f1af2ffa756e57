"""Whether a list knows customers of one outcome better than those of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

UNEVEN = 0.10  # difference between two shares that is worth a warning ...
SIGMA = 2.0  # ... if it is more than chance
FIELD_SIGMA = 3.0  # of one field among many


def shares_of(known: npt.NDArray[np.bool_], status: npt.NDArray[Any]) -> dict[str, dict[str, float]]:
    """Return, for each label of `status`, how many customers have it and which share of them is `known`."""
    labels = np.asarray(status).astype(str)
    found = {str(label): known[labels == label] for label in np.unique(labels)}
    return {label: {"customers": len(one), "matched": float(one.mean())} for label, one in found.items()}


def uneven(
    known: npt.NDArray[np.bool_],
    status: npt.NDArray[Any],
    one: str = "best",
    other: str = "worst",
    *,
    sigma: float = SIGMA,
) -> tuple[float, float] | None:
    """Return the two labels' shares where they differ by over 10 points and over `sigma` standard errors."""
    shares = shares_of(known, status)
    if one not in shares or other not in shares:
        return None
    (n, p), (m, q) = ((s["customers"], s["matched"]) for s in (shares[one], shares[other]))
    pooled = (n * p + m * q) / (n + m)
    error = float(np.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / n + 1 / m)))
    return (p, q) if abs(p - q) > UNEVEN and abs(p - q) > sigma * error else None


def survivorship_of(
    known: npt.NDArray[np.bool_], status: npt.NDArray[Any], one: str = "best", other: str = "worst"
) -> str | None:
    """Return a warning where customers of one label were found much more often than those of another."""
    found = uneven(known, status, one, other)
    if found is None:
        return None
    p, q = found
    tail = (
        "the list knows survivors better, so a missing value there says 'gone' rather than anything about fit"
        if p > q
        else "what the list does not know may stand for the outcome rather than for fit"
    )
    return f"matched {100 * p:.0f} % of {one} but {100 * q:.0f} % of {other} customers: {tail}"
