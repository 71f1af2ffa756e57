"""What the labels were made from, kept beside them so that they can be audited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from icp_ml.outcomes.measures import MONEY, RATIOS, columns_of, concentration
from icp_ml.outcomes.observed import CHURN, TIMING, Facts, Floats, numbers


@dataclass(frozen=True, eq=False)
class LabelEvidence:
    """Everything `judge` saw, and the values in their original units.

    Attributes
    ----------
    table, weights : Floats
        Percentiles, shape (n, components), and the weights they were judged with, shape (components,).
    facts : Facts
        Who is a customer, churned, mature.
    measured : pd.DataFrame
        Columns the components were read from, and ratios, as they are in the table.
    ids : ndarray of str
        Account ids, or row numbers where there are none.
    top_five : mapping of str to float
        For each money column of the table, the share of its total that the five largest accounts carry.
    """

    table: Floats
    weights: Floats
    facts: Facts
    best_share: float
    horizon: int
    measured: pd.DataFrame
    ids: NDArray[np.object_]
    top_five: Mapping[str, float]


def gather(
    frame: pd.DataFrame,
    table: Floats,
    weights: Floats,
    facts: Facts,
    columns: Mapping[str, tuple[str, ...]],
    best_share: float,
    horizon: int,
) -> LabelEvidence:
    """Keep what an audit needs."""
    measured: dict[str, Floats] = {}
    for name, read_from in columns.items():
        values = [c for c in read_from if c not in (*CHURN, *TIMING)]
        measured |= {c: numbers(frame, c) for c in values}
        if name in RATIOS:
            above, below = (next(c for c in read_from if c in group) for group in columns_of(name))
            bottom = measured[below]
            measured[name] = np.divide(measured[above], bottom, out=np.full(len(bottom), np.nan), where=bottom > 0)
    ids = frame["account_id"].astype("object").to_numpy() if "account_id" in frame.columns else np.arange(len(frame))
    money = {c: concentration(numbers(frame, c), facts) for c in MONEY if c in frame.columns}
    return LabelEvidence(
        table, weights, facts, best_share, horizon, pd.DataFrame(measured, index=frame.index),
        np.array([str(i) for i in ids], dtype=object), {c: share for c, share in money.items() if np.isfinite(share)},
    )  # fmt: skip
