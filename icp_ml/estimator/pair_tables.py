"""What a pair of terms adds for every two codes, and how it is kept free of what each term says alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.exceptions import ModelFormatError

MOST_PAIRS = 50


@dataclass(frozen=True)
class PairTable:
    """One pair of terms.

    Attributes
    ----------
    first, second : int
        Positions of the terms; the first comes before the second.
    values : ndarray of shape (codes of the first, codes of the second)
        Log-odds; every row and column averages to 0 over the customers of the other term.
    variances : ndarray of the same shape
    """

    first: int
    second: int
    values: FloatArray
    variances: FloatArray

    def look_up(self, table: FloatArray, codes: Codes) -> FloatArray:
        """Return `table` (the values or the variances) at each row's two codes, shape (rows,)."""
        index = codes[:, self.first].astype(np.intp)
        index *= table.shape[1]
        index += codes[:, self.second]
        return table.ravel().take(index, mode="clip")

    def scaled(self, slope: float) -> PairTable:
        """Return the pair with a calibration's slope folded in."""
        return PairTable(self.first, self.second, slope * self.values, slope**2 * self.variances)


def purify(
    table: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Split a table into what only the two together say, what each says alone, and a constant.

    Parameters
    ----------
    table : ndarray of shape (a, b)
    first, second : ndarray of shape (a,) and (b,)
        Customers of each code: the background is the product of both.

    Returns
    -------
    pure : ndarray of shape (a, b)
        Rows and columns average to 0.
    row, column : ndarray of shape (a,) and (b,)
        Each averages to 0.
    constant : float
        `pure + row[:, None] + column + constant` is the table.
    """
    p, q = first / first.sum(), second / second.sum()
    row, column = table @ q, p @ table
    constant = float(p @ row)
    row, column = row - constant, column - constant
    return table - row[:, None] - column - constant, row, column, constant


def pair_arrays(pairs: Sequence[PairTable]) -> dict[str, npt.NDArray[np.generic]]:
    """Return flat arrays for `tables.npz`; none where there is no pair."""
    if not pairs:
        return {}
    return {
        "pair_terms": np.array([(pair.first, pair.second) for pair in pairs], dtype=np.int64),
        "pair_values": np.concatenate([pair.values.ravel() for pair in pairs]),
        "pair_variances": np.concatenate([pair.variances.ravel() for pair in pairs]),
    }


def read_pairs(arrays: Mapping[str, npt.NDArray[np.generic]], sizes: Sequence[int]) -> tuple[PairTable, ...]:
    """Rebuild pairs, checking that they fit the terms' sizes and hold finite numbers.

    Raises
    ------
    ModelFormatError
        An array is missing, names a term that there is not, has another length, or holds NaN or infinity.
    """
    names = ("pair_terms", "pair_values", "pair_variances")
    found = [name in arrays for name in names]
    if not any(found):
        return ()
    if not all(found):
        msg = f"tables.npz: array '{names[found.index(False)]}' is missing"
        raise ModelFormatError(msg)
    positions = _positions(arrays["pair_terms"], len(sizes))
    shapes = [(sizes[a], sizes[b]) for a, b in positions]
    cells = [a * b for a, b in shapes]
    tables = []
    for name in names[1:]:
        flat = np.asarray(arrays[name])
        if flat.dtype != np.float64 or flat.shape != (sum(cells),) or not np.isfinite(flat).all():
            msg = f"tables.npz: '{name}' does not fit its pairs ({flat.shape} for {sum(cells)} cells) or is not finite"
            raise ModelFormatError(msg)
        if name == "pair_variances" and (flat < 0).any():
            msg = f"tables.npz: '{name}' holds a negative number"
            raise ModelFormatError(msg)
        parts = np.split(flat, np.cumsum(cells)[:-1])
        tables.append([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
    return tuple(PairTable(a, b, v, s) for (a, b), v, s in zip(positions, *tables, strict=True))


def _positions(stored: npt.NDArray[np.generic], terms: int) -> list[tuple[int, int]]:
    given = np.asarray(stored)
    if given.dtype != np.int64 or given.ndim != 2 or given.shape[1] != 2 or not 0 < len(given) <= MOST_PAIRS:
        msg = f"tables.npz: 'pair_terms' must be 1 to {MOST_PAIRS} pairs of positions, found shape {given.shape}"
        raise ModelFormatError(msg)
    positions = [(int(a), int(b)) for a, b in given]
    if len(set(positions)) != len(positions) or not all(0 <= a < b < terms for a, b in positions):
        msg = f"tables.npz: 'pair_terms' must name different pairs of the {terms} terms, the first before the second"
        raise ModelFormatError(msg)
    return positions
