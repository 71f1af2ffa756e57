"""The loops of `row_loops` as machine code, where many rows are scored: numba is imported no earlier than that.

What was compiled is kept on disk by numba (beside this file, else in the user's cache); where it cannot be kept or read
again, it is compiled in memory. Without numba, NumPy's way serves any number of rows, with the same bits.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from types import FunctionType
from typing import Any

import numpy as np

from icp_ml.scoring import row_loops
from icp_ml.scoring.row_loops import FlatTables, Outcome

COMPILED_FROM = 50_000  # rows of a batch: below, loading the compiled code takes longer than it saves
_LOOPS = (
    "add_terms",
    "add_pairs",
    "unlike_customers",
    "count_known",
    "put",
    "size_up",
    "strongest",
    "pick",
    "look_up",
    "place_of",
    "placed",
    "shown",
    "number",
)  # each after those that it calls
_lock = Lock()
_found: list[Loops | None] = []


@dataclass(frozen=True)
class Loops:
    """The loops that are called from outside: `row_loops.look_up` and `row_loops.number`."""

    look_up: Callable[..., None]
    number: Callable[..., int]


def loops_for(rows: int) -> Loops | None:
    """Return the compiled loops, or None where NumPy is to do it: for few rows, or without numba."""
    if not _found:
        if rows < COMPILED_FROM:
            return None
        with _lock:
            if not _found:
                _found.append(_prepared())
    return _found[0]


def _prepared() -> Loops | None:
    """Return the loops, run once on no rows: whatever can go wrong shows there."""
    for cached in (True, False):
        try:
            loops = compiled(cached=cached)
            _run_empty(loops)
        except Exception:  # numba missing or broken, or a cache that cannot be written, read or trusted
            continue
        return loops
    return None


def compiled(*, cached: bool) -> Loops:
    """Return the loops as functions that numba compiles when they are first called.

    Parameters
    ----------
    cached : bool
        Whether numba keeps what it compiled on disk.

    Raises
    ------
    Exception
        numba is not installed, or finds no place for its cache.
    """
    numba: Any = importlib.import_module("numba")
    turned = numba.njit(nogil=True, cache=cached)
    names = dict(vars(row_loops))  # the plain functions stay what they are
    for name in _LOOPS:
        plain = getattr(row_loops, name)
        own = FunctionType(plain.__code__, names, name)
        own.__module__, own.__qualname__ = plain.__module__, plain.__qualname__
        names[name] = turned(own)
    return Loops(names["look_up"], names["number"])


def _run_empty(loops: Loops) -> None:
    whole, numbers, flags = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.bool_)
    rows, positions = np.zeros((1, 0)), np.zeros((1, 0), dtype=np.int64)
    tables = FlatTables(
        starts=np.zeros(1, dtype=np.int64),
        points=numbers,
        variances=numbers,
        bases=np.zeros(2),
        sizes=numbers,
        tokens=flags,
        ranked=whole,
        bounds=numbers,
        slots=whole,
        pairs=np.zeros((0, 6), dtype=np.int64),
        pair_points=numbers,
        pair_variances=numbers,
        alone=np.zeros((0, 2), dtype=np.int64),
        odd=flags,
        together=np.zeros((0, 4), dtype=np.int64),
        cells=flags,
        fields=whole,
        lifts=whole,
    )
    out = Outcome(numbers.copy(), numbers.copy(), whole, whole, whole, positions, rows, positions)
    loops.look_up(tables, np.zeros((0, 0), dtype=np.uint16), out)
    loops.number(positions, rows, whole, whole, numbers, np.zeros((1, 0), dtype=np.int32), whole, whole)
