"""Texts that were made once, found again by two whole numbers each; many at a time, as they are looked up by thousands.

A look-up is a search in a sorted array: a dictionary of pairs takes ten times as long, and while it is asked no other
thread can work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.scoring.row_loops import EMPTY, IntArray

MOST = 200_000  # that are remembered; what comes after them is made anew each time


@dataclass(frozen=True)
class _Known:
    """What is remembered, by ascending mix of both numbers, with the number of its text; and the texts."""

    mixed: npt.NDArray[np.uint64]
    kinds: IntArray
    values: IntArray
    numbers: IntArray
    texts: pa.Array

    def numbers_of(self, kinds: IntArray, values: IntArray) -> IntArray:
        """Return the numbers of texts, -1 where nothing is remembered."""
        if not len(self.mixed):
            return np.full(len(kinds), EMPTY, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.mixed, _mixed(kinds, values)), len(self.mixed) - 1)
        same = (self.kinds[at] == kinds) & (self.values[at] == values)
        return np.where(same, self.numbers[at], EMPTY)

    def more(self, kinds: IntArray, values: IntArray, numbers: IntArray, texts: pa.Array) -> _Known:
        """Return it with some more; `texts` are all."""
        mixed = _mixed(kinds, values)
        order = np.argsort(mixed, kind="stable")
        at = np.searchsorted(self.mixed, mixed[order])

        def put(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.insert(old, at, new[order])

        return _Known(
            put(self.mixed, mixed), put(self.kinds, kinds), put(self.values, values), put(self.numbers, numbers), texts
        )


class Remembered:
    """Texts that were made; threads share it."""

    def __init__(self) -> None:
        none = np.zeros(0, dtype=np.int64)
        self._known = _Known(none.view(np.uint64), none, none, none, pa.array([], pa.string()))
        self._places: dict[str, int] = {}
        self._lock = Lock()

    def texts(
        self, kinds: IntArray, values: IntArray, make: Callable[[IntArray], list[str]]
    ) -> tuple[IntArray, pa.Array]:
        """Return which text each pair of numbers stands for, and texts; equal ones have one number.

        Parameters
        ----------
        kinds, values : ndarray of int64, shape (n,)
        make : callable
            Given positions, returns the texts that their pairs stand for, always the same.
        """
        known = self._known
        numbers = known.numbers_of(kinds, values)
        new = np.flatnonzero(numbers < 0)
        if not len(new):
            return numbers, known.texts
        made = make(new)
        with self._lock:
            numbers[new], texts = self._learned(kinds[new], values[new], made)
        return numbers, texts

    def _learned(self, kinds: IntArray, values: IntArray, made: list[str]) -> tuple[IntArray, pa.Array]:
        """Remember texts, unless there are too many; numbers that were given before stay what they are."""
        known = self._known
        full = len(known.mixed) >= MOST
        places = dict(self._places) if full else self._places
        numbers = np.array([places.setdefault(text, len(places)) for text in made], dtype=np.int64)
        fresh = {
            number: text for number, text in zip(numbers.tolist(), made, strict=True) if number >= len(known.texts)
        }
        texts = pa.concat_arrays([known.texts, pa.array(fresh.values(), pa.string(), size=len(fresh))])
        if not full:
            others = known.numbers_of(kinds, values) < 0  # meanwhile another thread may have learned some
            self._known = known.more(kinds[others], values[others], numbers[others], texts)
        return numbers, texts


def _mixed(kinds: IntArray, values: IntArray) -> npt.NDArray[np.uint64]:
    mixed: npt.NDArray[np.uint64] = values.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += kinds.view(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(0xBF58476D1CE4E5B9)
