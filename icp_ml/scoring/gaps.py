"""Where no customer was: values that none showed, and pairs of common values that none showed together.

A value counts as unlike any customer where a further customer would hardly show one that is new (few of the customers'
own values of that field are rare). Two values count where so many customers were to be expected with both, were the
fields independent, that their absence is no chance: how many is set by customers held out in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, RARE, UNSEEN, Codes, FloatArray, Term
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import ModelFormatError

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

FALSE_ALARMS = 0.05  # of customers, by single values: fields are looked at, the widest first, until they add up to it
ONE_FIELD = 0.01  # a field in which a further customer shows a new value more often than this says nothing by one
MOST_FIELDS = 40
TOGETHER = 16  # fields that are looked at in pairs, the widest
WIDEST_TERM = 256  # codes of a term that is looked at in pairs
GROUPS = 6  # of a number's bins, when the other field is looked at within each
FOLDS = 5
LEAST_EXPECTED = 6.0  # customers, below which none is no wonder: exp(-6) is 1 in 400


@dataclass(frozen=True)
class Gap:
    """Codes of two terms that no customer showed together, shape (size of first, size of second)."""

    first: int
    second: int
    cells: BoolArray


@dataclass(frozen=True)
class Gaps:
    """All that makes an account unlike any customer.

    Attributes
    ----------
    alone : mapping of term to ndarray of bool, shape (its codes,)
    together : tuple of Gap
        Those of the fields that move scores most come first.
    """

    alone: Mapping[int, BoolArray]
    together: tuple[Gap, ...] = ()

    @cached_property
    def odd(self) -> list[tuple[int, BoolArray]]:
        """Terms of which some codes count by themselves, in the order they are named."""
        return [(j, odd) for j, odd in self.alone.items() if odd.any()]

    def kinds(self, codes: Codes) -> IntArray:
        """Return per row what is unlike any customer: 0 nothing, else a number that `terms_of` reads, shape (rows,)."""
        alone = np.zeros(len(codes), dtype=np.int64)
        for bit, (j, odd) in enumerate(self.odd):
            hit = odd.take(codes[:, j], mode="clip")
            if hit.any():
                alone |= hit.astype(np.int64) << bit
        found = np.zeros(len(codes), dtype=np.int64)
        for number in range(len(self.together), 0, -1):  # the first of several stays
            gap = self.together[number - 1]
            cell = codes[:, gap.first].astype(np.int32) * gap.cells.shape[1] + codes[:, gap.second]
            found[gap.cells.ravel().take(cell, mode="clip")] = -number
        return np.where(alone != 0, alone, found)

    def terms_of(self, kind: int) -> tuple[int, ...]:
        """Return the terms that a number of `kinds` stands for."""
        if kind < 0:
            gap = self.together[-kind - 1]
            return gap.first, gap.second
        return tuple(j for bit, (j, _) in enumerate(self.odd) if kind >> bit & 1)

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return arrays for `reference.npz`."""
        alone = [(j, code) for j, odd in self.alone.items() for code in np.flatnonzero(odd).tolist()]
        cells = [gap.cells.ravel() for gap in self.together]
        return {
            "alone": np.array(alone, dtype=np.int64).reshape(-1, 2),
            "together": np.array([(gap.first, gap.second) for gap in self.together], dtype=np.int64).reshape(-1, 2),
            "cells": np.packbits(np.concatenate(cells)) if cells else np.zeros(0, dtype=np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]], terms: Sequence[Term]) -> Gaps:
        """Read what `to_arrays` wrote.

        Raises
        ------
        ModelFormatError
            The arrays do not fit the model's terms.
        """
        sizes = np.array([term.size for term in terms], dtype=np.int64)
        try:
            alone, together, packed = (arrays[name] for name in ("alone", "together", "cells"))
        except KeyError as error:
            msg = f"reference.npz: array {error} is missing"
            raise ModelFormatError(msg) from error
        whole = all(a.dtype == np.int64 and a.ndim == 2 and a.shape[1] == 2 for a in (alone, together))
        if not whole or packed.dtype != np.uint8 or packed.ndim != 1 or not _fit(alone, together, sizes):
            msg = f"reference.npz: where no customer was does not fit the model's {len(terms)} terms"
            raise ModelFormatError(msg)
        pairs = [(int(a), int(b)) for a, b in together]
        counts = [int(sizes[a] * sizes[b]) for a, b in pairs]
        if len(packed) != (sum(counts) + 7) // 8:
            msg = f"reference.npz: 'cells' holds {len(packed)} bytes for {sum(counts)} pairs of codes"
            raise ModelFormatError(msg)
        flat = np.unpackbits(np.asarray(packed, dtype=np.uint8), count=sum(counts)).astype(bool)
        parts = np.split(flat, np.cumsum(counts)[:-1]) if counts else []
        odd: dict[int, BoolArray] = {}
        for j, code in alone.tolist():
            odd.setdefault(j, np.zeros(sizes[j], dtype=bool))[code] = True
        return cls(
            odd,
            tuple(Gap(a, b, part.reshape(sizes[a], sizes[b])) for (a, b), part in zip(pairs, parts, strict=True)),
        )


def _fit(alone: npt.NDArray[np.generic], together: npt.NDArray[np.generic], sizes: IntArray) -> bool:
    """Whether every term and code there is one of the model's, and none is that of a missing value."""
    one, two = np.asarray(alone, dtype=np.int64), np.asarray(together, dtype=np.int64)
    if ((one[:, 0] < 0) | (one[:, 0] >= len(sizes))).any() or ((two < 0) | (two >= len(sizes))).any():
        return False
    if len(np.unique(one[:, 0])) > MOST_FIELDS or len(two) > TOGETHER * TOGETHER or (sizes[two] > WIDEST_TERM).any():
        return False
    return bool(((one[:, 1] > MISSING) & (one[:, 1] < sizes[one[:, 0]])).all() and (two[:, 0] < two[:, 1]).all())


