"""What a trait is: one readable statement, and everything known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Direction = Literal["positive", "negative"]


@dataclass(frozen=True)
class Trait:
    """One statement about a field's values, with its evidence.

    Rate and lift are over all mature customers. `rate` is counted, `best / customers`; `lift` estimates
    P(best | trait) / P(best) from customers that had no part in finding the trait, so it is somewhat nearer to 1 than
    the rate alone would have it.

    Attributes
    ----------
    sentence, field, term, category : str
        What it says, of which field and term of the model, and the field's category.
    direction : str
        "positive", or "negative" for an anti-trait.
    codes : tuple of int
        The term's codes that have it; of a pair trait, those of its first term.
    values : dict
        The same in the field's own values: `over` and `up_to`, `in`, `has` or `is`.
    customers, best : int
        Mature customers that have it, and best ones among them.
    best_support, worst_support : float
        Share of the best (worst) customers that have it.
    rate, lift, lift_low, lift_high : float
        With its 95 % interval.
    stability : float
        Share of half-samples of the customers that find it by themselves.
    p_value : float
        Chance that shuffled outcomes show anything as surprising, given the other traits.
    contribution : float
        Mean log-odds that the model gives customers with it, above those known to lack it.
    market_share : float or None
        Share of the list's accounts with a known value that have it.
    who : str
        Who can act on it.
    stand_ins : tuple of str
        Statements about other terms that go along with it and say nothing beside it.
    pair : tuple of str
        The two terms of a pair trait; `values` then has each one's under its name.
    outcomes : tuple of dict
        Per outcome, the mean of customers with it and of those known to lack it, with an interval of the difference.
    objections : tuple of dict
        The commonest reasons given by customers with it, beside their share among the others.
    """

    sentence: str
    field: str
    term: str
    category: str
    direction: Direction
    codes: tuple[int, ...]
    values: dict[str, Any]
    customers: int
    best: int
    best_support: float
    worst_support: float
    rate: float
    lift: float
    lift_low: float
    lift_high: float
    stability: float
    p_value: float
    contribution: float
    market_share: float | None = None
    who: str = ""
    stand_ins: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    outcomes: tuple[dict[str, Any], ...] = ()
    objections: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        data = asdict(self)
        for name in _TUPLES:
            data[name] = list(data[name])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trait:
        """Read what `to_dict` wrote, by this version or an older one."""
        out = {**data, "codes": tuple(int(c) for c in data["codes"])}
        for name in ("stand_ins", "pair"):
            out[name] = tuple(str(text) for text in data.get(name, ()))
        for name in ("outcomes", "objections"):
            out[name] = tuple(dict(row) for row in data.get(name, ()))
        return cls(**out)


_TUPLES = ("codes", "stand_ins", "pair", "outcomes", "objections")
