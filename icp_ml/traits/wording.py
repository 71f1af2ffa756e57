"""Which values a found trait names: those that best cover what the real ones may be, at boundaries people use.

The strongest candidate is a poor estimate of where a range ends. Every range of the field is weighted by how well it
explains the scores and by how round its ends are; named is the range with the greatest expected overlap with the real
one (Jaccard, by customers). Of a category each value's chance to belong is weighed in the same way.
"""

from __future__ import annotations

import math

import numpy as np

from icp_ml.estimator.bins import roundness
from icp_ml.estimator.encoding import FloatArray, Term
from icp_ml.traits.candidates import Layout
from icp_ml.traits.scan import MOST_VALUES, Basis, conditional_z

BELONGS = 0.35  # prior share of a category's values that belong to a trait
NEARLY_ALL = 0.65  # of the known customers
ROUND = 1.0  # log-odds between the roundest boundary and an odd one


class Wording:
    """What each term's candidates have in common, kept for all samples.

    Parameters
    ----------
    layout : Layout
    terms : sequence of Term
    sizes : ndarray of shape (columns,)
        Customers of each column.
    """

    def __init__(self, layout: Layout, terms: tuple[Term, ...], sizes: FloatArray) -> None:
        self.layout, self.terms, self.sizes = layout, terms, sizes
        self._overlaps: dict[int, tuple[FloatArray, FloatArray]] = {}

    def columns(self, basis: Basis, term: int, sign: float, before: set[int]) -> tuple[float, tuple[int, ...]] | None:
        """Return z and the columns that a trait of this term and direction names, or None where nothing speaks for it.

        Parameters
        ----------
        basis : Basis
            Of everything else that was picked.
        term : int
        sign : float
            Positive or negative.
        before : set of int
            Columns of the term that another trait names.
        """
        if term in self.layout.sets:
            return self._set(basis, term, sign, before)
        own = self.layout.runs[term]
        first, last = self.layout.first[own], self.layout.last[own]
        stacked = np.column_stack([basis.left, basis.sample.sizes, basis.sums])
        start = int(first.min())
        block = stacked[start : int(last.max()) + 1]
        cumulated = np.vstack([np.zeros(stacked.shape[1]), np.cumsum(block, axis=0)])
        parts = cumulated[last + 1 - start] - cumulated[first - start]
        z = conditional_z(parts, stacked[self.layout.known[term]][None, :], basis) * np.sign(sign)
        if before:
            z = np.where((first <= max(before)) & (last >= min(before)), 0.0, z)
        if not (z > 0).any():
            return None
        if len(z) == 1:
            return float(z[0] * np.sign(sign)), (start,)
        overlap, log_prior = self._overlap(term)
        weight = np.where(z > 0, z**2 / 2 + log_prior, -np.inf)
        weight = np.exp(weight - weight.max())
        expected = np.where(z > 0, overlap @ weight, -1.0)
        k = int(np.argmax(np.round(expected / weight.sum(), 9)))
        named = tuple(range(int(first[k]), int(last[k]) + 1))
        signed = float(z[k] * np.sign(sign))
        return (signed, named) if before else self._other_end(term, signed, named)

    def _other_end(self, term: int, z: float, named: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        """Turn a range that is open at one end into what it leaves, where that is the better way to say the same.

        "Over 50 employees: better" and "up to 50: worse" are one finding; told is who is better, unless that is nearly
        everybody.
        """
        own = self.layout.runs[term]
        start, stop = int(self.layout.first[own].min()), int(self.layout.last[own].max()) + 1
        if (named[0] == start) == (named[-1] == stop - 1):
            return z, named
        most = self.sizes[list(named)].sum() > NEARLY_ALL * self.sizes[start:stop].sum()
        rest = tuple(range(start, named[0])) or tuple(range(named[-1] + 1, stop))
        few = self.sizes[list(rest)].sum() <= NEARLY_ALL * self.sizes[start:stop].sum()
        return (-z, rest) if (z > 0 and most) or (z < 0 and few) else (z, named)

    def _overlap(self, term: int) -> tuple[FloatArray, FloatArray]:
        """Return the Jaccard overlap of every two runs of a term, and the log prior of each by its ends' roundness."""
        if term not in self._overlaps:
            own = self.layout.runs[term]
            first, last = self.layout.first[own], self.layout.last[own]
            start = int(first.min())
            cumulated = np.concatenate([[0.0], np.cumsum(self.sizes[start : int(last.max()) + 1])])
            low = np.maximum(first[:, None], first[None, :]) - start
            high = np.minimum(last[:, None], last[None, :]) - start
            inside = np.where(high >= low, cumulated[high + 1] - cumulated[np.minimum(low, high + 1)], 0.0)
            size = cumulated[last + 1 - start] - cumulated[first - start]
            overlap = inside / np.maximum(size[:, None] + size[None, :] - inside, 1e-9)
            prior = np.zeros(len(first))
            if self.terms[term].encoding.kind == "numeric":
                enc = self.terms[term].encoding
                codes = self.layout.code
                least, most = int(first.min()), int(last.max())
                lower = np.array([0.0 if c == least else roundness(enc.edges[codes[c] - 2], enc.form) for c in first])
                upper = np.array([0.0 if c == most else roundness(enc.edges[codes[c] - 1], enc.form) for c in last])
                prior = -ROUND * (lower + upper)
            self._overlaps[term] = overlap, prior
        return self._overlaps[term]

    def _set(self, basis: Basis, term: int, sign: float, before: set[int]) -> tuple[float, tuple[int, ...]] | None:
        own = self.layout.sets[term]
        sizes = basis.sample.sizes
        columns = np.array([c for c in range(own.start, own.stop) if c not in before and sizes[c] > 0], dtype=np.intp)
        if len(columns) < 2:
            return None
        belongs = membership(basis.left[columns] * np.sign(sign), sizes[columns], basis.variance)
        if belongs is None:
            return None
        order = np.argsort(-np.round(belongs, 9), kind="stable")
        share = self.sizes[columns][order]
        hit = np.cumsum(share * belongs[order])
        expected = hit / (np.cumsum(share) + hit[-1] - hit)
        k = int(np.argmax(np.round(expected[: min(MOST_VALUES, len(order) - 1)], 9)))
        chosen = columns[order[: k + 1]]
        stacked = np.column_stack([basis.left, sizes, basis.sums])
        z = conditional_z(stacked[chosen].sum(axis=0)[None, :], stacked[self.layout.known[term]][None, :], basis)
        if not z[0] * sign > 0:
            return None
        rest = columns[order[k + 1 :]]
        if len(rest) < len(chosen) and not before:  # the same told of fewer values
            back = conditional_z(stacked[rest].sum(axis=0)[None, :], stacked[self.layout.known[term]][None, :], basis)
            if back[0] * sign < 0:
                return float(back[0]), tuple(sorted(int(c) for c in rest))
        return float(z[0]), tuple(sorted(int(c) for c in chosen))


def membership(left: FloatArray, sizes: FloatArray, variance: float) -> FloatArray | None:
    """Return each value's chance to belong to the upper of two levels, shape (values,).

    Parameters
    ----------
    left : ndarray of shape (values,)
        Sum of the residual scores of each value's customers.
    sizes : ndarray of shape (values,)
    variance : float
        Of one customer's residual score.
    """
    rate = left / np.maximum(sizes, 1.0)
    order = np.argsort(-np.round((left - sizes * left.sum() / sizes.sum()) / (sizes + 4.0), 9), kind="stable")
    inside, scores = np.cumsum(sizes[order])[:-1], np.cumsum(left[order])[:-1]
    gap = (scores - inside * left.sum() / sizes.sum()) ** 2 / np.maximum(inside * (sizes.sum() - inside), 1e-9)
    k = int(np.argmax(np.round(gap, 12)))
    belongs = np.zeros(len(left))
    belongs[order[: k + 1]] = 1.0
    odds = math.log(BELONGS / (1 - BELONGS))
    for _ in range(20):
        upper = (belongs * left).sum() / max((belongs * sizes).sum(), 1e-9)
        lower = ((1 - belongs) * left).sum() / max(((1 - belongs) * sizes).sum(), 1e-9)
        if upper <= lower:
            return None
        log_odds = odds + sizes * ((rate - lower) ** 2 - (rate - upper) ** 2) / (2 * variance)
        belongs = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return belongs
