"""How strongly every candidate speaks, given what was picked before: conditional z from sums over codes alone.

A score of every customer (best above middle above worst) is regressed on the indicators picked before and on which
of their fields are known. A candidate's z is that of its own indicator added to that regression, among customers of
whom the field is known (its missingness is held out). All of it follows from sums over codes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FloatArray
from icp_ml.traits.candidates import IntArray, Layout

LEAST_SHARE = 0.03  # of the customers of whom a field is known, inside a candidate and outside
FEW, SHARE_OF_FEW = (
    40,
    0.08,
)  # where customers are few, so many or that share: groups of a handful are what chance is best at
LEAST_NEW = 0.02  # of a candidate's variance that what was picked before must leave
MOST_VALUES = 8  # of a category: a set of more is no statement that a person can act on
SMOOTHING = 4.0  # customers' worth of the average, where values are ordered by their scores
Picked = tuple[int, tuple[int, ...]]  # a term, and columns of its codes


@dataclass(frozen=True)
class Focus:
    """The part of a layout that is searched: candidates of runs and tokens, and categories.

    Attributes
    ----------
    first, last, owner, known : ndarray of shape (candidates,)
        As in the layout; the column that says whether the owner's value is known.
    starts : ndarray
        Where each owner's candidates begin.
    sets : dict of int to slice
        Of categories, their columns.
    """

    first: IntArray
    last: IntArray
    owner: IntArray
    known: IntArray
    starts: IntArray
    sets: dict[int, slice]


def everything(layout: Layout) -> Focus:
    """Return the focus on all of a layout."""
    starts = np.flatnonzero(np.diff(layout.owner, prepend=-1))
    return Focus(layout.first, layout.last, layout.owner, layout.known[layout.owner], starts, layout.sets)


def focused(layout: Layout, terms: npt.NDArray[np.bool_]) -> Focus:
    """Return the focus on some terms."""
    keep = np.flatnonzero(terms[layout.owner])
    owner = layout.owner[keep]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    sets = {term: own for term, own in layout.sets.items() if terms[term]}
    return Focus(layout.first[keep], layout.last[keep], owner, layout.known[owner], starts, sets)


class Sample:
    """Some customers with their scores, and sums over their codes.

    Parameters
    ----------
    layout : Layout
    score : ndarray of shape (customers,)
        Of all customers.
    rows : ndarray, optional
        Which customers; all of them where left out.
    least : int
        Customers a candidate must have inside, and outside.

    Its `focus`, what is searched, is everything until set.
    """

    def __init__(self, layout: Layout, score: FloatArray, rows: IntArray | None = None, *, least: int) -> None:
        self.layout, self.least, self.focus = layout, least, everything(layout)
        self.matrix = layout.matrix if rows is None else layout.matrix[rows]
        self.score = score if rows is None else score[rows]
        self.score = self.score - self.score.mean()
        self.across = self.matrix.T
        self.sizes = self.across @ np.ones(len(self.score))
        self.total = self.across @ self.score
        self._columns: dict[tuple[int, ...], tuple[FloatArray, FloatArray]] = {}

    def column(self, columns: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
        """Return the indicator of some columns together, and its sums over all columns."""
        if columns not in self._columns:
            chosen = np.zeros(self.matrix.shape[1])
            chosen[list(columns)] = 1.0
            inside = self.matrix @ chosen if columns else np.ones(len(self.score))
            self._columns[columns] = inside, self.across @ inside
        return self._columns[columns]


@dataclass(frozen=True)
class Basis:
    """What was picked before, as orthonormal directions, and what it leaves of the scores.

    Attributes
    ----------
    sums : ndarray of shape (columns, directions)
        Of each direction over each column.
    left : ndarray of shape (columns,)
        Sum of the residual score over each column.
    variance : float
        Of the residual score.
    directions, residual : ndarray of shape (customers, directions) and (customers,)
    """

    sample: Sample
    sums: FloatArray
    left: FloatArray
    variance: float
    directions: FloatArray
    residual: FloatArray


def basis_of(sample: Sample, picks: list[Picked]) -> Basis:
    """Regress the scores on what was picked."""
    everyone = len(sample.score)
    keys: list[tuple[int, ...]] = [()]
    for term, _ in picks:
        known = int(sample.layout.known[term])
        if sample.sizes[known] < everyone and (known,) not in keys:
            keys.append((known,))
    keys += [columns for _, columns in picks]
    parts = [sample.column(key) for key in keys]
    design, sums = np.column_stack([part[0] for part in parts]), np.column_stack([part[1] for part in parts])
    gram = design.T @ design
    gram[np.diag_indices_from(gram)] += 1e-9 * everyone
    triangle = np.linalg.cholesky(gram)
    inverse = np.linalg.solve(triangle, np.eye(len(keys))).T
    directions, sums = design @ inverse, sums @ inverse
    along = directions.T @ sample.score
    residual = sample.score - directions @ along
    variance = max(float(residual @ residual), 1e-12) / max(everyone - len(keys), 1)
    return Basis(sample, sums, sample.total - sums @ along, variance, directions, residual)


def conditional_z(parts: FloatArray, known: FloatArray, basis: Basis) -> FloatArray:
    """Return z of candidates.

    Parameters
    ----------
    parts : ndarray of shape (..., 2 + directions)
        Per candidate the sums of the residual, of customers, and of every direction.
    known : ndarray, broadcast against `parts`
        The same over all customers of whom the field is known.
    """
    inside, whole = parts[..., 1], known[..., 1]
    own = inside - np.einsum("...k,...k->...", parts[..., 2:], parts[..., 2:])
    shared = inside - np.einsum("...k,...k->...", parts[..., 2:], known[..., 2:])
    missing = whole - np.einsum("...k,...k->...", known[..., 2:], known[..., 2:])
    part = np.where(missing > 1e-6 * np.maximum(whole, 1.0), shared / np.maximum(missing, 1e-9), 0.0)
    new = own - part * shared
    outside = whole - inside
    least = np.maximum(np.minimum(FEW, SHARE_OF_FEW * whole), LEAST_SHARE * whole)
    least = np.maximum(basis.sample.least, least)
    enough = (inside >= least) & (outside >= least)
    enough &= new > LEAST_NEW * inside * outside / np.maximum(whole, 1.0)
    z = (parts[..., 0] - part * known[..., 0]) / np.sqrt(basis.variance * np.maximum(new, 1e-9))
    return np.where(enough, np.round(z, 9), 0.0)


@dataclass
class Scan:
    """The strongest find of every term.

    Attributes
    ----------
    z : ndarray of shape (terms,)
        Signed: that of the indicator of `columns`.
    columns : dict of int to tuple of int
        By term, the columns of its strongest find; none for terms that say nothing.
    """

    z: FloatArray
    columns: dict[int, tuple[int, ...]] = field(default_factory=dict)


def scan(basis: Basis, taken: list[Picked]) -> Scan:
    """Find the strongest candidate of every term, leaving out codes that were taken before."""
    layout = basis.sample.layout
    stacked = np.column_stack([basis.left, basis.sample.sizes, basis.sums])
    cumulated = np.vstack([np.zeros(stacked.shape[1]), np.cumsum(stacked, axis=0)])
    z = np.zeros(layout.terms)
    found = Scan(z)
    focus = basis.sample.focus
    parts = cumulated[focus.last + 1] - cumulated[focus.first]
    every = conditional_z(parts, stacked[focus.known], basis)
    for term, columns in taken:
        if term in layout.sets:
            continue
        mine = focus.owner == term
        overlap = (focus.first[mine] <= max(columns)) & (focus.last[mine] >= min(columns))
        every[mine] = np.where(overlap, 0.0, every[mine])
    if len(every):
        lengths = np.diff(np.append(focus.starts, len(every)))
        most = np.maximum.reduceat(np.abs(every), focus.starts)
        at = np.flatnonzero(np.abs(every) == np.repeat(most, lengths))
        owners, firsts = np.unique(focus.owner[at], return_index=True)
        z[owners] = every[at[firsts]]
        for term, candidate in zip(owners.tolist(), at[firsts].tolist(), strict=True):
            if every[candidate]:
                found.columns[term] = tuple(range(int(focus.first[candidate]), int(focus.last[candidate]) + 1))
    for term, own in focus.sets.items():
        before = {c for t, columns in taken if t == term for c in columns}
        split = strongest_split(basis, stacked, term, own, before)
        if split is not None:
            z[term], found.columns[term] = split
    return found


def strongest_split(
    basis: Basis, stacked: FloatArray, term: int, own: slice, before: set[int]
) -> tuple[float, tuple[int, ...]] | None:
    """Return the few values, of highest or of lowest scores, that differ most from all others."""
    columns = np.array([c for c in range(own.start, own.stop) if c not in before and stacked[c, 1] > 0], dtype=np.intp)
    if len(columns) < 2:
        return None
    part = stacked[columns]
    level = part[:, 0].sum() / part[:, 1].sum()
    rate = np.round((part[:, 0] - level * part[:, 1]) / (part[:, 1] + SMOOTHING), 9)
    known = stacked[basis.sample.layout.known[term]][None, :]
    best: tuple[float, tuple[int, ...]] | None = None
    for order in (columns[np.argsort(-rate, kind="stable")], columns[np.argsort(rate, kind="stable")]):
        z = conditional_z(np.cumsum(stacked[order[:MOST_VALUES]], axis=0), known, basis)
        k = int(np.argmax(np.abs(z)))
        named = tuple(sorted(int(c) for c in order[: k + 1]))
        if z[k] and (best is None or (abs(z[k]), -len(named)) > (abs(best[0]), -len(best[1]))):
            best = float(z[k]), named
    return best


def shuffled_strengths(sample: Sample, orders: npt.NDArray[Any]) -> FloatArray:
    """Return per term and shuffle of the scores the strongest |z|, shape (terms, shuffles)."""
    layout, basis = sample.layout, basis_of(sample, [])
    scores = sample.score[orders].T  # (customers, shuffles)
    left = sample.across @ scores
    z = np.zeros((layout.terms, scores.shape[1]))
    geometry = np.column_stack([np.zeros(len(left)), basis.sample.sizes, basis.sums])
    cumulated = np.vstack([np.zeros(3), np.cumsum(geometry, axis=0)])
    parts, known = cumulated[layout.last + 1] - cumulated[layout.first], geometry[layout.known[layout.owner]]
    unit = _scale(parts, known, basis)
    sums = np.vstack([np.zeros(left.shape[1]), np.cumsum(left, axis=0)])
    if len(parts):
        share = (parts[:, 1] / np.maximum(known[:, 1], 1.0))[:, None]
        every = sums[layout.last + 1] - sums[layout.first] - share * left[layout.known[layout.owner]]
        starts = np.flatnonzero(np.diff(layout.owner, prepend=-1))
        z[np.unique(layout.owner)] = np.maximum.reduceat(np.abs(every * unit[:, None]), starts, axis=0)
    for term, own in layout.sets.items():
        z[term] = _shuffled_splits(basis, left, term, own)
    return z


def _shuffled_splits(basis: Basis, left: FloatArray, term: int, own: slice) -> FloatArray:
    sizes, scores = basis.sample.sizes[own], left[own]
    strongest = np.zeros(left.shape[1])
    if len(sizes) < 2:
        return strongest
    at = basis.sample.layout.known[term]
    everyone, whole = len(basis.sample.score), basis.sample.sizes[at]
    level = scores.sum(axis=0) / sizes.sum()
    rate = np.round((scores - level * sizes[:, None]) / (sizes + SMOOTHING)[:, None], 9)
    known = np.array([0.0, whole, whole / np.sqrt(everyone)])
    for sign in (-1.0, 1.0):
        order = np.argsort(sign * rate, axis=0, kind="stable")[:MOST_VALUES]
        inside = np.cumsum(sizes[order], axis=0)
        sums = np.cumsum(np.take_along_axis(scores, order, axis=0), axis=0)
        parts = np.stack([np.zeros_like(inside), inside, inside / np.sqrt(everyone)], axis=-1)
        z = (sums - inside / whole * left[at]) * _scale(parts, known, basis)
        strongest = np.maximum(strongest, np.abs(z).max(axis=0))
    return strongest


def _scale(parts: FloatArray, known: FloatArray, basis: Basis) -> FloatArray:
    """Return what a residual's sum is multiplied with to be a z; 0 for candidates with too few customers."""
    marked = parts.copy()
    marked[..., 0] = 1.0
    blank = np.broadcast_to(known, parts.shape).copy()
    blank[..., 0] = 0.0
    return conditional_z(marked, blank, basis)
