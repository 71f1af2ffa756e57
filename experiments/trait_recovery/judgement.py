"""Whether a reported trait is one of the planted ones.

A statement is right when a trait is planted on its field (for a token: on that very token), its direction is the
planted effect's, and the values overlap by a Jaccard index of at least 0.6, measured over companies: the share of a
large population (with a known value) inside both over the share inside either. For a range that is the overlap in
percentiles, for a set the overlap of its values weighted by how common they are.

"Not in FR, BR, JP: better" states the same as "in FR, BR, JP: worse"; so of a statement of the other direction the
complement is compared with the planted values, and such verdicts are marked, so that figures can be given without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Direction = Literal["positive", "negative"]
Verdict = Literal["right", "values", "direction", "field", "pair"]
LEAST_OVERLAP = 0.6
BOUNDARY = 0.05  # of the population


@dataclass(frozen=True)
class Statement:
    """What a trait says of one field: over `low` and up to `high`, one of `values`, or has the token `values[0]`."""

    field: str
    kind: Literal["range", "set", "token"]
    direction: Direction
    low: float | None = None  # not inside
    high: float | None = None  # inside
    values: tuple[Any, ...] = ()

    @property
    def token(self) -> str | None:
        return str(self.values[0]) if self.kind == "token" else None

    def inside(self, column: npt.NDArray[Any]) -> Booleans:
        """Return which values the statement is true of; numbers for a range, else objects (tuples for a token)."""
        if self.kind == "range":
            out = ~np.isnan(column)
            if self.low is not None:
                out &= column > self.low
            if self.high is not None:
                out &= column <= self.high
            return np.asarray(out)
        if self.kind == "set":
            return np.asarray(pd.Series(column).isin(list(self.values)), dtype=bool)
        return np.array([isinstance(held, tuple) and self.values[0] in held for held in column], dtype=bool)

    def other_side(self) -> Statement | None:
        """Return the same fact told of a one-sided range's other side; None where that is no range."""
        if self.kind != "range" or (self.low is None) == (self.high is None):
            return None
        turned: Direction = "negative" if self.direction == "positive" else "positive"
        return Statement(self.field, "range", turned, self.high, self.low)


@dataclass(frozen=True)
class Judgement:
    """A statement's verdict.

    Attributes
    ----------
    verdict : str
        `right`; or what is wrong: `values`, `direction`, the `field` (a decoy's or a noise field's), or a `pair`, of
        which one part is wrong.
    planted : int or None
        Number of the planted trait on the same field.
    overlap : float
        Jaccard index.
    complement : bool
        Told of the complement in the other direction.
    edges : tuple of float
        For a range on a planted range's field, the distance of each end to the planted one in shares of the population
        with a known value; an end that both leave open is left out.
    """

    verdict: Verdict
    planted: int | None = None
    overlap: float = 0.0
    complement: bool = False
    edges: tuple[float, ...] = ()


def overlap(one: Booleans, other: Booleans) -> float:
    """Return the Jaccard index of two sets of companies; 0 where both are empty."""
    either = int((one | other).sum())
    return float((one & other).sum() / either) if either else 0.0


def judge(statement: Statement, planted: Sequence[Statement], column: npt.NDArray[Any]) -> Judgement:
    """Return whether a statement is one of the planted ones.

    Parameters
    ----------
    statement : Statement
    planted : sequence of Statement
    column : ndarray of shape (companies,)
        The field's complete values in the population; NaN or None where a company has none.
    """
    number = next((k for k, p in enumerate(planted) if p.field == statement.field and p.token == statement.token), None)
    if number is None:
        return Judgement("field")
    truth = planted[number]
    if statement.kind == "token":
        same = statement.direction == truth.direction
        return Judgement("right" if same else "direction", number, float(same))
    known = ~pd.isna(pd.Series(column)).to_numpy()
    said, meant = statement.inside(column) & known, truth.inside(column) & known
    direct = overlap(said, meant)
    turned = statement.direction != truth.direction
    found = overlap(known & ~said, meant) if turned else direct
    verdict: Verdict = "right" if found >= LEAST_OVERLAP else "direction" if turned and direct > found else "values"
    return Judgement(verdict, number, found, turned and verdict != "direction", boundaries(statement, truth, column))


def boundaries(statement: Statement, truth: Statement, column: npt.NDArray[Any]) -> tuple[float, ...]:
    """Return how far each end of a range is from the planted one, in shares of the population."""
    if statement.direction != truth.direction:
        if (meant := truth.other_side()) is not None:
            truth = meant
        elif (said := statement.other_side()) is not None:
            statement = said
        else:
            return ()
    if statement.kind != "range" or truth.kind != "range":
        return ()
    values = np.sort(np.asarray(column, dtype=np.float64))
    values = values[~np.isnan(values)]

    def share(end: float | None, open_share: float) -> float:
        return open_share if end is None else float(np.searchsorted(values, end, side="right") / len(values))

    ends = ((statement.low, truth.low, 0.0), (statement.high, truth.high, 1.0))
    return tuple(abs(share(a, o) - share(b, o)) for a, b, o in ends if not (a is None and b is None))


def judge_pair(parts: Sequence[Judgement]) -> Judgement:
    """Return a pair's verdict: right where both things it says are; it finds no planted trait that its parts don't."""
    return Judgement("right" if all(part.verdict == "right" for part in parts) else "pair")


def agreement(found: Sequence[Judgement], planted: int) -> dict[str, int]:
    """Return how many statements are right and how many planted traits are found."""
    right = [j for j in found if j.verdict == "right"]
    return {
        "reported": len(found),
        "right": len(right),
        "by_complement": sum(j.complement for j in right),
        "planted": planted,
        "found": len({j.planted for j in right} - {None}),
    }
