"""The label audit: how best and worst came about, for a reader who has to sign them off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from icp_ml.outcomes.audit_tables import (
    Agreement,
    BoundaryExample,
    Change,
    Cohort,
    Component,
    Group,
    agreements,
    boundary_examples,
    changes,
    cohort_table,
    component_table,
    group_table,
)
from icp_ml.outcomes.evidence import LabelEvidence
from icp_ml.outcomes.labels import STATUSES, OutcomeLabels, capital, join, read
from icp_ml.outcomes.survival import RetentionCurve, retention_curve
from icp_ml.outcomes.wording import days_words

COUNT_WORDS: Mapping[str, str] = {
    "best": "best",
    "worst": "worst",
    "middle": "in the middle",
    "too_young": "too young to be judged",
    "unjudged": "without any of the outcomes",
    "lost_deal": "with a deal that was lost",
    "open_deal": "with a deal that is open",
    "not_customer": "that are no customers by their status",
    "before_window": "that left before the fields' date",
}
CHANGES_MUCH = "The choice of outcomes decides much"  # how that warning begins
_TABLES = ("groups", "components", "agreement", "sensitivity", "cohorts", "curve", "boundary", "counts")


@dataclass(frozen=True)
class LabelAudit:
    """How the labels came about.

    Attributes
    ----------
    definition : str
        Who is best and who is worst, in words.
    counts : mapping of str to int
        Rows by status; they add up to `rows`.
    groups : tuple of Group
        Best, middle and worst in the original units of the outcomes.
    components : tuple of Component
        Weight of each outcome, how often it is known, and its share of the composite's variance.
    agreement : tuple of Agreement
        Rank correlation of each two outcomes.
    sensitivity : tuple of Change
        Who stays best and worst when an outcome is dropped or doubled, or another share is called best.
    cohorts : tuple of Cohort
        Best and worst by when customers signed up.
    curve : RetentionCurve or None
        How long customers stay (Kaplan-Meier).
    boundary : tuple of BoundaryExample
        The customers just above and just below each threshold.
    top_five : mapping of str to float
        Share of each money column that the five largest accounts carry.
    """

    definition: str
    rows: int
    counts: Mapping[str, int]
    groups: tuple[Group, ...]
    components: tuple[Component, ...]
    agreement: tuple[Agreement, ...]
    sensitivity: tuple[Change, ...]
    cohorts: tuple[Cohort, ...]
    curve: RetentionCurve | None
    boundary: tuple[BoundaryExample, ...]
    top_five: Mapping[str, float]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether the counts add up to the rows of the table."""
        return sum(self.counts.values()) == self.rows

    def frame(self, table: str = "groups") -> pd.DataFrame:
        """Return one table of the audit.

        Parameters
        ----------
        table : {"groups", "components", "agreement", "sensitivity", "cohorts", "curve", "boundary", "counts"}
        """
        if table not in _TABLES:
            msg = f"the audit has no table '{table}'; its tables are {', '.join(_TABLES)}"
            raise KeyError(msg)
        if table == "curve":
            return self.curve.frame() if self.curve else pd.DataFrame()
        if table == "counts":
            return pd.DataFrame({"status": list(self.counts), "rows": list(self.counts.values())})
        return pd.DataFrame([row.row() for row in getattr(self, table)])

    def to_dict(self, *, examples: bool = True) -> dict[str, Any]:
        """Return plain JSON types; without `examples` it names no account."""
        tables = ("groups", "components", "agreement", "sensitivity", "cohorts")
        data: dict[str, Any] = {
            "definition": self.definition,
            "rows": self.rows,
            "counts": dict(self.counts),
            "adds_up": self.adds_up,
            **{name: [row.row() for row in getattr(self, name)] for name in tables},
            "curve": self.curve.to_dict() if self.curve else None,
            "top_five": dict(self.top_five),
            "warnings": list(self.warnings),
        }
        return data | ({"boundary": [row.row() for row in self.boundary]} if examples else {})

    def sentences(self) -> tuple[str, ...]:
        """Return the audit as sentences, in the order a reader asks."""
        shown = [f"{n:,} {COUNT_WORDS[name]}" for name, n in self.counts.items() if n]
        out = [self.definition, f"{self.rows:,} rows: {join(shown)}." if shown else "The table has no rows."]
        out += [group.sentence for group in self.groups if group.sentence]
        if len(self.components) > 1:
            parts = [f"{read(c.name)} {c.share_of_variance:.0%}" for c in self.components]
            out.append(f"What tells customers apart in the composite: {join(parts)}.")
        out += [row.sentence for row in self.agreement]
        out += [row.sentence for row in self.sensitivity]
        if self.curve:
            parts = [f"{p.kept:.0%} after {days_words(p.days)}" for p in self.curve.points if p.days >= 365]
            if parts:
                out.append(f"Of all customers there were still {join(parts)} (Kaplan-Meier).")
        out += [example.sentence for example in self.boundary]
        return (*out, *self.warnings)

    def text(self) -> str:
        """Return the audit as plain text, one sentence a line."""
        return "\n".join(self.sentences())


