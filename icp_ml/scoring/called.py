"""Columns of few texts: numbers of rows, and what the numbers are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.values.present import Present


@dataclass(frozen=True)
class Called:
    """What numbers are called, each name once, as two may be called alike; and which of the names each has."""

    names: tuple[str, ...]
    name_of: npt.NDArray[np.int64]

    @classmethod
    def by(cls, called: Sequence[str]) -> Called:
        """Return what number k is called by `called[k]`."""
        place = {name: number for number, name in enumerate(dict.fromkeys(called))}
        return cls(tuple(place), np.array([*(place[name] for name in called), 0], dtype=np.int64))

    def of(self, numbers: npt.NDArray[np.int64], without: npt.NDArray[np.bool_]) -> pa.Array:
        """Return the names; -1 has none."""
        return choice(self.name_of[numbers], self.names, missing=without | (numbers < 0))


def choice(
    index: npt.NDArray[np.int64], texts: tuple[str, ...], missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return `texts[index]` as a dictionary; each text is named once there, and so must be in `texts`."""
    present = Present(len(index)) if missing is None else Present.but(missing)
    return present.texts(index, _text_array(texts))


@lru_cache(maxsize=64)
def _text_array(texts: tuple[str, ...]) -> pa.Array:
    """Return texts as Arrow has them; those that every batch shows (tiers, names of customers) from memory."""
    return pa.array(texts, type=pa.string())
