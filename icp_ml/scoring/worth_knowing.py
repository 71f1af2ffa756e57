"""The unknown field that could lift an account's fit most, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import MISSING, FloatArray
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.sigmoid import sigmoid
from icp_ml.scoring.called import Called

FAVOURABLE = 0.9  # of the customers who show the field: nine in ten are told less by it
Z_FAVOURABLE = 1.2815515655446004  # the same of a normal distribution
HIGHEST = 100


@dataclass(frozen=True)
class WorthKnowing:
    """What each field could add if it were known, from the tables and how many customers showed each code.

    A field's favourable value is the one that nine in ten customers stay at or below in what it adds. A token set is
    many terms, whose sum is taken as normal, tokens as independent. Pairs are left out: on average they add nothing.
    """

    tables: ScoringTables

    @cached_property
    def lifts(self) -> list[tuple[float, int, str, str]]:
        """Log-odds gained by knowing a favourable value, a term of the field, its name and label; smallest first."""
        out = []
        position = 0
        for enc in self.tables.encoding.fields:
            terms = range(position, position + len(enc.sizes))
            position += len(enc.sizes)
            lift = self._lift(terms)
            if lift > 0:
                out.append((lift, terms[0], enc.field, enc.label or enc.field))
        return sorted(out, key=lambda one: (one[0], -one[1]))

    def _lift(self, terms: Sequence[int]) -> float:
        told = [(self.tables.values[j], _known(self.tables.customers[j])) for j in terms]
        told = [(values, count) for values, count in told if count.sum() > 0]
        if not told:
            return 0.0
        unknown = sum(float(values[MISSING]) for values, _ in told)
        if len(terms) == 1:
            return _quantile(*told[0]) - unknown
        means = [float(np.average(values, weights=count)) for values, count in told]
        spread = sum(
            float(np.average((values - mean) ** 2, weights=count))
            for (values, count), mean in zip(told, means, strict=True)
        )
        return sum(means) + Z_FAVOURABLE * float(np.sqrt(spread)) - unknown

    def columns(
        self, best: npt.NDArray[np.int64], log_odds: FloatArray, fit: FloatArray, without: npt.NDArray[np.bool_]
    ) -> dict[str, pa.Array]:
        """Return `worth_knowing` and `worth_knowing_field`; empty where no unknown field lifts the fit by a point.

        Parameters
        ----------
        best : ndarray of int, shape (rows,)
            Position in `lifts` of the unknown field with the largest lift, -1 where none is unknown.
        without : ndarray of bool, shape (rows,)
            Rows that are not scored.
        """
        lift = np.array([*(one[0] for one in self.lifts), 0.0])[best]
        lifted = np.floor(100.0 * sigmoid(log_odds + lift) + 0.5).astype(np.int64)
        none = without | (best < 0) | (lifted <= np.floor(fit + 0.5))
        kind = np.where(none, 0, best * (HIGHEST + 1) + lifted)
        kinds = np.flatnonzero(np.bincount(kind, minlength=1))  # counted, as sorting takes longer than all the rest
        index = np.zeros(int(kinds.max(initial=0)) + 1, dtype=np.int64)
        index[kinds] = np.arange(len(kinds))
        labels = [one[3] for one in self.lifts]
        texts = [
            f"Knowing {labels[kind // (HIGHEST + 1)]} could lift this to {kind % (HIGHEST + 1)}" if labels else ""
            for kind in kinds.tolist()
        ]
        names = [one[2] for one in self.lifts]
        return {
            "worth_knowing": Called.by(texts).of(index[kind], none),
            "worth_knowing_field": Called.by(names).of(best, none),
        }


def _known(count: FloatArray) -> FloatArray:
    known: FloatArray = count.copy()
    known[MISSING] = 0.0
    return known


def _quantile(values: FloatArray, count: FloatArray) -> float:
    """Return the least value that nine in ten of the customers do not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(count[order])
    return float(values[order[int(np.searchsorted(reached, FAVOURABLE * reached[-1]))]])
