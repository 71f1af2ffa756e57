"""Paired differences between models, from cells: per table over splits, and over tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from figures import DRAWS, mean_interval
from scipy.stats import t as student

OURS = "icp"
HIGHER_IS_BETTER = {"auc": True, "lift_10": True, "log_loss": False}


@dataclass(frozen=True)
class Difference:
    """The model minus a peer on one table at one size, over the splits that both have.

    `shared` allows for splits that share test rows (Nadeau and Bengio 2003: the variance of the mean grows by the
    odds of a row being in the test part), which makes it wide; `plain` takes splits as independent, which makes it
    narrow. The truth lies between.
    """

    table: str
    size: int
    peer: str
    splits: int
    mean: float
    plain: tuple[float, float, float]
    shared: tuple[float, float, float]


def pivot(cells: pd.DataFrame, metric: str, size: int) -> pd.DataFrame:
    """Return one row per table and split, one column per model; NaN where a cell is missing."""
    part = cells[cells["size"] == size]
    return part.pivot_table(index=["table", "split"], columns="model", values=metric)


def differences(
    cells: pd.DataFrame, metric: str, size: int, rows: Mapping[str, int], most_test: int
) -> list[Difference]:
    """Return the model minus each peer on each table, paired by split."""
    wide = pivot(cells, metric, size)
    out: list[Difference] = []
    if OURS not in wide:
        return out
    for peer in wide.columns.drop(OURS):
        paired = (wide[OURS] - wide[peer]).dropna()
        for table, values in paired.groupby(level="table"):
            x = values.to_numpy()
            test_share = min(most_test, rows[table] - size) / rows[table]
            out.append(Difference(table, size, peer, len(x), float(x.mean()), mean_interval(x), _shared(x, test_share)))
    return out


def _shared(x: np.ndarray, test_share: float) -> tuple[float, float, float]:
    mean, k = float(x.mean()), len(x)
    if k < 2:
        return mean, float("nan"), float("nan")
    error = np.sqrt((1 / k + test_share / (1 - test_share)) * x.var(ddof=1))
    half = float(student.ppf(0.975, k - 1) * error)
    return mean, mean - half, mean + half


def over_tables(cells: pd.DataFrame, metric: str, size: int, peer: str) -> tuple[tuple[float, float, float], int, int]:
    """Return the mean over tables of the mean paired difference, its interval, and on how many tables and cells.

    The interval is a bootstrap: tables are drawn with replacement, and of each drawn table its splits.
    """
    wide = pivot(cells, metric, size)
    nothing = (float("nan"),) * 3
    if OURS not in wide or peer not in wide:
        return nothing, 0, 0
    paired = (wide[OURS] - wide[peer]).dropna()
    by_table = [v.to_numpy() for _, v in paired.groupby(level="table")]
    if not by_table:
        return nothing, 0, 0
    drawn = _redrawn(by_table)
    mean = float(np.mean([v.mean() for v in by_table]))
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    return (mean, low, high), len(by_table), len(paired)


def _redrawn(by_table: list[np.ndarray]) -> np.ndarray:
    """Return the mean over tables of many redraws: tables anew, and for each drawn table its splits anew."""
    rng = np.random.default_rng(0)
    counts = np.array([len(v) for v in by_table])
    padded = np.array([np.pad(v, (0, counts.max() - len(v))) for v in by_table])
    table = rng.integers(0, len(by_table), (DRAWS, len(by_table)))
    count = counts[table][..., None]
    split = (rng.random((*table.shape, counts.max())) * count).astype(int)
    used = np.arange(counts.max()) < count
    values = padded[table[..., None], split]
    return np.asarray(((values * used).sum(axis=2) / counts[table]).mean(axis=1))


def best_peers(found: list[Difference], least_splits: int) -> dict[tuple[str, int], Difference]:
    """Return, per table and size, the peer the model does worst against among those with enough common splits.

    Peers have different splits, so each is placed by its paired difference to the model, not by its own mean.
    """
    best: dict[tuple[str, int], Difference] = {}
    for d in found:
        key = (d.table, d.size)
        if d.splits >= least_splits and (key not in best or d.mean < best[key].mean):
            best[key] = d
    return best
