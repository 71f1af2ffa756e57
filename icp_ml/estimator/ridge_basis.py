"""The columns of the ridge: one indicator per code, and for numbers the slow waves along their bins.

One-hot codes know nothing of the order of a number's bins. The smooth fit adds to them the sums of steps from bin to
bin (a thermometer), whose ridge penalty is on the differences of neighbours. Centred, those sums are the cosines of
a random walk with free ends, and nearly all of their variance is in the slowest few: those are used, and the one-hot
codes, at half their scale, stay for what is rough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from icp_ml.estimator.design import centred_commonness
from icp_ml.estimator.encoding import FIRST_BIN, MISSING, Codes, Term
from icp_ml.estimator.rows import TrainingRows

if TYPE_CHECKING:
    from scipy import sparse

WAVES = 8  # slowest cosines of a number's bins
SMOOTH = 1.0  # scale of the smooth part: 1 varies as much as a category's values
ROUGH = 0.5  # scale of a number's one-hot codes
COMMON = 1.0  # scale of what goes with how common a category's value is


def one_hot(codes: Codes, terms: Sequence[Term]) -> sparse.csr_matrix:
    """Return one indicator per code of each term, shape (rows, sum of term sizes).

    The commonest code of a token or a yes-or-no field gets none: a hundred columns that are almost always
    one are a hundred more intercepts, and the fit would crawl.
    """
    from scipy import sparse

    rows = len(codes)
    starts = np.concatenate([[0], np.cumsum([term.size for term in terms])]).astype(np.int64)
    shown = np.ones(codes.shape, dtype=bool)
    for j, term in enumerate(terms):
        if term.encoding.kind in ("tokens", "boolean"):
            shown[:, j] = codes[:, j] != np.argmax(np.bincount(codes[:, j], minlength=term.size))
    columns = (codes + starts[:-1]).astype(np.int32)[shown]
    bounds = np.concatenate([[0], np.cumsum(shown.sum(axis=1))]).astype(np.int32)
    return sparse.csr_matrix((np.ones(len(columns)), columns, bounds), shape=(rows, int(starts[-1])))


def smooth_basis(codes: Codes, terms: Sequence[Term]) -> sparse.csr_matrix:
    """Return what each code of each term is made of, shape (sum of term sizes, coefficients).

    Numbers beyond the customers' range are as at its edge, as for the boosters.
    """
    from scipy import sparse

    return sparse.csr_matrix(sparse.block_diag([term_basis(codes, j, term) for j, term in enumerate(terms)]))


def term_basis(codes: Codes, j: int, term: Term) -> Any:
    """Return a dense matrix for numbers, a sparse one for the many codes of categories."""
    if term.encoding.kind != "numeric":
        from scipy import sparse

        hot: Any = sparse.eye_array(term.size, format="csr")
        common = centred_commonness(codes, j, term)
        if common is not None:
            hot = sparse.hstack([hot, sparse.csr_array(COMMON * common[:, None])])
        return term.encoding.freedom * hot
    bins = term.size - 1 - FIRST_BIN
    place = np.clip(np.arange(term.size), FIRST_BIN, term.size - 2) - FIRST_BIN
    hot = ROUGH * np.eye(bins + 1)[np.where(np.arange(term.size) == MISSING, 0, place + 1)]
    if bins < 2:
        return term.encoding.freedom * hot
    angle = np.pi * np.arange(1, min(WAVES + 1, bins)) / bins
    waves = np.cos((place[:, None] + 0.5) * angle) / np.sin(angle / 2)
    waves *= SMOOTH / np.sqrt(0.5 * np.sum(np.sin(angle / 2) ** -2))  # a mean square of 1 over the bins
    waves[MISSING] = 0.0
    return term.encoding.freedom * np.hstack([hot, waves])


def smooth_design(rows: TrainingRows, terms: Sequence[Term]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return the smooth basis and the rows in it."""
    basis = smooth_basis(rows.codes, terms)
    return basis, (one_hot(rows.codes, terms) @ basis).tocsr()
