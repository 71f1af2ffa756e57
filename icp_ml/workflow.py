"""train(): the whole story on one page, without reading or writing a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import PurePath
from typing import Any

import numpy as np
from scipy.special import expit

from icp_ml.accounts import Accounts
from icp_ml.accounts.matching import EnrichmentPlan, FoundCustomers, Matches
from icp_ml.accounts.quality import DataReport, check_usable, judge_columns
from icp_ml.customer_lists import CustomerLists, list_customers
from icp_ml.estimator.encoding import Codes
from icp_ml.estimator.fitting import FittedTables, fit_tables
from icp_ml.estimator.segment_tables import assign
from icp_ml.evaluation import Evaluation, evaluate
from icp_ml.evaluation.value import judge_value
from icp_ml.exceptions import SettingsError
from icp_ml.gate import Gate, permutation_gate
from icp_ml.market_weights import weigh_customers
from icp_ml.model import ICPModel
from icp_ml.outcomes import OutcomeDefinition, OutcomeLabels, check_enough
from icp_ml.outcomes.by_itself import outcomes_by_themselves
from icp_ml.outcomes.distribution import composite_distribution
from icp_ml.profile import IdealCustomerProfile, check_names
from icp_ml.profiling import Sources, derive_profile, list_codes
from icp_ml.progress import Progress, StageClock
from icp_ml.schema import Field
from icp_ml.scoring.lookalikes import MAX_CHURNED, make_reference
from icp_ml.scoring.supports import NEVER, Supports, fit_supports
from icp_ml.settings import Settings
from icp_ml.strategy.decisions import Decisions
from icp_ml.strategy.hypothesis import Hypothesis, read_hypothesis
from icp_ml.tiers import EVERY, LETTERS, TierCutoffs
from icp_ml.training_data import TrainingData, check_segments, prepare, undivided

# Shares of the time, for the progress bar.
WEIGHTS = {
    "label customers": 1,
    "judge columns": 3,
    "permutation test": 20,
    "evaluate": 60,
    "fit": 8,
    "find traits": 7,
    "set tiers": 1,
}
LIST_SAMPLE = 20_000  # accounts of the list that are put in tiers when training
TIER_C = LETTERS.index("C")


@dataclass(frozen=True)
class TrainingRun:
    """What training made, each part to be inspected by itself.

    Attributes
    ----------
    labels : OutcomeLabels
        best, worst, middle, too young; thresholds; sensitivity.
    data_report : DataReport
        Every column's verdict, with the reason.
    gate : Gate
        Whether outcomes can be told from the fields at all.
    evaluation : Evaluation
    model : ICPModel
    profile : IdealCustomerProfile
    seconds : dict of stage to seconds
    plan : EnrichmentPlan or None
        Where customers were looked up on a list: whether its values were trained on, and why.
    matches : Matches or None
        Which account of the list each customer is.
    customers : CustomerLists or None
        Every customer's fit beside its outcome, and who is worth a look.
    """

    labels: OutcomeLabels
    data_report: DataReport
    gate: Gate
    evaluation: Evaluation
    model: ICPModel
    profile: IdealCustomerProfile
    seconds: dict[str, float] = field(default_factory=dict)
    plan: EnrichmentPlan | None = None
    matches: Matches | None = None
    customers: CustomerLists | None = None


def train(
    accounts: Accounts,
    settings: Settings | None = None,
    market: Accounts | None = None,
    *,
    found: FoundCustomers | None = None,
    hypothesis: Hypothesis | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> TrainingRun:
    """Label customers, fit and judge the model, derive the profile.

    Parameters
    ----------
    accounts : Accounts
        Customers with their outcomes, from `read_accounts`.
    settings : Settings, optional
    market : Accounts, optional
        A list that will be scored: fields it lacks are not used, and traits state their share of it.
    found : FoundCustomers, optional
        The customers looked up on the list (`find_customers`): its values are trained on where the settings say so.
    hypothesis : Hypothesis, optional
        What was believed before; default: the file that `model.hypothesis` names, the only one that is read.
    n_jobs : int, optional
        Fits run at once; results do not depend on it.
    progress : callable, optional
        Called with a stage's name and the share of all work done.

    Raises
    ------
    InputError
        No outcome column, or account ids that occur twice.
    SettingsError
        A field cannot be adjusted for, segments cannot be cut as asked, weights are asked for without a list, or a
        filter, an override, a hypothesis or a new market names what is not there.
    TrainingRefused
        Too few best or worst customers, no usable field, or a list too different to weight customers by.
    """
    settings = settings or Settings()
    _check_supported(settings)
    accounts.check_unique_ids()
    clock = StageClock(WEIGHTS, progress)
    as_of = settings.as_of or accounts.as_of
    with clock.stage("label customers"):
        labels = OutcomeDefinition.from_settings(settings.outcomes).label(accounts.frame, as_of)
        check_enough(labels)
        plan = found.plan(labels.status.to_numpy(dtype=object), settings) if found else None
        accounts = plan.accounts if plan else accounts
    with clock.stage("judge columns"):
        data_report = judge_columns(
            accounts.table,
            accounts.fields,
            labels.status,
            market=market.table if market else None,
            settings=settings,
            as_of=as_of,
        )
        check_usable(data_report)
    data = prepare(accounts, labels, data_report, settings, as_of)
    decisions = _decisions(settings, hypothesis, accounts, as_of)
    data = undivided(data) if decisions.believed or decisions.overrides else data
    check_segments(data)
    weights = weigh_customers(data, accounts, market, settings)
    data = replace(data, weight=weights.weight if weights else None)
    common: dict[str, Any] = {"as_of": as_of, "seed": settings.random_state, "n_jobs": n_jobs, "params": data.params}
    with clock.stage("permutation test"):
        gate = permutation_gate(
            data.columns,
            data.specs,
            data.best,
            trains=data.judged,
            grade=data.grade,
            groups=data.groups,
            permutations=settings.evaluation.permutations,
            **common,
        )
    with clock.stage("evaluate"):
        evaluation = evaluate(
            data.columns,
            data.specs,
            data.status,
            grade=data.grade,
            ids=data.table.column("account_id").to_pylist(),
            weight=data.weight,
            groups=data.groups,
            signed_up=data.signed_up,
            current_score=data.current_score,
            folds=settings.evaluation.folds,
            repeats=settings.evaluation.repeats,
            gate=gate,
            progress=clock.within("evaluate"),
            **common,
        )
    with clock.stage("fit"):
        fitted = fit_tables(
            data.columns,
            data.specs,
            data.best,
            weight=data.weight,
            trains=data.judged,
            grade=data.grade,
            groups=data.groups,
            **common,
        )
    evaluation = replace(
        evaluation, notes=(*evaluation.notes, *fitted.adjustment.notes, *([weights.sentence] if weights else []))
    )
    fitted = decisions.in_codes(fitted, data)
    codes = fitted.tables.encode(data.columns, len(data.status), as_of)
    with clock.stage("find traits"):
        listed = list_codes(fitted, accounts, market)
        profile = derive_profile(
            fitted, codes, listed, Sources(accounts, labels, data, data_report), evaluation, gate, settings
        )
    with clock.stage("set tiers"):
        decided = decisions.applied(fitted, codes, data, data_report, evaluation, profile)
        fitted, profile = decided.fitted, decided.profile
        supports = fit_supports(fitted.tables, codes)
        evaluation = _with_list(decided.evaluation, fitted, supports, listed, data, settings.random_state)
        evaluation = _with_value(evaluation, fitted, codes, data, accounts, labels)
        model = _model(
            fitted,
            codes,
            supports,
            data,
            accounts,
            labels,
            data_report,
            evaluation,
            profile,
            settings,
            {
                **_looked_up(found, plan),
                **({"market_weights": weights.to_dict()} if weights else {}),
                **decided.reported,
            },
            decided.told,
            decisions.own_fields(accounts.fields),
        )
        customers = list_customers(model, accounts, labels, evaluation.out_of_fold, as_of)
    matches = found.matches if found else None
    return TrainingRun(labels, data_report, gate, evaluation, model, profile, clock.seconds, plan, matches, customers)


def _model(
    fitted: FittedTables,
    codes: Codes,
    supports: Supports,
    data: TrainingData,
    accounts: Accounts,
    labels: OutcomeLabels,
    data_report: DataReport,
    evaluation: Evaluation,
    profile: IdealCustomerProfile,
    settings: Settings,
    told: dict[str, Any],
    judged: dict[str, Any],
    own_fields: dict[str, Field],
) -> ICPModel:
    best = data.status == "best"
    cutoffs = _cutoffs(data)
    ids = data.table.column("account_id").to_pylist()
    salt = hashlib.sha256("\n".join(sorted(map(str, ids))).encode()).hexdigest()[:16]
    reference = make_reference(codes[best], [str(i) for i, b in zip(ids, best, strict=True) if b], salt)
    left = labels.is_churned[labels.is_mature]
    churned = make_reference(codes[left], [str(i) for i, b in zip(ids, left, strict=True) if b], salt, MAX_CHURNED)
    report: dict[str, Any] = {
        "labels": labels.to_dict(),
        "columns": data_report.to_dict(),
        "source": _source(accounts),
        "distribution": composite_distribution(labels),
        **told,
    }
    return ICPModel(
        fitted.tables,
        cutoffs,
        NEVER,
        reference,
        profile,
        {
            **evaluation.to_dict(),
            "rounds": fitted.rounds,
            "ridge_share": fitted.ridge_share,
            "grades": fitted.grades.to_dict(),
            "segments": fitted.division.to_dict(),
            **({"adjustment": fitted.adjustment.to_dict()} if fitted.adjustment.fields else {}),
            "calibration": {"slope": fitted.calibration.slope, "intercept": fitted.calibration.intercept},
            **judged,
        },
        report,
        settings,
        {name: accounts.fields.get(name) or own_fields[name] for name in fitted.tables.fields},
        fitted.boosters,
        {
            c.field: c.convention
            for c in accounts.report.columns
            if c.convention.to_dict() and c.field in fitted.tables.fields
        },
        fitted.ridge,
        (NEVER,) * len(fitted.tables.segments),
        supports.gaps,
        churned,
    )


def _cutoffs(data: TrainingData) -> TierCutoffs:
    """Return where tiers are cut: by the average customer's odds of being best."""
    return TierCutoffs.from_base_rate(float(np.average(data.best, weights=data.weight)))


