"""The loops of `row_loops` and `sentence_loops` as machine code; numba is imported once many rows are scored.

What was compiled is kept on disk by numba (beside this file, else in the user's cache); where it cannot be kept or read
again, it is compiled in memory, which takes seconds and so waits until many rows came. Without numba, NumPy's way
serves any number of rows, with the same bits.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from threading import Lock, Thread
from types import FunctionType
from typing import Any

import numpy as np

from icp_ml.scoring import neighbour_loops, row_loops, sentence_loops, token_loops
from icp_ml.scoring.row_loops import CodeArrays, FlatTables, Outcome
from icp_ml.scoring.token_loops import read_only

COMPILED_FROM = 50_000  # rows of a batch: below, loading the compiled code takes longer than it saves
# Each after those that it calls.
_LOOPS = {
    row_loops: (
        "add_terms",
        "add_pairs",
        "unlike_customers",
        "count_known",
        "put",
        "size_up",
        "strongest",
        "holds",
        "strongest_tokens",
        "pick",
        "look_up",
    ),
    token_loops: ("spread",),
    neighbour_loops: ("choose", "nearest"),
    sentence_loops: ("place_of", "placed", "shown", "number", "listed"),
}
IN_MEMORY_FROM = 1_000_000  # rows in all, where every process has to compile anew
PATIENCE = 1.0  # seconds: what is kept on disk is loaded in less, which NumPy would need for a batch
# What numba imports, where it is installed, for loops that multiply matrices or call C: a third of the time it takes.
SPARED = ("scipy.linalg.cython_blas", "cffi")


@dataclass(frozen=True)
class Loops:
    """The loops that are called from outside, of the modules whose names end in `_loops`."""

    spread: Callable[..., int]
    look_up: Callable[..., None]
    number: Callable[..., int]
    listed: Callable[..., None]
    nearest: Callable[..., None]


@dataclass
class _State:
    """What this process has compiled, and how many rows it has scored in large batches."""

    lock: Lock = field(default_factory=Lock)
    rows: int = 0
    loops: Loops | None = None
    tried: set[bool] = field(default_factory=set)  # with a cache, without
    alone: bool = False  # whether this process runs nothing but a command of ours

    def of(self, rows: int) -> Loops | None:
        """Return the loops, prepared when enough rows came."""
        if self.loops is not None or rows < COMPILED_FROM:
            return self.loops
        if not self.lock.acquire(timeout=PATIENCE):
            return None  # another thread is at it; meanwhile NumPy does what there is
        try:
            self.rows += rows
            for cached in (True, False):
                if self.loops is None and cached not in self.tried and (cached or self.rows >= IN_MEMORY_FROM):
                    self.tried.add(cached)
                    with _spared() if self.alone else nullcontext():
                        self.loops = prepared(cached=cached)
        finally:
            self.lock.release()
        return self.loops


_state = _State()


def loops_for(rows: int) -> Loops | None:
    """Return the compiled loops, or None where NumPy is to do it: for few rows, or without numba."""
    return _state.of(rows)


def expect(rows: int) -> None:
    """Begin to prepare the loops, if so many rows are to come, beside whatever else is to be done."""
    if rows >= COMPILED_FROM:
        Thread(target=loops_for, args=(rows,), daemon=True).start()


def in_own_process() -> None:
    """Say that nobody else will use numba in this process, so that it need not be able to do what we don't need."""
    _state.alone = True


@contextmanager
def _spared() -> Iterator[None]:
    absent = [name for name in SPARED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def prepared(*, cached: bool) -> Loops | None:
    """Return the loops, run once on no rows, as whatever can go wrong shows there; None where something did."""
    try:
        loops = compiled(cached=cached)
        _run_empty(loops)
    except Exception:  # numba missing or broken, or a cache that cannot be written, read or trusted
        return None
    return loops


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
    found: dict[str, Any] = {}
    for module, loops in _LOOPS.items():
        names = dict(vars(module))  # the plain functions stay what they are
        for name in loops:
            plain = getattr(module, name)
            own = FunctionType(plain.__code__, names, name)
            own.__module__, own.__qualname__ = plain.__module__, plain.__qualname__
            names[name] = found[name] = turned(own)
    return Loops(**{one.name: found[one.name] for one in fields(Loops)})


def _run_empty(loops: Loops) -> None:
    whole, numbers, flags = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.bool_)
    rows, positions, terms = np.zeros((1, 0)), np.zeros((1, 0), dtype=np.int64), np.zeros(0, dtype=np.int32)
    columns, begins = np.zeros((0, 0), dtype=np.uint16), np.zeros((0, 1), dtype=np.int64)
    tables = FlatTables(
        starts=np.zeros(1, dtype=np.int64),
        points=numbers,
        added=numbers,
        variances=numbers,
        bases=np.zeros(2),
        sizes=numbers,
        tokens=flags,
        columns=whole,
        parts=np.zeros((0, 3), dtype=np.int64),
        ranked=whole,
        bounds=numbers,
        slots=whole,
        quiet=np.zeros(1, dtype=np.int64),
        absent=whole,
        missing=whole,
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
    fixed = [read_only(one) for one in (flags, np.zeros(1, dtype=np.int64), terms, terms)]
    loops.spread(*fixed, whole, columns, np.zeros(1, dtype=np.int64), terms, 0)
    loops.look_up(tables, CodeArrays(columns, begins, terms), out)
    keys = np.zeros((0, 0), dtype=np.float32)
    loops.nearest(keys, columns, whole, whole, whole, 0, np.zeros((0, 0), dtype=np.int64), whole)
    few = np.zeros((1, 0), dtype=np.int32)
    loops.number(positions, rows, whole, whole, numbers, few, whole, whole)
    for index in (positions, few):
        loops.listed(index, terms, few, np.zeros((1, 0), dtype=np.bool_))
