"""The tables of the label audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from icp_ml.outcomes.evidence import LabelEvidence
from icp_ml.outcomes.judging import contributions, judge
from icp_ml.outcomes.labels import BEST, MIDDLE, WORST, OutcomeLabels, capital, join, read
from icp_ml.outcomes.observed import Bools, Floats
from icp_ml.outcomes.survival import expected_percentile
from icp_ml.outcomes.wording import value_words

SHARES = (0.20, 0.25, 0.30)
EXAMPLES = 2  # on each side of a boundary


@dataclass(frozen=True)
class Group:
    """Best, middle or worst: the composite's range, who is still there, and the outcomes' medians in original units.

    `least` and `most` are of the composite among those it decided on: worst customers that churned are not among them.
    """

    group: str
    customers: int
    least: float | None
    most: float | None
    kept: float | None
    medians: Mapping[str, float]
    known: Mapping[str, int]

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        head = {"group": self.group, "customers": self.customers, "composite_least": self.least}
        head |= {"composite_most": self.most, "kept": self.kept}
        return head | {f"{name}_median": value for name, value in self.medians.items()}

    @property
    def sentence(self) -> str:
        """Return the group in one sentence."""
        if not self.customers:
            return f"{capital(self.group)}: none."
        parts = [f"{self.kept:.0%} still there"] if self.kept is not None else []
        parts += [f"{read(name)} median {value_words(name, value)}" for name, value in self.medians.items()]
        edge = ""
        if self.group == BEST and self.least is not None:
            edge = f" with a composite of at least {self.least:+.2f}"
        if self.group == WORST and self.most is not None:
            edge = f", by churn or a composite of at most {self.most:+.2f}"
        return f"{capital(self.group)}: {self.customers:,} customers{edge}; {join(parts)}." if parts else ""


@dataclass(frozen=True)
class Component:
    """One outcome in the composite; the shares of variance add up to 1."""

    name: str
    columns: tuple[str, ...]
    weight: float
    known: int
    share_known: float
    share_of_variance: float

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        return {**vars(self), "columns": list(self.columns)}


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of two outcomes over the mature customers that have both."""

    first: str
    second: str
    n: int
    correlation: float

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        return dict(vars(self))

    @property
    def sentence(self) -> str:
        """Return the agreement in one sentence."""
        return (
            f"{capital(read(self.first))} and {read(self.second)} agree with a rank correlation of "
            f"{self.correlation:+.2f} ({self.n:,} customers have both)."
        )


@dataclass(frozen=True)
class Change:
    """What becomes of the best and the worst when the definition is changed."""

    change: str
    best: int
    stay_best: float
    stay_worst: float

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        return dict(vars(self))

    @property
    def sentence(self) -> str:
        """Return the change in one sentence."""
        return (
            f"{self.change}: {self.stay_best:.0%} of the best stay best, {self.stay_worst:.0%} of the worst stay worst."
        )


@dataclass(frozen=True)
class Cohort:
    """Customers that signed up about when one another did.

    Attributes
    ----------
    signed_from, signed_to : str
        Days, as 2025-01-31; empty where the sign-up is not known.
    kept_at_horizon : float or None
        Kaplan-Meier share still there at the horizon.
    """

    cohort: int
    signed_from: str
    signed_to: str
    customers: int
    kept_at_horizon: float | None
    best: float
    worst: float

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        return dict(vars(self))


@dataclass(frozen=True)
class BoundaryExample:
    """A customer next to a threshold."""

    boundary: str
    side: str
    account_id: str
    composite: float
    values: Mapping[str, float | None]

    def row(self) -> dict[str, Any]:
        """Return one row of the table."""
        head = {"boundary": self.boundary, "side": self.side, "account_id": self.account_id}
        return {**head, "composite": self.composite, **self.values}

    @property
    def sentence(self) -> str:
        """Return the example in one sentence."""
        known = [f"{read(k)} {value_words(k, v)}" for k, v in self.values.items() if v is not None]
        where = f"Just {'above' if self.side == 'above' else 'below'} the {self.boundary} boundary"
        beside = f" ({', '.join(known)})" if known else ""
        return f"{where}: {self.account_id}, composite {self.composite:+.3f}{beside}."


