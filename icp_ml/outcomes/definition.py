"""The definition of best and worst, and the call that applies it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from icp_ml.accounts.values.deal_stages import State
from icp_ml.exceptions import SettingsError
from icp_ml.outcomes.columns import judged_columns
from icp_ml.outcomes.deals import WARNING, DealReport, report_deals
from icp_ml.outcomes.evidence import gather
from icp_ml.outcomes.judging import (
    Verdict,
    binary_source,
    judge,
    judge_binary,
    judge_deals,
    limited,
    percentiles,
    sensitivity,
    share_of,
)
from icp_ml.outcomes.labels import (
    BEFORE_WINDOW,
    BEST,
    LOST_DEAL,
    MIDDLE,
    NOT_CUSTOMER,
    OPEN_DEAL,
    STATUSES,
    TOO_YOUNG,
    UNJUDGED,
    WORST,
    OutcomeLabels,
    SensitivityRow,
    read,
)
from icp_ml.outcomes.measures import MEASURES, sources_of
from icp_ml.outcomes.observed import Bools, Facts, Window
from icp_ml.outcomes.population import Population
from icp_ml.outcomes.wording import definition_text
from icp_ml.settings import PRESETS, OutcomeSettings


@dataclass(frozen=True)
class OutcomeDefinition:
    """What makes a customer best or worst.

    Parameters
    ----------
    weights : mapping of str to float
        Outcome (or ratio of two) -> weight; 0 leaves it out.
    horizon_days : int
        Days a customer must have been observed to be judged; retention is judged at this age for all.
    best_share : float
        Share of mature customers to call best, 0 to 0.5; the worst are the mirrored share, and all churned.
    preset : str
        The growth stage the weights come from, for words only; see `from_settings`.
    observed_from : "sign_up" or date
        A date: fields speak of that day, so outcomes count from it on, and who left before is left out.
    late_churn : {"worst", "judged"}
        What leaving after the horizon means: worst, as any churn, or judged by the outcomes (never best).
    lost_deals : {"report", "worst"}
        Whether lost deals are only reported, or count as worst.
    revenue_cap : float
        Percentile at which money is cut.
    revenue_weight_at_most : float
        Largest share of all weight that revenue may have.
    spellings : mapping of str to str
        Stages and statuses of the user's own -> won, lost, open, not_renewed, active, churned or not_customer.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(PRESETS["default"]))
    horizon_days: int = 365
    best_share: float = 0.25
    preset: str = "default"
    observed_from: date | Literal["sign_up"] = "sign_up"
    late_churn: Literal["worst", "judged"] = "worst"
    lost_deals: Literal["report", "worst"] = "report"
    revenue_cap: float = 0.95
    revenue_weight_at_most: float = 0.5
    spellings: Mapping[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.weights if name not in MEASURES]
        if unknown:
            msg = f"outcomes.weights: unknown outcome '{unknown[0]}'; allowed: {', '.join(MEASURES)}"
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
        for name, allowed in (("late_churn", ("worst", "judged")), ("lost_deals", ("report", "worst"))):
            if getattr(self, name) not in allowed:
                msg = f"outcomes.{name} = {getattr(self, name)!r}: allowed are {' and '.join(allowed)}"
                raise SettingsError(msg)
        if not 0.5 <= self.revenue_cap <= 1 or not 0 < self.revenue_weight_at_most <= 1:
            msg = (
                f"outcomes.revenue_cap = {self.revenue_cap} must be 0.5 to 1, and "
                f"outcomes.revenue_weight_at_most = {self.revenue_weight_at_most} above 0 and at most 1"
            )
            raise SettingsError(msg)

    @classmethod
    def from_settings(cls, settings: OutcomeSettings) -> OutcomeDefinition:
        """Take the definition from `Settings.outcomes`."""
        return cls(
            {str(name): weight for name, weight in settings.weights.items() if name != "deal"},
            settings.horizon_days, settings.best_share, settings.preset, settings.observed_from, settings.late_churn,
            settings.lost_deals, settings.revenue_cap, settings.revenue_weight_at_most, dict(settings.spellings),
        )  # fmt: skip

    @classmethod
    def of_stage(cls, preset: str, **changes: float) -> OutcomeDefinition:
        """Take the definition of a growth stage; `changes` weight, add or (with 0) drop an outcome.

        Examples
        --------
        >>> OutcomeDefinition.of_stage("growth", nps=0.5).weights["nps"]
        0.5
        """
        if preset not in PRESETS:
            msg = f"outcomes.preset = '{preset}': allowed are {', '.join(PRESETS)}"
            raise SettingsError(msg)
        return cls({**PRESETS[preset], **changes}, preset=preset)

    def label(self, frame: pd.DataFrame, as_of: date | None = None) -> OutcomeLabels:
        """Judge customers.

        Parameters
        ----------
        frame : pd.DataFrame
            Customers with canonical outcome columns (float64, boolean, datetime64, str), one row each.
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
        people = Population.read(frame, self.spellings, notes)
        deals = report_deals(frame, people)
        deals_judge = self.lost_deals == "worst" and bool(people.lost.any())
        if self.lost_deals == "worst" and not people.lost.any():
            notes.append("outcomes.lost_deals is worst, but no row of the table is a lost deal: it changes nothing.")
        columns = judged_columns(frame, people, self.weights, self.preset, notes, alone=deals_judge)
        horizon = self.horizon_days if columns else 0  # won or lost is known at once
        window = Window(as_of, horizon, self.observed_from, self.late_churn)
        facts = Facts.read(frame, people, window, notes)
        _note_repeats(frame, facts, notes)
        values = {
            name: sources_of(name, columns[name], frame, facts, horizon, self.revenue_cap, notes) for name in columns
        }
        binary = binary_source(values, facts)
        ranked = percentiles(values, facts, horizon, notes) if columns else {}
        weights = limited({name: self.weights[name] for name in ranked}, self.revenue_weight_at_most, notes)
        table = np.column_stack([*ranked.values()]) if ranked else np.empty((len(frame), 0))
        used = np.array(list(weights.values()), dtype=np.float64)
        moved: tuple[SensitivityRow, ...] = ()
        if not ranked:
            verdict = judge_deals(facts, people.won)
        elif binary is None:
            verdict = judge(table, used, facts, self.best_share, leaving_counts="retention" in ranked)
            moved = sensitivity(list(ranked), table, used, facts, self.best_share, verdict.best)
        else:
            verdict = judge_binary(table, binary, facts)
        kept = {name: columns[name] for name in ranked}
        status, counts = self._statuses(people, facts, verdict)
        self._note_counts(counts, verdict, facts, deals, notes, binary=binary is not None or not ranked)
        evidence = gather(frame, table, used, facts, kept, self.best_share, horizon)
        _note_revenue(evidence.top_five, kept, notes)
        index = frame.index
        grade = np.where(facts.lost, 0.0, verdict.grade) if deals_judge else verdict.grade
        return OutcomeLabels(
            status=pd.Series(status, index=index, name="status", dtype="str"),
            composite=pd.Series(verdict.composite, index=index, name="composite"),
            grade=pd.Series(grade, index=index, name="grade"),
            components=pd.DataFrame(dict(ranked), index=index),
            thresholds={"best_above": verdict.best_above, "worst_below": verdict.worst_below},
            counts=counts,
            columns=kept,
            definition_text=definition_text(
                kept, weights, facts, counts, window, best_share=self.best_share, preset=self.preset,
                binary=binary is not None, lost_deals=deals_judge,
            ),
            sensitivity=moved,
            binary=binary is not None or not ranked,
            notes=tuple(notes),
            weights=weights,
            deals=deals,
            evidence=evidence,
        )  # fmt: skip

    def _statuses(self, people: Population, facts: Facts, verdict: Verdict) -> tuple[np.ndarray, dict[str, int]]:
        """Status of each row, and how many have which."""
        judged = facts.mature & (facts.gone | ~np.isnan(verdict.composite) | verdict.best | verdict.worst)
        worst = verdict.worst | facts.lost if self.lost_deals == "worst" else verdict.worst
        conditions: list[tuple[str, Bools]] = [
            (BEST, verdict.best), (WORST, worst), (MIDDLE, judged), (LOST_DEAL, people.lost), (OPEN_DEAL, people.open),
            (NOT_CUSTOMER, people.not_customer), (BEFORE_WINDOW, facts.before_window),
            (TOO_YOUNG, facts.customer & ~facts.mature),
        ]  # fmt: skip
        status = np.select([c for _, c in conditions], [name for name, _ in conditions], UNJUDGED)
        counts = {name: int((status == name).sum()) for name in STATUSES}
        mature = counts[BEST] + counts[WORST] + counts[MIDDLE]
        outside = counts[LOST_DEAL] + counts[OPEN_DEAL] + counts[NOT_CUSTOMER]
        counts = {"rows": len(status), "customers": len(status) - outside, "mature": mature, **counts}
        counts["churned"] = int((facts.churned & judged).sum())
        counts["too_young_churned"] = int((facts.churned & facts.customer & ~facts.mature).sum())
        return status, counts

    def _note_counts(
        self,
        counts: Mapping[str, int],
        verdict: Verdict,
        facts: Facts,
        deals: DealReport | None,
        notes: list[str],
        *,
        binary: bool,
    ) -> None:
        if counts["churned"] == 0 and not binary:
            notes.append("No mature customer has churned: the worst are those with the lowest outcomes only.")
        mature = facts.mature & (facts.gone | ~np.isnan(verdict.composite))
        wanted = share_of(self.best_share, int(mature.sum()))
        tied = int((mature & (verdict.composite == verdict.best_above)).sum())
        if counts[BEST] + 0.2 * wanted < wanted <= counts[BEST] + tied:
            notes.append(
                f"Only {counts[BEST]:,} of the {wanted:,} best customers asked for stand out: {tied:,} tie at the "
                "boundary and are in the middle. A further outcome (NPS, expansion, revenue) would tell them apart."
            )
        if counts[UNJUDGED]:
            notes.append(f"{counts[UNJUDGED]:,} customers have none of the outcomes and are left out.")
        if counts[NOT_CUSTOMER]:
            notes.append(
                f"{counts[NOT_CUSTOMER]:,} rows are no customers by their status (prospects, trials): left out."
            )
        if deals:
            notes.append(deals.sentence)
            if self.lost_deals == "worst" and deals.lost:
                notes.append(WARNING)


def _note_repeats(frame: pd.DataFrame, facts: Facts, notes: list[str]) -> None:
    """Several deals or contracts of one account would each be judged as a customer: say so."""
    if "account_id" not in frame.columns:
        return
    ids = frame.loc[facts.customer, "account_id"].astype("object")
    counts = ids[ids.notna()].value_counts()
    twice = sorted(str(value) for value in counts.index[counts > 1])
    if twice:
        shown = ", ".join(f"'{value[:40]}'" for value in twice[:3])
        notes.append(
            f"{len(twice):,} accounts have several rows ({shown}), each judged as a customer of its "
            "own: give one row per "
            "account, as several contracts of one company are not several customers."
        )


def _note_revenue(top_five: Mapping[str, float], columns: Mapping[str, tuple[str, ...]], notes: list[str]) -> None:
    used = {c for read_from in columns.values() for c in read_from}
    for column, share in top_five.items():
        if column in used and share > 0.5:
            notes.append(
                f"Five accounts carry {share:.0%} of all {read(column)}: it is cut at its highest "
                "values and limited in "
                "weight, so that they don't define the ideal customer."
            )
