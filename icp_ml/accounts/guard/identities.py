"""Sums and products among the columns of a table: a bill and its items, a rate and the total it ran up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Floats, Ints

_MIN_ROWS = 100
_EXACT = 1e-6  # share of a sum's variance that rounding may leave unexplained
_MIN_PARTS = 3  # two columns that add up to a third may be honest (a start and an end)
_PRODUCT_SHARE = 0.05  # of the factor's own spread, on a log scale
_NEGLIGIBLE = 1e-4  # spread of a part, beside the total's
_MIN_SPREAD = 0.3  # standard deviation of the logarithm
_LOOKED_AT = 100


def parts_of_sum(columns: Sequence[Floats], total: int) -> list[int]:
    """Return which columns, each added or taken off once, give the column `total`; at least three, or none.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n,)
        Numbers, NaN where missing.
    """
    target = columns[total]
    others = [j for j in range(len(columns)) if j != total and _usable(columns[j], target)]
    if len(others) < _MIN_PARTS:
        return []
    table = np.column_stack([columns[j] for j in others])
    rows = ~np.isnan(table).any(axis=1) & ~np.isnan(target)
    if rows.sum() < max(_MIN_ROWS, 3 * len(others)) or np.ptp(target[rows]) == 0:
        return []
    x, y = table[rows] - table[rows].mean(axis=0), target[rows] - target[rows].mean()
    parts, signs = _weights_of_one(x, y)
    left = y - x[:, parts] @ signs
    if len(parts) < _MIN_PARTS or float(np.var(left)) > _EXACT * float(np.var(y)):
        return []
    return [others[int(j)] for j in parts]


def _weights_of_one(x: Floats, y: Floats) -> tuple[Ints, Floats]:
    """Return which columns have the weight 1 or -1 in a least-squares fit, and the sign of each."""
    scale = x.std(axis=0)
    kept = np.flatnonzero(scale > _NEGLIGIBLE * y.std())
    few = np.linspace(0, len(y) - 1, min(len(y), 10 * x.shape[1] + _MIN_ROWS)).astype(np.int64)
    fit, *_ = np.linalg.lstsq(x[np.ix_(few, kept)] / scale[kept], y[few], rcond=1e-10)
    weight = fit / scale[kept]
    near = np.abs(np.abs(weight) - 1) < 0.02
    return kept[near], np.sign(weight[near])


def _usable(column: Floats, target: Floats) -> bool:
    both = ~np.isnan(column) & ~np.isnan(target)
    return bool(both.sum() >= 0.9 * (~np.isnan(target)).sum())


def products(columns: Sequence[Floats], given: int, wanted: Bools) -> list[tuple[int, int]]:
    """Return pairs (factor, total) of other columns where factor times the column `given` is the total.

    Parameters
    ----------
    wanted : ndarray of bool, shape (columns,)
        Only pairs with at least one of these are looked for.
    """
    logs = _logs(columns)
    own = logs[:, given]
    if (~np.isnan(own)).sum() < _MIN_ROWS or not _spreads(own):
        return []
    usable = np.array([j for j in range(len(columns)) if j != given and _overlap(logs[:, j], own)], dtype=np.int64)
    if len(usable) < 2:
        return []
    some = np.linspace(0, len(own) - 1, min(len(own), _LOOKED_AT)).astype(np.int64)
    few = logs[np.ix_(some, usable)]
    left = few[:, None, :] - few[:, :, None] - own[some][:, None, None]  # rows, factor, total
    known = ~np.isnan(left)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, left, 0.0).sum(axis=0) / n
    spread = np.sqrt((np.where(known, left - mean, 0.0) ** 2).sum(axis=0) / n)
    likely = (spread < np.nanstd(own[some])) & (known.sum(axis=0) >= 20)
    pairs = ((int(usable[f]), int(usable[t])) for f, t in np.argwhere(likely) if f != t)
    return [(f, t) for f, t in pairs if (wanted[f] or wanted[t]) and _fits(own, logs[:, f], logs[:, t])]


def _logs(columns: Sequence[Floats]) -> Floats:
    table = np.column_stack(columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(table > 0, np.log(np.where(table > 0, table, 1.0)), np.nan)


def _spreads(log: Floats) -> bool:
    """Whether a column varies enough to be a factor: most rows differ, by a third and more."""
    known = log[~np.isnan(log)]
    _, counts = np.unique(known, return_counts=True)
    return bool(float(known.std()) >= _MIN_SPREAD and len(counts) >= 10 and counts.max() <= 0.3 * len(known))


def _overlap(log: Floats, own: Floats) -> bool:
    both: Bools = ~np.isnan(log) & ~np.isnan(own)
    return bool(both.sum() >= max(_MIN_ROWS, 0.5 * (~np.isnan(own)).sum()) and _spreads(log[both]))


def _fits(own: Floats, factor: Floats, total: Floats) -> bool:
    """Whether log total = log own + log factor, with far less left over than either of the factors spreads."""
    known = ~np.isnan(own) & ~np.isnan(factor) & ~np.isnan(total)
    if known.sum() < _MIN_ROWS:
        return False
    left = total[known] - own[known] - factor[known]
    left = np.abs(left - np.median(left))
    spread = min(float(own[known].std()), float(factor[known].std()))
    return bool(np.median(left) <= _PRODUCT_SHARE * spread and np.quantile(left, 0.9) <= 5 * _PRODUCT_SHARE * spread)
