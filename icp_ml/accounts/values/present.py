"""NumPy's arrays as Arrow's, without a copy and with one bitmap for all that is missing in the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Present:
    """Which rows have a value, as Arrow writes it down: None where all have."""

    rows: int
    bits: pa.Buffer | None = None
    missing: int = 0

    @classmethod
    def but(cls, missing: Flags) -> Present:
        """Return all rows but some."""
        count = int(np.count_nonzero(missing))
        bits = pa.py_buffer(np.packbits(~missing, bitorder="little")) if count else None
        return cls(len(missing), bits, count)

    def numbers(self, values: npt.NDArray[Any]) -> pa.Array:
        """Return numbers as an array of their type; what stands in a missing row means nothing."""
        own = pa.py_buffer(np.ascontiguousarray(values))
        return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), self.rows, [self.bits, own], self.missing)

    def texts(self, index: npt.NDArray[np.integer[Any]], texts: pa.Array) -> pa.Array:
        """Return the text of each row as a dictionary; an index of a row that is not missing is one of a text."""
        whole = self.numbers(index.astype(np.int32, copy=False))
        return pa.DictionaryArray.from_arrays(whole, texts, safe=False)
