"""Pair traits: "over 500 employees and uses Snowflake", only where the two together beat either alone.

Only the pairs the model kept are looked at. Of each the strongest rectangle (a range, token or value of one term with
one of the other) is searched for in every half-sample, and its rate is compared with that of each of its two sides in
the other half, which had no part in the search. It is a trait where that gain over both sides is more than its
interval, held to all pairs together, and where it is no mere sum: given both sides and all other traits, customers of
both must still differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.traits.candidates import Layout
from icp_ml.traits.evidence import lift_of
from icp_ml.traits.halves import LEAST_IN_HALF, SAME, Half, inside_of
from icp_ml.traits.scan import Picked, Sample, basis_of

BoolArray = npt.NDArray[np.bool_]
STEPS = 8  # groups of a number's bins whose runs are tried
LEVEL = 0.05
LEAST = 15  # customers of both
MIN_STABILITY = 0.4
MOST_SHARE = 0.8  # of the known customers, for a side that says anything


@dataclass(frozen=True)
class PairFind:
    """Two statements that together beat either alone."""

    terms: tuple[int, int]
    columns: tuple[tuple[int, ...], tuple[int, ...]]
    z: float
    p_value: float
    stability: float
    lift: float
    lift_low: float
    lift_high: float


@dataclass(frozen=True, eq=False)
class _Sides:
    """Statements about each of two terms, and who shows them; `inside` of shape (statements, customers)."""

    names: tuple[list[tuple[int, ...]], list[tuple[int, ...]]]
    inside: tuple[FloatArray, FloatArray]
    known: BoolArray


def find_pairs(
    tables: ScoringTables, sample: Sample, picks: list[Picked], halves: Sequence[Half], best: BoolArray
) -> list[PairFind]:
    """Return the pair traits of the pairs that the model kept, in their order."""
    out = []
    for pair in tables.pairs:
        sides = _sides(sample.layout, sample.sizes, (pair.first, pair.second), picks)
        if min(len(names) for names in sides.names) == 0:
            continue
        for sign in (1.0, -1.0):
            found = _judged(sample, picks, halves, best, sides, (pair.first, pair.second), sign, len(tables.pairs))
            if found is not None:
                out.append(found)
                break
    return out


def _sides(layout: Layout, sizes: FloatArray, terms: tuple[int, int], picks: Sequence[Picked]) -> _Sides:
    names = tuple(_statements(layout, sizes, term, picks) for term in terms)
    inside = tuple(np.array([inside_of(layout, c) for c in of], dtype=np.float64) for of in names)
    known = inside_of(layout, [int(layout.known[terms[0]])]) & inside_of(layout, [int(layout.known[terms[1]])])
    return _Sides((names[0], names[1]), (inside[0], inside[1]), known)


def _statements(layout: Layout, sizes: FloatArray, term: int, picks: Sequence[Picked]) -> list[tuple[int, ...]]:
    """Return the trait of the term, if any, and the plain statements: runs of coarse groups, single values, a token."""
    own = layout.columns(term)
    columns = list(range(own.start, own.stop))
    out = [columns_ for t, columns_ in picks if t == term]
    if term in layout.sets or len(columns) == 1:
        out += [(c,) for c in columns]
    else:
        middle = np.cumsum(sizes[columns]) - sizes[columns] / 2
        group = np.minimum((STEPS * middle / sizes[columns].sum()).astype(int), STEPS - 1)
        present = np.unique(group)
        for a in present:
            for b in present[present >= a]:
                out.append(tuple(c for c, g in zip(columns, group, strict=True) if a <= g <= b))
    whole = sizes[int(layout.known[term])]
    kept = [names for names in dict.fromkeys(out) if LEAST <= sizes[list(names)].sum() <= MOST_SHARE * whole]
    return [names for names in kept if len(names) < max(len(columns), 2)]


def _gains(sides: _Sides, rows: npt.NDArray[np.intp], best: BoolArray, sign: float, least: int) -> FloatArray:
    """Return per rectangle how surely its rate beats the rest of either side, in standard errors of the lesser."""
    rows = rows[sides.known[rows]]
    first, second = (inside[:, rows] for inside in sides.inside)
    hit = best[rows].astype(np.float64)
    n, hits = first @ second.T, (first * hit) @ second.T
    out = np.full(n.shape, np.inf)
    for whole, whole_hits in (
        (first.sum(axis=1)[:, None], (first @ hit)[:, None]),
        (second.sum(axis=1)[None, :], (second @ hit)[None, :]),
    ):
        rest, rest_hits = np.maximum(whole - n, 1e-9), whole_hits - hits
        share = whole_hits / np.maximum(whole, 1e-9)
        error = np.sqrt(np.maximum(share * (1 - share), 1e-9) * (1 / np.maximum(n, 1e-9) + 1 / rest))
        gain = sign * (hits / np.maximum(n, 1e-9) - rest_hits / rest) / error
        out = np.minimum(out, np.where((n >= least) & (rest >= least), gain, -np.inf))
    return np.round(out, 9)


def _judged(
    sample: Sample,
    picks: list[Picked],
    halves: Sequence[Half],
    best: BoolArray,
    sides: _Sides,
    terms: tuple[int, int],
    sign: float,
    tried: int,
) -> PairFind | None:
    gains = _gains(sides, np.arange(len(best)), best, sign, LEAST)
    if not np.isfinite(gains).any():
        return None
    a, b = np.unravel_index(int(np.argmax(gains)), gains.shape)
    columns = (sides.names[0][a], sides.names[1][b])
    inside = (sides.inside[0][a] > 0) & (sides.inside[1][b] > 0)
    z = beyond_sum(sample, picks, terms, columns, inside)
    critical = float(ndtri(1 - LEVEL / (4 * tried)))  # both directions, both sides
    if z * sign < critical:
        return None
    times, held_out, found, there = 0, [], [], []
    for half in halves:
        own = _gains(sides, half.rows, best, sign, LEAST_IN_HALF)
        if not np.isfinite(own).any():
            continue
        i, j = np.unravel_index(int(np.argmax(own)), own.shape)
        other = _gains(sides, half.others, best, sign, 1)[i, j]
        held_out.append(other if np.isfinite(other) else 0.0)
        theirs = (sides.inside[0][i] > 0) & (sides.inside[1][j] > 0)
        if (theirs & inside).sum() >= SAME * (theirs | inside).sum():
            times += 1
            found.append(_log_lift(theirs[half.rows], best[half.rows]))
            there.append(_log_lift(theirs[half.others], best[half.others]))
    stability = times / max(len(halves), 1)
    # Two halves are one sample: the mean over halves of a held-out z is that of half of the customers.
    sure = float(np.mean(held_out)) * np.sqrt(2.0) if held_out else 0.0
    if stability < MIN_STABILITY or sure < critical:
        return None
    lift, low, high = lift_of(inside, best, float(np.mean(found)), float(np.mean(there)))
    if not (low > 1 if sign > 0 else high < 1):
        return None
    p = min(4 * tried * float(ndtr(-sure)), 1.0)
    return PairFind(terms, columns, z, p, stability, lift, low, high)


def beyond_sum(
    sample: Sample,
    picks: list[Picked],
    terms: tuple[int, int],
    columns: tuple[tuple[int, ...], tuple[int, ...]],
    inside: BoolArray,
) -> float:
    """Return the z of customers of both sides, given each side and all traits."""
    given = [*(p for p in picks if p not in list(zip(terms, columns, strict=True)))]
    basis = basis_of(sample, [*given, *zip(terms, columns, strict=True)])
    left = basis.residual
    both = inside.astype(np.float64)
    both -= basis.directions @ (basis.directions.T @ both)
    length = float(both @ both)
    if length < 1.0:
        return 0.0
    return float(left @ both / np.sqrt(length * basis.variance))


def _log_lift(inside: BoolArray, best: BoolArray) -> float:
    whole = (best.sum() + 0.5) / (len(best) + 1.0)
    return float(np.log((best[inside].sum() + 0.5) / (inside.sum() + 1.0) / whole))
