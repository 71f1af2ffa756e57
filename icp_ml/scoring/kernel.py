"""The one scorer: canonical columns in, row-level scored columns out. Every engine calls this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.values.present import Present
from icp_ml.estimator.encoding import Codes, Encoding, FloatArray, numeric_values
from icp_ml.estimator.scorecard import Z90, ScoringTables
from icp_ml.estimator.segment_tables import EVERYONE, SegmentRule
from icp_ml.estimator.sigmoid import sigmoid
from icp_ml.scoring.called import Called, choice
from icp_ml.scoring.columns import WINNABILITY
from icp_ml.scoring.compiled import Loops, loops_for
from icp_ml.scoring.look_up import Found, LookUp
from icp_ml.scoring.lookalikes import Neighbours, Reference, Support
from icp_ml.scoring.parts import divider, in_parts, joined
from icp_ml.scoring.reason_columns import reason_columns
from icp_ml.scoring.reasons import ReasonBook
from icp_ml.scoring.row_codes import RowCodes, codes_of
from icp_ml.scoring.worth_knowing import WorthKnowing
from icp_ml.tiers import LETTERS, NO_TIER, TIER_RANGES, TierCutoffs

CHUNK_ROWS = 65_536
SEGMENT = "all"  # one profile, or an account whose segment is not known: scored by the tables of all customers
TIER_C = LETTERS.index("C")
IDENTITY = ("account_id", "name", "domain")
STATUSES = ("scored", "ineligible")
MOST_NAMED = 4  # fields that make an account unlike any customer
OUTSIDE = "unlike any customer{}; tier held at C"


@dataclass(frozen=True)
class Exclusion:
    """A filter a person confirmed: accounts known to show these codes are ineligible."""

    term: int
    codes: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Scorer:
    """A model's tables with what turns log-odds into a scored row.

    Parameters
    ----------
    names : mapping of salted id to name
        From the customer file, where one is given; else lookalikes carry their pseudonyms.
    stated : mapping of (term, code) to str
        What people decided of a code, after "raises fit": said in place of what customers became.
    segment : str
        What these tables are of.
    parts : tuple of Scorer
        One per segment of `tables`, in that order; rows of no known segment are scored here.
    """

    tables: ScoringTables
    cutoffs: TierCutoffs
    support: Support
    reference: Reference
    model_version: str
    exclusions: tuple[Exclusion, ...] = ()
    reasons: int = 5
    lookalikes: int = 3
    names: Mapping[str, str] | None = None
    stated: Mapping[tuple[int, int], str] = field(default_factory=dict)
    segment: str = SEGMENT
    parts: tuple[Scorer, ...] = ()
    churned: Reference | None = None

    @cached_property
    def _book(self) -> ReasonBook:
        return ReasonBook(self.tables, self.stated, "all" if self.segment == SEGMENT else "its segment")

    @property
    def book(self) -> ReasonBook:
        """The sentences its reasons are made of."""
        return self._book

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.tables, self.reference, self.churned)

    @cached_property
    def _worth_knowing(self) -> WorthKnowing:
        return WorthKnowing(self.tables)

    @cached_property
    def _look_up(self) -> LookUp:
        lifts = [term for _, term, _, _ in self._worth_knowing.lifts]
        asked = [e.term for e in self.exclusions] + (self._neighbours.terms if self.lookalikes else [])
        return LookUp(self._book, self.support.named, self._field_columns, lifts, asked)

    @cached_property
    def _whole(self) -> Scorer:
        """What scores the rows whose segment is not known."""
        return replace(self, tables=self.tables.tables_of(EVERYONE), parts=())

    @cached_property
    def _divider(self) -> tuple[Encoding, tuple[SegmentRule, ...]]:
        return divider(self.tables)

    @cached_property
    def _field_columns(self) -> list[int]:
        """The first term of every field: its code is 0 exactly where the field is missing."""
        seen: dict[str, int] = {}
        for j, term in enumerate(self.tables.terms):
            seen.setdefault(term.field, j)
        return list(seen.values())

    def score(self, columns: Mapping[str, pa.Array], rows: int, as_of: date | None = None) -> pa.RecordBatch:
        """Return the row-level scored columns of a batch, in input order.

        Parameters
        ----------
        columns : mapping of name to Arrow array of `rows` values
            Canonical; identity columns and the model's fields, any of which may be absent.
        """
        if self.parts:
            if not rows:
                return self._whole.score(columns, rows, as_of)
            scored, order = [], []
            for number, index, some in in_parts(self._divider, columns, rows, as_of or self.tables.as_of):
                scorer = self._whole if number == EVERYONE else self.parts[number]
                scored.append(scorer.score(some, len(index), as_of))
                order.append(index)
            return joined(scored, order)
        loops = loops_for(rows)
        codes, found = self._found(columns, rows, as_of, loops)
        log_odds, error = found.log_odds, Z90 * found.error
        fit, low, high = 100.0 * sigmoid(np.stack((log_odds, log_odds - error, log_odds + error)))
        coverage = found.known / max(len(self.tables.fields), 1)
        status, reason = self._status(codes, coverage)
        out = status != 0
        unlike = self.support.of_named(codes, found.unlike)
        inside = (unlike == 0) & (coverage > 0)
        tier = self.cutoffs.assign(fit)
        at_best = np.where(inside, 0, TIER_C)
        tier = np.maximum(tier, at_best)
        tier[out] = len(LETTERS)
        text, told = pa.string(), Present.but(out)
        result: dict[str, pa.Array] = {
            name: columns[name] if name in columns else pa.nulls(rows, text) for name in IDENTITY
        }
        result |= {
            "status": choice(status, STATUSES),
            "status_reason": self._status_reasons(reason, np.where(out, 0, unlike)),
            "fit_score": told.numbers(fit),
            "fit_low": told.numbers(low),
            "fit_high": told.numbers(high),
            "log_odds": told.numbers(log_odds),
            "tier": choice(tier, (*LETTERS, NO_TIER)),
            "in_support": pa.array(inside),
            "coverage": pa.array(coverage),
            "segment": choice(np.zeros(rows, dtype=np.int64), (self.segment,)),
        }
        own = codes.values if isinstance(codes, RowCodes) else self._own_values(columns, as_of or self.tables.as_of)
        result |= reason_columns(self._book, found.chosen, own, self.reasons, out, loops)
        result |= self._lookalike_columns(codes, out, loops)
        result["tier_range"] = _RANGES.of(self.cutoffs.ranges(low, high, at_best), out)
        result |= self._worth_knowing.columns(found.unknown, log_odds, fit, out)
        result[WINNABILITY] = columns[WINNABILITY] if WINNABILITY in columns else pa.nulls(rows, text)
        result["model_version"] = choice(np.zeros(rows, dtype=np.int64), (self.model_version,))
        return pa.RecordBatch.from_arrays(list(result.values()), names=list(result))

    def _found(
        self, columns: Mapping[str, pa.Array], rows: int, as_of: date | None, loops: Loops | None
    ) -> tuple[Codes | RowCodes, Found]:
        if loops is None:
            codes = self.tables.encode(columns, rows, as_of)
            return codes, self._look_up.in_numpy(codes, self.reasons)
        found = self._look_up.layout.encode(columns, rows, as_of or self.tables.as_of, loops.spread)
        return found, self._look_up.in_loops(loops.look_up, found, self.reasons)

    @property
    def status_reasons(self) -> tuple[str, ...]:
        """Why an account is not scored: "" where it is, then that nothing is known of it, then each exclusion's."""
        nothing = f"none of the model's {len(self.tables.fields)} fields is known"
        return ("", nothing, *(e.reason for e in self.exclusions))

    def _status(
        self, codes: Codes | RowCodes, coverage: FloatArray
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        reason = np.where(coverage == 0, 1, 0)
        for number, exclusion in enumerate(self.exclusions, start=2):
            hit = np.isin(codes_of(codes, exclusion.term), exclusion.codes)
            reason = np.where((reason == 0) & hit, number, reason)
        return np.where(reason > 0, 1, 0), reason

    def _status_reasons(self, reason: npt.NDArray[np.int64], unlike: npt.NDArray[np.int64]) -> pa.Array:
        """Return why rows are not scored, else why their tier is held; each set of fields is put into words once."""
        index = np.zeros(len(unlike), dtype=np.int64)
        held_rows = np.flatnonzero(unlike)
        kinds, index[held_rows] = np.unique(unlike[held_rows], return_inverse=True)
        held = [OUTSIDE.format(_listed(self.support.fields_of(int(kind)))) for kind in kinds]
        texts = list(dict.fromkeys([*self.status_reasons[1:], *held]))
        place = np.array([texts.index(text) for text in [*self.status_reasons[1:], *held]], dtype=np.int64)
        number = np.where(reason > 0, reason - 1, len(self.status_reasons) - 1 + index)
        place = np.append(place, 0)  # where nothing is held, no text is asked for
        return choice(place[number], tuple(texts), missing=(reason == 0) & (unlike == 0))

    def _own_values(self, columns: Mapping[str, pa.Array], as_of: date | None) -> dict[str, FloatArray]:
        return {
            enc.field: numeric_values(columns[enc.field], as_of, enc.form)
            for enc in self.tables.encoding.fields
            if enc.kind == "numeric" and enc.field in columns
        }

    def _lookalike_columns(
        self, codes: Codes | RowCodes, without: npt.NDArray[np.bool_], loops: Loops | None
    ) -> dict[str, pa.Array]:
        if not self.lookalikes:
            return {}
        near, left = self._neighbours.nearest_of_each(codes, self.lookalikes, loops.nearest if loops else None)
        best, churned = self._called
        found = {f"lookalike_{k + 1}": best.of(near[:, k], without) for k in range(self.lookalikes)}
        return found | {"lookalike_churned": churned.of(left, without)}

    @cached_property
    def _called(self) -> tuple[Called, Called]:
        """What a seller calls the best customers, and the churned ones."""
        names = self.names or {}
        ids = (self.reference.ids, self.churned.ids if self.churned else ())
        best, churned = (Called.by([names.get(i, f"customer {i[:6]}") for i in some]) for some in ids)
        return best, churned


_RANGES = Called.by(TIER_RANGES)


def _listed(fields: tuple[str, ...]) -> str:
    more = f" and {len(fields) - MOST_NAMED} more" if len(fields) > MOST_NAMED else ""
    return f": {', '.join(fields[:MOST_NAMED])}{more}" if fields else ""
