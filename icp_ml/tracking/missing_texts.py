"""Text columns whose gaps survive MLflow's `spark_udf`.

It converts every text column of a result with `astype(np.str_)`, which makes the text "nan" of a missing value: an
account without a name would be called "nan". Here that conversion leaves gaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa


class GappyTexts(pd.arrays.ArrowStringArray):
    """A text column as any other, but as NumPy texts it has None where it has gaps."""

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Convert; to NumPy texts with gaps left as None."""
        if dtype is np.str_ or (isinstance(dtype, np.dtype) and dtype.kind == "U"):
            return np.array([None if text is self.dtype.na_value else text for text in self], dtype=object)
        return super().astype(dtype, copy=copy)


def with_gaps(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the scored rows, equal in everything, with text columns whose gaps survive."""
    names = [str(name) for name in scored if isinstance(scored[name].array, pd.arrays.ArrowStringArray)]
    table = pa.Table.from_pandas(scored[names], preserve_index=False)
    texts = {name: GappyTexts(table[name], dtype=scored[name].dtype) for name in names}  # type: ignore[call-arg]
    return scored.assign(**texts)
