"""How strong a find must be not to be chance: every term's search, repeated on shuffled scores.

A range is the best of hundreds, a token is one: the number of independent tests that a term's search is worth is
read off its strongest finds on shuffled scores, so that terms are compared by how surprising each find is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr

from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.rows import IntArray, shuffled_sources
from icp_ml.traits.scan import Sample, shuffled_strengths

READ_AT = 0.9  # quantile of the shuffles where a term's number of tests is read off
BATCH = 50


@dataclass(frozen=True)
class Chance:
    """What chance alone finds.

    Attributes
    ----------
    tests : ndarray of shape (terms,)
        Independent two-sided tests each term's search is worth.
    strongest : ndarray of shape (shuffles,)
        The most surprising find of all terms in each shuffle, ascending.
    """

    tests: FloatArray
    strongest: FloatArray

    def surprise(self, z: FloatArray, term: int | slice = slice(None)) -> FloatArray:
        """Return -log of the chance that a term's search alone finds anything as strong."""
        return _surprise(np.abs(z), self.tests[term])

    def p_value(self, surprise: float) -> float:
        """Return the share of shuffles in which any term's search finds anything as surprising."""
        above = len(self.strongest) - int(np.searchsorted(self.strongest, surprise, side="left"))
        return (1 + above) / (1 + len(self.strongest))


def _surprise(z: FloatArray, tests: FloatArray | np.float64) -> FloatArray:
    one = np.log(2.0) + log_ndtr(-z)  # log p of a single two-sided test
    log_miss = tests * np.log1p(-np.minimum(np.exp(one), 1 - 1e-12))
    many = -np.expm1(log_miss)
    exact = -np.log(np.maximum(many, 1e-300))
    return np.asarray(np.where(many > 1e-9, exact, -(one + np.log(tests))), dtype=np.float64)


def by_shuffling(sample: Sample, shuffles: int, seed: int, groups: IntArray | None = None) -> Chance:
    """Repeat every term's search on shuffled scores; groups, where given, keep theirs together."""
    rng = np.random.default_rng([seed, 11])
    n = len(sample.score)
    orders = np.stack([
        rng.permutation(n) if groups is None else shuffled_sources(groups, rng) for _ in range(shuffles)
    ])  # fmt: skip
    z = np.concatenate([shuffled_strengths(sample, orders[a : a + BATCH]) for a in range(0, shuffles, BATCH)], axis=1)
    high = np.quantile(z, READ_AT, axis=1)
    single = np.log(2 * ndtr(high) - 1 + 1e-12)
    searched = np.maximum(np.log(READ_AT) / np.minimum(single, -1e-12), 1.0)
    tokens = np.ones(sample.layout.terms, dtype=bool)
    tokens[list(sample.layout.sets)] = False
    for term, own in sample.layout.runs.items():
        tokens[term] = own.stop - own.start == 1
    tests = np.where(tokens, 1.0, searched)
    strongest = np.sort(_surprise(z, tests[:, None]).max(axis=0))
    return Chance(tests, strongest)
