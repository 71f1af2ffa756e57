"""What sets apart the best customers of each segment, as the profile states it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.estimator.fitting import FittedTables
from icp_ml.estimator.rows import IntArray
from icp_ml.estimator.segment_tables import leaves, within
from icp_ml.traits import Trait, find_traits


def describe_segments(
    fitted: FittedTables,
    codes: Codes,
    status: npt.NDArray[Any],
    *,
    grade: FloatArray | None = None,
    groups: IntArray | None = None,
    seed: int,
    market_codes: Codes | None = None,
    signal: bool = True,
) -> tuple[dict[str, Any], ...]:
    """Return one entry per segment: its rule, its customers, its traits, and why it is a segment.

    Parameters
    ----------
    fitted : FittedTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    status : ndarray of shape (n,)
        "best", "worst" or "middle".
    grade : ndarray of shape (n,), optional
        How good each customer is; see `find_traits`.
    groups : ndarray of shape (n,), optional
        Accounts of one company.
    seed : int
    market_codes : ndarray of shape (m, terms), optional
        A list, for each segment's share of it and for each trait's share of the segment there.
    signal : bool
        Whether outcomes can be told from the fields at all; without it no trait is claimed.

    Returns
    -------
    tuple of dict
        None where there is one profile for all. Segments that are split once more are left out.
    """
    tables = fitted.tables
    there = within(tables.rules, codes)
    listed = None if market_codes is None else within(tables.rules, market_codes)
    out = []
    for number in leaves(tables.rules):
        rule, mine = tables.rules[number], there[number]
        here = None if market_codes is None or listed is None else market_codes[listed[number]]
        traits: tuple[Trait, ...] = ()
        if signal:
            wide = [field.take(np.flatnonzero(mine)) for field in fitted.wide]
            own = tables.tables_of(number)
            traits = find_traits(
                own,
                codes[mine],
                status[mine],
                grade=None if grade is None else grade[mine],
                groups=None if groups is None else groups[mine],
                seed=seed,
                market_codes=here,
                wide=wide,
            )
        best = int((status[mine] == "best").sum())
        out.append({
            "name": rule.name,
            "rule": _rule(fitted, number),
            "sentence": _sentence(fitted, number),
            "customers": int(mine.sum()),
            "best": best,
            "rate": best / max(int(mine.sum()), 1),
            "market_share": None if listed is None else float(listed[number].mean()),
            "why": _why(fitted, rule.name),
            "traits": [trait.to_dict() for trait in traits],
        })  # fmt: skip
    return tuple(out)


def _rule(fitted: FittedTables, number: int) -> dict[str, Any]:
    """Return the conditions of a segment, the widest first."""
    rules, terms = fitted.tables.rules, fitted.tables.terms
    conditions = []
    while number >= 0:
        rule = rules[number]
        conditions.append({"field": terms[rule.term].field, "term": terms[rule.term].name, "codes": list(rule.codes)})
        number = rule.parent
    return {"all_of": conditions[::-1]}


def _sentence(fitted: FittedTables, number: int) -> str:
    rule = fitted.tables.rules[number]
    counted = rule.parent < 0 and fitted.tables.terms[rule.term].encoding.form == "count"
    return f"accounts with {rule.name}" if counted else rule.name


def _why(fitted: FittedTables, name: str) -> str:
    """Return the sentence of the split that made a segment; a person's own rule has one for all."""
    for text in fitted.division.sentences:
        names, found, said = text.partition(": with ")
        if found and name in names.split(" | "):
            return f"with {said}"
    return (*fitted.division.sentences, "")[0]