def fit_gaps(tables: ScoringTables, codes: Codes) -> Gaps:
    """Find where no customer was.

    Parameters
    ----------
    codes : ndarray of shape (customers, terms)
    """
    if not len(codes):
        return Gaps({})
    looked_at = [j for j in np.argsort(-tables.ranges, kind="stable").tolist() if _compared(tables, j)]
    pairs = [j for j in looked_at if tables.terms[j].size <= WIDEST_TERM][:TOGETHER]
    order = [(min(a, b), max(a, b)) for place, a in enumerate(pairs) for b in pairs[place + 1 :]]
    order.sort(key=lambda pair: (-float(tables.ranges[list(pair)].min()), pair))
    fold = _folds(codes)
    found = [Gap(a, b, _expected(tables, a, b, codes) > _enough(tables, a, b, codes, fold)) for a, b in order]
    return Gaps(_alone(tables, codes, looked_at), tuple(gap for gap in found if gap.cells.any()))


def _enough(tables: ScoringTables, a: int, b: int, codes: Codes, fold: IntArray) -> float:
    """Return how many customers must be expected before none is no chance: more than around any held-out customer."""
    most = LEAST_EXPECTED
    for number in range(FOLDS):
        out = fold == number
        expected = _expected(tables, a, b, codes[~out])
        most = max(most, float(expected[codes[out, a], codes[out, b]].max(initial=0.0)))
    return most


def _compared(tables: ScoringTables, j: int) -> bool:
    return tables.terms[j].encoding.kind != "tokens" and bool(tables.ranges[j] > 0)


def _folds(codes: Codes) -> IntArray:
    """Return folds by the rows' content, so that the order of the file does not matter."""
    order = np.lexsort(codes.T[::-1])
    fold = np.empty(len(codes), dtype=np.int64)
    fold[order] = np.arange(len(codes)) % FOLDS
    return fold


def _alone(tables: ScoringTables, codes: Codes, looked_at: Sequence[int]) -> dict[int, BoolArray]:
    """Return the codes that no customer showed, of fields in which a new value is news."""
    out: dict[int, BoolArray] = {}
    spent = 0.0
    for j in looked_at:
        count = np.bincount(codes[:, j], minlength=tables.terms[j].size)
        known = int(count[MISSING + 1 :].sum())
        news = _new_values(tables.terms[j], count) / (known + 1.0)
        if news > ONE_FIELD and out:
            continue
        if (spent + news > FALSE_ALARMS and out) or len(out) == MOST_FIELDS:
            break
        odd = count == 0
        odd[MISSING] = False
        spent += news
        out[j] = odd
    return out


def _new_values(term: Term, count: IntArray) -> float:
    """Return how many of the customers' values may have been shown by one customer only (Good 1953), at least one."""
    if term.encoding.kind != "category":
        return 1.0  # beyond either end: the guards stand apart from the outermost customers
    return float(max(min(len(term.encoding.rare), int(count[RARE])), 1))


def _expected(tables: ScoringTables, a: int, b: int, codes: Codes) -> FloatArray:
    """Return how many customers were to be expected around each pair of codes that none showed, else 0."""
    sizes = tables.terms[a].size, tables.terms[b].size
    both = codes[(codes[:, a] != MISSING) & (codes[:, b] != MISSING)]
    cell = both[:, a].astype(np.int64) * sizes[1] + both[:, b]
    joint = np.bincount(cell, minlength=sizes[0] * sizes[1]).reshape(sizes)
    out = np.zeros(sizes)
    _fill(out, joint, tables.terms[a], tables.terms[b])
    _fill(out.T, joint.T, tables.terms[b], tables.terms[a])
    return out


def _fill(out: FloatArray, joint: IntArray, term: Term, given: Term) -> None:
    """Look within each group of the codes of `given` for runs of codes of `term` that nobody shows."""
    share = joint.sum(axis=1) / max(int(joint.sum()), 1)
    for codes in _groups(given, joint.sum(axis=0)):
        shown = joint[:, codes].sum(axis=1)
        for first, last in _runs(term, shown):
            expected = float(shown.sum() * share[first : last + 1].sum())
            if expected >= LEAST_EXPECTED:
                place = np.ix_(np.arange(first, last + 1), codes)
                out[place] = np.maximum(out[place], expected)


def _groups(term: Term, count: IntArray) -> list[IntArray]:
    """Return the codes that are looked at as one: each value by itself, bins of a number together."""
    shown = np.flatnonzero(count)
    if term.encoding.kind != "numeric" or len(shown) <= GROUPS:
        return [shown[k : k + 1] for k in range(len(shown))]
    middle = (np.cumsum(count) - count / 2) / count.sum()
    place = np.minimum((middle * GROUPS).astype(np.int64), GROUPS - 1)[shown]
    return [shown[place == g] for g in range(GROUPS) if (place == g).any()]


def _runs(term: Term, shown: IntArray) -> Iterator[tuple[int, int]]:
    """Yield the first and last code of each run that nobody shows; values that have no order stand alone."""
    start = FIRST_BIN if term.encoding.kind == "numeric" else UNSEEN
    stop = len(shown) - 1 if term.encoding.kind == "numeric" else len(shown)
    empty = np.flatnonzero(shown[start:stop] == 0) + start
    if term.encoding.kind != "numeric":
        yield from ((code, code) for code in empty.tolist())
        return
    for run in np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1):
        if len(run):
            yield int(run[0]), int(run[-1])
