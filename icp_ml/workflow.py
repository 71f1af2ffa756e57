"""train(): the whole story on one page, without reading or writing a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from icp_ml.accounts import Accounts
from icp_ml.accounts.matching import EnrichmentPlan, FoundCustomers, Matches, group_accounts
from icp_ml.accounts.normalise import CODE_SYSTEMS
from icp_ml.accounts.quality import DataReport, check_usable, judge_columns, without_own_product
from icp_ml.estimator.bins import without_rare
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import Codes, EncodedKind
from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_tables
from icp_ml.evaluation import Evaluation, evaluate
from icp_ml.exceptions import SettingsError
from icp_ml.gate import Gate, permutation_gate
from icp_ml.model import ICPModel
from icp_ml.outcomes import OutcomeDefinition, OutcomeLabels, check_enough
from icp_ml.outcomes.distribution import composite_distribution
from icp_ml.profile import IdealCustomerProfile, build_profile
from icp_ml.schema import NUMERIC_KINDS, Field
from icp_ml.scoring.lookalikes import fit_support, make_reference
from icp_ml.settings import Settings
from icp_ml.tiers import TierCutoffs, tier_table
from icp_ml.traits import find_traits

Progress = Callable[[str, float], None]
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
STAGES = tuple(WEIGHTS)


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


def train(
    accounts: Accounts,
    settings: Settings | None = None,
    market: Accounts | None = None,
    *,
    found: FoundCustomers | None = None,
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
    n_jobs : int, optional
        Fits run at once; results do not depend on it.
    progress : callable, optional
        Called with a stage's name and the share of all work done.

    Raises
    ------
    InputError
        No outcome column, or account ids that occur twice.
    TrainingRefused
        Too few best or worst customers, or no usable field.
    """
    settings = settings or Settings()
    _check_supported(settings)
    accounts.check_unique_ids()
    clock = _Clock(progress)
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
    mature = np.flatnonzero(labels.is_mature)
    table = without_own_product(accounts.table, settings.fields.own_product)[0].take(pa.array(mature))
    columns = {name: table.column(name).combine_chunks() for name in data_report.accepted}
    status = labels.status.to_numpy(dtype=object)[mature].astype(str)
    specs = _specs(accounts, data_report, as_of)
    params = FitParams(BoostingParams(bags=settings.model.bags), max_tokens=settings.model.max_tokens)
    texts = [spec.name for spec in specs if spec.form == "text"]
    columns |= {name: without_rare(columns[name], min_count=params.min_count) for name in texts}
    groups = group_accounts(table)
    common: dict[str, Any] = {"as_of": as_of, "seed": settings.random_state, "n_jobs": n_jobs}
    with clock.stage("permutation test"):
        judged = status != "middle"
        some = {name: array.filter(pa.array(judged)) for name, array in columns.items()}
        gate = permutation_gate(
            some,
            specs,
            (status[judged] == "best").astype(float),
            groups=groups[judged],
            params=params,
            permutations=settings.evaluation.permutations,
            **common,
        )
    with clock.stage("evaluate"):
        evaluation = evaluate(
            columns,
            specs,
            status,
            groups=groups,
            signed_up=_dates(table),
            current_score=_current(table),
            params=params,
            folds=settings.evaluation.folds,
            repeats=settings.evaluation.repeats,
            gate=gate,
            progress=clock.within("evaluate"),
            **common,
        )
    with clock.stage("fit"):
        fitted = fit_tables(
            columns,
            specs,
            (status == "best").astype(float),
            trains=status != "middle",
            groups=groups,
            params=params,
            **common,
        )
    codes = fitted.tables.encode(columns, len(status), as_of)
    with clock.stage("find traits"):
        listed = _list_codes(fitted, accounts, market)
        traits = (
            find_traits(fitted.tables, codes, status, seed=settings.random_state, market_codes=listed)
            if gate.passed
            else ()
        )
        profile = build_profile(
            traits,
            evidence=_evidence(labels, evaluation, gate),
            signal=gate.passed,
            reason=gate.sentence,
            list_coverage=_list_coverage(data_report),
            as_filter=settings.profile.filters,
            as_signal=settings.profile.signals,
        )
    with clock.stage("set tiers"):
        model = _model(
            fitted,
            codes,
            status,
            table,
            accounts,
            labels,
            data_report,
            evaluation,
            profile,
            settings,
            _looked_up(found, plan),
        )
    matches = found.matches if found else None
    return TrainingRun(labels, data_report, gate, evaluation, model, profile, clock.seconds, plan, matches)


