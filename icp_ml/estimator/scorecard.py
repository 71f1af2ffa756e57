"""The scorecard: the tables that are the model. A score is one look-up per term and a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import ABSENT, MISSING, Codes, Encoding, FloatArray, Term
from icp_ml.estimator.pair_tables import PairTable, pair_arrays, read_pairs
from icp_ml.estimator.segment_tables import EVERYONE, IntArray, SegmentRule, SegmentTables, assign, divided
from icp_ml.exceptions import ModelFormatError

FEW_ROWS = 64  # up to here one look-up of all terms is faster than one per term
Z90 = 1.6448536269514722  # two-sided 90 %


@dataclass(frozen=True)
class Summands:
    """A base and, per term, what each code adds to it."""

    base: float
    tables: tuple[FloatArray, ...]

    @cached_property
    def flat(self) -> FloatArray:
        """All tables, one after the other."""
        return _flat(self.tables)


@dataclass(frozen=True)
class ScoringTables:
    """All that scoring needs.

    Attributes
    ----------
    encoding : Encoding
        Fields and terms.
    values : tuple of ndarray
        Per term, the contribution (log-odds) of each code; its mean over the background customers is 0.
    variances : tuple of ndarray
        Per term, the variance of each contribution: over bootstrap refits, and what shrinking hides of it.
    base, base_variance : float
        Log-odds of the average customer, and its variance.
    customers, best : tuple of ndarray
        Per term, how many mature customers (best customers) showed each code: the evidence in reasons.
    as_of : date or None
        The day ages are measured to unless a later one is given.
    pairs : tuple of PairTable
        What two terms say together beyond what each says; half of it belongs to each.
    segments : tuple of SegmentTables
        Accounts that have tables of their own. These tables are then of all customers, and score the accounts whose
        segment is not known.
    """

    encoding: Encoding
    values: tuple[FloatArray, ...]
    variances: tuple[FloatArray, ...]
    base: float
    base_variance: float
    customers: tuple[FloatArray, ...]
    best: tuple[FloatArray, ...]
    as_of: date | None = None
    pairs: tuple[PairTable, ...] = ()
    segments: tuple[SegmentTables, ...] = ()

    @property
    def rules(self) -> tuple[SegmentRule, ...]:
        """The segments' rules, wider segments before those within them."""
        return tuple(segment.rule for segment in self.segments)

    def segment_of(self, codes: Codes) -> IntArray:
        """Return the position of each row's segment, -1 where there is none or it is not known."""
        return assign(self.rules, codes)

    def tables_of(self, segment: int) -> ScoringTables:
        """Return the tables of a segment, or those of all customers for -1; in them no segment is looked at."""
        return replace(self, segments=()) if segment == EVERYONE else self.segments[segment].tables

    def bases(self, codes: Codes) -> FloatArray:
        """Return the base of each row's tables: contributions add up to the log-odds less this."""
        own = np.array([*(segment.tables.base for segment in self.segments), self.base])
        bases: FloatArray = own[self.segment_of(codes)]  # the last is that of -1
        return bases

    @property
    def terms(self) -> tuple[Term, ...]:
        """The additive parts, in the order of the tables."""
        return self.encoding.terms

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields the model reads."""
        return tuple(enc.field for enc in self.encoding.fields)

    @cached_property
    def ranges(self) -> FloatArray:
        """Per term, the spread of contributions over codes that customers showed, with half of its pairs'."""
        out = np.array([_spread(v, n) for v, n in zip(self.values, self.customers, strict=True)])
        for pair in self.pairs:
            shown = pair.values[np.ix_(self.customers[pair.first] > 0, self.customers[pair.second] > 0)]
            if shown.size:
                out[[pair.first, pair.second]] += 0.5 * float(shown.max() - shown.min())
        return out

    def encode(self, columns: Mapping[str, pa.Array], rows: int, as_of: date | None = None) -> Codes:
        """Return codes of shape (rows, terms); see `Encoding.encode`."""
        return self.encoding.encode(columns, rows, as_of or self.as_of)

    def contributions(self, codes: Codes) -> FloatArray:
        """Return contributions of shape (rows, terms), log-odds, by each row's own tables."""
        if self.segments:
            whole = np.empty(codes.shape, dtype=np.float64, order="F")
            for number, rows in divided(self.rules, codes):
                whole[rows] = self.tables_of(number).contributions(codes[rows])
            return whole
        out = np.empty(codes.shape, dtype=np.float64, order="F")
        for j, table in enumerate(self.values):
            np.take(table, codes[:, j], out=out[:, j], mode="clip")
        for j, half in self.halves(codes).items():
            out[:, j] += half
        return out

    def halves(self, codes: Codes) -> dict[int, FloatArray]:
        """Return what pairs add to the contribution of each term that is in one, shape (rows,): half of each pair.

        Of these tables alone, whatever the segment. Split so, contributions are Shapley values: a pure pair's is
        shared equally by its two terms.
        """
        out: dict[int, FloatArray] = {}
        for pair in self.pairs:
            half = 0.5 * pair.look_up(pair.values, codes)
            for j in (pair.first, pair.second):
                out[j] = out[j] + half if j in out else half
        return out

    def log_odds(self, codes: Codes) -> FloatArray:
        """Return log-odds of shape (rows,): base plus tables, term by term and then pair by pair.

        The order of the sum is fixed, so the bits do not depend on the number of rows.
        """
        if self.segments:
            whole = np.empty(len(codes))
            for number, rows in divided(self.rules, codes):
                whole[rows] = self.tables_of(number).log_odds(codes[rows])
            return whole
        total = self._sum(self.summed[0], codes)
        for pair in self.pairs:
            total += pair.look_up(pair.values, codes)
        return total

    def standard_error(self, codes: Codes) -> FloatArray:
        """Return the standard error of the log-odds, terms and pairs taken as independent."""
        if self.segments:
            whole = np.empty(len(codes))
            for number, rows in divided(self.rules, codes):
                whole[rows] = self.tables_of(number).standard_error(codes[rows])
            return whole
        total = self._sum(self.summed[1], codes)
        for pair in self.pairs:
            total += pair.look_up(pair.variances, codes)
        error: FloatArray = np.sqrt(np.maximum(total, 0.0))  # differences may cancel to a little less than nothing
        return error

    @cached_property
    def summed(self) -> tuple[Summands, Summands]:
        """What is summed up for the log-odds and for their variance: most tokens are absent, and then add nothing."""
        return (
            _from_absent(self.terms, self.base, self.values),
            _from_absent(self.terms, self.base_variance, self.variances),
        )

    def _sum(self, summands: Summands, codes: Codes) -> FloatArray:
        """Return the sum of a base and the entries of all tables, added in their order: the same bits either way."""
        if len(codes) > FEW_ROWS or not summands.tables:
            total = np.full(len(codes), summands.base)
            for j, table in enumerate(summands.tables):
                total += table.take(codes[:, j], mode="clip")
            return total
        starts, last = self._places
        entries = summands.flat.take(starts + np.minimum(codes, last))
        whole = np.concatenate([np.full((len(codes), 1), summands.base), entries], axis=1)
        sums: FloatArray = np.add.accumulate(whole, axis=1)[:, -1]  # one after the other, not pairwise
        return sums

    @cached_property
    def _places(self) -> tuple[IntArray, IntArray]:
        """Where each term's table begins among all entries, and its last code."""
        sizes = np.array([len(table) for table in self.values], dtype=np.int64)
        return np.cumsum(sizes) - sizes, sizes - 1

    def scaled(self, slope: float, intercept: float) -> ScoringTables:
        """Fold a calibration into the tables, so that reasons, log-odds and fit score stay one thing."""
        return ScoringTables(
            self.encoding,
            tuple(slope * v for v in self.values),
            tuple(slope**2 * v for v in self.variances),
            slope * self.base + intercept,
            slope**2 * self.base_variance,
            self.customers,
            self.best,
            self.as_of,
            tuple(pair.scaled(slope) for pair in self.pairs),
            tuple(segment.scaled(slope, intercept) for segment in self.segments),
        )

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return flat arrays for `tables.npz`."""
        return {
            "sizes": np.array([len(v) for v in self.values], dtype=np.int64),
            "values": _flat(self.values),
            "variances": _flat(self.variances),
            "customers": _flat(self.customers),
            "best": _flat(self.best),
            "base": np.array([self.base, self.base_variance]),
            **pair_arrays(self.pairs),
            **{
                f"segment_{number}_{name}": array
                for number, segment in enumerate(self.segments)
                for name, array in segment.tables.to_arrays().items()
            },
        }

    @classmethod
    def from_arrays(
        cls,
        encoding: Encoding,
        arrays: Mapping[str, npt.NDArray[np.generic]],
        as_of: date | None,
        rules: Sequence[SegmentRule] = (),
    ) -> ScoringTables:
        """Rebuild tables, checking that they fit the encoding and hold finite numbers; `rules` are the segments'.

        Raises
        ------
        ModelFormatError
            An array is missing, has another length, or holds NaN or infinity.
        """
        sizes = [term.size for term in encoding.terms]
        parts: dict[str, tuple[FloatArray, ...]] = {}
        for name in ("values", "variances", "customers", "best"):
            flat = np.asarray(_present(arrays, name), dtype=np.float64)
            if flat.shape != (sum(sizes),) or not np.isfinite(flat).all():
                found = f"{flat.shape} for {sum(sizes)} codes"
                msg = f"tables.npz: '{name}' does not fit the encoding ({found}) or is not finite"
                raise ModelFormatError(msg)
            if name != "values" and (flat < 0).any():
                msg = f"tables.npz: '{name}' holds a negative number"
                raise ModelFormatError(msg)
            parts[name] = tuple(np.split(flat, np.cumsum(sizes)[:-1])) if sizes else ()
        base = np.asarray(_present(arrays, "base"), dtype=np.float64)
        if base.shape != (2,) or not np.isfinite(base).all() or base[1] < 0:
            msg = "tables.npz: 'base' must be two finite numbers, a log-odds and its variance"
            raise ModelFormatError(msg)
        segments = []
        for number, rule in enumerate(rules):
            start = f"segment_{number}_"
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            segments.append(SegmentTables(rule, cls.from_arrays(encoding, own, as_of)))
        return cls(
            encoding,
            parts["values"],
            parts["variances"],
            float(base[0]),
            float(base[1]),
            parts["customers"],
            parts["best"],
            as_of,
            read_pairs(arrays, sizes),
            tuple(segments),
        )


def _present(arrays: Mapping[str, npt.NDArray[np.generic]], name: str) -> npt.NDArray[np.generic]:
    if name not in arrays:
        msg = f"tables.npz: array '{name}' is missing"
        raise ModelFormatError(msg)
    return arrays[name]


def _flat(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.empty(0)


def _from_absent(terms: Sequence[Term], base: float, tables: Sequence[FloatArray]) -> Summands:
    """Count tokens from being absent: an account's sum is then over the few it shows, whatever the vocabulary.

    That none of a field is known is added once, with its first token.
    """
    total, out = base, []
    first: FloatArray = np.empty(0)  # of the field's tokens
    for term, table in zip(terms, tables, strict=True):
        if term.token is None:
            out.append(table)
            continue
        total += float(table[ABSENT])
        own = table - table[ABSENT]
        if term.token == 0:
            first = own
        else:
            first[MISSING] += own[MISSING]
            own[MISSING] = 0.0
        out.append(own)
    return Summands(total + 0.0, tuple(out))  # a zero has no sign


def _spread(values: FloatArray, customers: FloatArray) -> float:
    shown = values[customers > 0]
    return float(shown.max() - shown.min()) if len(shown) else 0.0
