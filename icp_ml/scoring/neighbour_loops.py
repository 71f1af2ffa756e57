"""The nearest customers of accounts, as a loop over rows: plain Python that `compiled` turns into machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes
from icp_ml.scoring.row_loops import EMPTY, IntArray

KeyArray = npt.NDArray[np.float32]


def nearest(
    keys: KeyArray,
    columns: Codes,
    places: IntArray,
    begins: IntArray,
    of_code: IntArray,
    count: int,
    near: IntArray,
    left: IntArray,
) -> None:
    """Find the customers with the smallest sums of keys; whole numbers in float32, exact in any order.

    Parameters
    ----------
    keys : ndarray of shape (rows, customers)
        What each code adds to the key of each customer; see `Neighbours`.
    columns : ndarray of shape (columns, accounts)
    places : ndarray
        Of each term compared, the column of its codes.
    begins, of_code : ndarray
        A code of term t has the row `of_code[begins[t] + code]`.
    count : int
        Customers among whom the nearest are asked for; among those after them, one.
    near : ndarray of shape (accounts, nearest)
        Filled, nearest first; -1 where there are fewer.
    left : ndarray of shape (accounts,)
        Filled with the nearest of those after `count`, counted from there; -1 where there are none.
    """
    customers = keys.shape[1]
    total, smallest = np.empty(customers, dtype=np.float32), np.empty(near.shape[1], dtype=np.float32)
    for r in range(len(near)):
        total[:] = 0.0
        term = 0
        while term + 4 <= len(places):  # several at once: the sums are read and written less often
            a = keys[of_code[begins[term] + np.int64(columns[places[term], r])]]
            b = keys[of_code[begins[term + 1] + np.int64(columns[places[term + 1], r])]]
            c = keys[of_code[begins[term + 2] + np.int64(columns[places[term + 2], r])]]
            d = keys[of_code[begins[term + 3] + np.int64(columns[places[term + 3], r])]]
            for k in range(customers):
                total[k] += (a[k] + b[k]) + (c[k] + d[k])
            term += 4
        while term < len(places):
            a = keys[of_code[begins[term] + np.int64(columns[places[term], r])]]
            for k in range(customers):
                total[k] += a[k]
            term += 1
        choose(total, count, smallest, near[r])
        left[r] = EMPTY
        for k in range(count, customers):
            if left[r] < 0 or total[k] < total[count + left[r]]:
                left[r] = k - count


def choose(total: KeyArray, count: int, smallest: KeyArray, near: IntArray) -> None:
    """Put the positions of the smallest of the first `count` sums in order, ties to the earlier."""
    smallest[:] = np.inf
    near[:] = EMPTY
    last = len(near) - 1
    if last < 0:
        return
    for k in range(count):
        if total[k] < smallest[last]:
            place = last
            while place > 0 and total[k] < smallest[place - 1]:
                smallest[place], near[place] = smallest[place - 1], near[place - 1]
                place -= 1
            smallest[place], near[place] = total[k], k
