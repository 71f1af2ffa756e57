"""The definition of best and worst, and the call that applies it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from icp_ml.exceptions import InputError, SettingsError
from icp_ml.outcomes.judging import Verdict, judge, judge_binary, percentiles, sensitivity, share_of
from icp_ml.outcomes.labels import (
    BEST,
    MIDDLE,
    STATUSES,
    TOO_YOUNG,
    UNJUDGED,
    WORST,
    OutcomeLabels,
    SensitivityRow,
    join,
    read,
)
from icp_ml.outcomes.observed import CHURN, COLUMNS, TIMING, Facts, Floats, binary_source, outcome_values
from icp_ml.schema import BY_NAME
from icp_ml.settings import OutcomeSettings


@dataclass(frozen=True)
class OutcomeDefinition:
    """What makes a customer best or worst.

    Parameters
    ----------
    weights : mapping of str to float
        Outcome -> weight; 0 leaves it out.
    horizon_days : int
        Days a customer must have been observed to be judged.
    best_share : float
        Share of mature customers to call best, 0 to 0.5; the worst are the mirrored share, and all churned.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: {"retention": 1.0, "expansion": 1.0, "nps": 1.0})
    horizon_days: int = 365
    best_share: float = 0.25

    def __post_init__(self) -> None:
        unknown = [name for name in self.weights if name not in COLUMNS]
        if unknown:
            msg = f"outcomes.weights: unknown outcome '{unknown[0]}'; allowed: {', '.join(COLUMNS)}"
            raise SettingsError(msg)
        values = list(self.weights.values())
        if not all(0 <= w < math.inf for w in values) or sum(values) == 0:
            msg = f"outcomes.weights = {dict(self.weights)}: must be finite, none negative, and at least one above zero"
            raise SettingsError(msg)
        if self.horizon_days < 0 or not 0 < self.best_share <= 0.5:
            msg = (
                f"outcomes.horizon_days = {self.horizon_days} must be 0 or more, and "
                f"outcomes.best_share = {self.best_share} above 0 and at most 0.5"
            )
            raise SettingsError(msg)

    @classmethod
    def from_settings(cls, settings: OutcomeSettings) -> OutcomeDefinition:
        """Take the definition from `Settings.outcomes`."""
        weights = {str(name): weight for name, weight in settings.weights.items()}
        return cls(weights, settings.horizon_days, settings.best_share)

    def label(self, frame: pd.DataFrame, as_of: date | None = None) -> OutcomeLabels:
        """Judge customers.

        Parameters
        ----------
        frame : pd.DataFrame
            Customers with canonical outcome columns (float64, boolean, datetime64).
        as_of : date or None
            The day the outcomes speak of; None: the newest date in `customer_since`, else in `churn_date`.

        Raises
        ------
        InputError
            No column holds an outcome, or none of the weighted ones.
        TrainingRefused
            All mature customers churned, or no outcome tells one customer from another.
        """
        notes: list[str] = []
        columns = self._columns(frame, notes)
        facts = Facts.read(frame, as_of, self.horizon_days, notes)
        values = {name: outcome_values(name, columns[name], frame, facts, self.horizon_days) for name in columns}
        binary = binary_source(values)
        ranked = percentiles(values, facts, self.horizon_days, notes)
        weights = np.array([self.weights[name] for name in ranked], dtype=np.float64)
        table = np.column_stack(list(ranked.values()))
        moved: tuple[SensitivityRow, ...] = ()
        if binary is None:
            verdict = judge(table, weights, facts, self.best_share)
            moved = sensitivity(list(ranked), table, weights, facts, self.best_share, verdict.best)
        else:
            verdict = judge_binary(table, binary, facts)
        return self._labels(frame, ranked, columns, facts, verdict, moved, notes, binary=binary is not None)

    def _columns(self, frame: pd.DataFrame, notes: list[str]) -> dict[str, tuple[str, ...]]:
        """Columns of the table by weighted outcome; raise where there is nothing to judge by."""
        filled = [c for c in frame.columns if c in BY_NAME and BY_NAME[c].outcome and frame[c].notna().any()]
        # a churn date that is empty throughout still says something: nobody has left
        filled += [c for c in ("churn_date",) if c in frame.columns and c not in filled]
        judging = [c for c in filled if c not in ("customer_since", "tenure_days")]
        if not judging:
            _check_readable(frame)
            seen = ", ".join(map(str, frame.columns[:30])) + (", ..." if frame.shape[1] > 30 else "")
            names = ", ".join(name for columns in COLUMNS.values() for name in columns)
            msg = (
                f"no column holds an outcome of the customers; columns seen: {seen or 'none'}. Map one in settings, "
                f'such as  columns: {{"Your header": churned}};  outcomes: {names}'
            )
            raise InputError(msg)
        found = {name: tuple(c for c in COLUMNS[name] if c in filled) for name in COLUMNS}
        found = {name: cols for name, cols in found.items() if any(c in judging for c in cols)}
        wanted = [name for name in COLUMNS if self.weights.get(name, 0.0) > 0]
        used = {name: found[name] for name in wanted if name in found}
        if not used:
            msg = (
                f"none of the weighted outcomes ({', '.join(wanted)}) is in the table, which has {', '.join(found)}; "
                f"set  outcomes: {{weights: {{{next(iter(found))}: 1}}}}"
            )
            raise InputError(msg)
        missing = [read(name) for name in wanted if name not in found]
        if missing:
            notes.append(f"Weighted, but not in the table: {join(missing)}; customers are judged without.")
        unused = [read(name) for name in found if name not in used]
        if unused:
            notes.append(f"In the table, but without weight in the settings: {join(unused)}.")
        return used

    def _labels(
        self,
        frame: pd.DataFrame,
        ranked: Mapping[str, Floats],
        columns: Mapping[str, tuple[str, ...]],
        facts: Facts,
        verdict: Verdict,
        moved: tuple[SensitivityRow, ...],
        notes: list[str],
        *,
        binary: bool,
    ) -> OutcomeLabels:
        judged = facts.mature & (facts.churned | ~np.isnan(verdict.composite))
        conditions = [verdict.best, verdict.worst, judged, ~facts.mature]
        status = np.select(conditions, [BEST, WORST, MIDDLE, TOO_YOUNG], UNJUDGED)
        counts = {"customers": len(frame), "mature": int(judged.sum())}
        counts |= {name: int((status == name).sum()) for name in STATUSES}
        counts["churned"] = int((facts.churned & judged).sum())
        counts["too_young_churned"] = int((facts.churned & ~facts.mature).sum())
        if counts["churned"] == 0 and not binary:
            notes.append("No mature customer has churned: the worst are those with the lowest outcomes only.")
        wanted = share_of(self.best_share, counts["mature"])
        tied = int((judged & (verdict.composite == verdict.best_above)).sum())
        if counts[BEST] + 0.2 * wanted < wanted <= counts[BEST] + tied:
            notes.append(
                f"Only {counts[BEST]:,} of the {wanted:,} best customers asked for stand out: {tied:,} tie at the "
                "boundary and are in the middle. A further outcome (NPS, expansion, revenue) would tell them apart."
            )
        if counts[UNJUDGED]:
            notes.append(f"{counts[UNJUDGED]:,} customers have none of the outcomes and are left out.")
        text = self._text({name: columns[name] for name in ranked}, facts, counts, binary=binary)
        index = frame.index
        return OutcomeLabels(
            status=pd.Series(status, index=index, name="status", dtype="str"),
            composite=pd.Series(verdict.composite, index=index, name="composite"),
            grade=pd.Series(verdict.grade, index=index, name="grade"),
            components=pd.DataFrame(dict(ranked), index=index),
            thresholds={"best_above": verdict.best_above, "worst_below": verdict.worst_below},
            counts=counts,
            columns={name: columns[name] for name in ranked},
            definition_text=text,
            sensitivity=moved,
            binary=binary,
            notes=tuple(notes),
        )

    def _text(
        self, columns: Mapping[str, tuple[str, ...]], facts: Facts, counts: Mapping[str, int], *, binary: bool
    ) -> str:
        days = f"{self.horizon_days:,} days"
        when = f" as of {facts.as_of.isoformat()}" if facts.as_of else ""
        names = {name: join([read(c) for c in cols]) for name, cols in columns.items()}
        if binary:
            name = next(iter(columns))
            rule = "has not churned" if set(columns[name]) <= {*CHURN, *TIMING} else "has the better value"
            text = (
                f"There is one outcome, with two values: {read(name)} ({names[name]}). "
                f"A customer that {rule} is best, any other is worst; there is no middle."
            )
        else:
            parts = [f"{read(name)} (weight {self.weights[name]:g}; from {names[name]})" for name in columns]
            text = (
                f"A best customer has not churned and is in the top {self.best_share:.0%} of mature customers by a "
                f"composite of {join(parts)}. Each outcome counts by its percentile, so no one large account decides, "
                "and an outcome that is not known counts neither for nor against. A worst customer has churned, or is "
                f"in the bottom {self.best_share:.0%}. All others, and those tied at either boundary, are the middle."
            )
        if facts.dated:
            text += (
                f" A customer is judged once it has been observed for {days}{when}; years beyond that add nothing. "
                f"{counts[TOO_YOUNG]:,} younger customers are left out ({counts['too_young_churned']:,} of them had "
                "already churned; counting only those would make recent sign-ups look bad)."
            )
        return text + (
            f" Of {counts['customers']:,} customers, {counts['mature']:,} are judged: {counts[BEST]:,} best, "
            f"{counts[WORST]:,} worst, {counts[MIDDLE]:,} in the middle."
        )


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


_READABLE = {"boolean": "yes/no, true/false or 1/0", "date": "dates such as 2026-10-01"}
