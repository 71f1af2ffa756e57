"""Exact numbers of one side and bands of the other, put on the same bands before the two are compared."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pyarrow as pa

from icp_ml.accounts.guard.evidence import Coded, Floats, code
from icp_ml.accounts.values.bands import WIDE_BAND_RATIO

_FEWEST, _MOST = 3, 40  # distinct numbers of a side that has bands
_ROWS_PER_BAND = 10
_MIN_BETWEEN = 30
_SHARED = 0.5  # of the exact side's rows in the range of the bands, whose number is also one: then both are exact


def on_same_bands(both: Coded, customers: int) -> tuple[Coded, str]:
    """Return the column with both sides on the coarser side's bands, and which side that is.

    Parameters
    ----------
    both : Coded
        Customers first, then the list.
    customers : int
        How many rows are customers.

    Returns
    -------
    (Coded, str)
        The column as it is and "" where both sides have bands, or neither; else "list" or "customers".
    """
    if both.numbers is None:
        return both, ""
    here, there = both.numbers[:customers], both.numbers[customers:]
    bands_here, bands_there = (np.unique(side[~np.isnan(side)]) for side in (here, there))
    # of two vendors' bands the list's hold, where they are as many
    if len(bands_here) < len(bands_there):
        coarse, fine, bands, name = here, there, bands_here, "customers"
    else:
        coarse, fine, bands, name = there, here, bands_there, "list"
    few = _FEWEST <= len(bands) <= _MOST and (~np.isnan(coarse)).sum() >= _ROWS_PER_BAND * len(bands)
    between = fine[(fine >= bands[0]) & (fine <= bands[-1])] if few else fine[:0]
    if len(between) < _MIN_BETWEEN or float(np.isin(between, bands).mean()) >= _SHARED:
        return both, ""
    put = np.where(np.isnan(fine), np.nan, bands[np.searchsorted(band_ends(bands), fine).clip(max=len(bands) - 1)])
    sides = (coarse, put) if name == "customers" else (put, coarse)
    return code(pa.chunked_array([pa.array(np.concatenate(sides), from_pandas=True)])), name


def band_ends(middles: Floats) -> Floats:
    """Return the upper ends of adjoining bands, all but the last, from what stands for each band.

    Bands from 1 or 0 upwards give themselves away: from the first on, each begins where the one before it ends. Of
    others the ends are taken to lie half-way between, by ratio where they span more than tenfold.

    Parameters
    ----------
    middles : ndarray of shape (bands,)
        Ascending.

    Returns
    -------
    ndarray of shape (bands - 1,)

    Examples
    --------
    >>> band_ends(np.array([5.5, 30.5, 125.5, 350.5])).tolist()
    [10.0, 50.0, 200.0]
    """
    for gap in (1.0, 0.0):
        ends = _adjoining(middles.tolist(), gap)
        if ends is not None:
            return ends
    if middles[0] > 0 and middles[-1] > WIDE_BAND_RATIO * middles[0]:
        return np.asarray(np.sqrt(middles[:-1] * middles[1:]), dtype=np.float64)
    return np.asarray((middles[:-1] + middles[1:]) / 2, dtype=np.float64)


def _adjoining(middles: list[float], gap: float) -> Floats | None:
    """Return the ends of bands that begin at `gap` and lie `gap` apart; None where the middles are not of such."""
    ends: list[float] = []
    low = gap
    for middle, following in itertools.pairwise(middles):
        high = 2 * middle - low
        if 0 < WIDE_BAND_RATIO * low < high:
            high = middle * middle / low  # of so wide a band the geometric mean stands for it
        if not (low < middle < high < following and math.isfinite(high)):
            return None
        ends.append(high)
        low = high + gap
    return np.array(ends)
