"""What customers of each tier and segment were worth, and what 100 won accounts of a list would be, ready to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.report import formats as f
from icp_ml.tiers import EVERY, LETTERS, WORKED, ValueEvidence, best_first, worth_per_100

SEGMENT_ROWS = 20


def value_view(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return value per tier and segment; no rows where the customers carry no revenue.

    Returns
    -------
    dict
        `unit`: "a year" or "in a lifetime"; `tiers`: per letter, dollars per 100 won with their span; `segments`: per
        segment its customers, and the same of all of them and of each tier.
    """
    told = evaluation.get("value")
    if not told:
        return {"unit": "", "tiers": {}, "segments": []}
    value = ValueEvidence.from_dict(told)
    segments = [
        {"name": f.capital(name, 200), "all": _worth(value.by_tier(name).get(EVERY)),
         "customers": f.count((value.by_tier(name).get(EVERY) or {}).get("customers")),
         "tiers": [_worth(value.by_tier(name).get(letter)) for letter in LETTERS]}
        for name in value.segments[:SEGMENT_ROWS]
    ]  # fmt: skip
    tiers = value.by_tier()
    return {
        "unit": value.unit,
        "tiers": {letter: _worth(tiers.get(letter)) for letter in LETTERS},
        "segments": [{**row, "name": "All customers"} if k == 0 else row for k, row in enumerate(segments)],
    }


def steps_worth(
    tiers: Mapping[str, int], obtainable: int | None, evaluation: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what 100 won accounts would be, of all that are serviceable (SAM) and of those that are worked (SOM).

    Parameters
    ----------
    tiers : mapping of tier to accounts
    obtainable : int or None
        Accounts that can be worked, best tiers first; None: those of tier A and B.
    evaluation : mapping
        A model's `evaluation.json`.
    """
    rows: Sequence[Mapping[str, Any]] = evaluation.get("tiers") or ()
    told = evaluation.get("value")
    value = ValueEvidence.from_dict(told) if told else None
    several = sum(tiers.get(letter, 0) for letter in WORKED)
    worked = best_first(tiers, several if obtainable is None else obtainable)
    out = []
    for step, counts in (("SAM", tiers), ("SOM", worked)):
        best = worth_per_100(counts, rows, "rate")
        dollars = worth_per_100(counts, list(value.by_tier().values()), "value") if value else None
        out.append({"step": step, "accounts": sum(counts.get(letter, 0) for letter in LETTERS),
                    "best_per_100_won": best, "value_per_100_won": dollars,
                    "words": _words(best, dollars, value.unit if value else "")})  # fmt: skip
    return out


def _words(best: float | None, dollars: float | None, unit: str) -> str:
    if best is None:
        return ""
    worth = f" and {f.money(dollars)} {unit}" if dollars is not None else ""
    return f"{best:.0f} best customers{worth} per 100 won"


def _worth(row: Mapping[str, Any] | None) -> dict[str, str]:
    """Return dollars per 100 won, with their interval."""
    if row is None or row.get("value") is None:
        return {"value": f.NONE, "span": ""}
    value, low, high = (row.get(name) for name in ("value", "value_low", "value_high"))
    span = f"{f.money(_hundred(low))}–{f.money(_hundred(high))}" if f.known(low) and f.known(high) else ""
    return {"value": f.money(_hundred(value)), "span": span}


def _hundred(value: Any) -> float:
    return 100.0 * float(value)