def _model(
    fitted: FittedTables,
    codes: Codes,
    status: npt.NDArray[Any],
    table: pa.Table,
    accounts: Accounts,
    labels: OutcomeLabels,
    data_report: DataReport,
    evaluation: Evaluation,
    profile: IdealCustomerProfile,
    settings: Settings,
    looked_up: dict[str, Any],
) -> ICPModel:
    best = status == "best"
    cutoffs = TierCutoffs.from_base_rate(float(best.mean()))
    tiers = tier_table(100 * expit(evaluation.out_of_fold), best, cutoffs)
    ids = table.column("account_id").to_pylist()
    salt = hashlib.sha256("\n".join(sorted(map(str, ids))).encode()).hexdigest()[:16]
    reference = make_reference(codes[best], [str(i) for i, b in zip(ids, best, strict=True) if b], salt)
    report: dict[str, Any] = {
        "labels": labels.to_dict(),
        "columns": data_report.to_dict(),
        "source": _source(accounts),
        "distribution": composite_distribution(labels),
        **looked_up,
    }
    return ICPModel(
        fitted.tables,
        cutoffs,
        fit_support(fitted.tables, codes).threshold,
        reference,
        profile,
        {
            **evaluation.to_dict(),
            "tiers": list(tiers.rows),
            "rounds": fitted.rounds,
            "ridge_share": fitted.ridge_share,
            "calibration": {"slope": fitted.calibration.slope, "intercept": fitted.calibration.intercept},
        },
        report,
        settings,
        {name: accounts.fields[name] for name in fitted.tables.fields},
        fitted.boosters,
        {
            c.field: c.convention
            for c in accounts.report.columns
            if c.convention.to_dict() and c.field in fitted.tables.fields
        },
        fitted.ridge,
    )


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
        "fields.adjust_for": settings.fields.adjust_for,
        "model.emphasis": settings.model.emphasis,
        "profile.overrides": settings.profile.overrides,
        "scoring.winnability_column": settings.scoring.winnability_column,
        "tracking.log_examples": settings.tracking.log_examples,
    }
    for name, value in asked.items():
        if value:
            msg = f"{name} = {value!r}: not available in this version; remove it from the settings"
            raise SettingsError(msg)


def _form(field: Field, as_of: date | None) -> str:
    """Return how a field is read and worded: its kind, but years as ages and industry codes by their system."""
    if field.kind == "year" and as_of is not None:
        return "age"
    return CODE_SYSTEMS.get(field.name, field.kind) if field.kind == "category" else field.kind


def _specs(accounts: Accounts, data_report: DataReport, as_of: date | None) -> list[FieldSpec]:
    out = []
    for name in data_report.accepted:
        known = accounts.fields[name]
        kind: EncodedKind = "category"
        if known.kind in NUMERIC_KINDS or known.kind == "date":
            kind = "numeric"
        elif known.kind == "boolean":
            kind = "boolean"
        elif known.kind in ("token_set", "text"):
            kind = "tokens"
        out.append(
            FieldSpec(
                name,
                kind,
                _form(known, as_of),
                known.readable,
                known.category,
                accounts.spellings.get(name, {}),
                name in data_report.neutralise,
            )
        )
    return out


def _dates(table: pa.Table) -> npt.NDArray[Any] | None:
    return table.column("customer_since").to_numpy() if "customer_since" in table.column_names else None


def _current(table: pa.Table) -> npt.NDArray[np.float64] | None:
    if "current_score" not in table.column_names or not pa.types.is_floating(table.column("current_score").type):
        return None
    return np.asarray(table.column("current_score").to_numpy(), dtype=np.float64)


def _list_coverage(data_report: DataReport) -> dict[str, float] | None:
    return {c.field: c.coverage_market for c in data_report.columns} if data_report.market is not None else None


def _list_codes(fitted: FittedTables, accounts: Accounts, market: Accounts | None) -> Codes | None:
    """Code the list; a column read as another kind there (see `read_accounts(like=)`) counts as missing."""
    if market is None:
        return None
    table = market.table
    alike = [n for n in fitted.tables.fields if n in market.fields and market.fields[n].kind == accounts.fields[n].kind]
    columns = {n: table.column(n).combine_chunks() for n in alike}
    return fitted.tables.encode(columns, table.num_rows)


def _evidence(labels: OutcomeLabels, evaluation: Evaluation, gate: Gate) -> dict[str, Any]:
    mature = int(labels.is_mature.sum())
    best, worst = int(labels.is_best.sum()), int(labels.is_worst.sum())
    return {
        "mature": mature,
        "best": best,
        "worst": worst,
        "base_rate": best / mature,
        "p_value": gate.p_value,
        "verdict": evaluation.verdict,
        "verdict_code": evaluation.verdict_code,
    }


class _Clock:
    """Times the stages and says how far training is."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        self._say(name, 0.0)
        yield
        self.seconds[name] = time.perf_counter() - start
        self._say(name, 1.0)

    def within(self, name: str) -> Progress:
        return lambda _detail, share: self._say(name, share)

    def _say(self, name: str, share: float) -> None:
        if self.progress:
            done = sum(WEIGHTS[s] for s in STAGES[: STAGES.index(name)]) + share * WEIGHTS[name]
            self.progress(name, done / sum(WEIGHTS.values()))
