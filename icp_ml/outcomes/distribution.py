"""How the composite outcome is spread over best, worst and middle: counts for a chart, without naming a customer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from icp_ml.outcomes.labels import OutcomeLabels

BINS = 32
CLASSES = ("worst", "middle", "best")


def composite_distribution(labels: OutcomeLabels) -> dict[str, Any] | None:
    """Count judged customers by composite and class.

    Returns
    -------
    dict or None
        `edges`, n + 1 of them in standard deviations, and a list of n counts for each of worst, middle and best. None
        for an outcome of two values, and where fewer than two values of the composite are known.
    """
    composite = labels.composite.to_numpy(dtype=np.float64)
    status = labels.status.to_numpy(dtype=object)
    known = np.isfinite(composite) & np.isin(status, CLASSES)
    if labels.binary or len(np.unique(composite[known])) < 2:
        return None
    # the extreme percent is counted in the outer bins: few far values must not squeeze the others together
    low, high = np.quantile(composite[known], [0.005, 0.995])
    if high <= low:
        low, high = composite[known].min(), composite[known].max()
    edges = np.linspace(math.floor(low * 10) / 10, math.ceil(high * 10) / 10, BINS + 1)
    place = np.clip(np.searchsorted(edges, composite, side="right") - 1, 0, BINS - 1)
    counts = {name: np.bincount(place[known & (status == name)], minlength=BINS).tolist() for name in CLASSES}
    return {"edges": [round(float(edge), 4) for edge in edges], **counts}
