"""The customers a fit is made from, in an order of their own, and how they are dealt to folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.estimator.screening import WideRows

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingRows:
    """Rows in canonical order: codes (n, terms), label 0/1, weight, group number, and whether a row trains.

    Rows that do not train (the middle) are scored out of fold for calibration only. With a grade (0 to 1) the fit
    is to it and not to the label: a customer of grade .8 is eight tenths of a best one. `wide` is what the rows hold of
    token sets that no fit uses whole; each fit adds columns for the tokens that it takes (`with_tokens`).
    """

    codes: Codes
    y: FloatArray
    weight: FloatArray
    group: IntArray
    trains: npt.NDArray[np.bool_]
    grade: FloatArray | None = None
    wide: WideRows | None = None

    @property
    def target(self) -> FloatArray:
        """What is fitted: the grade where there is one, else the label."""
        return self.y if self.grade is None else self.grade


def canonical_order(
    codes: npt.NDArray[np.integer[Any]],
    y: FloatArray,
    weight: FloatArray,
    group: IntArray,
    trains: npt.NDArray[np.bool_],
    grade: FloatArray | None = None,
) -> IntArray:
    """Return the order in which rows are always used, whatever order they came in."""
    keys: list[npt.NDArray[Any]] = [group, weight, y, *(codes[:, j] for j in range(codes.shape[1])), trains]
    if grade is not None:
        keys.insert(0, grade)
    return np.lexsort(keys).astype(np.int64)


def fold_numbers(rows: TrainingRows, folds: int, seed: int) -> IntArray:
    """Assign every row a fold: groups whole, labels spread evenly, deterministic.

    Groups are dealt in random order, largest first, each to the fold that lacks its label most.
    """
    rng = np.random.default_rng(seed)
    groups, index, sizes = np.unique(rows.group, return_inverse=True, return_counts=True)
    labels = np.where(rows.trains, rows.y, 2).astype(np.int64)
    table = np.zeros((len(groups), 3))
    np.add.at(table, (index, labels), 1.0)
    total = np.maximum(table.sum(axis=0), 1.0)
    load = np.zeros((folds, 3))
    of_group = np.empty(len(groups), dtype=np.int64)
    order = rng.permutation(len(groups))
    for g in order[np.argsort(-sizes[order], kind="stable")][: int((sizes > 1).sum())]:
        need = (load / total) @ table[g] / table[g].sum() + 1e-6 * load.sum(axis=1) / total.sum()
        of_group[g] = int(np.argmin(need))
        load[of_group[g]] += table[g]
    for label in range(3):  # groups of one row fill the folds up, all at once
        alone = order[(sizes[order] == 1) & (table[order, label] > 0)]
        places = (load[:, label][:, None] + np.arange(len(alone))).ravel()
        of_group[alone] = np.argsort(places, kind="stable")[: len(alone)] // max(len(alone), 1)
    return of_group[index]


def shuffled_sources(group: IntArray, rng: np.random.Generator, stratum: IntArray | None = None) -> IntArray:
    """Return the row that each row takes its label from, where groups of one size exchange theirs whole.

    Parameters
    ----------
    group : ndarray of shape (n,)
        0 .. groups - 1.
    rng : numpy.random.Generator
    stratum : ndarray of shape (n,), optional
        Labels are shuffled within it only; a group is where its first row is.

    Notes
    -----
    Groups that no other one equals in size are dealt among themselves, labels cut or repeated to fit;
    otherwise a few large groups could never be shuffled at all.
    """
    _, first, index, sizes = np.unique(group, return_index=True, return_inverse=True, return_counts=True)
    kinds = sizes if stratum is None else sizes + (int(sizes.max()) + 1) * stratum[first]
    rows = np.split(np.argsort(index, kind="stable"), np.cumsum(sizes)[:-1])
    lone = np.bincount(kinds)[kinds] == 1
    out = np.arange(len(group))
    for kind in np.unique(np.where(lone, 0, kinds)):
        members = np.flatnonzero(np.where(lone, 0, kinds) == kind)
        for to, source in zip(members, rng.permutation(members), strict=True):
            out[rows[to]] = np.resize(rows[source], len(rows[to]))
    return out


def numbered(groups: IntArray) -> IntArray:
    """Return group numbers by first appearance, so that what groups were called does not matter."""
    _, first, index = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[index]


def fold_count(rows: TrainingRows, most: int) -> int:
    """Return how many folds to deal: `most`, fewer where a label has fewer customers, and never under two."""
    y = rows.y[rows.trains]
    return max(2, min(most, int(y.sum()), int((1 - y).sum())))


def not_drawn(rows: TrainingRows, drawn: IntArray) -> npt.NDArray[np.bool_]:
    """Return which rows a bag did not see: those that do not train, and those it drew no time."""
    unseen = np.ones(len(rows.y), dtype=bool)
    unseen[rows.trains] = drawn == 0
    return unseen


def take(rows: TrainingRows, index: npt.NDArray[Any]) -> TrainingRows:
    """Return some of the rows, by mask or by position."""
    grade = None if rows.grade is None else rows.grade[index]
    wide = None if rows.wide is None else rows.wide.take(index)
    return TrainingRows(
        rows.codes[index], rows.y[index], rows.weight[index], rows.group[index], rows.trains[index], grade, wide
    )
