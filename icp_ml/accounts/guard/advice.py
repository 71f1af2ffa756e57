"""What a reader should know of a column, or of the two tables, beside the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.guard.populations import Apart
from icp_ml.accounts.guard.verdicts import ColumnVerdict
from icp_ml.schema import Field
from icp_ml.settings import Settings

COVERAGE_GAP = 0.3
_DRIFTED = 0.25
_VERY_DIFFERENT = 0.85
_NEAR_CONSTANT = 0.98
_MANY_VALUES = 200
_MOSTLY_EMPTY = 0.2
_FILLED_LIFT = 1.5
_MISSING_LIFT = (0.7, 1.2)
_MANY_GAPS = 3
_BANDED = {
    "bands_list": "the list has it in bands, customers as exact numbers: the two are compared by band",
    "bands_customers": "customers have it in bands, the list as exact numbers: the two are compared by band",
}


def advise(
    verdict: ColumnVerdict, column: pa.ChunkedArray, field: Field, dropped: int, as_of: date | None, settings: Settings
) -> ColumnVerdict:
    """Add what a reader should know of the column, and the next step."""
    reasons, flags = list(verdict.reasons), [*verdict.flags]
    if verdict.verdict == "confirm":
        reasons.append(f"if it was known before the sale, name it under  fields: {{confirm: [{verdict.field}]}}")
    if verdict.verdict == "refuse" and verdict.field in settings.fields.confirm:
        reasons.append("fields.confirm names it, but this cannot be vouched for")
    for flag, applies, reason in _remarks(verdict):
        if applies:
            flags.append(flag)
            reasons += [reason] if reason and verdict.verdict == "accept" else []
    if verdict.verdict == "accept":
        reasons += [text for flag, text in _BANDED.items() if flag in verdict.flags]
    if dropped:
        reasons.append(f"{dropped:,} tokens that name our own product (fields.own_product) were removed")
    if field.kind == "date" and as_of is not None:
        limit = pa.scalar(datetime(as_of.year, as_of.month, as_of.day, 23, 59, 59), pa.timestamp("s"))
        late = pc.sum(pc.cast(pc.greater(pc.cast(column, pa.timestamp("s")), limit), pa.int64())).as_py() or 0
        if late:
            reasons.append(f"{late:,} dates lie after the as-of date {as_of.isoformat()}")
    return replace(verdict, reasons=tuple(reasons), flags=tuple(flags))


def _remarks(column: ColumnVerdict) -> list[tuple[str, bool, str]]:
    """Return flag, whether it applies, and what to say of an accepted column; comparisons with NaN do not apply."""
    low, high = _MISSING_LIFT
    gap = column.coverage_gap > COVERAGE_GAP
    tells = column.missing_lift < low or column.missing_lift > high
    mostly_empty = column.coverage_customers < _MOSTLY_EMPTY
    return [
        (
            "coverage_gap",
            gap,
            f"{column.coverage_customers:.0%} of customers have it, but only {column.coverage_market:.0%} of the list",
        ),
        (
            "missing_tells",
            tells and column.neutralise,
            "" if gap else f"where it is missing, best customers are {column.missing_lift:.1f} times as frequent",
        ),
        (
            "filled_tells",
            mostly_empty and column.filled_lift > _FILLED_LIFT,
            f"filled for {column.coverage_customers:.0%} only, and best customers are {column.filled_lift:.1f} times "
            "as frequent among those",
        ),
        ("near_constant", column.top_share >= _NEAR_CONSTANT, f"{column.top_share:.1%} of its values are the same"),
        ("many_values", column.kind in ("category", "place") and column.distinct > _MANY_VALUES, ""),
        ("drifted", column.drift > _DRIFTED, f"the list differs from customers (stability index {column.drift:.2f})"),
        (
            "unseen_values",
            column.unseen_market > 0.5,
            f"{column.unseen_market:.0%} of the list's values occur with no customer",
        ),
    ]


def population_notes(difference: Apart) -> list[str]:
    """Say so where customers and list are hardly the same kind of companies."""
    if not difference.auc >= _VERY_DIFFERENT:
        return []
    most = ", ".join(f"{name} ({auc:.2f})" for name, auc in difference.fields)
    by = f", most by {most}" if most else ""
    return [
        f"Customers and list are different populations: their fields tell them apart with an AUC of "
        f"{difference.auc:.2f}{by}. Scores of accounts unlike any customer are held at tier C."
    ]


def repeat_notes(times: int) -> list[str]:
    """Say so where the table holds the same rows several times over."""
    if times == 1:
        return []
    return [
        f"Every row of the customers' table occurs {times:,} times or a multiple of it, names and ids aside: columns "
        "are judged by one of each. Keep one row per customer."
    ]


def fill_notes(columns: Sequence[ColumnVerdict]) -> list[str]:
    """Say what the fields that are filled much better for customers than on the list have in common."""
    gaps = [c for c in columns if "coverage_gap" in c.flags and c.verdict == "accept"]
    if len(gaps) < _MANY_GAPS:
        return []
    named = ", ".join(c.field for c in gaps[:5]) + (", ..." if len(gaps) > 5 else "")
    return [
        f"{len(gaps)} fields are filled much better for customers than on the list ({named}): if customers were "
        "enriched by another vendor, take the list's own values for them, or the gaps will be scored as if they meant "
        "something."
    ]
