"""A table that holds the same rows several times over says no more than one of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.guard.evidence import Ints
from icp_ml.schema import Field

_FEWEST = 20  # different rows; that all of them occur an even number of times is then no accident
_NAMES = ("identifier", "domain", "text")


def without_repeats(customers: pa.Table, fields: Mapping[str, Field], status: pd.Series[str]) -> tuple[Ints, int]:
    """Return which rows to judge by: all, or one of `times` where every row occurs a multiple of so many times.

    Names, ids and texts are not compared: a number drawn for each row does not make it another one.

    Returns
    -------
    (ndarray of int, int)
        Row numbers, ascending; how many times the table repeats them.
    """
    every = np.arange(customers.num_rows, dtype=np.int64)
    if len(every) < 2 * _FEWEST:
        return every, 1
    group, groups = np.unique(status.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64), 0
    names = [n for n, f in fields.items() if f.role in ("feature", "outcome") and f.kind not in _NAMES]
    for name in (n for n in names if n in customers.column_names):
        codes = _codes(customers[name])
        _, group, counts = np.unique(group * (int(codes.max()) + 1) + codes, return_inverse=True, return_counts=True)
        groups = len(counts)
        if np.gcd.reduce(counts) == 1:  # finer groups are parts of these
            return every, 1
    if groups < _FEWEST:
        return every, 1
    times = int(np.gcd.reduce(counts))
    order = np.argsort(group, kind="stable")
    return np.sort(order[::times]), times


def _codes(column: pa.ChunkedArray) -> Ints:
    """Return the values of a column as numbers, missing being one of them."""
    array = column.combine_chunks()
    if pa.types.is_list(array.type):
        array = pc.binary_join(pc.cast(array, pa.list_(pa.string())), "\x1f")
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = pc.fill_null(pc.cast(array.indices, pa.int64()), len(array.dictionary))
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)
