"""Terms as pairs see them: in at most eight groups, with the functions of a group that average to nothing.

Groups are made of the counts of the frozen codes and of no label. The basis is a factor of a term's prior kernel,
independent values for categories and a random walk along numbers, centred on the customers. Products of two such
bases make tables whose rows and columns average to zero (Durrande et al. 2013, "ANOVA kernels and RKHS of zero mean
functions"), so pairs fitted with them are pure from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.boosting import silent_codes
from icp_ml.estimator.encoding import BELOW, FIRST_BIN, FIRST_VALUE, MISSING, FloatArray, Term
from icp_ml.estimator.rows import IntArray, TrainingRows

GROUPS = 8
ROUGH = 0.5  # scale of a number's own value per group, beside its random walk


@dataclass(frozen=True)
class GroupedTerm:
    """A term in groups.

    Attributes
    ----------
    position : int
        Of the term.
    of_code : ndarray of shape (codes,)
        The group of each code; -1 for codes that say nothing in pairs.
    basis : ndarray of shape (groups + 1, functions)
        Each function averages to zero over the customers; the last row, of codes in no group, is zero.
    """

    position: int
    of_code: IntArray
    basis: FloatArray

    def groups(self, codes: npt.NDArray[np.uint16]) -> IntArray:
        """Return the row of the basis for each code."""
        last = len(self.basis) - 1
        return np.where(self.of_code < 0, last, self.of_code).take(codes)

    @property
    def spoken(self) -> npt.NDArray[np.bool_]:
        """Which codes are in a group."""
        return np.asarray(self.of_code >= 0)


def group_term(rows: TrainingRows, position: int, term: Term, *, held: bool) -> GroupedTerm | None:
    """Return a term in groups, or None where the customers are all in one.

    Parameters
    ----------
    rows : TrainingRows
    position : int
    term : Term
    held : bool
        Whether the model says nothing of a missing value.
    """
    codes = rows.codes[:, position]
    counts = np.bincount(codes, minlength=term.size).astype(np.float64)
    seen = np.bincount(codes[rows.trains], minlength=term.size)
    mute = np.zeros(term.size, dtype=bool)
    mute[silent_codes(term, seen)] = True
    mute[MISSING] |= held or counts[MISSING] == 0
    spare = GROUPS - int(not mute[MISSING])
    numeric = term.encoding.kind == "numeric"
    of_code = _along(counts, spare) if numeric else _by_count(counts, mute, spare, term.encoding.kind == "category")
    steps = int(of_code.max()) + 1 if numeric else 0
    of_code[MISSING] = of_code.max() + 1
    of_code[mute] = -1
    size = int(of_code.max()) + 1
    share = np.bincount(of_code[of_code >= 0], weights=counts[of_code >= 0], minlength=max(size, 1))
    if (share > 0).sum() < 2:
        return None
    return GroupedTerm(position, of_code, _basis(share / share.sum(), steps))


def _along(counts: FloatArray, most: int) -> IntArray:
    """Return runs of a number's bins with about as many customers each; beyond the range as at its edge."""
    of_code = np.full(len(counts), -1, dtype=np.int64)
    inner = counts[FIRST_BIN:-1]
    middle = np.cumsum(inner) - inner / 2
    place = np.minimum(np.floor(most * middle / max(inner.sum(), 1.0)).astype(np.int64), most - 1)
    place = np.unique(place, return_inverse=True)[1]
    of_code[FIRST_BIN:-1] = place
    of_code[BELOW], of_code[-1] = place[0], place[-1]
    return of_code


def _by_count(counts: FloatArray, mute: npt.NDArray[np.bool_], most: int, category: bool) -> IntArray:
    """Return the commonest values alone and the rest together."""
    of_code = np.full(len(counts), -1, dtype=np.int64)
    values = np.flatnonzero(~mute & (counts > 0))
    values = values[values != MISSING]
    if category and len(values) > most:
        alone = values[values >= FIRST_VALUE]
        values = alone[np.argsort(-counts[alone], kind="stable")][: most - 1]
        of_code[1:] = len(values)
    of_code[values] = np.arange(len(values))
    return of_code


def _basis(share: FloatArray, steps: int) -> FloatArray:
    """Return orthogonal functions of the groups whose squares sum to the centred kernel, and a last row of zeros."""
    factor = np.eye(len(share))
    if steps > 1 and share[:steps].sum() > 0:
        walk = np.zeros((len(share), steps - 1))
        walk[:steps] = np.tril(np.ones((steps, steps - 1)), -1)
        known = share[:steps] / share[:steps].sum()
        walk[:steps] -= known @ walk[:steps]
        walk /= np.sqrt(known @ (walk[:steps] ** 2).sum(axis=1))  # a mean square of 1, as a category's values
        factor[:steps, :steps] *= ROUGH
        factor = np.hstack([walk, factor])
    centred = factor - share @ factor
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    kept = scale > 1e-6 * scale[0]
    return np.vstack([left[:, kept] * scale[kept], np.zeros(int(kept.sum()))])
