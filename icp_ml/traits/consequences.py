"""What a trait does to each outcome by itself, who is easily grown, who stays and never grows, and what is objected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.outcomes.by_itself import OutcomeValues
from icp_ml.traits.evidence import Z95
from icp_ml.traits.reasons import GivenReasons
from icp_ml.traits.trait import Trait

BoolArray = npt.NDArray[np.bool_]
FEW = 5  # customers inside, or outside, below which a mean is not told
MOST_REASONS = 3
LEAST_NAMED = 3  # customers inside that give a reason


def outcome_rows(outcomes: Sequence[OutcomeValues], inside: BoolArray, known: BoolArray) -> tuple[dict[str, Any], ...]:
    """Return a row per outcome: means inside and outside, and their difference with a 95 % interval (Welch)."""
    out = []
    for outcome in outcomes:
        there = np.isfinite(outcome.values)
        a, b = outcome.values[inside & there], outcome.values[known & ~inside & there]
        if len(a) < FEW or len(b) < FEW:
            continue
        difference = float(a.mean() - b.mean())
        # A spread of 0 inside (all stayed) is no certainty: the outside's is mixed in as one customer's worth.
        pooled = float(np.concatenate([a, b]).var())
        spread = [(x.var() * len(x) + pooled) / (len(x) + 1) / max(len(x) - 1, 1) for x in (a, b)]
        half = Z95 * float(np.sqrt(sum(spread)))
        out.append(
            {
                "outcome": outcome.name,
                "inside": float(a.mean()),
                "outside": float(b.mean()),
                "difference": difference,
                "low": difference - half,
                "high": difference + half,
                "customers": len(a),
                "unit": outcome.unit,
            }
        )
    return tuple(out)


def objection_rows(given: Sequence[GivenReasons], inside: BoolArray, known: BoolArray) -> tuple[dict[str, Any], ...]:
    """Return the commonest reasons of the customers inside, with their shares inside and outside.

    Shares are of the customers that give any reason.
    """
    out = []
    for column in given:
        within = [set(column.reasons[i]) for i in np.flatnonzero(inside).tolist()]
        without = [set(column.reasons[i]) for i in np.flatnonzero(known & ~inside).tolist()]
        told, others = sum(map(bool, within)), sum(map(bool, without))
        counted = Counter(reason for reasons in within for reason in reasons)
        elsewhere = Counter(reason for reasons in without for reason in reasons)
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        for reason, times in ranked[:MOST_REASONS]:
            if times >= LEAST_NAMED:
                out.append(
                    {
                        "column": column.column,
                        "reason": reason,
                        "inside": times / told,
                        "outside": elsewhere[reason] / others if others else None,
                        "customers_inside": times,
                    }
                )
    return tuple(out)


def growth_lines(traits: Sequence[Trait]) -> tuple[str, ...]:
    """Return who is easiest to upsell, and who stays but does not grow, a sentence each, as far as traits tell.

    Only differences whose 95 % interval leaves out zero are told.
    """
    lines = []
    grown = [(trait, row) for trait in traits if (row := _row(trait, "expansion")) is not None]
    easiest = [(trait, row) for trait, row in grown if row["low"] > 0]
    if easiest:
        trait, row = max(easiest, key=lambda pair: (_surely(pair[1]), pair[0].sentence))
        lines.append(f"Easiest to upsell: {trait.sentence} ({_told(row)}).")
    idle = []
    for trait, row in grown:
        stays = _row(trait, "retention")
        if row["high"] < 0 and stays is not None and stays["difference"] >= 0:
            idle.append((trait, row, stays))
    if idle:
        trait, row, stays = max(idle, key=lambda found: (-_surely(found[1]), found[0].sentence))
        lines.append(f"Stay but hardly grow: {trait.sentence} ({_told(stays)}; {_told(row)}).")
    return tuple(lines)


def _row(trait: Trait, name: str) -> dict[str, Any] | None:
    return next((row for row in trait.outcomes if row["outcome"] == name), None)


def _surely(row: dict[str, Any]) -> float:
    """Return a difference in standard errors, rounded so that ties are ties."""
    error = max((float(row["high"]) - float(row["low"])) / (2 * Z95), 1e-9)
    return round(float(row["difference"]) / error, 6)


def _told(row: dict[str, Any]) -> str:
    return f"{row['outcome']} {_amount(row['inside'], row['unit'])} against {_amount(row['outside'], row['unit'])}"


def _amount(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.0f}%"
    if unit == "$":
        return f"${value:,.0f}"
    return f"{value:.3g}"
