"""Fitting pairs on top of log-odds by fits that did not see the row: screening, evidence, and the fit itself.

A pair is a table over two terms' groups (see `pair_terms`) with normal coefficients of one prior variance. Most pairs
of a small table are weak at best, so the prior is; a pair gets a wider one only where its evidence outweighs that
hardly any pair was expected to be strong. The evidence is the logarithm of how much likelier the labels are with the
pair (Laplace's approximation), so a pair pays for its own flexibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.pair_terms import GroupedTerm
from icp_ml.estimator.rows import IntArray

WEAK = 0.01  # prior variance of a coefficient: on ten real tables stronger ones ranked worse
STRONG = (0.1, 1.0)
CLOSELY = 30  # pairs looked at closely
SETTLE = 25  # sweeps at most
SETTLED = 1e-9  # log-odds


@dataclass(frozen=True)
class Sample:
    """Rows that pairs are fitted to.

    Attributes
    ----------
    group : ndarray of shape (n, terms)
        The row of each term's basis.
    target, weight : ndarray of shape (n,)
    log_odds : ndarray of shape (n,)
        Without pairs, by fits that did not see the row.
    """

    group: IntArray
    target: FloatArray
    weight: FloatArray
    log_odds: FloatArray

    def cells(self, pair: Pair) -> IntArray:
        """Return the cell of each row."""
        return self.group[:, pair.first] * pair.width + self.group[:, pair.second]

    def sums(self, cell: IntArray, size: int, log_odds: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return per cell the slope and the curvature of the log-likelihood."""
        chance = 1.0 / (1.0 + np.exp(-log_odds))
        slope = np.bincount(cell, self.weight * (self.target - chance), size)
        curve = np.bincount(cell, self.weight * chance * (1.0 - chance), size)
        return np.asarray(slope, dtype=np.float64), np.asarray(curve, dtype=np.float64)


@dataclass(frozen=True)
class Pair:
    """Two of the grouped terms and the prior of their table; `width` is the second's number of groups and one."""

    first: int
    second: int
    width: int
    variance: float = WEAK


Fitted = tuple[tuple[Pair, FloatArray], ...]  # pairs with their tables over cells, flat


def screen(sample: Sample, terms: Sequence[GroupedTerm], most: int = CLOSELY) -> list[Pair]:
    """Return the pairs of greatest evidence, weak and strong, each coefficient taken by itself.

    Two matrix products say it of all pairs at once.
    """
    chance = 1.0 / (1.0 + np.exp(-sample.log_odds))
    Z = np.hstack([term.basis[sample.group[:, i]] for i, term in enumerate(terms)])
    slope = Z.T @ ((sample.weight * (sample.target - chance))[:, None] * Z)
    Z **= 2
    curve = Z.T @ ((sample.weight * chance * (1.0 - chance))[:, None] * Z)
    starts = np.concatenate([[0], np.cumsum([term.basis.shape[1] for term in terms])[:-1]]).astype(np.int64)
    first, second = np.triu_indices(len(terms), 1)
    chosen: dict[int, None] = {}
    for variance in (WEAK, *STRONG):
        inflated = 1.0 + variance * curve
        evidence = 0.5 * (variance * slope**2 / inflated - np.log(inflated))
        total = np.add.reduceat(np.add.reduceat(evidence, starts, axis=0), starts, axis=1)[first, second]
        chosen |= dict.fromkeys(np.argsort(-np.round(total, 9), kind="stable")[:most].tolist())
    return [Pair(int(first[k]), int(second[k]), len(terms[second[k]].basis)) for k in sorted(chosen)]


def evidence(
    sample: Sample, log_odds: FloatArray, terms: Sequence[GroupedTerm], pair: Pair, surprise: float
) -> tuple[float, float]:
    """Return how much likelier the labels are with a pair beyond what its terms say alone, and at which prior.

    Parameters
    ----------
    surprise : float
        What a strong pair must outweigh.

    Returns
    -------
    evidence, variance : float
        The former a natural logarithm.
    """
    A, B = terms[pair.first].basis, terms[pair.second].basis
    slope, curve = sample.sums(sample.cells(pair), len(A) * len(B), log_odds)
    alone = np.hstack([np.repeat(A, len(B), axis=0), np.tile(B, (len(A), 1))])
    whole = np.hstack([alone, _functions(terms, pair)])
    gradient, information = whole.T @ slope, whole.T @ (curve[:, None] * whole)
    own = alone.shape[1]
    best = (-np.inf, WEAK)
    for variance in (WEAK, *STRONG):
        # Factorised from the first column on: what follows the terms' own columns is what they leave unsaid.
        factor = np.linalg.cholesky(np.eye(len(gradient)) + variance * information)
        solved = np.linalg.solve(factor, gradient)[own:]
        found = 0.5 * variance * float(solved @ solved) - float(np.log(np.diag(factor)[own:]).sum())
        found = round(found - (surprise if variance > WEAK else 0.0), 9)
        best = max(best, (found, variance), key=lambda pair: pair[0])
    return best


