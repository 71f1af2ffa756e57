"""The tokens of accounts as terms, as a loop over rows: plain Python that `compiled` turns into machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import PRESENT, Codes
from icp_ml.scoring.row_loops import EMPTY, BoolArray, IntArray

TermArray = npt.NDArray[np.int32]

MANY = 32  # tokens of one account: fewer are put in order one by one


def spread(
    known: BoolArray,
    offsets: IntArray,
    index: TermArray,
    term_of: TermArray,
    column_of: IntArray,
    columns: Codes,
    begins: IntArray,
    tokens: TermArray,
    begin: int,
) -> int:
    """Write down the terms that each account shows of one field: in order, each once.

    Parameters
    ----------
    known : ndarray of bool, shape (rows,)
        Whether the field is known.
    offsets, index : ndarray
        Account r has the tokens `index[offsets[r] : offsets[r + 1]]`.
    term_of : ndarray
        Per token the term, from 0 within the field, -1 for none.
    column_of : ndarray
        Per term of the field the row of `columns` where its codes are wanted too, -1 for none.
    columns : ndarray of shape (columns, rows)
        There, `PRESENT` is written where a token is.
    begins : ndarray of shape (rows + 1,)
        Filled: account r has the terms `tokens[begins[r] : begins[r + 1]]`.
    tokens : ndarray
        Filled, from `begin` on.

    Returns
    -------
    int
        Where the terms end.
    """
    seen = np.full(len(column_of), EMPTY, dtype=np.int64)  # the last account that showed each term
    end = begin
    for r in range(len(known)):
        begins[r] = end
        if not known[r]:
            continue
        for place in range(offsets[r], offsets[r + 1]):
            term = term_of[index[place]]
            if term >= 0 and seen[term] != r:
                seen[term] = r
                tokens[end] = term
                end += 1
        first = begins[r]
        if end - first > MANY:
            end = first
            for term in range(len(seen)):
                if seen[term] == r:
                    tokens[end] = term
                    end += 1
        else:
            for last in range(first + 1, end):
                place, moved = last, tokens[last]
                while place > first and tokens[place - 1] > moved:
                    tokens[place] = tokens[place - 1]
                    place -= 1
                tokens[place] = moved
        for place in range(first, end):
            if column_of[tokens[place]] >= 0:
                columns[column_of[tokens[place]], r] = PRESENT
    begins[len(known)] = end
    return int(end)


def read_only(array: npt.NDArray[np.generic]) -> Any:
    """Return an array as `spread` is compiled for: what comes from Arrow cannot be written."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