def group_table(labels: OutcomeLabels, evidence: LabelEvidence) -> tuple[Group, ...]:
    """Return best, middle and worst in original units."""
    rows = []
    composite, facts = labels.composite.to_numpy(dtype=np.float64), evidence.facts
    for name in (BEST, MIDDLE, WORST):
        here = np.asarray(labels.status == name) & facts.mature
        decided = composite[here & ~facts.gone & ~np.isnan(composite)]
        decided = decided[:0] if labels.binary else decided
        medians, known = {}, {}
        for column, values in evidence.measured.items():
            seen = values.to_numpy()[here]
            seen = seen[~np.isnan(seen)]
            if len(seen):
                medians[str(column)] = float(np.mean(seen)) if _yes_no(str(column)) else float(np.median(seen))
                known[str(column)] = len(seen)
        sure = here & facts.churn_known
        rows.append(
            Group(
                name,
                int(np.asarray(labels.status == name).sum()),
                float(decided.min()) if len(decided) else None,
                float(decided.max()) if len(decided) else None,
                round(float((~facts.churned[sure]).mean()), 6) if sure.any() else None,
                medians,
                known,
            )
        )
    return tuple(rows)


def component_table(labels: OutcomeLabels, evidence: LabelEvidence) -> tuple[Component, ...]:
    """Return each outcome's weight, coverage and share of the composite's variance."""
    judged = evidence.facts.mature & labels.is_mature  # not rows without any outcome, nor deals
    parts = contributions(evidence.table, evidence.weights) if labels.columns else evidence.table
    parts = np.nan_to_num(parts[judged])
    parts = parts[np.lexsort(parts.T)] if parts.size else parts
    total = parts.sum(axis=1)
    variance = float(np.var(total)) if len(total) else 0.0
    rows = []
    for j, (name, columns) in enumerate(labels.columns.items()):
        known = int((~np.isnan(evidence.table[judged, j])).sum())
        shared = float(np.mean((parts[:, j] - parts[:, j].mean()) * (total - total.mean())))
        rows.append(
            Component(
                name,
                columns,
                float(evidence.weights[j]),
                known,
                known / max(int(judged.sum()), 1),
                round(shared / variance, 6) if variance else 0.0,
            )
        )
    return tuple(rows)


def agreements(names: Sequence[str], evidence: LabelEvidence) -> tuple[Agreement, ...]:
    """Return the rank correlation of each two components that at least 10 customers have."""
    from scipy.stats import rankdata

    rows = []
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            both = evidence.table[~np.isnan(evidence.table[:, [i, j]]).any(axis=1)][:, [i, j]]
            both = both[np.lexsort(both.T)]
            if len(both) < 10 or (both.min(axis=0) == both.max(axis=0)).any():
                continue
            ranks = np.column_stack([rankdata(column) for column in both.T])
            correlation = float(np.corrcoef(ranks.T)[0, 1])
            rows.append(Agreement(names[i], names[j], len(both), round(correlation, 6)))
    return tuple(rows)


def changes(names: Sequence[str], labels: OutcomeLabels, evidence: LabelEvidence) -> tuple[Change, ...]:
    """Judge again without each outcome, with each doubled, and with other shares called best."""
    rows = []
    everything = range(len(names))
    for j in everything:
        if len(names) > 1:
            rest = [i for i in everything if i != j]
            rows.append(_change(f"Without {read(names[j])}", labels, evidence, rest, 1.0, j))
    if len(names) > 1:
        rows += [
            _change(f"With {read(names[j])} counted twice", labels, evidence, list(everything), 2.0, j)
            for j in everything
        ]
    for share in SHARES:
        if abs(share - evidence.best_share) > 1e-9:
            words = f"With {share:.0%} called best instead of {evidence.best_share:.0%}"
            rows.append(_change(words, labels, evidence, list(everything), 1.0, 0, share))
    return tuple(rows)


