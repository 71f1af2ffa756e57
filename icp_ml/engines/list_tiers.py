"""Tiers of a whole list: by quantile, or by how many accounts can be worked. The frozen tier stays beside them."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.exceptions import SettingsError
from icp_ml.settings import TierSettings
from icp_ml.tiers import LETTERS, NO_TIER

C = LETTERS.index("C")
BLOCK = 1 << 20  # accounts counted at once


class Ranked(Protocol):
    """What knows the ranks of a list's chunks."""

    total: int

    def ranks(self, chunk: int, rows: int) -> npt.NDArray[np.int64]:
        """Return ranks from 1 of a chunk's rows, 0 for those without."""


def check_mode(tiers: TierSettings, capacity: int | None) -> None:
    """Refuse tiers by capacity without one, and by shares that do not rise.

    Raises
    ------
    SettingsError
        Nobody said how many accounts can be worked, or the shares are none.
    """
    a, b, c = tiers.quantiles
    if not 0 < a < b < c < 1:
        msg = (
            f"tiers.quantiles = {[a, b, c]}: give three rising shares of the list between 0 and 1, where A, B and C "
            "end, such as [0.1, 0.3, 0.6]"
        )
        raise SettingsError(msg)
    if tiers.mode == "capacity" and capacity is None:
        msg = (
            "tiers.mode = 'capacity', but nothing says how many accounts can be worked: give  --capacity N , or "
            "capacity under tiers in the settings"
        )
        raise SettingsError(msg)


class ListTiers:
    """Deals tiers to the ranked accounts of a list; those outside support take no place in A or B, and are C at most.

    A byte per account is held while the cuts are looked for, else a bit.

    Parameters
    ----------
    tiers : TierSettings
    capacity : int, optional
        Accounts that can be worked in one period: A is the first so many, B and C those of the next two periods.

    Attributes
    ----------
    counts : Counter of tier
        Of the rows that `tiers` was asked for.
    """

    def __init__(self, tiers: TierSettings, capacity: int | None) -> None:
        self._tiers, self._capacity = tiers, capacity
        self._inside: dict[int, tuple[int, npt.NDArray[np.uint8]]] = {}
        self._cuts = np.zeros(len(LETTERS) - 1, dtype=np.int64)
        self.counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, chunk: int, inside: pa.Array) -> None:
        """Keep which rows of a chunk lie in support."""
        flags = inside.to_numpy(zero_copy_only=False)
        self._inside[chunk] = len(flags), np.packbits(flags)

    def settle(self, runs: Ranked) -> None:
        """Find the ranks at which A, B and C end."""
        counted = np.zeros(runs.total + 1, dtype=bool)
        for chunk, (rows, _) in self._inside.items():
            rank = runs.ranks(chunk, rows)
            counted[rank[self._of(chunk) & (rank > 0)]] = True
        if self._tiers.mode == "capacity" and self._capacity is not None:
            ends = np.arange(1, len(LETTERS)) * self._capacity
        else:
            ends = np.round(np.array(self._tiers.quantiles) * np.count_nonzero(counted)).astype(np.int64)
        self._cuts = np.array([_rank_of(counted, int(end)) for end in ends], dtype=np.int64)

    def tiers(self, chunk: int, rank: npt.NDArray[np.int64]) -> pa.Array:
        """Return the tiers of a chunk's rows, "none" where there is no rank. Several threads may ask at once."""
        letter = np.searchsorted(self._cuts, rank, side="left")
        letter = np.where(self._of(chunk), letter, np.maximum(letter, C))
        letter = np.where(rank > 0, letter, len(LETTERS))
        names = (*LETTERS, NO_TIER)
        seen = np.bincount(letter, minlength=len(names)).tolist()
        with self._lock:
            self.counts.update({name: count for name, count in zip(names, seen, strict=True) if count})
        return pa.DictionaryArray.from_arrays(pa.array(letter.astype(np.int32)), pa.array(names))

    def nothing(self) -> pa.Array:
        """Return the column of a list without rows."""
        return pa.array([], pa.string())

    def _of(self, chunk: int) -> npt.NDArray[np.bool_]:
        rows, packed = self._inside[chunk]
        return np.unpackbits(packed, count=rows).astype(bool)


def _rank_of(counted: npt.NDArray[np.bool_], number: int) -> int:
    """Return the rank of the so-manieth counted account; beyond all ranks where there are fewer."""
    if number < 1:
        return 0
    for begin in range(0, len(counted), BLOCK):
        block = counted[begin : begin + BLOCK]
        inside = int(np.count_nonzero(block))
        if number <= inside:
            return begin + int(np.flatnonzero(block)[number - 1])
        number -= inside
    return len(counted)
