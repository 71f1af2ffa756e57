"""Everything a trait could say: every run of a number's bins, every token, every split of a category's values.

A layout holds one indicator column per code that customers show, in the order of the terms, so that the sum of
anything over a candidate is a difference of two cumulative sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import MISSING, PRESENT, RARE, Codes, Term
from icp_ml.estimator.screening import WideField

if TYPE_CHECKING:
    from scipy import sparse

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """Candidates of all terms as columns of indicators.

    Attributes
    ----------
    matrix : sparse matrix of shape (customers, columns)
        1 where a customer shows a column's code; the columns of one term are neighbours, ascending.
    code : ndarray of shape (columns,)
        The code each column stands for; for the columns of known values, MISSING.
    first, last, owner : ndarray of shape (candidates,)
        A run of columns, both ends included, and the term it speaks of; candidates of a term are neighbours.
    runs : dict of int to slice
        By term, its candidates.
    sets : dict of int to slice
        By term that is a category, its columns.
    known : ndarray of shape (terms,)
        The column that says whether a term's value is known.
    terms : int
        Searched terms; the candidates of wide fields come after those of the model.
    of_model : int
        How many of them the model has.
    """

    matrix: sparse.csr_matrix
    code: IntArray
    first: IntArray
    last: IntArray
    owner: IntArray
    runs: dict[int, slice]
    sets: dict[int, slice]
    known: IntArray
    terms: int
    of_model: int

    def columns(self, term: int) -> slice:
        """Return the columns of a term."""
        if term in self.sets:
            return self.sets[term]
        own = self.runs[term]
        return slice(int(self.first[own].min()), int(self.last[own].max()) + 1)


def lay_out(terms: Sequence[Term], codes: Codes, wide: Sequence[WideField] = ()) -> Layout:
    """Lay out the candidates.

    Parameters
    ----------
    terms : sequence of Term
    codes : ndarray of shape (customers, terms)
    wide : sequence of WideField
        Token sets of more tokens than the model took: all of them are candidates, as one was chosen among all.
    """
    from scipy import sparse

    columns: list[IntArray] = []  # of each column, the customers that show it
    code: list[int] = []
    runs: dict[int, slice] = {}
    sets: dict[int, slice] = {}
    spans: list[tuple[int, int, int]] = []
    for j, term in enumerate(terms):
        shown = _shown(term, codes[:, j])
        start = len(code)
        columns += [np.flatnonzero(codes[:, j] == value) for value in shown]
        code += shown
        if term.encoding.kind == "category":
            sets[j] = slice(start, len(code))
        else:
            ends = _runs(len(shown))
            runs[j] = slice(len(spans), len(spans) + len(ends))
            spans += [(start + a, start + b, j) for a, b in ends]
    of_field: dict[str, int] = {}
    for j, term in enumerate(terms):
        if term.field not in of_field:
            of_field[term.field] = len(code)
            columns.append(np.flatnonzero(codes[:, j] != MISSING))
            code.append(MISSING)
    known = np.array([of_field[term.field] for term in terms], dtype=np.intp)
    places = np.repeat(np.arange(len(columns)), [len(rows) for rows in columns])
    rows = np.concatenate([*columns, np.empty(0, np.intp)])
    blocks = [sparse.csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(codes), len(code)))]
    number = len(terms)
    for field in wide:
        start, count = len(code), field.held.shape[1]
        blocks += [field.held.tocsr(), sparse.csr_matrix(field.known.astype(np.float64)[:, None])]
        code += [PRESENT] * count + [MISSING]
        runs |= {number + t: slice(len(spans) + t, len(spans) + t + 1) for t in range(count)}
        spans += [(start + t, start + t, number + t) for t in range(count)]
        known = np.concatenate([known, np.full(count, start + count)])
        number += count
    first, last, owner = np.array(spans, dtype=np.intp).reshape(-1, 3).T
    whole = sparse.hstack(blocks, format="csr") if len(blocks) > 1 else blocks[0]
    return Layout(whole, np.array(code, dtype=np.intp), first, last, owner, runs, sets, known, number, len(terms))


def _shown(term: Term, codes: Codes) -> list[int]:
    """Return the codes of a term that have a column; a rare or never seen value is no statement anybody can act on."""
    kind = term.encoding.kind
    if kind in ("tokens", "boolean"):
        return [PRESENT]
    shown = np.unique(codes)
    return [int(c) for c in shown[shown > (RARE if kind == "category" else MISSING)]]


def _runs(count: int) -> list[tuple[int, int]]:
    """Return both ends of every run of neighbours but the whole; of a single column, that one."""
    ends = [(a, b) for a in range(count) for b in range(a, count) if b - a + 1 < count]
    return ends or [(0, 0)][:count]