def choose_path(sample: Sample, terms: Sequence[GroupedTerm], most: int) -> list[Fitted]:
    """Return the fits of one pair, two pairs ... `most`, each adding the pair of greatest evidence.

    It ends where no pair is left that makes the labels likelier.
    """
    left = screen(sample, terms)
    surprise = float(np.log(len(terms) * (len(terms) - 1) / 2))
    known: dict[Pair, tuple[float, float]] = dict.fromkeys(left, (np.inf, WEAK))
    steps: list[Fitted] = []
    fitted: Fitted = ()
    log_odds = sample.log_odds
    while left and len(steps) < most:
        fresh: set[Pair] = set()
        while True:  # a pair's evidence hardly grows as others enter: only the best are asked again
            best = max(left, key=lambda pair: known[pair][0])
            if best in fresh:
                break
            known[best] = evidence(sample, log_odds, terms, best, surprise)
            fresh.add(best)
        if known[best][0] <= 0:
            break
        left.remove(best)
        added = Pair(best.first, best.second, best.width, known[best][1])
        fitted, log_odds = fit(sample, terms, (*(pair for pair, _ in fitted), added), fitted, sweeps=1)
        steps.append(fitted)
    return steps


def fit(
    sample: Sample, terms: Sequence[GroupedTerm], pairs: Sequence[Pair], start: Fitted = (), sweeps: int = SETTLE
) -> tuple[Fitted, FloatArray]:
    """Fit tables by Newton's steps, one pair after the other, until they settle; return them and the log-odds.

    Parameters
    ----------
    start : tuple
        Tables of the first pairs to begin with, as fitted on the same sample.
    """
    functions = [_functions(terms, pair) for pair in pairs]
    cells = [sample.cells(pair) for pair in pairs]
    tables = [table for _, table in start] + [np.zeros(len(f)) for f in functions[len(start) :]]
    log_odds = sample.log_odds + sum(table[cell] for table, cell in zip(tables, cells, strict=True))
    for _ in range(sweeps):
        furthest = 0.0
        for k, (pair, basis, cell) in enumerate(zip(pairs, functions, cells, strict=True)):
            slope, curve = sample.sums(cell, len(basis), log_odds)
            precision = np.eye(basis.shape[1]) / pair.variance
            now = _coefficients(basis, tables[k])
            gradient = basis.T @ slope - now / pair.variance
            step = basis @ np.linalg.solve(basis.T @ (curve[:, None] * basis) + precision, gradient)
            tables[k] = tables[k] + step
            log_odds = log_odds + step[cell]
            furthest = max(furthest, float(np.abs(step).max()))
        if furthest < SETTLED:
            break
    return tuple(zip(pairs, tables, strict=True)), log_odds


def _functions(terms: Sequence[GroupedTerm], pair: Pair) -> FloatArray:
    """Return the functions a pair's table is made of, shape (cells, functions)."""
    return np.asarray(np.kron(terms[pair.first].basis, terms[pair.second].basis), dtype=np.float64)


def _coefficients(basis: FloatArray, table: FloatArray) -> FloatArray:
    """Return the coefficients of a table; the functions are orthogonal."""
    return np.asarray(basis.T @ table / np.einsum("ij,ij->j", basis, basis))


def posterior_variance(sample: Sample, terms: Sequence[GroupedTerm], pair: Pair, log_odds: FloatArray) -> FloatArray:
    """Return per cell how far the truth may lie from the fitted table, its prior taken at its word."""
    basis = _functions(terms, pair)
    _, curve = sample.sums(sample.cells(pair), len(basis), log_odds)
    precision = basis.T @ (curve[:, None] * basis) + np.eye(basis.shape[1]) / pair.variance
    variance = np.einsum("ij,ji->i", basis, np.linalg.solve(precision, basis.T))
    return np.asarray(np.maximum(variance, 0.0), dtype=np.float64)


def added(fitted: Fitted, group: IntArray) -> FloatArray:
    """Return what fitted pairs add to the log-odds of rows of these groups."""
    total = np.zeros(len(group))
    for pair, table in fitted:
        total += table[group[:, pair.first] * pair.width + group[:, pair.second]]
    return total
