"""What the tables say of accounts: log-odds and its error, the strongest contributions, what is unlike any customer.

Two ways give the same bits: NumPy, column by column, for few rows, and compiled loops, row by row, for many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import ABSENT, MISSING, Codes, FloatArray
from icp_ml.scoring.gaps import Gaps
from icp_ml.scoring.reasons import ReasonBook
from icp_ml.scoring.row_codes import Layout, RowCodes
from icp_ml.scoring.row_loops import VOICES, BoolArray, FlatTables, IntArray, Outcome
from icp_ml.scoring.strongest import FEW_ROWS, pair_sizes, strongest, strongest_of_few


@dataclass(frozen=True)
class Chosen:
    """The strongest contributions of accounts, largest first.

    Attributes
    ----------
    terms : ndarray of int, shape (reasons, rows)
    contributions : ndarray of shape (reasons, rows)
        Log-odds.
    said : ndarray of int, shape (reasons, rows)
        Which of the book's sentences, by code and voice; see `ReasonBook.starts`.
    """

    terms: IntArray
    contributions: FloatArray
    said: IntArray


@dataclass(frozen=True)
class Found:
    """What was looked up, per account.

    Attributes
    ----------
    log_odds, error : ndarray of shape (rows,)
        The log-odds and its standard error.
    known : ndarray of int, shape (rows,)
        How many fields are known.
    unlike : ndarray of int, shape (rows,)
        As `Gaps.kinds` numbers it.
    unknown : ndarray of int, shape (rows,)
        Position of the unknown field worth knowing most, -1 for none.
    """

    log_odds: FloatArray
    error: FloatArray
    known: IntArray
    unlike: IntArray
    unknown: IntArray
    chosen: Chosen


@dataclass(frozen=True)
class LookUp:
    """Looks accounts up in tables, among gaps and in a list of fields worth knowing.

    Parameters
    ----------
    fields : sequence of int
        The first term of each field: its code is 0 exactly where the field is missing.
    lifts : sequence of int
        A term of each field worth knowing, the smallest lift first.
    wanted : sequence of int
        Terms whose codes are asked for beside.
    """

    book: ReasonBook
    gaps: Gaps
    fields: Sequence[int]
    lifts: Sequence[int]
    wanted: Sequence[int] = ()

    def in_numpy(self, codes: Codes, reasons: int) -> Found:
        """Return what is said of accounts, by way of NumPy.

        Parameters
        ----------
        codes : ndarray of shape (rows, terms)
        reasons : int
            Contributions chosen per account; fewer where there are fewer terms.
        """
        tables = self.book.tables
        known, unknown = np.zeros(len(codes), dtype=np.int64), np.full(len(codes), -1, dtype=np.int64)
        for j in self.fields:
            known += codes[:, j] != MISSING
        for place, j in enumerate(self.lifts):  # the largest lift is written last
            unknown[codes[:, j] == MISSING] = place
        return Found(
            tables.log_odds(codes),
            tables.standard_error(codes),
            known,
            self.gaps.kinds(codes),
            unknown,
            chosen(self.book, codes, reasons),
        )

    def in_loops(self, look_up: Callable[..., None], codes: RowCodes, reasons: int) -> Found:
        """Return it by way of loops over rows: `row_loops.look_up`, compiled or plain; `codes` by `layout`."""
        rows, shape = len(codes), (min(reasons, len(self.book.tables.terms)), len(codes))
        out = Outcome(
            np.empty(rows),
            np.empty(rows),
            np.empty(rows, dtype=np.int64),
            np.empty(rows, dtype=np.int64),
            np.empty(rows, dtype=np.int64),
            np.empty(shape, dtype=np.int64),
            np.empty(shape),
            np.empty(shape, dtype=np.int64),
        )
        look_up(self.flat, codes.arrays, out)
        picked = Chosen(out.terms, out.contributions, out.said)
        error = np.sqrt(np.maximum(out.variance, 0.0))
        return Found(out.log_odds, error, out.known, out.unlike, out.unknown, picked)

    @cached_property
    def layout(self) -> Layout:
        """How the loops want the codes."""
        compared = [j for gap in self.gaps.together for j in (gap.first, gap.second)]
        in_pairs = [j for pair in self.book.tables.pairs for j in (pair.first, pair.second)]
        alone = [j for j, _ in self.gaps.odd]
        return Layout.of(self.book.tables.encoding, [*compared, *in_pairs, *alone, *self.wanted])

    @cached_property
    def flat(self) -> FlatTables:
        """The tables as the loops take them."""
        book, tables, gaps = self.book, self.book.tables, self.gaps
        layout = self.layout
        column, part = layout.column_of, layout.part_of
        log_odds, variance = tables.summed
        ranked = np.array([j for j in np.argsort(-book.widths, kind="stable") if column[j] >= 0], dtype=np.int64)
        slots = np.full(len(tables.terms), -1, dtype=np.int64)
        slots[list(book.bounds)] = np.arange(len(book.bounds))
        pairs = [
            (column[p.first], column[p.second], p.values.shape[1], begin, slots[p.first], slots[p.second])
            for p, begin in zip(tables.pairs, _begins([p.values for p in tables.pairs]), strict=True)
        ]
        together = [
            (column[gap.first], column[gap.second], gap.cells.shape[1], begin)
            for gap, begin in zip(gaps.together, _begins([gap.cells for gap in gaps.together]), strict=True)
        ]
        odd = [cells for _, cells in gaps.odd]
        alone = [(column[j], begin) for (j, _), begin in zip(gaps.odd, _begins(odd), strict=True)]
        quiet, absent, missing = _quiet(book, layout)
        return FlatTables(
            starts=book.starts,
            points=_numbers(tables.values),
            added=log_odds.flat,
            variances=variance.flat,
            bases=np.array([log_odds.base, variance.base]),
            sizes=_numbers(book.sizes),
            tokens=np.array([term.encoding.kind == "tokens" for term in tables.terms], dtype=np.bool_),
            columns=column.astype(np.int64),
            parts=_table([(one.first, one.column, one.set) for one in layout.parts], 3),
            ranked=ranked,
            bounds=book.widths[ranked],
            slots=slots,
            quiet=quiet,
            absent=absent,
            missing=missing,
            pairs=_table(pairs, 6),
            pair_points=_numbers([p.values for p in tables.pairs]),
            pair_variances=_numbers([p.variances for p in tables.pairs]),
            alone=_table(alone, 2),
            odd=_flags(odd),
            together=_table(together, 4),
            cells=_flags([gap.cells for gap in gaps.together]),
            fields=part[list(self.fields)].astype(np.int64),
            lifts=part[list(self.lifts)].astype(np.int64),
        )


def _quiet(book: ReasonBook, layout: Layout) -> tuple[IntArray, IntArray, IntArray]:
    """Return, for each token set, its tokens without a column by what they say when absent, and when missing."""
    begins, absent, missing = [0], [], []
    for part in layout.parts:
        if part.set >= 0:
            terms = range(part.first, part.first + len(part.encoding.sizes))
            few = [j for j in terms if layout.column_of[j] < 0]
            absent += [j - part.first for j in sorted(few, key=lambda j: (-book.sizes[j][ABSENT], j))]
            missing += [j - part.first for j in sorted(few, key=lambda j: (-book.sizes[j][MISSING], j))]
            begins.append(len(absent))
    return tuple(np.array(one, dtype=np.int64) for one in (begins, absent, missing))  # type: ignore[return-value]


def chosen(book: ReasonBook, codes: Codes, reasons: int) -> Chosen:
    """Return the strongest contributions, by way of NumPy."""
    tables = book.tables
    halves = tables.halves(codes)
    paired = pair_sizes(tables, codes, halves)
    if len(codes) <= FEW_ROWS:
        terms = strongest_of_few(book.all_sizes, book.starts, codes, reasons, paired).T
    else:
        terms = strongest(book.sizes, codes, reasons, paired, book.bounds).T
    rows = np.arange(len(codes))
    at = (book.starts[terms] + codes[rows, terms]) if terms.size else np.empty(terms.shape, dtype=np.int64)
    own = book.points[at] if terms.size else np.empty(terms.shape)
    contributions, voice = own.copy(), np.zeros(terms.shape, dtype=np.int64)
    for j, half in halves.items():
        here = terms == j
        shared = np.broadcast_to(half, terms.shape)[here]
        contributions[here] += shared
        louder = np.abs(shared) > np.abs(own[here])
        voice[here] = np.where(louder, np.sign(contributions[here]), 0.0).astype(np.int64)
    return Chosen(terms, contributions, at * VOICES + voice + 1)


def _begins(parts: Sequence[npt.NDArray[np.generic]]) -> list[int]:
    """Return where each part begins, put one after the other."""
    sizes = [part.size for part in parts]
    return [sum(sizes[:k]) for k in range(len(sizes))]


def _numbers(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in parts]) if parts else np.empty(0)


def _flags(parts: Sequence[BoolArray]) -> BoolArray:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0, dtype=np.bool_)


def _table(rows: Sequence[tuple[int, ...]], columns: int) -> IntArray:
    return np.array(rows, dtype=np.int64).reshape(-1, columns)
