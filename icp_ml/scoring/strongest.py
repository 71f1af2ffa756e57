"""Which contributions of an account have most to say, by way of NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import ABSENT, Codes, FloatArray
from icp_ml.estimator.scorecard import ScoringTables

IntArray = npt.NDArray[np.int64]

WIDE_TERMS = 32  # searched first for the largest contributions
BLOCK = 4096  # rows searched at once: their sizes stay in the processor's cache
FEW_ROWS = 64  # up to here all terms are searched at once


def reason_sizes(tables: ScoringTables) -> list[FloatArray]:
    """Return, per term, how much each code has to say: the size of its contribution.

    Absent tokens count for half: that a company does *not* use a tool seldom explains anything to a person.
    """
    sizes = [np.abs(values) for values in tables.values]
    for size, term in zip(sizes, tables.terms, strict=True):
        if term.encoding.kind == "tokens":
            size[ABSENT] *= 0.5
    return sizes


def pair_bounds(tables: ScoringTables) -> dict[int, float]:
    """Return how much each term in a pair can have to say at most."""
    bounds: dict[int, float] = {}
    for pair in tables.pairs:
        for j in (pair.first, pair.second):
            most = bounds.get(j, float(np.abs(tables.values[j]).max()))
            bounds[j] = most + 0.5 * float(np.abs(pair.values).max())
    return bounds


def pair_sizes(tables: ScoringTables, codes: Codes, halves: Mapping[int, FloatArray]) -> dict[int, FloatArray]:
    """Return how much each row's value of a term in a pair has to say, shape (rows,): see `reason_sizes`."""
    out: dict[int, FloatArray] = {}
    for j, half in halves.items():
        out[j] = np.abs(tables.values[j].take(codes[:, j]) + half)
        if tables.terms[j].encoding.kind == "tokens":
            out[j][codes[:, j] == ABSENT] *= 0.5
    return out


def strongest(
    sizes: Sequence[FloatArray],
    codes: Codes,
    k: int,
    paired: Mapping[int, FloatArray] | None = None,
    most: Mapping[int, float] | None = None,
) -> IntArray:
    """Return term numbers of the k largest sizes per row, largest first, shape (rows, k); ties go to the earlier term.

    Most terms are too small to be among the k largest of most rows: the widest are searched first, and all
    terms only for rows where a narrow one could still come in. `paired` holds sizes per row of terms whose size
    does not depend on their own code alone, and `most` what those can reach.
    """
    n, m = codes.shape
    k = min(k, m)
    if k == 0 or n == 0:
        return np.empty((n, 0), dtype=np.int64)
    paired, most = paired or {}, most or {}
    bounds = np.array([most.get(j, float(size.max())) for j, size in enumerate(sizes)])
    ranked = np.argsort(-bounds, kind="stable")
    wide = np.sort(ranked[: max(WIDE_TERMS, k)])
    out = np.empty((n, k), dtype=np.int64)
    for begin in range(0, n, BLOCK):
        block = codes[begin : begin + BLOCK]
        rowwise = {j: size[begin : begin + BLOCK] for j, size in paired.items()}
        best, least = _largest(sizes, block, wide, k, rowwise)
        if len(wide) < m:
            rows = np.flatnonzero(least <= bounds[ranked[len(wide)]])
            some = {j: size[rows] for j, size in rowwise.items()}
            best[rows] = _largest(sizes, block[rows], np.arange(m), k, some)[0]
        out[begin : begin + len(block)] = best
    return out


def strongest_of_few(
    sizes: FloatArray, starts: IntArray, codes: Codes, k: int, paired: Mapping[int, FloatArray]
) -> IntArray:
    """Return what `strongest` does, all terms searched at once: faster where rows are few and terms many.

    Parameters
    ----------
    sizes : ndarray
        Those of all terms, one after the other.
    starts : ndarray of int, shape (terms + 1,)
        Where each term's begin.
    """
    rows = np.arange(len(codes))
    size = sizes.take(starts[:-1] + codes)
    for j, own in paired.items():
        size[:, j] = own
    best = np.empty((len(codes), min(k, codes.shape[1])), dtype=np.int64)
    for i in range(best.shape[1]):
        best[:, i] = size.argmax(axis=1)
        size[rows, best[:, i]] = -1.0
    return best


def _largest(
    sizes: Sequence[FloatArray],
    codes: Codes,
    terms: IntArray,
    k: int,
    rowwise: Mapping[int, FloatArray],
) -> tuple[IntArray, FloatArray]:
    """Return the k largest of some terms per row, largest first, and the size of the k-th."""
    size = np.empty((len(codes), len(terms)))
    for place, j in enumerate(terms):
        size[:, place] = rowwise[j] if j in rowwise else sizes[j].take(codes[:, j])
    rows = np.arange(len(size))
    best = np.empty((len(size), k), dtype=np.int64)
    for i in range(k):  # k passes of argmax, which takes the first of equals: faster than sorting, and ties are settled
        best[:, i] = size.argmax(axis=1)
        least = size[rows, best[:, i]]
        size[rows, best[:, i]] = -1.0
    return terms[best], least
