"""The logistic function that turns log-odds into a fit score, bit for bit the same wherever one is made or compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FloatArray = npt.NDArray[np.float64]


def sigmoid(log_odds: FloatArray | float) -> FloatArray:
    """Return `1 / (1 + exp(-x))`, the bits of `scipy.special.expit`, without its 0.1 s of import.

    By Arrow's exponential, which is the C library's as SciPy's is: NumPy's differs with the processor.

    Examples
    --------
    >>> sigmoid(np.array([-800.0, 0.0, 2.0, 800.0])).tolist()
    [0.0, 0.5, 0.8807970779778823, 1.0]
    """
    given = np.asarray(log_odds, dtype=np.float64)
    power = pc.exp(pa.array(np.negative(given).ravel())).to_numpy(zero_copy_only=False) + 1.0
    shared: FloatArray = np.divide(1.0, power, out=power).reshape(given.shape)
    return shared
