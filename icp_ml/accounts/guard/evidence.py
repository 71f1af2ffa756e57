"""What a column shows about the outcome: how well it alone tells best from worst, and how it hangs on other columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FOLDS = 5
_BINS = 20
_SMOOTHING = 10.0
_MIN_TOKEN_ROWS = 10
_MIN_PAIRS = 30


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as small integers; `missing` marks rows without a value, whose code is `size - 1`.

    A token set has no codes but `tokens`: the row and the token number of each of its tokens.
    """

    codes: Ints
    size: int
    missing: Bools
    distinct: int
    numbers: Floats | None = None
    labels: tuple[str, ...] = ()
    tokens: tuple[Ints, Ints] | None = None

    @property
    def known_codes(self) -> Ints:
        """Codes of the rows that have a value."""
        return self.codes[~self.missing]


def code(column: pa.ChunkedArray) -> Coded:
    """Code one canonical column; codes do not depend on the order of the rows."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    kind = array.type
    missing = np.asarray(pc.is_null(array).to_numpy(zero_copy_only=False), dtype=bool)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _code_tokens(array, missing)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _code_numbers(_floats(pc.cast(array, pa.float64())), missing)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        seconds = pc.cast(pc.cast(array, pa.timestamp("s")), pa.int64())
        return _code_numbers(_floats(pc.cast(seconds, pa.float64())) / 86_400.0, missing)
    plain = pc.cast(array, pa.string())
    labels = sorted(pc.unique(plain).drop_null().to_pylist())
    index = pc.index_in(plain, value_set=pa.array(labels, pa.string()))
    codes = np.asarray(pc.fill_null(index, len(labels)).to_numpy(zero_copy_only=False), dtype=np.int64)
    return Coded(codes, len(labels) + 1, missing, len(labels), labels=tuple(labels))


def _floats(array: pa.Array) -> Floats:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _code_numbers(numbers: Floats, missing: Bools) -> Coded:
    missing = missing | ~np.isfinite(numbers)
    known = numbers[~missing]
    values = np.unique(known)
    codes = np.zeros(len(numbers), dtype=np.int64)
    if len(values) > 2 * _BINS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
        codes[~missing] = np.searchsorted(edges, known, side="right")
        size = len(edges) + 2
    else:
        codes[~missing] = np.searchsorted(values, known)
        size = len(values) + 1
    codes[missing] = size - 1
    return Coded(codes, size, missing, len(values), numbers=np.where(missing, np.nan, numbers))


def _code_tokens(array: pa.Array, missing: Bools) -> Coded:
    rows = np.asarray(pc.list_parent_indices(array).to_numpy(zero_copy_only=False), dtype=np.int64)
    flat = pc.cast(pc.list_flatten(array), pa.string())
    labels = sorted(pc.unique(flat).drop_null().to_pylist())
    index = pc.fill_null(pc.index_in(flat, value_set=pa.array(labels, pa.string())), -1)
    tokens = np.asarray(index.to_numpy(zero_copy_only=False), dtype=np.int64)
    codes = np.where(missing, 1, 0).astype(np.int64)
    pairs = (rows[tokens >= 0], tokens[tokens >= 0])
    return Coded(codes, 2, missing, len(labels), labels=tuple(labels), tokens=pairs)


def fold_numbers(columns: Sequence[Coded], best: Bools, seed: int) -> Ints:
    """Assign rows to folds by their content, so that the order of the rows changes nothing."""
    order = np.lexsort((best, *(column.codes for column in columns)))
    folds = np.empty(len(best), dtype=np.int64)
    rng = np.random.default_rng(seed)
    for group in (order[best[order]], order[~best[order]]):
        folds[group] = rng.permutation(len(group)) % FOLDS
    return folds


def predict(column: Coded, target: Floats, rows: Bools, folds: Ints) -> Floats:
    """Predict `target` from one column, each fold from the others; NaN outside `rows`."""
    if column.tokens is not None:
        return _predict_from_tokens(column, target, rows, folds)
    out = np.full(len(target), np.nan)
    codes, values, fold = column.codes[rows], target[rows], folds[rows]
    count = np.bincount(codes, minlength=column.size).astype(np.float64)
    total = np.bincount(codes, values, minlength=column.size)
    score = np.empty(len(values))
    for k in range(FOLDS):
        held = fold == k
        n = count - np.bincount(codes[held], minlength=column.size)
        t = total - np.bincount(codes[held], values[held], minlength=column.size)
        mean = t.sum() / max(1.0, n.sum())
        # rounded, so that the order of summation cannot part what is equal
        score[held] = np.round((t + _SMOOTHING * mean) / (n + _SMOOTHING), 12)[codes[held]]
    out[rows] = score
    return out


def _predict_from_tokens(column: Coded, target: Floats, rows: Bools, folds: Ints) -> Floats:
    """Sum what each frequent token adds to the mean, over the tokens a row has."""
    assert column.tokens is not None
    row, token = column.tokens
    kept = rows[row] & ~column.missing[row]
    row, token = row[kept], token[kept]
    frequent = np.bincount(token, minlength=max(1, len(column.labels))) >= _MIN_TOKEN_ROWS
    kept = frequent[token] if len(token) else np.zeros(0, dtype=bool)
    row, token = row[kept], token[kept]
    out = np.full(len(target), np.nan)
    size = len(frequent)
    for k in range(FOLDS):
        train, held = rows & (folds != k), rows & (folds == k)
        mean = float(target[train].mean()) if train.any() else 0.0
        use = train[row]
        n = np.bincount(token[use], minlength=size)
        t = np.bincount(token[use], target[row[use]], minlength=size)
        effect = np.round((t - mean * n) / (n + _SMOOTHING), 12)
        here = held[row]
        out[held] = np.round(np.bincount(row[here], effect[token[here]], minlength=len(target)), 10)[held]
    return out


def area_under_curve(score: Floats, best: Bools, folds: Ints) -> tuple[float, float]:
    """AUC of a cross-fitted score and its standard error (Hanley and McNeil 1982); NaN with fewer than ten of a class.

    Pairs are compared within their fold: between folds, a score made from the other folds is biased below one half.
    """
    p, q = int(best.sum()), int((~best).sum())
    if min(p, q) < 10:
        return math.nan, math.nan
    won, pairs = 0.0, 0
    for k in range(FOLDS):
        held = folds == k
        here, there = int(best[held].sum()), int((~best[held]).sum())
        won += float(ranks(score[held])[best[held]].sum()) - here * (here + 1) / 2
        pairs += here * there
    auc = won / max(1, pairs)
    a = min(max(auc, 1 - auc), 1 - 1e-9)
    variance = a * (1 - a) + (p - 1) * (a / (2 - a) - a * a) + (q - 1) * (2 * a * a / (1 + a) - a * a)
    return auc, math.sqrt(max(variance, 0.0) / (p * q))


def ranks(values: Floats) -> Floats:
    """Mid-ranks from 1, shape (n,); no missing values."""
    if not len(values):
        return values
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2.0)[inverse], dtype=np.float64)


def rank_table(columns: Sequence[Floats]) -> Floats:
    """Replace the known values of each column by their ranks, shape (n, columns)."""
    table = np.full((len(columns[0]), len(columns)), np.nan)
    for j, column in enumerate(columns):
        known = ~np.isnan(column)
        table[known, j] = ranks(column[known])
    return table


def correlations(table: Floats) -> Floats:
    """Correlations over the rows that both columns have, 0 for fewer than 30; shape (columns, columns)."""
    known = ~np.isnan(table)
    scale = np.nanstd(np.where(known.any(axis=0), table, 0.0), axis=0)
    centre = np.nanmean(np.where(known.any(axis=0), table, 0.0), axis=0)
    x = np.where(known, (table - centre) / np.where(scale > 0, scale, 1.0), 0.0)
    m = known.astype(np.float64)
    n = m.T @ m
    safe = np.maximum(n, 1.0)
    sums = x.T @ m  # sums[i, j]: sum of column i over the rows that column j has
    squares = (x * x).T @ m
    covariance = x.T @ x / safe - sums * sums.T / safe**2
    variance = squares / safe - (sums / safe) ** 2
    bottom = np.sqrt(np.maximum(variance * variance.T, 0.0))
    usable = (bottom > 1e-9) & (n >= _MIN_PAIRS)
    return np.where(usable, covariance / np.where(usable, bottom, 1.0), 0.0)


def explained(target: Floats, *by: Floats) -> float:
    """Share of a column's variance that a linear function of others explains, where all are known."""
    design = np.column_stack([np.ones(len(target)), *by])
    rows = ~np.isnan(design).any(axis=1) & ~np.isnan(target)
    if rows.sum() < _MIN_PAIRS or np.ptp(target[rows]) == 0:
        return 0.0
    x, y = design[rows], target[rows]
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    fit, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x[:, 1:]]), y, rcond=None)
    rest = y - np.column_stack([np.ones(len(y)), x[:, 1:]]) @ fit
    return 1.0 - float(rest.var() / y.var())


def determined(target: Ints, by: Floats, missing: Bools) -> bool:
    """Whether each value of a number column fixes the other column's code (judged where a value repeats)."""
    rows = ~missing & ~np.isnan(by)
    if rows.sum() < _MIN_PAIRS:
        return False
    _, group = np.unique(by[rows], return_inverse=True)
    size = int(target.max()) + 1
    table = np.bincount(group * size + target[rows], minlength=(int(group.max()) + 1) * size).reshape(-1, size)
    repeated = table[table.sum(axis=1) >= 2]
    n = int(repeated.sum())
    if n < 0.5 * rows.sum():
        return False
    rare = n - int(repeated.sum(axis=0).max())
    return rare >= 20 and n - int(repeated.max(axis=1).sum()) <= 0.02 * rare