def _with_list(
    evaluation: Evaluation,
    fitted: FittedTables,
    supports: Supports,
    listed: Codes | None,
    data: TrainingData,
    seed: int,
) -> Evaluation:
    """Add where a sample of the list lands in the tiers, as scoring puts it there: at most C outside support."""
    if listed is None or not len(listed):
        return evaluation
    some = listed[np.sort(np.random.default_rng([seed, 82]).permutation(len(listed))[:LIST_SAMPLE])]
    cutoffs = _cutoffs(data)
    tier = cutoffs.assign(100 * expit(fitted.tables.log_odds(some)))
    inside = supports.inside(some)
    return replace(evaluation, tiers=evaluation.tiers.with_market(np.where(inside, tier, np.maximum(tier, TIER_C))))


def _with_value(
    evaluation: Evaluation,
    fitted: FittedTables,
    codes: Codes,
    data: TrainingData,
    accounts: Accounts,
    labels: OutcomeLabels,
) -> Evaluation:
    """Add what customers of each tier and segment were worth."""
    rules = fitted.tables.rules
    names = np.array([*(rule.name for rule in rules), EVERY], dtype=object)
    value = judge_value(
        outcomes_by_themselves(accounts.frame, labels),
        _cutoffs(data).assign(100 * expit(evaluation.out_of_fold)),
        names[assign(rules, codes)],
        data.groups,
        resamples=evaluation.resamples,
        seed=0,
    )
    return replace(evaluation, value=value)


