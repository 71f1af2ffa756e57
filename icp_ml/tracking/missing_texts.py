"""Text columns whose gaps survive MLflow's `spark_udf`.

It converts every text column of a result with `astype(np.str_)`, which makes the text "nan" of a missing value: an
account without a name would be called "nan". Here that conversion leaves gaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa


class GappyTexts(pd.arrays.ArrowStringArray):  # type: ignore[misc]
    """A text column as any other, but as NumPy texts it has None where it has gaps."""

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Convert; to NumPy texts with gaps left as None."""
        if dtype is np.str_ or (isinstance(dtype, np.dtype) and dtype.kind == "U"):
            return self.to_numpy(dtype=object, na_value=None)
        return super().astype(dtype, copy=copy)


def with_gaps(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the scored rows, equal in everything, with text columns whose gaps survive."""
    texts = {
        name: pd.Series(GappyTexts(pa.chunked_array([pa.array(column.array)]), dtype=column.dtype), index=scored.index)
        for name, column in scored.items()
        if isinstance(column.array, pd.arrays.ArrowStringArray)
    }
    return scored.assign(**texts)
