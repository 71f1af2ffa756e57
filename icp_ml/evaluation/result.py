"""What judging the model gives: metrics with intervals, beside baselines, and a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.baselines import FULL
from icp_ml.estimator.encoding import FloatArray
from icp_ml.evaluation.learning import LearningCurve
from icp_ml.evaluation.metrics import METRICS, UNKNOWN, Interval
from icp_ml.evaluation.recalibration import Recalibration
from icp_ml.evaluation.suspicious import SuspiciousLabels
from icp_ml.evaluation.tier_evidence import TierEvidence
from icp_ml.exceptions import ModelFormatError
from icp_ml.gate import Gate
from icp_ml.tiers import ValueEvidence

MODEL = "icp_ml"
GAIN_METRICS = ("auc", "log_loss", "log_loss_all", "rank_agreement")


@dataclass(frozen=True)
class LearnerResult:
    """One learner on the held-out customers.

    Attributes
    ----------
    name : str
        icp_ml, base_rate, size_industry_rule, ridge_logistic, lightgbm_defaults, full or score_in_use.
    label : str
        What a reader calls it.
    metrics : mapping of metric to Interval
    gains : mapping of metric to Interval
        icp_ml minus this learner on the same resamples: AUC above 0 and log-loss below 0 favour icp_ml.
    """

    name: str
    label: str
    metrics: Mapping[str, Interval]
    gains: Mapping[str, Interval] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"name": self.name, "label": self.label,
                "metrics": {k: v.to_list() for k, v in self.metrics.items()},
                "gains": {k: v.to_list() for k, v in self.gains.items()}}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LearnerResult:
        """Read what `to_dict` wrote."""
        metrics, gains = ({str(k): Interval.read(v) for k, v in data[name].items()} for name in ("metrics", "gains"))
        return cls(str(data["name"]), str(data["label"]), metrics, gains)


@dataclass(frozen=True)
class FrozenThreshold:
    """A cut-off set on the older customers' out-of-fold scores, and what it did among the newest.

    `wanted_share` of the older lie above it; `share` of the newest do, with `lift` over the newest's rate.
    """

    wanted_share: float
    fit_score: float
    share: float
    lift: float


@dataclass(frozen=True)
class BackTest:
    """Trained on the older customers, judged on the newest.

    Attributes
    ----------
    trained_until : str
        ISO date: the latest sign-up trained on.
    older, newest : mapping of status to customers
    learners : tuple of LearnerResult
    thresholds : tuple of FrozenThreshold
    tiers : tuple of dict
        Tier table of the newest, cut-offs from the older.
    """

    trained_until: str
    older: Mapping[str, int]
    newest: Mapping[str, int]
    learners: tuple[LearnerResult, ...]
    thresholds: tuple[FrozenThreshold, ...]
    tiers: tuple[Mapping[str, Any], ...]

    @property
    def auc(self) -> Interval:
        """AUC of the model, best against worst, among the newest customers."""
        return _of(self.learners, MODEL, "auc")

    def frame(self) -> pd.DataFrame:
        """Return one row per learner; see `Evaluation.frame`."""
        return _frame(self.learners)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "trained_until": self.trained_until,
            "older": dict(self.older),
            "newest": dict(self.newest),
            "learners": [learner.to_dict() for learner in self.learners],
            "thresholds": [{k: _number(v) for k, v in vars(t).items()} for t in self.thresholds],
            "tiers": [dict(row) for row in self.tiers],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BackTest:
        """Read what `to_dict` wrote."""
        names = ("wanted_share", "fit_score", "share", "lift")
        return cls(
            str(data["trained_until"]),
            {str(k): int(v) for k, v in data["older"].items()},
            {str(k): int(v) for k, v in data["newest"].items()},
            tuple(LearnerResult.from_dict(d) for d in data["learners"]),
            tuple(FrozenThreshold(*(_float(t[name]) for name in names)) for t in data["thresholds"]),
            tuple(dict(row) for row in data["tiers"]),
        )


@dataclass(frozen=True)
class Evaluation:
    """How good the model is on customers it has not seen, beside the baselines.

    Attributes
    ----------
    verdict_code : str
        no_signal, not_better_than_baselines, not_better_than_rule, better_than_rules_not_ridge or reliable.
    verdict : str
        The same in one or two sentences.
    cautions : tuple of str
    learners : tuple of LearnerResult
        icp_ml first. Metrics without a suffix are best against worst, `_all` best against all others;
        lift is P(best | top share) / P(best); rank_agreement is Spearman's correlation with the grades.
    counts : mapping of status to customers
    rule_fields : tuple of str
        The fields of the size-and-industry rule.
    backtest : BackTest or None
    backtest_reason : str
        Why there is no back-test.
    gate : Gate or None
    folds, repeats, resamples : int
    out_of_fold : ndarray of shape (n,)
        Calibrated log-odds of each customer, in the order given, mean over repeats; not saved.
    tiers : TierEvidence
        What each tier was worth, and where best and worst customers land.
    learning : LearningCurve or None
        How it does on fewer customers, and what more would bring; None where there are too few to tell.
    suspicious : SuspiciousLabels or None
        Labels that the fields contradict; only their counts are saved.
    recalibration : Recalibration or None
        What other calibrations would reach.
    value : ValueEvidence or None
        What customers of each tier and segment were worth; None where they carry no revenue.
    """

    verdict_code: str
    verdict: str
    cautions: tuple[str, ...]
    learners: tuple[LearnerResult, ...]
    counts: Mapping[str, int]
    rule_fields: tuple[str, ...]
    backtest: BackTest | None
    backtest_reason: str
    gate: Gate | None
    folds: int
    repeats: int
    resamples: int
    notes: tuple[str, ...] = ()
    out_of_fold: FloatArray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    tiers: TierEvidence = field(default_factory=lambda: TierEvidence(()))
    learning: LearningCurve | None = None
    suspicious: SuspiciousLabels | None = None
    recalibration: Recalibration | None = None
    value: ValueEvidence | None = None

    @property
    def gave_up(self) -> Interval:
        """AUC, best against worst, that being readable costs: the unconstrained learner's minus the model's."""
        return self.gain(FULL).negative()

    @property
    def findings(self) -> tuple[str, ...]:
        """What the diagnostics say, one sentence each."""
        said = [part.sentence for part in (self.learning, self.tiers, self.suspicious, self.recalibration) if part]
        return tuple(sentence for sentence in said if sentence)

    @property
    def rank_agreement(self) -> Interval:
        """Rank correlation of out-of-fold log-odds with the composite's percentile, over all mature customers."""
        return self.metric("rank_agreement")

    @property
    def auc(self) -> Interval:
        """AUC of the model, best against worst."""
        return self.metric("auc")

    @property
    def lift_10(self) -> Interval:
        """How many times the average rate of best customers the model's top tenth has."""
        return self.metric("lift_10")

    @property
    def better_than_simple(self) -> bool:
        """Whether the model does better than base rate, rule and score in use: a profile has something to say."""
        return self.verdict_code in ("better_than_rules_not_ridge", "reliable")

    def metric(self, name: str, learner: str = MODEL) -> Interval:
        """Return a learner's metric; NaN where it has none."""
        return _of(self.learners, learner, name)

    def gain(self, learner: str, name: str = "auc") -> Interval:
        """Return icp_ml minus a baseline; NaN where there is none."""
        found = next((entry for entry in self.learners if entry.name == learner), None)
        return UNKNOWN if found is None else found.gains.get(name, UNKNOWN)

    def frame(self) -> pd.DataFrame:
        """Return one row per learner: each metric with `_low` and `_high`, and icp_ml's gain over it."""
        return _frame(self.learners)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without rows of customers."""
        return {
            "verdict_code": self.verdict_code, "verdict": self.verdict, "cautions": list(self.cautions),
            "learners": [learner.to_dict() for learner in self.learners], "counts": dict(self.counts),
            "rule_fields": list(self.rule_fields), "backtest": self.backtest.to_dict() if self.backtest else None,
            "backtest_reason": self.backtest_reason, "gate": self.gate.to_dict() if self.gate else None,
            "folds": self.folds, "repeats": self.repeats, "resamples": self.resamples, "notes": list(self.notes),
            "gave_up": self.gave_up.to_list(), **self.tiers.to_dict(),
            "learning": self.learning.to_dict() if self.learning else None,
            "suspicious": self.suspicious.to_dict() if self.suspicious else None,
            "recalibration": self.recalibration.to_dict() if self.recalibration else None,
            "value": self.value.to_dict() if self.value else None,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluation:
        """Read what `to_dict` wrote; keys of others in the same file are left alone.

        Raises
        ------
        ModelFormatError
            A value is missing or of another type.
        """
        try:
            return cls(
                str(data["verdict_code"]), str(data["verdict"]), tuple(map(str, data["cautions"])),
                tuple(LearnerResult.from_dict(d) for d in data["learners"]),
                {str(k): int(v) for k, v in data["counts"].items()}, tuple(map(str, data["rule_fields"])),
                BackTest.from_dict(data["backtest"]) if data["backtest"] else None, str(data["backtest_reason"]),
                Gate.from_dict(data["gate"]) if data["gate"] else None,
                int(data["folds"]), int(data["repeats"]), int(data["resamples"]), tuple(map(str, data["notes"])),
                tiers=TierEvidence.from_dict(data),
                **{name: part.from_dict(data[name]) for name, part in _PARTS.items() if data.get(name)},
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ModelFormatError):
                raise
            msg = f"evaluation.json cannot be read ({error!r}); train again or restore the file"
            raise ModelFormatError(msg) from error


# Parts that models of before do not have.
_PARTS: Mapping[str, Any] = {
    "learning": LearningCurve, "suspicious": SuspiciousLabels, "recalibration": Recalibration, "value": ValueEvidence,
}  # fmt: skip


def _of(learners: tuple[LearnerResult, ...], learner: str, name: str) -> Interval:
    found = next((entry for entry in learners if entry.name == learner), None)
    return UNKNOWN if found is None else found.metrics.get(name, UNKNOWN)


def _frame(learners: tuple[LearnerResult, ...]) -> pd.DataFrame:
    rows = []
    for learner in learners:
        row: dict[str, Any] = {"learner": learner.name, "label": learner.label}
        for name in METRICS:
            row |= _columns(name, learner.metrics.get(name, UNKNOWN))
        for name in GAIN_METRICS:
            row |= _columns(f"gain_{name}", learner.gains.get(name, UNKNOWN))
        rows.append(row)
    return pd.DataFrame(rows)


def _columns(name: str, value: Interval) -> dict[str, float]:
    return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
