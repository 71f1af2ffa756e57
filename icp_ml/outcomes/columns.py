"""Which columns of a table judge customers, and what to say where they are missing."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from icp_ml.exceptions import InputError
from icp_ml.outcomes.labels import join, read
from icp_ml.outcomes.measures import COLUMNS, MEASURES, RATIOS, columns_of, needs
from icp_ml.outcomes.population import Population
from icp_ml.schema import BY_NAME

_READABLE = {
    "boolean": "yes/no, true/false or 1/0",
    "date": "dates such as 2026-10-01",
    "category": "words such as won and lost, or active and churned",
}
_NOT_JUDGING = ("customer_since", "tenure_days", "deal_closed_date")


def judged_columns(
    frame: pd.DataFrame, people: Population, weights: Mapping[str, float], preset: str, notes: list[str], *, alone: bool
) -> dict[str, tuple[str, ...]]:
    """Return the columns of the table by weighted outcome.

    Parameters
    ----------
    alone : bool
        Lost deals are worst, so that won against lost is enough where no outcome is there.

    Raises
    ------
    InputError
        There is nothing to judge by; the message says what the preset or the weights need.
    """
    rows = frame[people.customer]
    filled = [c for c in frame.columns if c in BY_NAME and BY_NAME[c].outcome and rows[c].notna().any()]
    filled += [c for c in frame.columns if c == "deal_stage" and people.left.any() and c not in filled]
    # a churn date that is empty throughout still says something: nobody has left
    filled += [c for c in ("churn_date",) if c in frame.columns and c not in filled]
    if "customer_status" in filled and not (people.left | people.stays).any():
        filled.remove("customer_status")
    judging = [c for c in filled if c not in _NOT_JUDGING and BY_NAME[c].outcome != "deal"]
    found = {name: _present(name, filled, judging) for name in MEASURES}
    found = {name: columns for name, columns in found.items() if columns}
    wanted = [name for name in MEASURES if weights.get(name, 0.0) > 0]
    used = {name: found[name] for name in wanted if name in found}
    if not used:
        if alone:
            notes.append("No weighted outcome is in the table: won deals are set against lost ones.")
            return {}
        _refuse(frame, people, judging, found, wanted, preset)
    missing = [name for name in wanted if name not in found]
    if missing:
        said = (
            f"Weighted, but not in the table: {join([read(name) for name in missing])}; customers are judged without."
        )
        if preset != "default":
            said += f" The preset '{preset}' needs {'; '.join(needs(name) for name in missing)}."
        notes.append(said)
    in_ratio = {c for name in used if name in RATIOS for c in used[name]}
    unused = [name for name in found if name not in used and name not in RATIOS and not set(found[name]) <= in_ratio]
    if unused:
        notes.append(f"In the table, but without weight in the settings: {join([read(name) for name in unused])}.")
    return used


def _present(measure: str, filled: list[str], judging: list[str]) -> tuple[str, ...]:
    """Columns a measure can be read from, or none where something it needs is missing."""
    if measure not in RATIOS:
        columns = tuple(c for c in COLUMNS[measure] if c in filled)
        return columns if any(c in judging for c in columns) else ()
    found = [[c for c in group if c in judging] for group in columns_of(measure)]
    return tuple(c for group in found for c in group[:1]) if all(found) else ()


def _refuse(
    frame: pd.DataFrame,
    people: Population,
    judging: list[str],
    found: Mapping[str, tuple[str, ...]],
    wanted: list[str],
    preset: str,
) -> None:
    if preset != "default":
        seen = f"; the table has {', '.join(n for n in found if n not in RATIOS)}" if found else ""
        msg = (
            f"the preset '{preset}' judges customers by columns that are not in the table: it needs "
            f"{'; '.join(needs(name) for name in wanted)}{seen}. Map them under  columns, or choose "
            "another outcomes.preset"
        )
        raise InputError(msg)
    if judging:
        msg = (
            f"none of the weighted outcomes ({', '.join(wanted)}) is in the table, which has {', '.join(found)}; "
            f"set  outcomes: {{weights: {{{next(iter(found))}: 1}}}}"
        )
        if people.has_deals:
            msg += ", or, to learn who buys rather than who is ideal,  outcomes: {lost_deals: worst}"
        raise InputError(msg)
    if people.has_deals:
        msg = (
            "the table tells won deals from lost ones, which says who buys, not who is an ideal "
            "customer: add an outcome of "
            "the customers won (such as churned, nps or net_revenue_retention), or, to learn who buys, set  "
            "outcomes: {lost_deals: worst}"
        )
        raise InputError(msg)
    _check_readable(frame)
    seen = ", ".join(map(str, frame.columns[:30])) + (", ..." if frame.shape[1] > 30 else "")
    names = ", ".join(name for columns in COLUMNS.values() for name in columns)
    msg = (
        f"no column holds an outcome of the customers; columns seen: {seen or 'none'}. Map one in settings, "
        f'such as  columns: {{"Your header": churned}};  outcomes: {names}'
    )
    raise InputError(msg)


def _check_readable(frame: pd.DataFrame) -> None:
    """Say so where an outcome column is there but holds no value that could be read.

    Raises
    ------
    InputError
        Names the column and what can be read in it.
    """
    empty = [c for c in frame.columns if c in BY_NAME and BY_NAME[c].outcome and c != "churn_date"]
    unread = [c for c in empty if not frame[c].notna().any()]
    if unread:
        allowed = _READABLE.get(BY_NAME[unread[0]].kind, "numbers")
        msg = (
            f"the outcome column '{unread[0]}' holds no value that could be read; it needs {allowed}. Rewrite its "
            "values, or map another column to an outcome under  columns"
        )
        raise InputError(msg)