def _change(
    words: str,
    labels: OutcomeLabels,
    evidence: LabelEvidence,
    kept: list[int],
    factor: float,
    moved: int,
    share: float | None = None,
) -> Change:
    weights = evidence.weights.copy()
    weights[moved] *= factor
    verdict = judge(evidence.table[:, kept], weights[kept], evidence.facts, share or evidence.best_share)
    mature = evidence.facts.mature
    best, worst = np.asarray(labels.status == BEST), np.asarray(labels.status == WORST) & mature
    return Change(words, int(verdict.best.sum()), _share(verdict.best[best]), _share(verdict.worst[worst]))


def cohort_table(status: Any, evidence: LabelEvidence) -> tuple[Cohort, ...]:
    """Return best and worst by when customers signed up, oldest first."""
    facts = evidence.facts
    rows = []
    for number in range(int(facts.cohort.max(initial=-1)) + 1):
        here = facts.cohort == number
        ages = facts.age[here]
        first, last = ("", "")
        if facts.as_of and not np.isnan(ages).any():
            first, last = (str(facts.as_of - timedelta(days=int(a))) for a in (ages.max(), ages.min()))
        rows.append(
            Cohort(
                number + 1,
                first,
                last,
                int(here.sum()),
                _kept(here, evidence),
                _share(status[here] == BEST),
                _share(status[here] == WORST),
            )
        )
    return tuple(rows)


def _kept(here: Bools, evidence: LabelEvidence) -> float | None:
    """Kaplan-Meier share still there at the horizon: those that reach it are at the middle of what is left."""
    facts = evidence.facts
    sure = here & facts.churn_known
    if not sure.any():
        return None
    at = expected_percentile(
        np.append(facts.days[sure], float(max(evidence.horizon, 1))), np.append(facts.churned[sure], False),
        float(evidence.horizon),
    )  # fmt: skip
    n = len(at) - 1  # the one added stands beyond the horizon: take its share out again
    left = 2 * float(at[-1]) - 1
    return round(1 - left * (n + 1) / n, 6) if n else None


def boundary_examples(labels: OutcomeLabels, evidence: LabelEvidence) -> tuple[BoundaryExample, ...]:
    """Return the customers nearest to each threshold that it decided on, on both sides of it."""
    if labels.binary:
        return ()
    composite = np.asarray(labels.composite, dtype=np.float64)
    decided = evidence.facts.mature & ~evidence.facts.churned & ~np.isnan(composite)
    rows: list[BoundaryExample] = []
    for name in (BEST, WORST):
        inside = np.asarray(labels.status == name) & decided
        outside = decided & ~inside
        high, low = (inside, outside) if name == BEST else (outside, inside)
        rows += _nearest(name, "above", high, composite, evidence, sign=1.0)
        rows += _nearest(name, "below", low, composite, evidence, sign=-1.0)
    return tuple(rows)


def _nearest(
    boundary: str, side: str, among: Bools, composite: Floats, evidence: LabelEvidence, *, sign: float
) -> list[BoundaryExample]:
    rows = sorted(np.flatnonzero(among), key=lambda i: (sign * composite[i], str(evidence.ids[i])))[:EXAMPLES]
    if side == "above":
        rows = rows[::-1]
    out = []
    for i in rows:
        values = {str(c): _known(evidence.measured[c].to_numpy()[i]) for c in evidence.measured}
        values["days"] = _known(evidence.facts.days[i])
        out.append(BoundaryExample(boundary, side, str(evidence.ids[i]), float(composite[i]), values))
    return out


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _share(which: Any) -> float:
    return round(float(np.mean(which)), 6) if len(which) else 0.0


def _yes_no(column: str) -> bool:
    return column in ("testimonial", "feedback_given")