def _looked_up(found: FoundCustomers | None, plan: EnrichmentPlan | None) -> dict[str, Any]:
    """Return how customers were found on the list, and whether its values were trained on."""
    if found is None or plan is None:
        return {}
    return {"matching": found.matches.to_dict(), "enrichment": plan.to_dict()}


def _source(accounts: Accounts) -> dict[str, Any]:
    """Return how the customers were read, without their folder and without examples that name them."""
    source = accounts.report.to_dict()
    source["source"] = PurePath(source["source"]).name
    source["columns"] = [{**c, "examples": c["examples"] if c["role"] == "feature" else []} for c in source["columns"]]
    return source


def _check_supported(settings: Settings) -> None:
    """Say so where a setting of the design is not built yet, instead of ignoring it."""
    asked = {
        "tracking.log_examples": settings.tracking.log_examples,
    }
    for name, value in asked.items():
        if value:
            msg = f"{name} = {value!r}: not available in this version; remove it from the settings"
            raise SettingsError(msg)


def _decisions(settings: Settings, hypothesis: Hypothesis | None, accounts: Accounts, as_of: date | None) -> Decisions:
    """Return what people say beside the data, refusing names that nothing is called by."""
    features = {name for name, known in accounts.fields.items() if known.role == "feature"}
    for setting in ("filters", "signals"):
        named = getattr(settings.profile, setting)
        check_names([name for name in named if name.split("=")[0] not in features], features, f"profile.{setting}")
    if hypothesis is None and settings.model.hypothesis is not None:
        hypothesis = read_hypothesis(settings.model.hypothesis.file)
    return Decisions.read(settings, hypothesis, accounts.fields, as_of)
