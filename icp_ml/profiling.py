"""From a fit and its customers to the profile: traits of all, what filters and what ranks, and each segment's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from icp_ml.accounts import Accounts
from icp_ml.accounts.quality import DataReport
from icp_ml.estimator.encoding import Codes
from icp_ml.estimator.fitting import FittedTables
from icp_ml.evaluation import Evaluation
from icp_ml.gate import Gate
from icp_ml.outcomes import OutcomeLabels
from icp_ml.outcomes.by_itself import outcomes_by_themselves
from icp_ml.profile import IdealCustomerProfile, ListAndCustomers, build_profile, sold_so_far
from icp_ml.segment_profiles import describe_segments
from icp_ml.settings import Settings
from icp_ml.training_data import TrainingData
from icp_ml.traits import GivenReasons, Trait, find_traits, given_reasons, growth_lines


@dataclass(frozen=True)
class Sources:
    """What is known of the customers: as they were read, labelled, prepared and judged."""

    accounts: Accounts
    labels: OutcomeLabels
    data: TrainingData
    report: DataReport


def derive_profile(
    fitted: FittedTables,
    codes: Codes,
    listed: Codes | None,
    known: Sources,
    evaluation: Evaluation,
    gate: Gate,
    settings: Settings,
) -> IdealCustomerProfile:
    """Return the profile of the customers, and of each segment.

    Parameters
    ----------
    fitted : FittedTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    listed : ndarray of shape (m, terms) or None
        Accounts of the list.
    known : Sources
    evaluation : Evaluation
    gate : Gate
        Where it is not passed no trait is looked for.
    settings : Settings
    """
    data, seed = known.data, settings.random_state
    traits: tuple[Trait, ...] = ()
    if gate.passed:
        traits = find_traits(
            fitted.tables,
            codes,
            data.status,
            grade=data.grade,
            seed=seed,
            market_codes=listed,
            wide=fitted.wide,
            outcomes=outcomes_by_themselves(known.accounts.frame, known.labels),
            reasons=_reasons(known.accounts, data),
            groups=data.groups,
        )
    names = tuple(term.name for term in fitted.tables.terms)
    profile = build_profile(
        traits,
        evidence={**_evidence(known.labels, evaluation, gate, fitted), **_growth(traits)},
        signal=gate.passed,
        reason=gate.sentence,
        list_coverage=_list_coverage(known.report),
        as_filter=settings.profile.filters,
        as_signal=settings.profile.signals,
        customers=ListAndCustomers(names, codes, data.status == "best", listed),
        sold=sold_so_far(fitted.tables, codes, data.status, listed),
    )
    parts = describe_segments(
        fitted,
        codes,
        data.status,
        grade=data.grade,
        groups=data.groups,
        seed=seed,
        market_codes=listed,
        signal=gate.passed,
    )
    return replace(profile, segments=parts)


def list_codes(fitted: FittedTables, accounts: Accounts, market: Accounts | None) -> Codes | None:
    """Code the list; a column read as another kind there (see `read_accounts(like=)`) counts as missing."""
    if market is None:
        return None
    table = market.table
    own = accounts.fields
    alike = [
        n for n in fitted.tables.fields if n in market.fields and n in own and market.fields[n].kind == own[n].kind
    ]
    columns = {n: table.column(n).combine_chunks() for n in alike}
    return fitted.tables.encode(columns, table.num_rows)


def _list_coverage(data_report: DataReport) -> dict[str, float] | None:
    return {c.field: c.coverage_market for c in data_report.columns} if data_report.market is not None else None


def _reasons(accounts: Accounts, data: TrainingData) -> tuple[GivenReasons, ...]:
    """Return what the customer file says of why customers left or objected."""
    headers = {column.field: column.header for column in accounts.report.columns}
    return given_reasons(data.table, headers, accounts.spellings)


def _growth(traits: tuple[Trait, ...]) -> dict[str, Any]:
    lines = growth_lines(traits)
    return {"growth": list(lines)} if lines else {}


def _evidence(labels: OutcomeLabels, evaluation: Evaluation, gate: Gate, fitted: FittedTables) -> dict[str, Any]:
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
        **({"adjusted_for": fitted.adjustment.labels} if fitted.adjustment.fields else {}),
    }