def audit_labels(labels: OutcomeLabels) -> LabelAudit:
    """Build the audit from the labels and what they were made from."""
    evidence = labels.evidence
    if evidence is None:
        msg = "these labels hold no evidence to audit; label the customers anew with OutcomeDefinition.label"
        raise ValueError(msg)
    status = labels.status.to_numpy(dtype=object)
    counts = {name: labels.counts[name] for name in STATUSES}
    names = list(labels.columns)
    components = component_table(labels, evidence)
    agreement = agreements(names, evidence)
    sensitivity = () if labels.binary else changes(names, labels, evidence)
    cohorts = cohort_table(status, evidence)
    facts = evidence.facts
    curve = retention_curve(facts.days[facts.customer], facts.churned[facts.customer])
    warnings = _warnings(labels, evidence, components, agreement, sensitivity, cohorts, curve)
    return LabelAudit(
        labels.definition_text, len(status), counts, group_table(labels, evidence), components, agreement, sensitivity,
        cohorts, curve, boundary_examples(labels, evidence), dict(evidence.top_five), warnings, labels.notes,
    )  # fmt: skip


def _warnings(
    labels: OutcomeLabels,
    evidence: LabelEvidence,
    components: tuple[Component, ...],
    agreement: tuple[Agreement, ...],
    sensitivity: tuple[Change, ...],
    cohorts: tuple[Cohort, ...],
    curve: RetentionCurve | None,
) -> tuple[str, ...]:
    """Return what a careful reader would object to."""
    out = []
    for part in components:
        if len(components) > 1 and part.share_of_variance > 0.7:
            out.append(f"{capital(read(part.name))} alone makes up {part.share_of_variance:.0%} of the composite.")
        if part.share_known < 0.3:
            out.append(f"{capital(read(part.name))} is known for only {part.share_known:.0%} of mature customers.")
    out += [
        f"{capital(read(row.first))} and {read(row.second)} disagree (rank correlation "
        f"{row.correlation:+.2f}): the "
        "composite averages two kinds of good customer."
        for row in agreement
        if row.n >= 50 and row.correlation < -0.1
    ]
    out += [
        f"{CHANGES_MUCH}: {row.change[:1].lower()}{row.change[1:]}, {row.stay_best:.0%} of the best stay best and "
        f"{row.stay_worst:.0%} of the worst stay worst."
        for row in sensitivity
        if row.stay_best < 0.5
    ]
    for column, share in evidence.top_five.items():
        if share > 0.5:
            out.append(f"Five accounts carry {share:.0%} of all {read(column)}.")
    dated = [c for c in cohorts if c.signed_from]
    facts = evidence.facts
    late = facts.gone & facts.mature & (facts.days >= evidence.horizon)
    if late.sum() > 0.05 * facts.mature.sum() and len(dated) > 1 and dated[0].worst - dated[-1].worst > 0.15:
        out.append(
            f"Of the oldest sign-up cohort {dated[0].worst:.0%} are worst, of the youngest {dated[-1].worst:.0%}: who "
            "signed earlier had more time to leave. To judge all at the same age, set  outcomes: {late_churn: judged}"
        )
    if curve is None and labels.columns and facts.churned[facts.customer].any():
        out.append("For many customers that left it is not known when: no retention curve.")
    return tuple(out)
